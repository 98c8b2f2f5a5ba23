// What the pointer does in a pane. Left button: the chosen tool. Right: zoom. Middle, or with Shift: move. Wheel: scroll.

import { aimedAt } from "../element.js";
import { t } from "../i18n.js";
import { POINTS } from "./measure.js";
import { measurementAt } from "./measure-drawing.js";

/** @import { Kind, Measurement, Point } from "./measure.js" */
/** @import { Pane } from "./pane.js" */
/** @import { Viewer } from "./viewer.js" */
/** @import { GreyWindow } from "./window.js" */
/** @typedef {(dx: number, dy: number) => void} Drag what a drag by so many pixels does */
/** @typedef {{x: number, y: number, run?: Drag, tool: Tool, measurement?: undefined} | {measurement: (to: Point) => void, tool?: undefined}} Held */
/** @typedef {"window" | "scroll" | "pan" | "zoom" | Kind} Tool */

/**
 * @param {string} tool
 * @returns {tool is Kind}
 */
function measures(tool) {
  return tool in POINTS;
}

/** @type {{name: Tool, key: string, icon: string, label: string}[]} */
export const TOOLS = [
  { name: "window", key: "v", icon: "contrast-2", label: t("Window") },
  { name: "scroll", key: "j", icon: "box-multiple", label: t("Scroll by dragging") },
  { name: "pan", key: "m", icon: "arrows-move", label: t("Move") },
  { name: "zoom", key: "q", icon: "zoom-in", label: t("Zoom") },
  { name: "length", key: "l", icon: "ruler-measure", label: t("Length") },
  { name: "angle", key: "a", icon: "angle", label: t("Angle") },
  { name: "ellipse", key: "e", icon: "circle", label: t("Region (mean)") },
];

const PIXELS_PER_SLICE = 6; // of dragging

/**
 * Window from a drag: right widens, down darkens; the farther the window, the coarser the step.
 * @param {Pane} pane
 * @param {GreyWindow} start
 * @param {number} dx
 * @param {number} dy
 * @param {boolean} coarse
 */
function dragWindow(pane, start, dx, dy, coarse) {
  const step = Math.max(start.width, 50) / 400;
  pane.setWindow({ ...start, shape: "LINEAR", center: start.center + dy * step, width: Math.max(1, start.width + dx * step) }, { coarse });
}

/**
 * @param {Tool} tool
 * @param {Pane} pane
 * @param {number} x
 * @param {number} y
 */
function dragOf(tool, pane, x, y) {
  const start = { window: pane.currentWindow(), panX: pane.panX, panY: pane.panY, index: pane.index, zoom: pane.zoom };
  let before = 0;
  /** @type {Partial<Record<Tool, Drag>>} */
  const drags = {
    window: (dx, dy) => dragWindow(pane, start.window, dx, dy, true),
    pan: (dx, dy) => pane.change({ panX: start.panX + dx, panY: start.panY + dy }),
    zoom: (_, dy) => {
      pane.zoomAt(1.01 ** (before - dy), x, y);
      before = dy;
    },
    scroll: (_, dy) => pane.goTo(start.index + Math.round(dy / PIXELS_PER_SLICE)),
  };
  return drags[tool];
}

export class PaneTools {
  /**
   * @param {Viewer} viewer
   * @param {Pane} pane
   */
  constructor(viewer, pane) {
    this.viewer = viewer;
    this.pane = pane;
    /** What is held: a tool at work, or a measurement that is moved. @type {Held | null} */
    this.drag = null;
    /** Parts of slices that the wheel has turned. */
    this.rest = 0;
    const { element } = pane;
    element.addEventListener("pointerdown", (event) => this.down(event));
    element.addEventListener("pointermove", (event) => this.move(event));
    element.addEventListener("pointerup", (event) => this.up(event));
    element.addEventListener("pointercancel", (event) => this.up(event));
    element.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    element.addEventListener("contextmenu", (event) => event.preventDefault());
    element.addEventListener("dblclick", () => {
      if (!measures(viewer.tool)) viewer.toggleSingle(pane);
    });
  }

  /** @param {MouseEvent} event */
  at(event) {
    const box = this.pane.element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  /** @param {PointerEvent} event */
  down(event) {
    const { pane, viewer } = this;
    viewer.activate(pane);
    if (!pane.slice || aimedAt(event, "button")) return;
    const { x, y } = this.at(event);
    pane.element.setPointerCapture(event.pointerId);
    /** @type {Tool} */
    const tool = event.button === 2 ? "zoom" : event.button === 1 || event.shiftKey ? "pan" : viewer.tool;
    if (event.button === 1) event.preventDefault();
    const held = event.button === 0 && !event.shiftKey && measurementAt(pane.matrix(), viewer.book.of(pane.slice), x, y);
    if (pane.unfinished) this.placePoint(x, y);
    else if (held) this.hold(held, x, y);
    else if (measures(tool)) this.beginMeasurement(tool, x, y);
    else {
      pane.change({ chosen: null });
      this.drag = { x: event.clientX, y: event.clientY, run: dragOf(tool, pane, x, y), tool };
    }
  }

  /**
   * @param {{measurement: Measurement, point: number}} held
   * @param {number} x
   * @param {number} y
   */
  hold({ measurement, point }, x, y) {
    const { pane } = this;
    const from = pane.toImage(x, y);
    const before = measurement.points.map((each) => ({ ...each }));
    pane.change({ chosen: measurement });
    this.drag = {
      measurement: (to) => {
        measurement.points = before.map((each, index) =>
          point < 0 || point === index ? { x: each.x + to.x - from.x, y: each.y + to.y - from.y } : each,
        );
        pane.invalidate();
      },
    };
  }

  /**
   * @param {Kind} kind
   * @param {number} x
   * @param {number} y
   */
  beginMeasurement(kind, x, y) {
    const start = this.pane.toImage(x, y);
    this.pane.change({ unfinished: { kind, points: [start, { ...start }] }, chosen: null });
  }

  /**
   * Points follow the pointer until they are set: by letting go after a drag, or by pressing again.
   * @param {number} x
   * @param {number} y
   */
  placePoint(x, y) {
    const { pane } = this;
    if (!pane.unfinished) return;
    const { kind, points } = pane.unfinished;
    points[points.length - 1] = pane.toImage(x, y);
    if (points.length < POINTS[kind]) points.push(pane.toImage(x, y));
    else this.finishMeasurement();
    pane.invalidate();
  }

  finishMeasurement() {
    const { pane, viewer } = this;
    if (!pane.slice || !pane.unfinished) return;
    viewer.book.add(pane.slice, pane.unfinished);
    pane.change({ chosen: pane.unfinished, unfinished: null });
  }

  /** @param {PointerEvent} event */
  move(event) {
    const { pane } = this;
    const { x, y } = this.at(event);
    if (pane.unfinished) {
      pane.unfinished.points[pane.unfinished.points.length - 1] = pane.toImage(x, y);
      pane.invalidate();
    } else if (this.drag?.measurement) this.drag.measurement(pane.toImage(x, y));
    else if (this.drag) this.drag.run?.(event.clientX - this.drag.x, event.clientY - this.drag.y);
  }

  /** @param {PointerEvent} event */
  up(event) {
    const { pane } = this;
    if (pane.unfinished) {
      const matrix = pane.matrix();
      const [a, b] = pane.unfinished.points.slice(-2).map((point) => matrix.transformPoint(new DOMPoint(point.x, point.y)));
      if (Math.hypot(a.x - b.x, a.y - b.y) > 4) this.placePoint(this.at(event).x, this.at(event).y);
    }
    if (this.drag?.tool === "window") pane.setWindow(pane.window, { preset: pane.preset });
    this.drag = null;
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    event.preventDefault();
    const { pane, viewer } = this;
    viewer.activate(pane);
    if (!pane.series) return;
    if (event.ctrlKey) {
      const { x, y } = this.at(event);
      pane.zoomAt(1.0015 ** -event.deltaY, x, y);
      return;
    }
    // A mouse wheel steps once per notch; a touchpad sends many small parts, gathered to whole slices.
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? event.deltaY / 3 : event.deltaY / 100;
    this.rest += Math.abs(lines) >= 0.5 ? Math.sign(lines) * Math.max(1, Math.round(Math.abs(lines))) : lines;
    const whole = Math.trunc(this.rest);
    this.rest -= whole;
    if (whole) pane.goTo(pane.index + whole);
  }
}
