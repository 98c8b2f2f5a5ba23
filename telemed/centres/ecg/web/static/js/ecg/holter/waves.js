// All leads over time: from the whole day to a strip of paper. Only what is seen is fetched, from the level that has about
// one bin for a pixel; while that is under way a coarser level stands in, so that scrolling never waits.

import { el } from "../../element.js";
import { COLOURS, fit, grid, segment } from "../paper.js";
import { CHUNK, GAP } from "../tracing.js";

/** @import { Chunk } from "../tracing.js" */
/** @import { LongRecording } from "./recording.js" */
/** @typedef {{begin: number, end: number, colour: string}} Mark in s */
/** @typedef {{chunk: Chunk, level: number, from: number, to: number}} Piece of a level, in samples of the recording */
/** @typedef {{x: number, begin: number, moved: boolean, measure: boolean, from: number}} Drag */

const PIXELS_A_MM = 96 / 25.4;
const SPEED = 25; // mm/s of the closest usual view
const CLOSEST = 50; // mm/s
const LETTERS_BELOW = 75; // s in view from which beats have letters
const INTERVALS_BELOW = 14;
/** By the letter's code. @type {Record<number, string>} */
const CLASS_COLOURS = { 78: "#667a82", 83: "#1558a6", 86: "#b3181f", 70: "#8a5200", 81: "#7a3d9c" };

export class Waves {
  /** @param {LongRecording} recording */
  constructor(recording) {
    this.recording = recording;
    this.tracing = recording.tracing;
    this.canvas = el("canvas", { class: "holter-waves", tabindex: "0", role: "img", "aria-label": this.tracing.leads.join(" ") });
    this.element = el("div", { class: "holter-waves-place" }, this.canvas);
    this.begin = 0;
    this.gain = 10;
    this.seconds = 0; // in view; 0 until the size is known
    /** @type {Mark[]} */
    this.marks = [];
    this.onmove = () => {};
    /** @type {(moment: number) => void} */
    this.onpick = () => {};
    /** The number of the beat that is picked. @type {number | undefined} */
    this.picked = undefined;
    /** What is measured, in s. @type {{from: number, to: number} | undefined} */
    this.caliper = undefined;
    /** @type {Drag | null} */
    this.drag = null;
    /** @type {number | null} */
    this.pending = null;
    this.size = fit(this.canvas);
    this.middles = this.tracing.leads.map(() => 0);
    new ResizeObserver(() => this.resized()).observe(this.element);
    this.listen();
  }

  get pixels() {
    return PIXELS_A_MM * (window.devicePixelRatio || 1);
  }

  resized() {
    this.size = fit(this.canvas);
    this.seconds ||= this.size.width / (SPEED * this.pixels);
    this.draw();
  }

  /**
   * Seconds in view at a paper speed.
   * @param {number} speed
   */
  atSpeed(speed) {
    return this.size.width / (speed * this.pixels);
  }

  async prepare() {
    const coarsest = this.tracing.levels.length - 1;
    const chunk = await this.tracing.chunk(coarsest, 0);
    this.middles = chunk.rows.map((row) => {
      const values = chunk.values === 2 ? Array.from({ length: row.length / 2 }, (_, n) => (row[2 * n] + row[2 * n + 1]) / 2) : [...row];
      const known = values.filter((value) => value > GAP).sort((a, b) => a - b);
      return known[known.length >> 1] ?? 0;
    });
    this.draw();
  }

  // ---- moving ----

  clamp() {
    this.seconds = Math.min(this.tracing.duration, Math.max(this.atSpeed(CLOSEST), this.seconds));
    this.begin = Math.min(Math.max(0, this.begin), Math.max(0, this.tracing.duration - this.seconds));
  }

  /**
   * @param {number} begin
   * @param {number} seconds
   */
  goTo(begin, seconds = this.seconds) {
    Object.assign(this, { begin, seconds });
    this.clamp();
    this.draw();
    this.onmove();
  }

  /**
   * Show a moment in the middle, at reading speed where the view is wider than that.
   * @param {number} moment
   * @param {number} least
   */
  centre(moment, least = 0) {
    const seconds = Math.max(least * 1.3, Math.min(this.seconds, this.atSpeed(SPEED)));
    this.goTo(moment - seconds / 2 + Math.min(least, seconds * 0.8) / 2, seconds);
  }

  /**
   * @param {number} factor
   * @param {number} around
   */
  zoom(factor, around = this.begin + this.seconds / 2) {
    const share = (around - this.begin) / this.seconds;
    const before = this.seconds;
    this.seconds *= factor;
    this.clamp();
    if (this.seconds !== before) this.begin = around - share * this.seconds;
    this.goTo(this.begin);
  }

  listen() {
    const { canvas } = this;
    /** @param {MouseEvent} event */
    const moment = (event) => this.begin + ((event.clientX - canvas.getBoundingClientRect().left) / canvas.clientWidth) * this.seconds;
    canvas.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        if (event.ctrlKey || event.altKey) this.zoom(event.deltaY > 0 ? 1.25 : 0.8, moment(event));
        else this.goTo(this.begin + ((event.deltaY + event.deltaX) / canvas.clientWidth) * this.seconds);
      },
      { passive: false },
    );
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      this.drag = { x: event.clientX, begin: this.begin, moved: false, measure: event.shiftKey, from: moment(event) };
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!this.drag) return;
      this.drag.moved ||= Math.abs(event.clientX - this.drag.x) > 3;
      if (this.drag.measure) {
        this.caliper = { from: this.drag.from, to: moment(event) };
        this.draw();
      } else if (this.drag.moved) this.goTo(this.drag.begin - ((event.clientX - this.drag.x) / canvas.clientWidth) * this.seconds);
    });
    canvas.addEventListener("pointerup", (event) => {
      if (this.drag && !this.drag.moved) this.onpick(moment(event));
      this.drag = null;
    });
  }

  // ---- drawing ----

  draw() {
    this.pending ??= requestAnimationFrame(() => {
      this.pending = null;
      if (this.seconds) this.paint();
    });
  }

  /** The coarsest level whose bins are not wider than a pixel. */
  level() {
    const perPixel = (this.seconds * this.tracing.rate) / this.size.width;
    return this.tracing.levels.reduce((best, each, number) => (each.samples <= Math.max(1, perPixel) ? number : best), 0);
  }

  paint() {
    this.size = fit(this.canvas);
    this.clamp();
    const { context, width, height } = this.size;
    const perSecond = width / this.seconds;
    const scale = perSecond / SPEED; // pixels to the millimetre along time
    if (scale >= (0.4 * this.pixels) / 1.01)
      grid(context, { x: 0, y: 0, width, height }, { x: this.begin * perSecond, y: 0 }, this.pixels * (perSecond / (SPEED * this.pixels)));
    else {
      context.fillStyle = COLOURS.paper;
      context.fillRect(0, 0, width, height);
    }
    for (const mark of this.marks) this.mark(mark, perSecond);
    const rowHeight = height / this.tracing.leads.length;
    for (const [row, lead] of this.tracing.leads.entries()) this.lead(lead, row, rowHeight, perSecond);
    this.letters(perSecond);
    this.ruler(perSecond);
    if (this.caliper) this.measure(perSecond);
  }

  /**
   * @param {Mark} mark
   * @param {number} perSecond
   */
  mark({ begin, end, colour }, perSecond) {
    const left = (begin - this.begin) * perSecond;
    const right = (end - this.begin) * perSecond;
    if (right < 0 || left > this.size.width) return;
    this.size.context.fillStyle = colour;
    this.size.context.fillRect(left, 0, Math.max(2, right - left), this.size.height);
  }

  /**
   * @param {string} lead
   * @param {number} row
   * @param {number} rowHeight
   * @param {number} perSecond
   */
  lead(lead, row, rowHeight, perSecond) {
    const { context, ratio } = this.size;
    const zero = (row + 0.55) * rowHeight;
    const perMicrovolt = (this.gain / 1000) * this.pixels;
    context.save();
    context.beginPath();
    context.rect(0, row * rowHeight, this.size.width, rowHeight);
    context.clip();
    context.strokeStyle = COLOURS.trace;
    context.lineWidth = Math.max(1, 0.9 * ratio);
    const wanted = this.level();
    for (const piece of this.pieces(wanted)) this.stretch(piece, row, zero, perMicrovolt, perSecond);
    context.restore();
    context.fillStyle = COLOURS.label;
    context.font = `600 ${13 * ratio}px system-ui, sans-serif`;
    context.fillText(lead, 6 * ratio, row * rowHeight + 28 * ratio);
  }

  /**
   * What is at hand for the view: chunks of the wanted level, and of coarser ones where those are still under way.
   * @param {number} wanted
   */
  pieces(wanted) {
    const { rate, levels } = this.tracing;
    /** @type {Piece[]} */
    const found = [];
    const span = levels[wanted].samples * CHUNK;
    const [from, to] = [this.begin * rate, (this.begin + this.seconds) * rate];
    const last = Math.ceil(this.tracing.samples / span) - 1;
    for (let number = Math.max(0, Math.floor(from / span)); number <= Math.min(last, Math.floor(to / span)); number += 1) {
      const chunk = this.ready(wanted, number);
      if (chunk) found.push({ chunk, level: wanted, from: number * span, to: (number + 1) * span });
      else found.push(...this.instead(wanted, number * span, Math.min((number + 1) * span, this.tracing.samples)));
    }
    for (const number of [Math.floor(from / span) - 1, Math.floor(to / span) + 1])
      if (number >= 0 && number <= last) this.ready(wanted, number);
    return found;
  }

  /**
   * @param {number} wanted
   * @param {number} from
   * @param {number} to
   * @returns {Piece[]}
   */
  instead(wanted, from, to) {
    for (let level = wanted + 1; level < this.tracing.levels.length; level += 1) {
      const span = this.tracing.levels[level].samples * CHUNK;
      const chunk = this.ready(level, Math.floor(from / span), level === this.tracing.levels.length - 1);
      if (chunk) return [{ chunk, level, from, to }];
    }
    return [];
  }

  /**
   * @param {number} level
   * @param {number} number
   * @param {boolean} ask
   * @returns {Chunk | null}
   */
  ready(level, number, ask = true) {
    const known = this.tracing.chunks.get(`${level}/${number}`);
    if (known && !(known instanceof Promise)) return known;
    if (!known && ask)
      Promise.resolve(this.tracing.chunk(level, number)).then(
        () => this.draw(),
        () => {},
      );
    return null;
  }

  /**
   * @param {Piece} piece
   * @param {number} row
   * @param {number} zero
   * @param {number} perMicrovolt
   * @param {number} perSecond
   */
  stretch({ chunk, level, from, to }, row, zero, perMicrovolt, perSecond) {
    const { context } = this.size;
    const { rate, levels } = this.tracing;
    const size = levels[level].samples;
    const values = chunk.rows[row];
    const first = Math.max(0, Math.floor(Math.max(from, this.begin * rate) / size) - chunk.first - 1);
    const last = Math.min(
      values.length / chunk.values - 1,
      Math.ceil(Math.min(to, (this.begin + this.seconds) * rate) / size) - chunk.first + 1,
    );
    const middle = this.middles[row];
    /** @param {number} value */
    const y = (value) => zero - (value - middle) * perMicrovolt;
    context.beginPath();
    let down = false;
    for (let n = first; n <= last; n += 1) {
      const low = values[n * chunk.values];
      if (low === GAP) {
        down = false;
        continue;
      }
      const x = (((chunk.first + n) * size) / rate - this.begin) * perSecond;
      if (chunk.values === 1) {
        if (down) context.lineTo(x, y(low));
        else context.moveTo(x, y(low));
      } else {
        const high = values[n * 2 + 1];
        if (down) context.lineTo(x, y(low));
        else context.moveTo(x, y(low));
        context.lineTo(x, y(high));
      }
      down = true;
    }
    context.stroke();
  }

  /** @param {number} perSecond */
  letters(perSecond) {
    const { beats } = this.recording;
    if (!beats || this.seconds > LETTERS_BELOW) return;
    const { context, ratio } = this.size;
    const { rate } = this.tracing;
    context.textAlign = "center";
    for (
      let n = this.recording.firstBeat(this.begin * rate);
      n < beats.at.length && beats.at[n] <= (this.begin + this.seconds) * rate;
      n += 1
    ) {
      const x = (beats.at[n] / rate - this.begin) * perSecond;
      const name = beats.names[n];
      if (name === 78 && this.seconds > 30) continue;
      context.fillStyle = CLASS_COLOURS[name] ?? "#000";
      context.font = `${name === 78 ? 400 : 700} ${12 * ratio}px system-ui, sans-serif`;
      context.fillText(String.fromCharCode(name), x, 13 * ratio);
      if (n === this.picked) context.fillRect(x - 8 * ratio, 15 * ratio, 16 * ratio, 2 * ratio);
      if (n && this.seconds < INTERVALS_BELOW) {
        context.fillStyle = "#526168";
        context.font = `${11 * ratio}px system-ui, sans-serif`;
        context.fillText(
          String(Math.round(((beats.at[n] - beats.at[n - 1]) / rate) * 1000)),
          x - ((beats.at[n] - beats.at[n - 1]) / rate / 2) * perSecond,
          13 * ratio,
        );
      }
    }
    context.textAlign = "start";
  }

  /** @param {number} perSecond */
  ruler(perSecond) {
    const { context, height, width, ratio } = this.size;
    const steps = [1, 2, 5, 10, 30, 60, 300, 900, 3600, 7200, 14_400];
    const step = steps.find((each) => each * perSecond > 90 * ratio) ?? 14_400;
    context.font = `${11 * ratio}px system-ui, sans-serif`;
    context.fillStyle = "#16252b";
    for (let moment = Math.ceil(this.begin / step) * step; moment < this.begin + this.seconds; moment += step) {
      const x = (moment - this.begin) * perSecond;
      if (x > width - 50 * ratio) break;
      segment(context, [x, height - 6 * ratio], [x, height], "#526168", ratio);
      context.fillText(this.recording.clock(moment, step < 60), x + 3 * ratio, height - 4 * ratio);
    }
  }

  /** @param {number} perSecond */
  measure(perSecond) {
    if (!this.caliper) return;
    const { context, height, ratio } = this.size;
    const [from, to] = [this.caliper.from, this.caliper.to].sort((a, b) => a - b);
    for (const moment of [from, to])
      segment(context, [(moment - this.begin) * perSecond, 0], [(moment - this.begin) * perSecond, height], COLOURS.caliper, 1.5 * ratio);
    const text = `${Math.round((to - from) * 1000)} ms  ${to > from ? Math.round(60 / (to - from)) : "–"}/min`;
    context.font = `600 ${13 * ratio}px system-ui, sans-serif`;
    const x = (to - this.begin) * perSecond + 6 * ratio;
    context.fillStyle = "rgb(255 255 255 / 92%)";
    context.fillRect(x - 3 * ratio, height / 2 - 16 * ratio, context.measureText(text).width + 6 * ratio, 22 * ratio);
    context.fillStyle = COLOURS.caliper;
    context.fillText(text, x, height / 2);
  }
}
