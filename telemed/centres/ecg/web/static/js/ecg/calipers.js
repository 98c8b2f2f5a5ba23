// Calipers: a span of time and voltage on the paper, moved by hand or by keys, and marched out over the whole strip.

import { t } from "../i18n.js";
import { COLOURS, segment } from "./paper.js";

/** @import { Context } from "./paper.js" */
/** @import { PaperView } from "./paper-view.js" */
/** @typedef {{x1: number, x2: number, y1: number, y2: number}} Span in mm of the sheet */
/** @typedef {"" | "x1" | "x2" | "both"} Edge */

const GRAB = 1.6; // mm around an edge that take hold of it
const LEAST = 0.4; // mm: a shorter drag is a click

export class Calipers {
  /** @param {PaperView} view */
  constructor(view) {
    this.view = view;
    /** @type {Span | null} */
    this.span = null;
    /** What the pointer has taken hold of. @type {{edge: Edge, x: number, y: number, was: Span | null} | null} */
    this.hold = null;
    this.marching = false;
    this.onchange = () => {};
    view.painters.push((context) => this.paint(context));
    const { overlay } = view;
    overlay.addEventListener("pointerdown", (event) => this.down(event));
    overlay.addEventListener("pointermove", (event) => this.moved(event));
    overlay.addEventListener("pointerup", () => this.up());
    overlay.addEventListener("pointercancel", () => this.up());
  }

  /** @param {PointerEvent} event */
  down(event) {
    if (event.button !== 0) return;
    this.view.overlay.setPointerCapture(event.pointerId);
    const { x, y } = this.view.under(event);
    this.hold = { edge: this.edgeAt(x, y), x, y, was: this.span && { ...this.span } };
  }

  /**
   * @param {number} x
   * @param {number} y
   * @returns {Edge}
   */
  edgeAt(x, y) {
    if (!this.span) return "";
    const { x1, x2 } = this.span;
    if (Math.abs(x - x1) < GRAB) return "x1";
    if (Math.abs(x - x2) < GRAB) return "x2";
    const [top, bottom] = [Math.min(this.span.y1, this.span.y2), Math.max(this.span.y1, this.span.y2)];
    return x > Math.min(x1, x2) && x < Math.max(x1, x2) && y > top - 6 && y < bottom + 6 ? "both" : "";
  }

  /** @param {PointerEvent} event */
  moved(event) {
    if (!this.view.sheet) return;
    const { x, y } = this.view.under(event);
    const { hold } = this;
    if (!hold) {
      const edge = this.edgeAt(x, y);
      this.view.overlay.style.cursor = edge === "both" ? "move" : edge ? "ew-resize" : "crosshair";
      return;
    }
    if (hold.edge === "") this.span = { x1: hold.x, x2: x, y1: hold.y, y2: y };
    else if (hold.edge === "both" && hold.was) {
      const { was } = hold;
      this.span = { x1: was.x1 + x - hold.x, x2: was.x2 + x - hold.x, y1: was.y1 + y - hold.y, y2: was.y2 + y - hold.y };
    } else if (this.span) this.span = { ...this.span, [hold.edge]: x };
    this.changed();
  }

  up() {
    const { hold, span } = this;
    const click = span !== null && Math.abs(span.x2 - span.x1) < LEAST && Math.abs(span.y2 - span.y1) < LEAST;
    if (hold?.edge === "" && click) this.span = hold.was;
    this.hold = null;
    this.changed();
  }

  /** By key: calipers a second wide in the middle of what is seen. */
  place() {
    const { view } = this;
    const middle = view.scroll.x + view.size.width / view.scale / 2;
    const y = view.scroll.y + view.size.height / view.scale / 2;
    const half = view.setting.speed / 2;
    this.span = { x1: middle - half, x2: middle + half, y1: y, y2: y - view.setting.gain };
    this.changed();
  }

  /**
   * Move by milliseconds: the whole, or its later edge alone.
   * @param {number} milliseconds
   * @param {boolean} [edge]
   */
  nudge(milliseconds, edge) {
    if (!this.span) return false;
    const by = (milliseconds / 1000) * this.view.setting.speed;
    this.span = { ...this.span, x2: this.span.x2 + by, x1: edge ? this.span.x1 : this.span.x1 + by };
    this.changed();
    return true;
  }

  march() {
    if (!this.span) this.place();
    this.marching = !this.marching;
    this.changed();
  }

  remove() {
    this.span = null;
    this.marching = false;
    this.changed();
  }

  changed() {
    this.view.drawOverlay();
    this.onchange();
  }

  /** {milliseconds, rate, millivolts} of the span, or null. */
  get value() {
    if (!this.span) return null;
    const { speed, gain } = this.view.setting;
    const milliseconds = (Math.abs(this.span.x2 - this.span.x1) / speed) * 1000;
    return { milliseconds, rate: milliseconds ? 60_000 / milliseconds : 0, millivolts: (this.span.y1 - this.span.y2) / gain };
  }

  get text() {
    const { value } = this;
    if (!value) return "";
    return t("{ms} ms   {rate}/min   {mv} mV", {
      ms: value.milliseconds.toFixed(0),
      rate: value.rate.toFixed(0),
      mv: value.millivolts.toFixed(2),
    });
  }

  /** @param {Context} context */
  paint(context) {
    if (!this.span || !this.view.sheet) return;
    const { view } = this;
    const { height, width, ratio } = view.size;
    const [x1, y1] = view.toPixel(this.span.x1, this.span.y1);
    const [x2, y2] = view.toPixel(this.span.x2, this.span.y2);
    if (this.marching && Math.abs(x2 - x1) > 3) {
      const step = Math.abs(x2 - x1);
      for (let x = Math.min(x1, x2) % step; x < width; x += step) segment(context, [x, 0], [x, height], COLOURS.march, ratio);
    }
    for (const x of [x1, x2]) segment(context, [x, 0], [x, height], COLOURS.caliper, 1.5 * ratio);
    segment(context, [x1, y1], [x2, y1], COLOURS.caliper, ratio);
    if (Math.abs(y2 - y1) > 2) segment(context, [x1, y2], [x2, y2], COLOURS.caliper, ratio);
    this.label(context, Math.max(x1, x2) + 6 * ratio, Math.min(y1, y2), ratio, width);
  }

  /**
   * @param {Context} context
   * @param {number} x
   * @param {number} y
   * @param {number} ratio
   * @param {number} width
   */
  label(context, x, y, ratio, width) {
    context.font = `600 ${13 * ratio}px system-ui, sans-serif`;
    const room = context.measureText(this.text).width + 12 * ratio;
    const left = Math.max(2, Math.min(x, width - room));
    const top = Math.max(20 * ratio, y);
    context.fillStyle = "rgb(255 255 255 / 92%)";
    context.fillRect(left, top - 17 * ratio, room, 22 * ratio);
    context.strokeStyle = COLOURS.caliper;
    context.lineWidth = ratio;
    context.strokeRect(left, top - 17 * ratio, room, 22 * ratio);
    context.fillStyle = COLOURS.caliper;
    context.fillText(this.text, left + 6 * ratio, top - 2 * ratio);
  }
}
