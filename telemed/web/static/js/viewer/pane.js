// One pane: a slice of a series, drawn with its window, zoom and turn. Drawing happens at most once per screen refresh.

import { contextOf, el } from "../element.js";
import { Cine } from "./cine.js";
import { CornerTexts } from "./corner-texts.js";
import { fitScale, imageToScreen } from "./geometry.js";
import { drawMeasurement, drawShape } from "./measure-drawing.js";
import { ObjectView } from "./object-view.js";
import { problemParts } from "./pane-problem.js";
import { pixelTable, windowFromPixels } from "./window.js";

/** @import { Frame } from "./frames.js" */
/** @import { Measurement } from "./measure.js" */
/** @import { Instance, ObjectGroup, Series, Slice } from "./study.js" */
/** @import { PaneTools } from "./tools.js" */
/** @import { Viewer } from "./viewer.js" */
/** @import { GreyWindow } from "./window.js" */

const LARGE = 3_000_000; // pixels from which a window that is being dragged is drawn coarsely
const LATER = 120; // ms to wait before the server is asked to draw another window

export class Pane {
  // How it is shown: zoom and turn, the reader's own window, and the name of the preset that it came from.
  zoom = 1;
  panX = 0;
  panY = 0;
  rotation = 0;
  flipped = false;
  inverted = false;
  /** @type {GreyWindow | null} */
  window = null;
  coarse = false;
  preset = "";

  /** @param {Viewer} viewer */
  constructor(viewer) {
    this.viewer = viewer;
    /** @type {PaneTools | undefined} */
    this.tools = undefined;
    this.cine = new Cine(this);
    this.canvas = el("canvas", { class: "pane-picture" });
    this.layer = el("canvas", { class: "pane-marks" });
    this.corners = new CornerTexts();
    this.problem = el("div", { class: "pane-problem", hidden: true });
    this.element = el("div", { class: "pane", tabindex: "-1" }, this.canvas, this.layer, this.corners.element, this.problem);
    this.picture = document.createElement("canvas"); // the image in its own pixels
    /** @type {Series | null} */
    this.series = null;
    this.index = 0;
    /** What is shown in place of a picture. @type {ObjectView | null} */
    this.objects = null;
    /** What `picture` holds now. @type {{frame?: Frame, slice?: Slice, look?: string, rendered?: boolean}} */
    this.drawn = {};
    /** The measurement that is being made, and the one that was taken hold of. @type {Measurement | null} */
    this.unfinished = null;
    /** @type {Measurement | null} */
    this.chosen = null;
    /** @type {number | null} */
    this.waiting = null;
    /** @type {number | undefined} */
    this.prefetching = undefined;
    /** @type {number | undefined} */
    this.asking = undefined;
    /** @type {ImageData | null} */
    this.image = null;
    this.words = new Uint32Array();
    new ResizeObserver(() => this.invalidate()).observe(this.element);
  }

  reset() {
    Object.assign(this, {
      zoom: 1,
      panX: 0,
      panY: 0,
      rotation: 0,
      flipped: false,
      inverted: false,
      window: null,
      coarse: false,
      preset: "",
    });
  }

  get slice() {
    return this.series?.slices[this.index] ?? null;
  }

  get frame() {
    return this.slice ? this.viewer.store.peek(this.slice, this.slice.instance.isRaw ? null : this.window) : null;
  }

  /**
   * Show a series; the middle of a stack says more than its first slice.
   * @param {Series} series
   * @param {number} index
   */
  show(series, index = Math.floor((series.slices.length - 1) / 2)) {
    this.closeObjects();
    this.series = series;
    this.reset();
    this.index = -1;
    this.goTo(index);
  }

  /**
   * Show what is no picture: a report, a document, a video.
   * @param {ObjectGroup} group
   */
  showObjects(group) {
    this.closeObjects();
    this.series = null;
    this.reset();
    this.problem.hidden = true;
    this.objects = new ObjectView(group, () => this.viewer.activate(this));
    this.element.append(this.objects.element);
    this.invalidate();
  }

  closeObjects() {
    this.objects?.close();
    this.objects = null;
  }

  /** The entry of the strip that is shown. */
  get entry() {
    return this.objects?.group ?? this.series;
  }

  /**
   * The series has more slices than before: stay on the one that was shown.
   * @param {string | undefined} key
   */
  regrown(key) {
    const slices = this.series?.slices ?? [];
    const at = slices.findIndex((slice) => slice.key === key);
    this.index = at >= 0 ? at : Math.min(this.index, slices.length - 1);
    this.load();
  }

  /** @param {number} index */
  goTo(index) {
    if (!this.series) return;
    const next = Math.min(Math.max(index, 0), this.series.slices.length - 1);
    if (next === this.index) return;
    this.index = next;
    this.load();
    this.viewer.paneMoved(this);
  }

  /** By so many images; a text moves. @param {number} by */
  scroll(by) {
    if (this.objects) this.objects.scroll(by);
    else this.goTo(this.index + by);
  }

  /** Play a stack or a video, or let it rest. */
  togglePlay() {
    if (this.objects) this.objects.togglePlay();
    else this.cine.toggle();
  }

  load() {
    const { slice } = this;
    if (!slice) return;
    const window = slice.instance.isRaw ? null : this.window;
    this.invalidate();
    this.viewer.store.get(slice, { window }).then(
      () => {
        if (this.slice === slice) {
          this.problem.hidden = true;
          this.invalidate();
        }
      },
      (error) => {
        if (this.slice === slice && !(error instanceof DOMException && error.name === "AbortError")) this.fail(error);
      },
    );
    this.prefetch();
  }

  prefetch() {
    clearTimeout(this.prefetching);
    this.prefetching = setTimeout(() => {
      const { slices } = this.series ?? { slices: [] };
      const near = slices.map((slice, index) => ({ slice, far: Math.abs(index - this.index) })).sort((a, b) => a.far - b.far);
      this.viewer.store.prefetch(near.map(({ slice }) => slice));
    }, 60);
  }

  /** @param {unknown} error */
  fail(error) {
    const again = () => {
      this.problem.hidden = true;
      this.load();
    };
    this.problem.replaceChildren(...problemParts(error, again));
    this.problem.hidden = false;
    this.drawn = {};
    this.invalidate();
  }

  // ---- window ----

  /**
   * The window in use: the reader's, the image's own, or one made from the pixels.
   * @returns {GreyWindow}
   */
  currentWindow() {
    if (this.window) return this.window;
    const { slice, frame } = this;
    const { center = null, width = null, shape } = slice ?? {};
    if (center !== null && width !== null && width > 0) return { center, width, shape };
    if (frame?.pixels && frame.table) {
      frame.ownWindow ??= windowFromPixels(frame.pixels, frame.table);
      return frame.ownWindow;
    }
    return { center: 128, width: 256, shape: "LINEAR" };
  }

  /**
   * @param {GreyWindow | null} window
   * @param {{coarse?: boolean, preset?: string}} options
   */
  setWindow(window, { coarse = false, preset = "" } = {}) {
    this.window = window && { ...window, width: Math.max(1, window.width) };
    this.coarse = coarse;
    this.preset = preset;
    this.invalidate();
    if (!this.slice || this.slice.instance.isRaw || !this.slice.instance.isGrey) return;
    clearTimeout(this.asking);
    this.asking = setTimeout(() => this.load(), LATER);
  }

  // ---- drawing ----

  invalidate() {
    this.waiting ??= requestAnimationFrame(() => {
      this.waiting = null;
      this.draw();
    });
  }

  /** The pane and the image in it, as geometry.js measures them. @param {Slice} slice */
  placed({ instance, aspect }) {
    const { width, height } = this.element.getBoundingClientRect();
    return { width, height, columns: instance.columns, rows: instance.rows, aspect, rotation: this.rotation };
  }

  matrix() {
    if (!this.slice) return new DOMMatrix();
    const { zoom, panX, panY, flipped } = this;
    return imageToScreen({ ...this.placed(this.slice), zoom, panX, panY, flipped });
  }

  /** Pixels of the screen that a pixel of the image takes across: 1 is true size, whatever the screen's density. */
  get magnification() {
    return this.slice ? fitScale(this.placed(this.slice)) * this.zoom * (window.devicePixelRatio || 1) : 1;
  }

  /** One pixel of the image on one of the screen, from its middle on. */
  showTruePixels() {
    if (this.slice) this.change({ zoom: this.zoom / this.magnification, panX: 0, panY: 0 });
  }

  /**
   * Where a point of the screen, relative to the pane, lies in the image.
   * @param {number} x
   * @param {number} y
   */
  toImage(x, y) {
    const point = this.matrix().inverse().transformPoint(new DOMPoint(x, y));
    return { x: point.x, y: point.y };
  }

  /** @param {HTMLCanvasElement} canvas */
  sizeTo(canvas) {
    const ratio = window.devicePixelRatio || 1;
    const width = Math.max(1, Math.round(this.element.clientWidth * ratio));
    const height = Math.max(1, Math.round(this.element.clientHeight * ratio));
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const context = contextOf(canvas);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, width, height);
    return { context, ratio };
  }

  draw() {
    const { context, ratio } = this.sizeTo(this.canvas);
    const frame = this.slice && this.frame;
    if (frame) this.paint(frame);
    // The same slice in the window before is better than nothing; another slice would be a lie.
    if (this.slice && (frame || this.drawn.slice === this.slice)) {
      const scale = this.picture.width / this.slice.instance.columns;
      context.setTransform(
        new DOMMatrix()
          .scale(ratio)
          .multiply(this.matrix())
          .scale(1 / scale),
      );
      context.imageSmoothingQuality = "high";
      context.imageSmoothingEnabled = Math.abs(this.magnification - 1) > 1e-6;
      if (this.inverted && this.drawn.rendered) context.filter = "invert(1)";
      context.drawImage(this.picture, 0, 0);
      context.filter = "none";
    }
    this.element.dataset.state = this.stateWith(frame);
    this.drawMarks(frame);
    this.corners.show(this);
  }

  /**
   * What the pane says of itself: empty, loading, failed, shown, or an object that is no image.
   * @param {Frame | null | undefined} frame
   */
  stateWith(frame) {
    if (this.objects) return "object";
    if (!this.slice) return "empty";
    if (frame) return "shown";
    return this.problem.hidden ? "loading" : "failed";
  }

  /**
   * Bring the image into `picture`, unless it is there already with this window.
   * @param {Frame} frame
   */
  paint(frame) {
    const { slice } = this;
    if (!slice) return;
    if (frame.bitmap) {
      if (this.drawn.frame === frame) return;
      Object.assign(this.picture, { width: frame.bitmap.width, height: frame.bitmap.height });
      contextOf(this.picture).drawImage(frame.bitmap, 0, 0);
      this.drawn = { frame, slice, rendered: true };
      return;
    }
    if (!frame.pixels || !frame.table) return;
    const window = this.currentWindow();
    const step = this.coarse ? Math.ceil(Math.sqrt(frame.pixels.length / LARGE)) : 1;
    const dark = this.inverted !== (slice.instance.photometric === "MONOCHROME1");
    const look = [window.center, window.width, window.shape, dark, step].join();
    if (this.drawn.frame === frame && this.drawn.look === look) return;
    this.paintPixels(frame.pixels, pixelTable(frame.table, window, dark), slice.instance, step);
    this.drawn = { frame, slice, look };
  }

  /**
   * @param {Uint8Array | Uint16Array} pixels
   * @param {Uint32Array} table
   * @param {Instance} instance
   * @param {number} step
   */
  paintPixels(pixels, table, { rows, columns }, step) {
    const width = Math.ceil(columns / step);
    const height = Math.ceil(rows / step);
    if (this.picture.width !== width || this.picture.height !== height) {
      Object.assign(this.picture, { width, height });
      this.image = null;
    }
    const context = contextOf(this.picture);
    if (!this.image || this.image.width !== width || this.image.height !== height) {
      this.image = context.createImageData(width, height);
      this.words = new Uint32Array(this.image.data.buffer);
    }
    const { image, words } = this;
    if (step === 1) for (let at = 0; at < words.length; at += 1) words[at] = table[pixels[at]];
    else {
      let at = 0;
      for (let row = 0; row < rows; row += step)
        for (let column = 0; column < columns; column += step) words[at++] = table[pixels[row * columns + column]];
    }
    context.putImageData(image, 0, 0);
  }

  /** @param {Frame | null} frame */
  drawMarks(frame) {
    const { context, ratio } = this.sizeTo(this.layer);
    if (!this.slice) return;
    context.scale(ratio, ratio);
    const matrix = this.matrix();
    if (this.viewer.marked) for (const shape of this.viewer.overlays[this.slice.instance.uid] ?? []) drawShape(context, matrix, shape);
    const all = [...this.viewer.book.of(this.slice), ...(this.unfinished ? [this.unfinished] : [])];
    for (const measurement of all) drawMeasurement(context, matrix, measurement, this.slice, frame, measurement === this.chosen);
  }

  // ---- turning and moving ----

  /** @param {Partial<Pane>} values */
  change(values) {
    Object.assign(this, values);
    this.invalidate();
  }

  /**
   * Zoom by a factor, keeping the image point under (x, y) where it is.
   * @param {number} factor
   * @param {number} x
   * @param {number} y
   */
  zoomAt(factor, x, y) {
    const zoom = Math.min(Math.max(this.zoom * factor, 0.1), 40);
    const real = zoom / this.zoom;
    const { width, height } = this.element.getBoundingClientRect();
    this.change({
      zoom,
      panX: (this.panX - (x - width / 2)) * real + (x - width / 2),
      panY: (this.panY - (y - height / 2)) * real + (y - height / 2),
    });
  }
}
