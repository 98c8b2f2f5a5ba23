// Serial comparison: the median beats of two recordings over each other, lead by lead, and a table of what changed.

import { el } from "../element.js";
import { t } from "../i18n.js";
import { COLOURS, fit, grid, line, segment } from "./paper.js";
import { statements, textOf } from "./statements.js";
import { beginOf, MEASURES } from "./words.js";

/** @import { Context, Spot } from "./paper.js" */
/** @import { PaperView } from "./paper-view.js" */
/** @import { Median, Tracing } from "./tracing.js" */

const BEFORE = 0.3; // s before the onset of QRS
const SECONDS = 0.85;
const SPEED = 50; // mm/s
const STANDARD = ["I", "aVR", "V1", "V4", "II", "aVL", "V2", "V5", "III", "aVF", "V3", "V6"];
/** @type {Record<string, number>} */
const NOTABLE = { rate: 20, pr: 40, qrs_duration: 20, qt: 40, qtc_bazett: 40, axis: 30 };

/** @param {Tracing | null} tracing */
const codesOf = (tracing) => new Set((tracing?.proposal.statements ?? []).map((each) => each.code));
/** @type {(tracing: Tracing | null, name: string) => number | null | undefined} */
const measured = (tracing, name) => tracing?.proposal.measurements?.[name];
/**
 * @param {unknown} value
 * @returns {value is number}
 */
function isNumber(value) {
  return typeof value === "number";
}

/**
 * One measurement now and in the other tracing (which may be null), with the change.
 * @param {typeof MEASURES[number]} measure
 * @param {Tracing | null} tracing
 * @param {Tracing | null} other
 */
function comparedRow([name, label, unit], tracing, other) {
  const [now, before] = [measured(tracing, name), measured(other, name)];
  const change = isNumber(now) && isNumber(before) ? Math.round(now) - Math.round(before) : null;
  const notable = change !== null && Math.abs(change) >= (NOTABLE[name] ?? Infinity);
  /** @param {number | null | undefined} value */
  const cell = (value) => el("td", {}, isNumber(value) ? String(Math.round(value)) : "–");
  const compared = other ? [cell(before), el("td", {}, change === null ? "" : `${change > 0 ? "+" : ""}${change}`)] : [];
  return el("tr", { class: notable ? "ecg-notable" : null }, el("th", { scope: "row" }, `${label} ${unit}`), cell(now), ...compared);
}

export class Comparison {
  /** @param {PaperView} view */
  constructor(view) {
    this.view = view;
    this.canvas = el("canvas", { role: "img", "aria-label": t("Median beats, now and earlier") });
    this.table = el("div", { class: "ecg-changes", tabindex: "0" });
    this.choice = el("select", { class: "tool-select ecg-earlier", "aria-label": t("Earlier tracing"), onchange: () => this.choose() });
    this.element = el(
      "div",
      { class: "ecg-compare", hidden: true },
      el("div", { class: "ecg-compare-beats" }, this.canvas),
      el("div", { class: "ecg-compare-side" }, this.choice, this.table),
    );
    /** @type {Tracing | null} */
    this.tracing = null;
    /** @type {Tracing[]} */
    this.earlier = [];
    /** Their median beats. @type {Median | null} */
    this.now = null;
    /** @type {Median | null} */
    this.before = null;
    new ResizeObserver(() => this.paint()).observe(this.canvas);
  }

  /**
   * Show a recording beside an earlier one, or alone with its points where there is none.
   * @param {Tracing} tracing
   * @param {Tracing[]} earlier
   */
  async open(tracing, earlier) {
    this.tracing = tracing;
    this.choice.hidden = !earlier.length;
    if (this.earlier !== earlier) {
      this.earlier = earlier;
      this.choice.replaceChildren(...earlier.map((each, index) => el("option", { value: String(index) }, beginOf(each))));
    }
    this.element.hidden = false;
    this.now = (await tracing.results()).median;
    await this.choose();
  }

  async choose() {
    const other = this.earlier[Number(this.choice.value || 0)] ?? null;
    this.before = other ? (await other.results()).median : null;
    this.table.replaceChildren(...(await this.changes(other)));
    this.paint();
    this.choice.blur();
  }

  close() {
    this.element.hidden = true;
  }

  /**
   * The numbers side by side, then what is new in words and what is not there any longer.
   * @param {Tracing | null} other
   */
  async changes(other) {
    const known = new Map((await statements().catch(() => [])).map((each) => [each.code, textOf(each)]));
    const [mine, theirs] = [codesOf(this.tracing), codesOf(other)];
    /** @type {(title: string, found: string[]) => HTMLElement[]} */
    const list = (title, found) =>
      found.length ? [el("h3", {}, title), el("ul", {}, ...found.map((code) => el("li", {}, known.get(code) ?? code)))] : [];
    const gone = [...theirs].filter((code) => !mine.has(code));
    const added = [...mine].filter((code) => !theirs.has(code));
    return [this.numbers(other), ...(other ? [...list(t("New"), added), ...list(t("No longer"), gone)] : [])];
  }

  /** @param {Tracing | null} other */
  numbers(other) {
    const head = ["", t("now"), ...(other ? [t("earlier"), t("change")] : [])];
    const rows = MEASURES.map((measure) => comparedRow(measure, this.tracing, other));
    return el(
      "table",
      { class: "ecg-table" },
      el("thead", {}, el("tr", {}, ...head.map((label) => el("th", { scope: label ? "col" : null }, label)))),
      el("tbody", {}, ...rows),
    );
  }

  paint() {
    const { now } = this;
    if (this.element.hidden || !now) return;
    const { context, width, height, ratio } = fit(this.canvas);
    const leads = STANDARD.every((lead) => now.leads.includes(lead)) ? STANDARD : now.leads;
    const columns = Math.min(4, leads.length);
    const rows = Math.ceil(leads.length / columns);
    const [cellWidth, cellHeight] = [width / columns, height / rows];
    const scale = cellWidth / (SECONDS * SPEED + 2);
    grid(context, { x: 0, y: 0, width, height }, { x: 0, y: 0 }, scale);
    leads.forEach((lead, n) => {
      const [left, zero] = [(n % columns) * cellWidth, (Math.floor(n / columns) + 0.58) * cellHeight];
      context.save();
      context.beginPath();
      context.rect(left, Math.floor(n / columns) * cellHeight, cellWidth, cellHeight);
      context.clip();
      if (this.before) this.beat(context, this.before, lead, left, zero, scale, COLOURS.earlier, 1.4 * ratio);
      this.beat(context, now, lead, left, zero, scale, COLOURS.trace, 1.6 * ratio);
      if (!this.before) this.marks(context, left, zero, scale, cellHeight);
      context.restore();
      context.fillStyle = COLOURS.label;
      context.font = `600 ${12 * ratio}px system-ui, sans-serif`;
      context.fillText(lead, left + 5 * ratio, zero - 0.42 * cellHeight);
    });
    this.legend(context, ratio, height);
  }

  /**
   * @param {Median} median
   * @param {number} sample
   * @param {number} scale
   */
  at(median, sample, scale) {
    return ((sample - median.marks.qrs_onset) / median.rate + BEFORE) * SPEED * scale;
  }

  /**
   * @param {Context} context
   * @param {Median} median
   * @param {string} lead
   * @param {number} left
   * @param {number} zero
   * @param {number} scale
   * @param {string} colour
   * @param {number} width
   */
  beat(context, median, lead, left, zero, scale, colour, width) {
    const row = median.leads.indexOf(lead);
    if (row < 0 || median.marks.qrs_onset === undefined) return;
    const samples = median.samples[row];
    const rest = samples.slice(Math.max(0, median.marks.qrs_onset - 8), median.marks.qrs_onset + 1);
    const level = rest.reduce((sum, value) => sum + value, 0) / rest.length;
    /** @type {Spot[]} */
    const points = samples.map((value, n) => [
      left + this.at(median, n, scale),
      zero - ((value - level) / 1000) * this.view.setting.gain * scale,
    ]);
    line(context, points, colour, width);
  }

  /**
   * @param {Context} context
   * @param {number} left
   * @param {number} zero
   * @param {number} scale
   * @param {number} height
   */
  marks(context, left, zero, scale, height) {
    const { now } = this;
    if (!now) return;
    for (const sample of Object.values(now.marks)) {
      const x = left + this.at(now, sample, scale);
      segment(context, [x, zero - 0.3 * height], [x, zero + 0.2 * height], COLOURS.marker, 1);
    }
  }

  /**
   * @param {Context} context
   * @param {number} ratio
   * @param {number} height
   */
  legend(context, ratio, height) {
    context.font = `${12 * ratio}px system-ui, sans-serif`;
    if (!this.tracing) return;
    const texts = [[COLOURS.trace, `${t("now")} ${beginOf(this.tracing)}`]];
    if (this.before) texts.push([COLOURS.earlier, `${t("earlier")} ${beginOf(this.earlier[Number(this.choice.value || 0)])}`]);
    texts.push([COLOURS.label, `${SPEED} mm/s  ${this.view.setting.gain} mm/mV`]);
    let x = 8 * ratio;
    for (const [colour, text] of texts) {
      const room = context.measureText(text).width;
      context.fillStyle = "rgb(255 255 255 / 85%)";
      context.fillRect(x - 3 * ratio, height - 19 * ratio, room + 6 * ratio, 17 * ratio);
      context.fillStyle = colour;
      context.fillText(text, x, height - 6 * ratio);
      x += room + 16 * ratio;
    }
  }
}
