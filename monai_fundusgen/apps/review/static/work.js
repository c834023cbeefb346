"use strict";
// The work on one photograph: opens it, saves every edit, notices when somebody else takes it.
// eslint-disable-next-line no-unused-vars
class Work {
  static BEAT_MS = 15000;
  static AGAIN_MS = 2500;

  // `page` is told what to show: opening(), saved(text, waiting), notice(text, ...buttons), state(told), editable(on), changed().
  constructor(stage, unsaved, review, page) {
    Object.assign(this, { stage, unsaved, review, page });
    this.told = null; this.map = null; this.mine = false;
    this.edits = 0; this.saved = 0; this.saving = null; this.order = 0;
    setInterval(() => this.beat(), Work.BEAT_MS);
    window.addEventListener("beforeunload", (event) => { if (this.pending()) event.preventDefault(); });
    window.addEventListener("pagehide", () => { if (this.told && this.mine) server.release(this.told.photograph); });
  }

  pending() { return this.mine && this.edits !== this.saved; }
  key(photograph = this.told.photograph) { return `${this.review} ${photograph}`; }

  static async packed(codes) {
    return new Response(new Blob([codes]).stream().pipeThrough(new CompressionStream("gzip"))).arrayBuffer();
  }

  static async unpacked(buffer) {
    const stream = new Blob([buffer]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }

  // ---- opening --------------------------------------------------------------------------------------------------

  async leave() {
    if (!this.told) return;
    await this.save();
    if (this.pending()) throw new Error("This photograph is not saved yet; the next one opens when it is.");
    if (this.mine) server.release(this.told.photograph);
    this.close();
  }

  close() {
    this.order += 1;
    this.told = this.map = null; this.mine = false;
    this.stage.clear();
    this.page.state(null);
    this.page.saved("");
  }

  async open(photograph, over = false) {
    const order = (this.order += 1), again = this.told !== null && this.told.photograph === photograph;
    this.page.saved("Opening ...", true);
    this.page.opening();
    try {
      const told = await server.open(photograph, over);
      const { buffer, revision } = await server.label(photograph, "current");
      if (order !== this.order) return;
      if (revision !== told.revision) { await this.open(photograph, over); return; }
      const map = new LabelMap(new Uint8Array(buffer), told.width, told.height, document.createElement("canvas"));
      await this.stage.show(server.picture(photograph), map, again);
      if (order !== this.order) return;
      Object.assign(this, { told, map, revision, edits: 0, saved: 0 });
      map.onedit = () => { this.edits += 1; this.page.changed(); this.save(); };
      this.hold(told);
      await this.bringBack();
      if (!this.pending()) this.page.saved(this.mine ? "All saved" : ""); // else the save tells
      this.findBranches();
    } catch (error) {
      if (order === this.order) this.close();
      throw error;
    }
  }

  // Whose photograph it is now.
  hold(told) {
    this.told = { ...this.told, ...told };
    this.mine = told.mine;
    this.stage.editable = this.mine;
    this.page.editable(this.mine);
    this.page.state(this.told);
    if (this.mine) return;
    const since = new Date(told.since).toLocaleTimeString();
    this.page.notice(`${told.holder} works on this photograph since ${since}, in another window. You can look at it.`,
      ["Take over", () => this.open(this.told.photograph, true)]);
  }

  // What this browser kept of an earlier window, because it had not reached the server.
  async bringBack() {
    const kept = await this.unsaved.get(this.key());
    if (!kept || !this.mine) return;
    const codes = await Work.unpacked(kept.body), at = new Date(kept.at).toLocaleString();
    if (codes.length !== this.map.codes.length || codes.every((code, pixel) => code === this.map.codes[pixel])) {
      await this.unsaved.remove(this.key());
      return;
    }
    if (kept.base === this.revision) {
      this.map.replace(codes);
      this.page.notice(`Changes of ${at} that had not reached the server are back. Undo takes them away.`);
      return;
    }
    this.page.notice(`This browser has changes of ${at} that were never saved; the label was changed by others since.`,
      ["Bring mine back", () => { this.map.replace(codes); }], ["Drop mine", () => this.unsaved.remove(this.key())]);
  }

  async findBranches() {
    const { told, map, edits } = this;
    if (!map || !map.stale || this.finding) return;
    this.finding = true;
    try {
      const { buffer, revision } = await server.branches(told.photograph);
      if (this.map === map && this.edits === edits && revision === this.revision) map.setBranches(buffer);
    } catch (error) {
      this.page.notice(`Branches cannot be found: ${error.message} The brush works.`);
    } finally {
      this.finding = false;
    }
    this.page.changed();
    if (this.map && this.map.stale && this.edits === this.saved && this.edits !== edits) this.findBranches();
  }

  // ---- saving ---------------------------------------------------------------------------------------------------

  save() {
    if (this.map && this.mine && !this.saving) {
      this.saving = this.saveAll().finally(() => { this.saving = null; });
    }
    return this.saving || Promise.resolve();
  }

  async saveAll() {
    clearTimeout(this.timer);
    const { map } = this;
    while (this.map === map && this.pending()) {
      this.page.saved("Saving ...", true);
      let { edits, body, kept } = await this.keep();
      let told;
      try {
        told = await server.save(this.told.photograph, this.revision, body);
      } catch (error) {
        // What was drawn while it was under way is kept before the page says so.
        while (this.map === map && edits !== this.edits) ({ edits, kept } = await this.keep());
        if (this.map === map) this.refused(error, kept);
        return;
      }
      if (this.map !== map) return;
      this.revision = told.revision;
      this.saved = edits;
      this.told = { ...this.told, ...told };
      if (!this.pending()) await this.unsaved.remove(this.key());
    }
    if (this.map !== map) return;
    this.page.saved("All saved");
    this.page.state(this.told);
    this.findBranches();
  }

  // Puts the label as it is now into this browser; `kept` tells whether the browser let it.
  async keep() {
    const { edits, revision: base } = this, key = this.key(), body = await Work.packed(this.map.codes);
    const kept = await this.unsaved.put(key, { body, base, at: Date.now() }).then(() => true, () => false);
    return { edits, body, kept };
  }

  refused(error, kept) {
    if (error.status === 409) { this.lose(error); return; }
    this.page.saved("Not saved", true);
    if (error.status === 401) {
      this.page.notice("The server does not know you any more. " + (kept
        ? "Your changes are kept in this browser; reload the page and enter again."
        : "Your changes are on this page alone; enter again in another tab, then draw on here."));
      return;
    }
    const where = kept ? "are kept in this browser and on this page" : "are on this page alone, which must stay open";
    this.page.notice(`${error.message} Your changes ${where}; saving goes on by itself.`);
    this.timer = setTimeout(() => this.save().then(() => { if (!this.pending()) this.page.notice(""); }), Work.AGAIN_MS);
  }

  // Somebody else saved this photograph, or has it now.
  lose(error) {
    const pending = this.pending();
    this.mine = this.stage.editable = false;
    this.page.editable(false);
    this.page.saved(pending ? "Not saved" : "", pending);
    if (!pending) {
      this.page.notice(error.message, ["Take over", () => this.open(this.told.photograph, true)], ["See the other version", () => this.giveWay()]);
      return;
    }
    this.page.notice(`${error.message} Nothing is lost: a version that is replaced stays in the folder "kept".`,
      ["Take over with my version", () => this.insist()], ["See the other version", () => this.giveWay()]);
  }

  async insist() {
    const told = await server.open(this.told.photograph, true);
    this.revision = told.revision;
    this.hold(told);
    this.page.notice("");
    await this.save();
  }

  async giveWay() {
    await this.unsaved.remove(this.key());
    await this.open(this.told.photograph);
  }

  async finish() {
    await this.save();
    if (!this.mine || this.pending()) return;
    const { map, told: { photograph } } = this;
    try {
      const told = await server.finish(photograph, this.revision);
      if (this.map === map) this.hold({ ...told, mine: true });
    } catch (error) {
      if (error.status !== 409) throw error;
      this.lose(error);
    }
  }

  async beat() {
    const { map, told, mine } = this;
    if (!map) return;
    let now;
    try {
      now = await server.beat(told.photograph);
    } catch {
      return; // the next save tells
    }
    if (this.map !== map || this.mine !== mine) return;
    if (mine && !now.mine) this.lose(new Error(`${now.holder} took this photograph over.`));
    else if (!mine && now.mine && this.edits === this.saved) {
      await this.open(told.photograph);
      this.page.notice("The photograph is free: it is yours now.");
    }
  }
}
