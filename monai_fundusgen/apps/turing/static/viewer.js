"use strict";
// A picture that can be zoomed, moved, seen without red, and marked with a rectangle.
// eslint-disable-next-line no-unused-vars
class Viewer {
  constructor(stage, paper, picture, mark) {
    Object.assign(this, { stage, paper, picture, markBox: mark });
    this.scale = 1; this.left = 0; this.top = 0; this.fitted = true;
    this.marking = false; this.region = null; this.drag = null;
    this.onmark = () => {};
    stage.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    stage.addEventListener("pointerdown", (event) => this.grasp(event));
    stage.addEventListener("pointermove", (event) => this.pull(event));
    for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, () => this.letGo());
    new ResizeObserver(() => { if (this.fitted) this.fit(); }).observe(stage);
  }

  // Shows a picture; resolves when it is on the screen, rejects when it cannot be read.
  async show(url) {
    this.setMarking(false); this.setMark(null);
    this.picture.classList.add("waiting");
    this.picture.src = url;
    await this.picture.decode();
    this.fit();
    this.picture.classList.remove("waiting");
    await new Promise((resolve) => requestAnimationFrame(resolve));
  }

  place() {
    this.paper.style.transform = `translate(${this.left}px, ${this.top}px) scale(${this.scale})`;
    this.markBox.style.borderWidth = `${3 / this.scale}px`;
  }

  centre(scale) {
    this.scale = scale;
    this.left = (this.stage.clientWidth - this.picture.naturalWidth * scale) / 2;
    this.top = (this.stage.clientHeight - this.picture.naturalHeight * scale) / 2;
    this.place();
  }

  fit() {
    const { naturalWidth: width, naturalHeight: height } = this.picture;
    if (!width || !this.stage.clientWidth) return;
    this.fitted = true;
    this.centre(Math.min(this.stage.clientWidth / width, this.stage.clientHeight / height));
  }

  // One pixel of the picture on one pixel of the screen.
  actual() { this.fitted = false; this.centre(1 / window.devicePixelRatio); }

  // Zooms about a point of the stage, by default its middle.
  zoom(factor, x = this.stage.clientWidth / 2, y = this.stage.clientHeight / 2) {
    const scale = Math.min(16, Math.max(0.1, this.scale * factor));
    this.left = x - ((x - this.left) * scale) / this.scale;
    this.top = y - ((y - this.top) * scale) / this.scale;
    this.scale = scale; this.fitted = false;
    this.place();
  }

  move(x, y) { this.left += x; this.top += y; this.fitted = false; this.place(); }

  wheel(event) {
    event.preventDefault();
    const box = this.stage.getBoundingClientRect();
    this.zoom(Math.exp(-Math.sign(event.deltaY) * 0.2), event.clientX - box.left, event.clientY - box.top);
  }

  // Position of the pointer in the picture, as shares of its sides.
  share(event) {
    const box = this.stage.getBoundingClientRect();
    const inside = (value) => Math.min(1, Math.max(0, value));
    return [
      inside((event.clientX - box.left - this.left) / this.scale / this.picture.naturalWidth),
      inside((event.clientY - box.top - this.top) / this.scale / this.picture.naturalHeight),
    ];
  }

  grasp(event) {
    if (event.button !== 0) return;
    this.stage.setPointerCapture(event.pointerId);
    this.drag = { x: event.clientX, y: event.clientY, from: this.share(event) };
  }

  pull(event) {
    if (!this.drag) return;
    if (!this.marking) {
      this.move(event.clientX - this.drag.x, event.clientY - this.drag.y);
      Object.assign(this.drag, { x: event.clientX, y: event.clientY });
      return;
    }
    const [x0, y0] = this.drag.from, [x1, y1] = this.share(event);
    const region = [Math.min(x0, x1), Math.min(y0, y1), Math.max(x0, x1), Math.max(y0, y1)];
    if (region[2] - region[0] > 0.005 && region[3] - region[1] > 0.005) this.setMark(region);
  }

  letGo() {
    if (this.drag && this.marking && this.region) this.setMarking(false);
    this.drag = null;
  }

  setMarking(marking) {
    this.marking = marking;
    this.stage.classList.toggle("marking", marking);
    this.onmark();
  }

  setMark(region) {
    this.region = region;
    this.markBox.hidden = !region;
    if (region) {
      const { naturalWidth: width, naturalHeight: height } = this.picture;
      Object.assign(this.markBox.style, {
        left: `${region[0] * width}px`, top: `${region[1] * height}px`,
        width: `${(region[2] - region[0]) * width}px`, height: `${(region[3] - region[1]) * height}px`,
      });
    }
    this.onmark();
  }

  setRedFree(on) { this.picture.style.filter = on ? 'url("#red-free")' : ""; }
}
