"use strict";
// The server that gave this page.
// eslint-disable-next-line no-unused-vars
const server = (() => {
  // Random name of this page: of two pages, one at a time works on a photograph.
  const page = [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

  class Refused extends Error {
    constructor(message, status, told = {}) { super(message); Object.assign(this, { status, told }); }
  }

  async function ask(path, body, type = "application/json") {
    const options = { cache: "no-store", credentials: "same-origin" };
    if (body !== undefined) Object.assign(options, { method: "POST", headers: { "content-type": type }, body });
    let response;
    try {
      response = await fetch(path, options);
    } catch {
      throw new Refused("The server does not answer.", 0);
    }
    if (response.ok) return response;
    const told = await response.json().catch(() => ({}));
    throw new Refused(told.error || `The server answers ${response.status}.`, response.status, told);
  }

  const told = async (path, content) => (await ask(path, content && JSON.stringify(content))).json();

  async function bytes(path) {
    const response = await ask(path);
    return { buffer: await response.arrayBuffer(), revision: Number(response.headers.get("x-revision")) };
  }

  return {
    page,
    state: () => told("api/state"),
    enter: (content) => told("api/enter", content),
    open: (photograph, over) => told("api/open", { photograph, page, over }),
    beat: (photograph) => told("api/beat", { photograph, page }),
    finish: (photograph, base) => told("api/final", { photograph, page, base }),
    save: async (photograph, base, body) => (await ask(`api/save/${photograph}?page=${page}&base=${base}`, body, "application/gzip")).json(),
    label: (photograph, which) => bytes(`labels/${photograph}/${which}`),
    branches: (photograph) => bytes(`branches/${photograph}`),
    picture: (photograph) => `photographs/${photograph}`,
    // Arrives even where the window is closed.
    release: (photograph) => navigator.sendBeacon("api/release", new Blob([JSON.stringify({ photograph, page })], { type: "application/json" })),
  };
})();
