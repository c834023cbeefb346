"use strict";
// The page: shows what the state says, and gives the store what the reader says.
(() => {
  const at = (id) => document.getElementById(id);
  const viewer = new Viewer(at("stage"), at("paper"), at("picture"), at("mark"));
  let state = null, answer = null, shownAt = null, busy = false;

  function notice(text) {
    at("notice").hidden = !text;
    at("notice").textContent = text || "";
  }

  // Runs one step with the store; a second click or key meanwhile does nothing.
  async function step(task) {
    if (busy) return;
    busy = true; refresh();
    try {
      const told = await task();
      notice(told.notice);
      await show(told.state);
    } catch (error) {
      notice(error.message);
    } finally {
      busy = false; refresh();
    }
  }

  function fill(parent, entries, make) {
    parent.replaceChildren(...Object.entries(entries).map(([name, text]) => make(name, text)));
  }

  function tick(name, text) {
    const label = document.createElement("label"), box = document.createElement("input");
    box.type = "checkbox"; box.value = name;
    label.append(box, text);
    return label;
  }

  async function show(next) {
    state = next;
    const stage = state.stage === "practice" || state.stage === "reading" ? "trial" : state.stage;
    for (const name of ["code", "consent", "trial", "done"]) at(name).hidden = name !== stage;
    if (state.title) document.title = at("title").textContent = state.title;
    at("who").textContent = state.reader ? `Reader: ${state.reader}` : "";
    at("progress").textContent = "";
    at("files").hidden = !store.file || stage === "consent";
    if (stage === "code") at("token").focus();
    if (stage === "consent") showConsent();
    if (stage === "trial") await showTrial();
  }

  function showConsent() {
    at("count").textContent = state.pictures;
    at("practice-count").textContent = state.practice;
    at("practice-count").closest("li").hidden = !state.practice;
    at("share").textContent = state.share ? `Of the ${state.share.all}, ${state.share.real} are real.` : "";
    fill(at("role"), { "": "choose", ...state.roles }, (name, text) => new Option(text, name));
  }

  async function showTrial() {
    const practice = state.stage === "practice";
    at("progress").textContent = `${practice ? "Practice" : "Picture"} ${state.number} of ${state.of}`;
    if (!practice && state.number === 1 && at("notice").hidden) notice("From here on, the pictures count.");
    answer = { trial: state.trial, real: null, confidence: null };
    shownAt = null;
    fill(at("reasons"), state.reasons, tick);
    refresh();
    try {
      await viewer.show(store.picture(state.trial));
    } catch {
      throw new Error("The picture cannot be shown. Reload the page; if that does not help, tell the one who runs the study.");
    }
    shownAt = performance.now();
    at("stage").focus();
  }

  function press(button, on) { button.setAttribute("aria-pressed", String(on)); }

  function refresh() {
    at("trial").setAttribute("aria-busy", String(busy));
    if (!answer) return;
    press(at("real"), answer.real === true);
    press(at("synthetic"), answer.real === false);
    for (const button of at("confidence").children) press(button, answer.confidence === Number(button.value));
    press(at("region"), viewer.marking);
    at("unmark").disabled = !viewer.region;
    at("next").disabled = busy || shownAt === null || answer.real === null || answer.confidence === null;
  }

  function judge(real) { if (answer && !busy) { answer.real = real; refresh(); } }
  function rate(confidence) { if (answer && !busy) { answer.confidence = confidence; refresh(); } }

  function send() {
    if (at("next").disabled) return;
    const ticked = [...at("reasons").querySelectorAll("input:checked")].map((box) => box.value);
    const told = { ...answer, reasons: ticked, mark: viewer.region, response_ms: Math.round(performance.now() - shownAt) };
    step(() => store.answer(told));
  }

  function toggleRedFree() {
    const on = at("redfree").getAttribute("aria-pressed") !== "true";
    press(at("redfree"), on);
    viewer.setRedFree(on);
  }

  const KEYS = {
    r: () => judge(true), s: () => judge(false), g: toggleRedFree, f: () => viewer.fit(), 0: () => viewer.actual(),
    "+": () => viewer.zoom(1.25), "=": () => viewer.zoom(1.25), "-": () => viewer.zoom(0.8),
    m: () => viewer.setMarking(!viewer.marking), Enter: send,
    ArrowLeft: () => viewer.move(40, 0), ArrowRight: () => viewer.move(-40, 0),
    ArrowUp: () => viewer.move(0, 40), ArrowDown: () => viewer.move(0, -40),
  };

  function key(event) {
    if (at("trial").hidden || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (name === "Enter" && at("next").disabled) return;
    const act = /^[1-5]$/.test(name) ? () => rate(Number(name)) : KEYS[name];
    if (!act) return;
    event.preventDefault();
    act();
  }

  function save() {
    const { name, text } = store.file();
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = name;
    link.click();
    URL.revokeObjectURL(link.href);
    at("saved").textContent = `Saved as "${name}". Send this file to the one who runs the study.`;
  }

  function on(id, act) { at(id).addEventListener("click", act); }

  for (let level = 1; level <= 5; level += 1) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", value: level, textContent: level });
    button.addEventListener("click", () => rate(level));
    at("confidence").append(button);
  }
  on("real", () => judge(true)); on("synthetic", () => judge(false));
  on("fit", () => viewer.fit()); on("actual", () => viewer.actual());
  on("closer", () => viewer.zoom(1.25)); on("farther", () => viewer.zoom(0.8));
  on("redfree", toggleRedFree); on("save", save);
  on("region", () => viewer.setMarking(!viewer.marking)); on("unmark", () => viewer.setMark(null));
  viewer.onmark = refresh;
  document.addEventListener("keydown", key);
  at("answer").addEventListener("submit", (event) => { event.preventDefault(); send(); });
  at("code-form").addEventListener("submit", (event) => {
    event.preventDefault();
    step(() => store.enter(at("token").value.trim()));
  });
  at("consent-form").addEventListener("submit", (event) => {
    event.preventDefault();
    step(() => store.consent({ agreed: at("agreed").checked, role: at("role").value, years: Number(at("years").value) }));
  });
  window.addEventListener("hashchange", () => step(() => store.begin()));
  window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  step(() => store.begin());
})();
