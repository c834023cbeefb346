"use strict";
// The page: list, tools, keys.
(() => {
  const at = (id) => document.getElementById(id);
  const WORDS = {
    code: ["Your code", "Enter the code of your invitation.", "Code"],
    name: ["Who are you?", "Your name is kept with the labels that you save.", "Name"],
  };
  const stage = new Stage(at("view"), at("ring")), unsaved = new Unsaved();
  let state = null, work = null, original = null;

  const press = (button, on) => button.setAttribute("aria-pressed", String(on));
  const pressed = (button) => button.getAttribute("aria-pressed") === "true";

  function notice(text, ...buttons) {
    at("notice").hidden = !text;
    at("notice-text").textContent = text || "";
    [at("notice-first"), at("notice-second")].forEach((button, place) => {
      const [words, act] = buttons[place] || [];
      button.hidden = !words;
      button.textContent = words || "";
      button.onclick = () => attempt(async () => { notice(""); await act(); });
    });
  }

  async function attempt(task) {
    try { await task(); } catch (error) {
      if (error.status === 401) await begin();
      notice(error.message);
    }
  }

  // ---- entering and the list ------------------------------------------------------------------------------------

  async function begin() {
    const code = decodeURIComponent(location.hash.slice(1)); // no browser sends it along
    if (code) {
      history.replaceState(null, "", location.pathname);
      await server.enter({ code }).catch((error) => notice(error.message));
    }
    show(await server.state());
  }

  function show(next) {
    state = next;
    at("enter").hidden = state.stage === "review";
    at("review").hidden = state.stage !== "review";
    if (state.stage !== "review") {
      ["enter-title", "enter-text", "enter-label"].forEach((id, place) => { at(id).textContent = WORDS[state.stage][place]; });
      at("told").value = "";
      at("told").focus();
      return;
    }
    document.title = at("title").textContent = `Review of ${state.title}`;
    at("who").textContent = state.reviewer;
    at("who").hidden = false;
    work ||= new Work(stage, unsaved, state.review, { opening, notice, saved, state: showState, editable, changed: refresh });
    showRows();
  }

  function showRows() {
    const wanted = at("filter").value, open = work.told && work.told.photograph;
    const rows = state.photographs.filter((row) => !wanted || row.state === wanted);
    at("count").textContent = `${state.photographs.filter((row) => row.state === "final").length} of ${state.photographs.length} final`;
    at("rows").replaceChildren(...rows.map((row) => {
      const item = document.createElement("li"), button = document.createElement("button"), told = document.createElement("small");
      item.className = { final: "final", "in work": "working" }[row.state] || "";
      told.textContent = row.state + (row.by ? `, ${row.by}` : "") + (row.at_work && row.at_work !== state.reviewer ? ` · open: ${row.at_work}` : "");
      button.append(row.name, told);
      button.type = "button"; button.dataset.photograph = row.id;
      button.setAttribute("aria-current", String(row.id === open));
      button.addEventListener("click", () => open_(row.id));
      item.append(button);
      return item;
    }));
  }

  const open_ = (photograph) => attempt(async () => {
    await work.leave();
    notice("");
    await work.open(photograph);
    at("rows").querySelector('[aria-current="true"]')?.scrollIntoView({ block: "nearest" });
  });

  function step(by) {
    const ids = [...at("rows").querySelectorAll("button")].map((button) => button.dataset.photograph);
    const place = ids.indexOf(work.told && work.told.photograph) + by;
    if (ids[place]) open_(ids[place]);
  }

  // ---- the photograph -------------------------------------------------------------------------------------------

  function opening() { original = null; press(at("before"), false); }

  function saved(text, waiting = false) {
    at("saved").textContent = text;
    at("saved").classList.toggle("waiting", waiting);
  }

  function showState(told) {
    at("empty").hidden = told !== null;
    const row = told && state.photographs.find((each) => each.id === told.photograph);
    if (row) Object.assign(row, { state: told.state, by: told.by, at: told.at, at_work: told.holder });
    at("state").textContent = !told ? "" : `${told.name}: ${told.state}${told.by ? `, ${told.by}, ${new Date(told.at).toLocaleString()}` : ""}`;
    showRows();
    refresh();
  }

  function editable(on) { at("edit").disabled = !on; refresh(); }

  function refresh() {
    const { map, mine } = work;
    at("final").disabled = !map || !mine || work.told.state === "final" && !work.pending();
    at("undo").disabled = !map || !map.done.length;
    at("redo").disabled = !map || !map.undone.length;
    at("restart").disabled = !map;
    at("stage").dataset.branches = map && !map.stale ? map.branches : "";
    for (const button of at("kinds").children) press(button, stage.tool === button.value);
    at("width-told").textContent = `${stage.brush} px`;
    at("width").value = stage.brush;
    stage.setOpacity(pressed(at("hide")) ? 0 : at("opacity").value / 100);
    stage.showRing();
  }

  function choose(tool) { stage.tool = tool; stage.light(); refresh(); }
  function widen(by) { stage.brush = Math.min(60, Math.max(1, stage.brush + by)); refresh(); }
  function turn(id) { press(at(id), !pressed(at(id))); refresh(); }

  async function readOriginal() {
    original ||= new Uint8Array((await server.label(work.told.photograph, "original")).buffer);
    return original;
  }

  // The label as it was, to look at; nothing can be changed meanwhile.
  const compare = () => attempt(async () => {
    if (!work.map) return;
    const on = !pressed(at("before"));
    if (on) {
      const codes = await readOriginal(), { map } = work, own = map.codes;
      map.light([]); map.codes = codes; map.drawAll(); map.codes = own;
    } else {
      work.map.drawAll();
    }
    stage.editable = !on && work.mine;
    press(at("before"), on);
    editable(stage.editable);
  });

  const restart = () => attempt(async () => { if (work.map && stage.editable) work.map.replace(await readOriginal()); });
  const finish = () => attempt(async () => { if (!at("final").disabled && stage.editable) { await work.finish(); await poll(); } });
  const undo = () => { if (stage.editable && work.map) work.map.undo(); };
  const redo = () => { if (stage.editable && work.map) work.map.redo(); };
  const redFree = () => { turn("redfree"); stage.setRedFree(pressed(at("redfree"))); };

  async function poll() {
    const next = await server.state().catch(() => null); // the next save tells that the server is gone
    if (next && next.stage === "review") { state = next; showRows(); }
  }

  // ---- keys and buttons -----------------------------------------------------------------------------------------

  const KEYS = {
    x: () => choose("branch"), a: () => choose("1"), v: () => choose("2"), c: () => choose("3"), u: () => choose("4"), e: () => choose("0"),
    "[": () => widen(-1), "]": () => widen(1), g: redFree, h: () => turn("hide"), o: compare, f: () => stage.fit(), 0: () => stage.actual(),
    "+": () => stage.zoom(1.25), "=": () => stage.zoom(1.25), "-": () => stage.zoom(0.8), n: () => step(1), p: () => step(-1), Enter: finish,
    ArrowLeft: () => stage.move(-60, 0), ArrowRight: () => stage.move(60, 0), ArrowUp: () => stage.move(0, -60), ArrowDown: () => stage.move(0, 60),
  };

  function key(event) {
    if (at("review").hidden || !work.map && !"np".includes(event.key) || event.altKey) return;
    const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const typing = event.target.matches("select, button") && name === "Enter" || event.target.matches("input[type=range]") && name.startsWith("Arrow");
    const act = event.ctrlKey || event.metaKey ? { z: event.shiftKey ? redo : undo, y: redo }[name] : KEYS[name];
    if (name === " ") { event.preventDefault(); stage.panning = true; stage.showRing(); return; }
    if (!act || typing) return;
    event.preventDefault();
    act();
  }

  const on = (id, act) => at(id).addEventListener("click", act);
  on("who", () => attempt(async () => { await work.leave(); show({ stage: state.asks_for }); }));
  on("fit", () => stage.fit()); on("actual", () => stage.actual());
  on("closer", () => stage.zoom(1.25)); on("farther", () => stage.zoom(0.8));
  on("redfree", redFree); on("hide", () => turn("hide")); on("before", compare);
  on("undo", undo); on("redo", redo); on("restart", restart); on("final", finish);
  on("next", () => step(1)); on("previous", () => step(-1));
  for (const button of at("kinds").children) button.addEventListener("click", () => choose(button.value));
  at("tools").addEventListener("click", (event) => { if (event.detail) document.activeElement.blur(); }); // Enter is Final again
  at("opacity").addEventListener("input", refresh);
  at("width").addEventListener("input", () => { stage.brush = Number(at("width").value); refresh(); });
  at("filter").addEventListener("change", showRows);
  at("enter-form").addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(async () => { await server.enter({ [state.stage]: at("told").value.trim() }); notice(""); show(await server.state()); });
  });
  document.addEventListener("keydown", key);
  document.addEventListener("keyup", (event) => { if (event.key === " ") { event.preventDefault(); stage.panning = false; stage.showRing(); } });
  window.addEventListener("hashchange", () => attempt(begin));
  setInterval(() => { if (state && state.stage === "review" && !document.hidden) poll(); }, 20000);
  attempt(begin);
})();
