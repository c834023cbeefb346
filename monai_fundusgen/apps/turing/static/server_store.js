"use strict";
// Keeps the answers at the server that gave this page.
const store = (() => {
  const SILENT = "The server does not answer. What you have entered stays on this page: try again in a moment.";

  async function ask(path, body) {
    const options = { cache: "no-store", credentials: "same-origin" };
    if (body !== undefined) {
      Object.assign(options, {
        method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
      });
    }
    let response;
    try {
      response = await fetch(path, options);
    } catch {
      throw new Error(SILENT);
    }
    const told = await response.json().catch(() => ({}));
    if (response.ok) return { state: told };
    if (told.state) return { state: told.state, notice: told.error };
    if (response.status === 401) return { state: { stage: "code" } };
    throw new Error(told.error || `The server answers ${response.status}. Try again in a moment.`);
  }

  const enter = (token) => ask("api/enter", { token });

  return {
    enter,
    // A link of an invitation has the code behind #, which no browser sends along; it does not stay in the address.
    begin() {
      const token = decodeURIComponent(location.hash.slice(1));
      if (!token) return ask("api/state");
      history.replaceState(null, "", location.pathname);
      return enter(token).catch((error) => ({ state: { stage: "code" }, notice: error.message }));
    },
    consent: (told) => ask("api/consent", told),
    answer: (answer) => ask("api/answer", answer),
    picture: (trial) => `pictures/${trial}`,
    file: null,
  };
})();
