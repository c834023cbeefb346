"use strict";
// A label map and its picture: brush, flips of branches, undo and redo.
// Codes: 0 background, 1 artery, 2 vein, 3 crossing, 4 vessel of unknown kind.
// eslint-disable-next-line no-unused-vars
class LabelMap {
  static COLOURS = [0, 0xff2828ff, 0xffff5a3c, 0xff5adc28, 0xffffffff]; // as little-endian RGBA
  static LIT = 0xff33e6ff;
  static BITS = [1, 2, 4]; // of artery, vein and unknown
  static MOST_EDITS = 300;

  constructor(codes, width, height, canvas) {
    Object.assign(this, { codes, width, height, canvas });
    Object.assign(canvas, { width, height });
    this.context = canvas.getContext("2d");
    this.done = []; this.undone = []; this.stroke = null; this.lit = null;
    this.forgetBranches();
    this.onedit = () => {};
    this.drawAll();
  }

  drawAll() { this.draw([0, 0, this.width, this.height]); }

  // Draws the pixels of a box [left, top, right, bottom], with those of some branches in another colour.
  draw([left, top, right, bottom], lit = []) {
    const width = right - left, image = this.context.createImageData(width, bottom - top);
    const out = new Uint32Array(image.data.buffer);
    for (let row = top, k = 0; row < bottom; row += 1) {
      for (let at = row * this.width + left, end = at + width; at < end; at += 1, k += 1) out[k] = LabelMap.COLOURS[this.codes[at]];
    }
    for (const branch of lit) {
      for (const at of this.pixels(branch)) out[(Math.floor(at / this.width) - top) * width + (at % this.width) - left] = LabelMap.LIT;
    }
    this.context.putImageData(image, left, top);
  }

  // Smallest box round some pixels.
  boxOf(pixels, box = [this.width, this.height, 0, 0]) {
    for (const at of pixels) {
      const row = Math.floor(at / this.width), column = at - row * this.width;
      if (column < box[0]) box[0] = column;
      if (row < box[1]) box[1] = row;
      if (column >= box[2]) box[2] = column + 1;
      if (row >= box[3]) box[3] = row + 1;
    }
    return box;
  }

  // ---- branches -------------------------------------------------------------------------------------------------

  forgetBranches() {
    this.branches = 0; this.known = Symbol("branches"); this.stale = true;
    this.number = [new Uint16Array(0), new Uint16Array(0)];
    this.light([]);
  }

  // Takes what the server found: a branch is the same through its crossings with vessels of the other kind.
  setBranches(buffer) {
    this.light([]);
    const count = new DataView(buffer).getUint32(0, true), area = this.width * this.height, head = 4 + 8 * count;
    const ends = new Int32Array(buffer.slice(4, head));
    const planes = new Uint16Array(buffer.slice(head));
    this.number = [planes.subarray(0, area), planes.subarray(area)];
    this.home = new Uint8Array(count + 1); this.kind = new Uint8Array(count + 1);
    this.starts = new Uint32Array(count + 2);
    for (const plane of this.number) for (let at = 0; at < area; at += 1) if (plane[at]) this.starts[plane[at] + 1] += 1;
    for (let branch = 1; branch < count + 2; branch += 1) this.starts[branch] += this.starts[branch - 1];
    const next = this.starts.slice();
    this.list = new Uint32Array(this.starts[count + 1]);
    this.number.forEach((plane, home) => {
      for (let at = 0; at < area; at += 1) {
        const branch = plane[at];
        if (!branch) continue;
        this.list[next[branch]] = at; next[branch] += 1;
        this.home[branch] = home;
        this.kind[branch] = this.codes[at] === 4 ? 2 : home;
      }
    });
    this.far = ends.filter((_, place) => place % 2);
    this.below = new Map();
    for (let branch = 1; branch <= count; branch += 1) {
      const near = ends[2 * branch - 2];
      if (near >= 0) this.below.set(near, [...(this.below.get(near) || []), branch]);
    }
    this.branches = count; this.known = Symbol("branches"); this.stale = false;
  }

  pixels(branch) { return this.list.subarray(this.starts[branch], this.starts[branch + 1]); }

  // The branch nearest to a place, within a distance in pixels; 0 is none.
  branchNear(x, y, reach) {
    if (!this.branches) return 0;
    let best = 0, least = reach * reach;
    const [left, right] = [Math.max(0, Math.floor(x - reach)), Math.min(this.width - 1, Math.ceil(x + reach))];
    const [top, bottom] = [Math.max(0, Math.floor(y - reach)), Math.min(this.height - 1, Math.ceil(y + reach))];
    for (let row = top; row <= bottom; row += 1) {
      for (let column = left; column <= right; column += 1) {
        const at = row * this.width + column, branch = this.number[0][at] || this.number[1][at];
        const away = (column + 0.5 - x) ** 2 + (row + 0.5 - y) ** 2;
        if (branch && away < least) [best, least] = [branch, away];
      }
    }
    return best;
  }

  // A branch and all beyond its end that is farther from the optic disc.
  downstream(branch) {
    const found = new Set([branch]);
    for (const each of found) for (const next of this.below.get(this.far[each - 1]) || []) found.add(next);
    return [...found];
  }

  // Shows some branches in another colour, and those shown before as they are.
  light(branches) {
    const key = branches.join();
    if ((this.lit ? this.lit.key : "") === key) return;
    if (this.lit) this.draw(this.lit.box);
    this.lit = null;
    if (!branches.length) return;
    const box = branches.reduce((sofar, branch) => this.boxOf(this.pixels(branch), sofar), undefined);
    this.draw(box, branches);
    this.lit = { key, box };
  }

  // Turns branches to the kind that the first of them is not.
  flip(branches) {
    this.light([]);
    const to = this.kind[branches[0]] === 0 ? 1 : 0, at = [], before = [], kinds = [];
    for (const branch of branches) {
      const home = this.home[branch], own = this.number[home], other = this.number[1 - home];
      if (this.kind[branch] === to) continue;
      kinds.push([branch, this.kind[branch], to]);
      this.kind[branch] = to;
      for (const pixel of this.pixels(branch)) {
        if (own[pixel] !== branch) continue; // painted over since
        const code = LabelMap.BITS[to] | (other[pixel] ? LabelMap.BITS[this.kind[other[pixel]]] : 0);
        if (code === this.codes[pixel]) continue;
        at.push(pixel); before.push(this.codes[pixel]);
        this.codes[pixel] = code;
      }
    }
    this.keep({ at, before, kinds });
  }

  // ---- brush ----------------------------------------------------------------------------------------------------

  beginStroke(code) { this.light([]); this.stroke = { code, at: [], before: [], first: [], second: [] }; }

  // Paints all pixels whose middle lies within a radius of the way between two places.
  strokeTo(x0, y0, x1, y1, radius) {
    const reach = Math.max(radius, 0.5), dx = x1 - x0, dy = y1 - y0, square = dx * dx + dy * dy || 1;
    const left = Math.max(0, Math.floor(Math.min(x0, x1) - reach)), right = Math.min(this.width - 1, Math.floor(Math.max(x0, x1) + reach));
    const top = Math.max(0, Math.floor(Math.min(y0, y1) - reach)), bottom = Math.min(this.height - 1, Math.floor(Math.max(y0, y1) + reach));
    for (let row = top; row <= bottom; row += 1) {
      for (let column = left; column <= right; column += 1) {
        const x = column + 0.5 - x0, y = row + 0.5 - y0;
        const along = Math.min(1, Math.max(0, (x * dx + y * dy) / square));
        if ((x - along * dx) ** 2 + (y - along * dy) ** 2 <= reach * reach) this.paint(row * this.width + column);
      }
    }
    if (right >= left && bottom >= top) this.draw([left, top, right + 1, bottom + 1]);
  }

  paint(pixel) {
    const { code, at, before, first, second } = this.stroke;
    if (this.codes[pixel] === code) return;
    at.push(pixel); before.push(this.codes[pixel]);
    first.push(this.number[0][pixel]); second.push(this.number[1][pixel]);
    this.codes[pixel] = code;
    if (this.branches) this.number[0][pixel] = this.number[1][pixel] = 0;
  }

  endStroke() {
    const { at, before, first, second } = this.stroke;
    this.stroke = null;
    this.keep({ at, before, numbers: [first, second] });
  }

  // Makes the whole map another one, as one edit.
  replace(codes) {
    const at = [], before = [];
    this.light([]);
    codes.forEach((code, pixel) => {
      if (code !== this.codes[pixel]) { at.push(pixel); before.push(this.codes[pixel]); this.codes[pixel] = code; }
    });
    this.keep({ at, before, whole: true });
  }

  // ---- undo and redo --------------------------------------------------------------------------------------------

  keep({ at, before, kinds = [], numbers = null, whole = false }) {
    if (!at.length) return;
    const pixels = Uint32Array.from(at), box = this.boxOf(pixels);
    const edit = {
      pixels, box, kinds, before: Uint8Array.from(before), after: Uint8Array.from(pixels, (pixel) => this.codes[pixel]),
      numbers: numbers && numbers.map((each) => Uint16Array.from(each)), known: this.known,
    };
    this.done.push(edit);
    if (this.done.length > LabelMap.MOST_EDITS) this.done.shift();
    this.undone = [];
    if (whole) this.forgetBranches();
    if (numbers) this.stale = true;
    this.draw(box);
    this.onedit();
  }

  undo() { this.apply(this.done, this.undone, false); }
  redo() { this.apply(this.undone, this.done, true); }

  apply(from, to, forward) {
    if (this.stroke || !from.length) return;
    this.light([]);
    const edit = from.pop(), codes = forward ? edit.after : edit.before;
    to.push(edit);
    edit.pixels.forEach((pixel, place) => { this.codes[pixel] = codes[place]; });
    if (edit.known === this.known) {
      for (const [branch, before, after] of edit.kinds) this.kind[branch] = forward ? after : before;
      if (edit.numbers && this.branches) {
        edit.pixels.forEach((pixel, place) => this.number.forEach((plane, home) => { plane[pixel] = forward ? 0 : edit.numbers[home][place]; }));
      }
    } else {
      this.forgetBranches(); // those that are known were found on another map
    }
    this.draw(edit.box);
    this.onedit();
  }
}
