// The whole recording in one band: heart rate, fibrillation, events as ticks, and where the view stands. A press goes there.

import { contextOf, el } from "../../element.js";
import { t } from "../../i18n.js";
import { fit, segment } from "../paper.js";

/** @import { Context } from "../paper.js" */
/** @import { LongRecording, Trend } from "./recording.js" */
/** @import { Waves } from "./waves.js" */
/** @typedef {(value: number) => number} Scale from seconds or a rate to pixels */

const TICKS = [
  ["ventricular-fibrillation", "#b3181f"],
  ["polymorphic-tachycardia", "#b3181f"],
  ["ventricular-flutter", "#b3181f"],
  ["vt", "#b3181f"],
  ["run-V", "#b3181f"],
  ["couplet-V", "#d9686c"],
  ["pause", "#7a3d9c"],
  ["svt", "#1558a6"],
  ["run-S", "#1558a6"],
];
const LEFT = 34; // css pixels for the scale

/**
 * The range of a trend, in steps of 20.
 * @param {Trend[]} lists
 */
function rangeOf(...lists) {
  let [low, high] = [Infinity, -Infinity];
  for (const list of lists) for (const value of list) if (value !== null) [low, high] = [Math.min(low, value), Math.max(high, value)];
  return low <= high ? [Math.max(0, Math.floor(low / 20) * 20), Math.ceil(high / 20) * 20] : [40, 120];
}

export class Day {
  /**
   * @param {LongRecording} recording
   * @param {Waves | null} waves
   */
  constructor(recording, waves) {
    this.recording = recording;
    this.waves = waves;
    this.canvas = el("canvas", {
      role: "slider",
      tabindex: "0",
      "aria-label": t("Place in the recording"),
      "aria-valuemin": "0",
      "aria-valuemax": String(Math.round(recording.tracing.duration)),
    });
    this.element = el("div", { class: "holter-day" }, this.canvas);
    const anew = () => {
      this.picture = null;
      this.draw();
    };
    new ResizeObserver(anew).observe(this.element);
    recording.addEventListener("change", anew);
    /** Null until it is painted. @type {HTMLCanvasElement | null} */
    this.picture = null;
    /** @type {number | null} */
    this.pending = null;
    this.held = false;
    /** @param {PointerEvent} event */
    const go = (event) => {
      const box = this.canvas.getBoundingClientRect();
      const share = (event.clientX - box.left - LEFT) / (box.width - LEFT);
      this.waves?.goTo(share * recording.tracing.duration - (this.waves?.seconds ?? 0) / 2);
    };
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      this.held = true;
      go(event);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      if (this.held) go(event);
    });
    this.canvas.addEventListener("pointerup", () => {
      this.held = false;
    });
  }

  draw() {
    this.pending ??= requestAnimationFrame(() => {
      this.pending = null;
      this.paint();
    });
  }

  /** The picture of the day is painted once; while one scrolls only the place of the view moves over it. */
  paint() {
    const { context, width, height, ratio } = fit(this.canvas);
    context.clearRect(0, 0, width, height);
    if (!this.recording.loaded) return;
    const left = LEFT * ratio;
    /** @type {Scale} */
    const x = (seconds) => left + (seconds / this.recording.tracing.duration) * (width - left);
    const bottom = height - 15 * ratio;
    if (!this.picture) {
      this.picture = Object.assign(document.createElement("canvas"), { width, height });
      this.paintDay(contextOf(this.picture), { width, ratio, left, bottom }, x);
    }
    context.drawImage(this.picture, 0, 0);
    if (!this.waves?.seconds) return;
    const [from, to] = [x(this.waves.begin), x(this.waves.begin + this.waves.seconds)];
    context.fillStyle = "rgb(13 74 90 / 18%)";
    context.fillRect(from, 0, Math.max(2 * ratio, to - from), bottom);
    context.fillStyle = "#0d4a5a";
    context.fillRect(from, 0, 2 * ratio, bottom);
    this.canvas.setAttribute("aria-valuenow", String(Math.round(this.waves.begin)));
    this.canvas.setAttribute("aria-valuetext", this.recording.clock(this.waves.begin));
  }

  /**
   * @param {Context} context
   * @param {{width: number, ratio: number, left: number, bottom: number}} room
   * @param {Scale} x
   */
  paintDay(context, { width, ratio, left, bottom }, x) {
    const { results } = this.recording;
    const [low, high] = rangeOf(results.trend.low, results.trend.high);
    /** @type {Scale} */
    const y = (rate) => bottom - ((rate - low) / (high - low)) * (bottom - 4 * ratio);
    const styles = getComputedStyle(this.element);
    for (const span of results.fibrillation) {
      context.fillStyle = "rgb(238 187 94 / 40%)";
      context.fillRect(x(span.start), 0, Math.max(1, x(span.end) - x(span.start)), bottom);
    }
    context.fillStyle = styles.getPropertyValue("--muted");
    context.font = `${11 * ratio}px system-ui, sans-serif`;
    for (const rate of [low, (low + high) / 2, high]) {
      segment(context, [left, Math.round(y(rate)) + 0.5], [width, Math.round(y(rate)) + 0.5], styles.getPropertyValue("--line"), 1);
      context.fillText(String(rate), 4 * ratio, Math.min(bottom, Math.max(10 * ratio, y(rate) + 4 * ratio)));
    }
    this.band(context, results.trend, x, y, styles);
    for (const event of results.events) {
      const colour = TICKS.find(([kind]) => kind === event.kind)?.[1];
      if (!colour) continue;
      context.fillStyle = colour;
      context.fillRect(x(event.start) - ratio / 2, bottom - 9 * ratio, Math.max(1.5 * ratio, x(event.end) - x(event.start)), 9 * ratio);
    }
    this.hours(context, x, bottom, ratio, styles);
  }

  /**
   * @param {Context} context
   * @param {{step: number, low: Trend, mean: Trend, high: Trend}} trend
   * @param {Scale} x
   * @param {Scale} y
   * @param {CSSStyleDeclaration} styles
   */
  band(context, trend, x, y, styles) {
    context.fillStyle = "rgb(13 74 90 / 22%)";
    for (const [minute, low] of trend.low.entries()) {
      const high = trend.high[minute];
      if (low === null || high === null) continue;
      context.fillRect(x(minute * trend.step), y(high), Math.max(1, x(trend.step) - x(0)), y(low) - y(high));
    }
    context.strokeStyle = styles.getPropertyValue("--ink");
    context.lineWidth = Math.max(1, window.devicePixelRatio || 1);
    context.beginPath();
    let down = false;
    trend.mean.forEach((mean, minute) => {
      if (mean === null) {
        down = false;
        return;
      }
      if (down) context.lineTo(x((minute + 0.5) * trend.step), y(mean));
      else context.moveTo(x((minute + 0.5) * trend.step), y(mean));
      down = true;
    });
    context.stroke();
  }

  /**
   * @param {Context} context
   * @param {Scale} x
   * @param {number} bottom
   * @param {number} ratio
   * @param {CSSStyleDeclaration} styles
   */
  hours(context, x, bottom, ratio, styles) {
    const { duration, started_at: start } = this.recording.tracing;
    const offset = start ? (3600 - ((Date.parse(`${start.slice(0, 19)}Z`) / 1000) % 3600)) % 3600 : 0;
    const step = duration > 8 * 3600 ? 7200 : duration > 7200 ? 3600 : 600;
    context.fillStyle = styles.getPropertyValue("--muted");
    for (let moment = duration > 7200 ? offset : 0; moment < duration; moment += step) {
      segment(context, [x(moment), bottom], [x(moment), bottom + 3 * ratio], styles.getPropertyValue("--line-strong"), ratio);
      context.fillText(this.recording.clock(moment, false), x(moment) + 2 * ratio, bottom + 12 * ratio);
    }
  }
}
