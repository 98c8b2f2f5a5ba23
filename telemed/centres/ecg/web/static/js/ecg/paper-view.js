// The paper on the screen: a canvas that shows a part of the sheet, and one above it for what is measured.

import { el } from "../element.js";
import { filtered, median } from "./filters.js";
import { COLOURS, fit, grid, line, segment, trace } from "./paper.js";
import { makeSheet, pulse } from "./sheet.js";

/** @import { Context } from "./paper.js" */
/** @import { Sheet, Strip } from "./sheet.js" */
/** @import { Tracing } from "./tracing.js" */
/** @typedef {{layout: string, speed: number, gain: number, filter: string, zoom: number, lead: string}} Setting speed in mm/s, gain in mm/mV */

const BASE_SECONDS = 10; // what fits the width at 25 mm/s without zoom
const BASE_SPEED = 25;
const ZOOMS = [1, 1.25, 1.6, 2, 2.5, 3.2, 4, 5, 6.4, 8];

export class PaperView {
  constructor() {
    this.paper = el("canvas", { "aria-hidden": "true" });
    this.overlay = el("canvas", { class: "ecg-overlay", tabindex: "0", role: "img" });
    this.element = el("div", { class: "ecg-paper" }, this.paper, this.overlay);
    /** @type {Setting} */
    this.setting = { layout: "3x4", speed: 25, gain: 10, filter: "diagnostic", zoom: 1, lead: "" };
    this.scroll = { x: 0, y: 0 }; // mm
    /** What draws on the overlay. @type {((context: Context) => void)[]} */
    this.painters = [];
    /** Leads after the filter in use. @type {Map<string, Float32Array>} */
    this.shown = new Map();
    /** @type {Tracing | null} */
    this.tracing = null;
    /** Microvolts by lead. @type {Float32Array[]} */
    this.samples = [];
    /** @type {Sheet | null} */
    this.sheet = null;
    /** @type {number | null} */
    this.pending = null;
    this.size = fit(this.paper);
    new ResizeObserver(() => this.draw()).observe(this.element);
  }

  /** @param {Tracing} tracing */
  async show(tracing) {
    const samples = await tracing.whole();
    this.tracing = tracing;
    this.samples = samples;
    this.shown.clear();
    this.scroll = { x: 0, y: 0 };
    if (tracing.filters.every((each) => each.name !== this.setting.filter)) this.setting.filter = "none";
    this.overlay.setAttribute("aria-label", `${tracing.leads.join(" ")} ${tracing.duration.toFixed(0)} s`);
    this.draw();
  }

  /** @param {Partial<Setting>} setting */
  change(setting) {
    Object.assign(this.setting, setting);
    if ("filter" in setting) this.shown.clear();
    if ("lead" in setting || "layout" in setting) this.scroll = { x: "lead" in setting ? this.scroll.x : 0, y: 0 };
    this.draw();
  }

  /**
   * A step in or out; the middle of what is seen stays.
   * @param {number} by
   */
  zoom(by) {
    const at = ZOOMS.indexOf(this.setting.zoom);
    const next = by ? ZOOMS[Math.min(ZOOMS.length - 1, Math.max(0, at + by))] : 1;
    const factor = next / this.setting.zoom;
    const [half, high] = [this.size.width / this.scale / 2, this.size.height / this.scale / 2];
    this.setting.zoom = next;
    this.move(half * (1 - 1 / factor), high * (1 - 1 / factor));
  }

  /**
   * Scroll by millimetres.
   * @param {number} x
   * @param {number} y
   */
  move(x, y) {
    this.scroll.x += x;
    this.scroll.y += y;
    this.draw();
  }

  /**
   * The lead after the filter in use, with its middle on zero.
   * @param {string} name
   */
  lead(name) {
    const known = this.shown.get(name);
    if (known || !this.tracing) return known ?? new Float32Array();
    const samples = filtered(this.samples[this.tracing.leads.indexOf(name)], this.filter?.stages ?? [], this.tracing.rate);
    const middle = median(samples);
    const shown = samples.map((value) => value - middle);
    this.shown.set(name, shown);
    return shown;
  }

  get filter() {
    return this.tracing?.filters.find((each) => each.name === this.setting.filter);
  }

  /** Pixels of the device to the millimetre. */
  get scale() {
    const base = this.size.width / (BASE_SECONDS * BASE_SPEED + 8.5);
    return base * this.setting.zoom * (this.setting.lead ? 2 : 1);
  }

  draw() {
    if (!this.tracing || this.pending) return;
    this.pending = requestAnimationFrame(() => {
      this.pending = null;
      this.paint();
    });
  }

  paint() {
    if (!this.tracing) return;
    this.size = fit(this.paper);
    const { context, width, height } = this.size;
    const { layout, speed, gain, lead } = this.setting;
    const sheet = makeSheet(this.tracing, layout, speed, height / this.scale, lead);
    this.sheet = sheet;
    this.scroll.x = Math.max(0, Math.min(this.scroll.x, sheet.width - width / this.scale));
    this.scroll.y = Math.max(0, Math.min(this.scroll.y, sheet.height - height / this.scale));
    const origin = { x: this.scroll.x * this.scale, y: this.scroll.y * this.scale };
    grid(context, { x: 0, y: 0, width, height }, origin, this.scale);
    const pen = Math.max(1, 0.25 * this.scale);
    for (let row = 0; row < sheet.rows; row += 1) {
      line(
        context,
        pulse(0, sheet.zero(row), speed, gain).map(([x, y]) => this.toPixel(x, y)),
        COLOURS.trace,
        pen,
      );
    }
    for (const strip of sheet.strips) this.strip(sheet, this.tracing, strip, pen);
    this.drawOverlay();
  }

  /**
   * @param {Sheet} sheet
   * @param {Tracing} tracing
   * @param {Strip} strip
   * @param {number} pen
   */
  strip(sheet, { rate }, strip, pen) {
    const { context, width } = this.size;
    const perSample = (this.setting.speed / rate) * this.scale;
    const [left, zero] = this.toPixel(strip.x, strip.y);
    const right = left + strip.width * this.scale;
    if (right < 0 || left > width) return;
    const begin = Math.round(strip.begin * rate);
    const seen = [Math.max(0, -left), Math.min(strip.width * this.scale, width - left)].map((px) => begin + px / perSample);
    context.save();
    context.beginPath();
    context.rect(Math.max(0, left), 0, Math.min(right, width) - Math.max(0, left), this.size.height);
    context.clip();
    trace(
      context,
      this.lead(strip.lead),
      Math.floor(seen[0]) - 1,
      Math.ceil(seen[1]) + 1,
      (n) => left + (n - begin) * perSample,
      zero,
      (this.setting.gain / 1000) * this.scale,
      COLOURS.trace,
      pen,
    );
    context.restore();
    context.fillStyle = COLOURS.label;
    context.font = `600 ${Math.max(11 * this.size.ratio, 3.4 * this.scale)}px system-ui, sans-serif`;
    context.fillText(strip.lead, left + 1.2 * this.scale, zero - Math.min(9, 0.3 * sheet.rowHeight) * this.scale);
    if (strip.x > sheet.strips[0].x && !strip.rhythm) {
      segment(context, [left, zero - 3 * this.scale], [left, zero + 3 * this.scale], COLOURS.trace, 1);
    }
  }

  drawOverlay() {
    const { context, width, height } = fit(this.overlay);
    context.clearRect(0, 0, width, height);
    for (const painter of this.painters) painter(context);
  }

  /**
   * @param {number} x
   * @param {number} y
   * @returns {[number, number]}
   */
  toPixel(x, y) {
    return [(x - this.scroll.x) * this.scale, (y - this.scroll.y) * this.scale];
  }

  /**
   * What lies under a pointer: {x, y} in mm on the sheet, the strip, and time (s) and voltage (mV) there.
   * @param {MouseEvent} event
   */
  under(event) {
    const box = this.overlay.getBoundingClientRect();
    const ratio = this.size.ratio;
    const x = ((event.clientX - box.left) * ratio) / this.scale + this.scroll.x;
    const y = ((event.clientY - box.top) * ratio) / this.scale + this.scroll.y;
    const { strips = [], rowHeight = 0 } = this.sheet ?? {};
    const row = strips.filter((strip) => Math.abs(y - strip.y + 0.05 * rowHeight) <= rowHeight / 2);
    const strip = row.find((each) => x >= each.x && x <= each.x + each.width) ?? null;
    return { x, y, strip, time: strip ? strip.begin + (x - strip.x) / this.setting.speed : null };
  }
}
