"use strict";
// The photograph with its label over it: OpenSeadragon moves and zooms, the pointer flips and paints.
// eslint-disable-next-line no-unused-vars
class Stage {
  constructor(element, ring) {
    Object.assign(this, { element, ring });
    this.map = null; this.tool = "branch"; this.brush = 8; this.editable = false; this.panning = false; this.pointer = null;
    const still = { clickToZoom: false, dblClickToZoom: false };
    this.viewer = OpenSeadragon({
      element, drawer: "canvas", showNavigationControl: false, showNavigator: true, navigatorPosition: "BOTTOM_LEFT",
      navigatorSizeRatio: 0.16, animationTime: 0.25, springStiffness: 10, maxZoomPixelRatio: 16, minZoomImageRatio: 0.6,
      visibilityRatio: 0.3, zoomPerScroll: 1.25, gestureSettingsMouse: still, gestureSettingsPen: still,
      gestureSettingsTouch: { ...still, flickEnabled: false },
    });
    this.viewer.addHandler("canvas-key", (event) => { event.preventDefaultAction = true; });
    this.viewer.addHandler("canvas-press", (event) => this.press(event));
    this.viewer.addHandler("canvas-drag", (event) => this.drag(event));
    this.viewer.addHandler("canvas-drag-end", (event) => { if (this.brushing()) event.preventDefaultAction = true; });
    this.viewer.addHandler("canvas-release", () => this.lift());
    this.viewer.addHandler("canvas-click", (event) => this.click(event));
    for (const change of ["update-viewport", "resize"]) this.viewer.addHandler(change, () => this.showRing());
    element.addEventListener("pointermove", (event) => this.hover(event));
    element.addEventListener("pointerleave", () => { this.pointer = null; this.light(); this.showRing(); });
  }

  brushing() { return this.editable && this.tool !== "branch" && !this.panning; }

  // Shows a photograph and its label; resolves when both are on the screen.
  async show(url, map, keepView) {
    const view = keepView && this.map ? this.viewer.viewport.getBounds() : null, shown = Symbol(url);
    this.clear();
    this.shown = shown;
    await new Promise((resolve, reject) => {
      this.viewer.addOnceHandler("open", resolve);
      this.viewer.addOnceHandler("open-failed", () => reject(new Error("The photograph cannot be shown in this browser.")));
      this.viewer.open({ type: "image", url, crossOriginPolicy: false, buildPyramid: true });
    });
    await this.measure();
    if (this.shown !== shown) return; // another one was chosen meanwhile
    if (view) this.viewer.viewport.fitBounds(view, true); else this.viewer.viewport.goHome(true);
    this.map = map;
    map.canvas.className = "label";
    this.viewer.addOverlay({ element: map.canvas, location: new OpenSeadragon.Rect(0, 0, 1, map.height / map.width) });
    this.setRedFree(this.redFree); this.setOpacity(this.opacity);
    await new Promise((resolve) => requestAnimationFrame(resolve)); // after the viewer's own of this frame
  }

  // Tells the viewer the size of its element, which it knows from when the page was hidden or the window another one.
  async measure() {
    await new Promise((resolve) => {
      this.viewer.addOnceHandler("resize", resolve);
      this.viewer.forceResize();
    });
  }

  clear() {
    this.map = this.shown = null;
    this.viewer.clearOverlays();
    this.viewer.close();
  }

  // ---- view -----------------------------------------------------------------------------------------------------

  fit() { this.viewer.viewport.goHome(); }
  actual() { this.viewer.viewport.zoomTo(this.viewer.viewport.imageToViewportZoom(1 / window.devicePixelRatio)); }
  zoom(factor) { this.viewer.viewport.zoomBy(factor); this.viewer.viewport.applyConstraints(); }

  move(x, y) {
    this.viewer.viewport.panBy(this.viewer.viewport.deltaPointsFromPixels(new OpenSeadragon.Point(x, y)));
    this.viewer.viewport.applyConstraints();
  }

  setRedFree(on) {
    this.redFree = on;
    this.viewer.drawer.canvas.style.filter = on ? 'url("#red-free")' : "";
  }

  setOpacity(share) {
    this.opacity = share;
    if (this.map) this.map.canvas.style.opacity = share;
  }

  // Pixels of the screen for one of the photograph.
  scale() { return this.viewer.viewport.viewportToImageZoom(this.viewer.viewport.getZoom(true)); }

  // Place on the photograph, in its pixels, of a place on the stage.
  place(position) {
    const found = this.viewer.viewport.viewerElementToViewportCoordinates(position);
    return [found.x * this.map.width, found.y * this.map.width];
  }

  showRing() {
    if (!this.map) { this.ring.hidden = true; return; }
    this.map.canvas.classList.toggle("coarse", this.scale() >= 1);
    this.ring.hidden = !this.pointer || !this.brushing();
    if (this.ring.hidden) return;
    const size = Math.max(this.brush * this.scale(), 3);
    this.ring.style.width = this.ring.style.height = `${size}px`;
    this.ring.style.transform = `translate(${this.pointer.x - size / 2}px, ${this.pointer.y - size / 2}px)`;
  }

  // ---- pointer --------------------------------------------------------------------------------------------------

  hover(event) {
    const box = this.element.getBoundingClientRect();
    this.pointer = new OpenSeadragon.Point(event.clientX - box.left, event.clientY - box.top);
    this.deep = event.shiftKey;
    this.showRing();
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => { this.waiting = false; this.light(); });
  }

  // Branches that a click would flip.
  aimed(position, deep) {
    if (!this.map || !this.editable || this.tool !== "branch") return [];
    const [x, y] = this.place(position), branch = this.map.branchNear(x, y, Math.max(2, 14 / this.scale()));
    if (!branch) return [];
    return deep ? this.map.downstream(branch) : [branch];
  }

  light() { if (this.map && !this.map.stroke) this.map.light(this.pointer ? this.aimed(this.pointer, this.deep) : []); }

  press(event) {
    if (!this.map || !this.brushing()) return;
    this.last = this.place(event.position);
    this.map.beginStroke(Number(this.tool));
    this.map.strokeTo(...this.last, ...this.last, this.brush / 2);
  }

  drag(event) {
    if (!this.map || !this.map.stroke) return;
    event.preventDefaultAction = true;
    const next = this.place(event.position);
    this.map.strokeTo(...this.last, ...next, this.brush / 2);
    this.last = next;
  }

  lift() { if (this.map && this.map.stroke) this.map.endStroke(); }

  click(event) {
    event.preventDefaultAction = true;
    if (!event.quick || !this.map) return;
    const branches = this.aimed(event.position, event.originalEvent.shiftKey);
    if (branches.length) this.map.flip(branches);
  }
}
