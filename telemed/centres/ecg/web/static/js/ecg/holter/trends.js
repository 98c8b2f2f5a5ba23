// Heart rate, ST by lead and heart rate variability over the recording; a press goes to that moment.

import { el, need } from "../../element.js";
import { t } from "../../i18n.js";
import { fit, segment } from "../paper.js";

/** @import { Context } from "../paper.js" */
/** @import { LongRecording, Trend } from "./recording.js" */

/**
 * @typedef {object} Chart
 * @property {string} title with the unit
 * @property {number} step s
 * @property {[name: string, values: Trend][]} lines
 * @property {number} digits
 * @property {[low: number, high: number]} [around] what is shown at least
 * @property {number[]} [guides]
 */

const COLOURS = ["#0d4a5a", "#b3181f", "#1558a6", "#7a3d9c", "#8a5200", "#1a6b38"];
const LEFT = 46;

export class Trends {
  /**
   * @param {LongRecording} recording
   * @param {(moment: number) => void} go
   */
  constructor(recording, go) {
    this.recording = recording;
    this.go = go;
    this.element = el("div", { class: "holter-trends", hidden: true });
    recording.addEventListener("change", () => this.draw());
    new ResizeObserver(() => this.draw()).observe(this.element);
  }

  charts() {
    const { trend, st, hrv } = this.recording.results;
    /** @type {Chart[]} */
    const charts = [
      {
        title: t("Heart rate, 1/min"),
        step: trend.step,
        lines: [
          [t("lowest"), trend.low],
          [t("mean"), trend.mean],
          [t("highest"), trend.high],
        ],
        digits: 0,
      },
    ];
    if (st)
      charts.push({
        title: t("ST 80 ms after J, mV"),
        step: st.step,
        lines: st.leads.map((lead, row) => [lead, st.level[row]]),
        digits: 2,
        around: [-0.2, 0.2],
        guides: [-0.1, 0.1],
      });
    charts.push({
      title: t("Variability in five minutes, ms"),
      step: hrv.step,
      lines: [
        ["SDNN", hrv.sdnn],
        ["RMSSD", hrv.rmssd],
      ],
      digits: 0,
      around: [0, 100],
    });
    return charts;
  }

  draw() {
    if (this.element.hidden || !this.recording.loaded) return;
    const charts = this.charts();
    if (this.element.children.length !== charts.length) {
      this.element.replaceChildren(
        ...charts.map((chart) =>
          el(
            "figure",
            { class: "holter-chart" },
            el("figcaption", {}),
            el("canvas", { role: "img", "aria-label": chart.title, onclick: (event) => this.press(event) }),
          ),
        ),
      );
    }
    for (const [index, chart] of charts.entries()) this.chart(chart, /** @type {HTMLElement} */ (this.element.children[index]));
  }

  /** @param {{clientX: number, currentTarget: HTMLElement}} event */
  press(event) {
    const box = event.currentTarget.getBoundingClientRect();
    this.go(((event.clientX - box.left - LEFT) / (box.width - LEFT)) * this.recording.tracing.duration);
  }

  /**
   * @param {Chart} chart
   * @param {HTMLElement} figure
   */
  chart({ title, step, lines, digits, around, guides = [] }, figure) {
    need(figure, "figcaption").replaceChildren(
      title,
      ...lines.map(([name], n) => el("span", { class: `holter-key holter-key-${n % COLOURS.length}` }, name)),
    );
    const { context, width, height, ratio } = fit(need(figure, "canvas"));
    context.clearRect(0, 0, width, height);
    const known = lines.flatMap(([, values]) => values.filter((value) => value !== null));
    if (!known.length) return;
    let [low, high] = [Math.min(...known, around?.[0] ?? Infinity), Math.max(...known, around?.[1] ?? -Infinity)];
    if (high - low < 1e-9) [low, high] = [low - 1, high + 1];
    const [left, bottom] = [LEFT * ratio, height - 14 * ratio];
    /** @param {number} seconds */
    const x = (seconds) => left + (seconds / this.recording.tracing.duration) * (width - left);
    /** @param {number} value */
    const y = (value) => bottom - ((value - low) / (high - low)) * (bottom - 6 * ratio);
    const styles = getComputedStyle(figure);
    context.font = `${11 * ratio}px system-ui, sans-serif`;
    context.fillStyle = styles.getPropertyValue("--muted");
    for (const value of [low, (low + high) / 2, high, ...guides]) {
      segment(context, [left, y(value)], [width, y(value)], guides.includes(value) ? "#d9686c" : styles.getPropertyValue("--line"), 1);
      if (!guides.includes(value)) context.fillText(value.toFixed(digits), 4 * ratio, Math.max(10 * ratio, y(value) + 4 * ratio));
    }
    for (let hour = 0; hour * 3600 < this.recording.tracing.duration; hour += this.recording.tracing.duration > 7200 ? 2 : 1) {
      context.fillText(this.recording.clock(hour * 3600, false), x(hour * 3600), height - 2 * ratio);
    }
    for (const [n, [, values]] of lines.entries()) this.curve(context, values, step, x, y, COLOURS[n % COLOURS.length], ratio);
  }

  /**
   * @param {Context} context
   * @param {Trend} values
   * @param {number} step
   * @param {(seconds: number) => number} x
   * @param {(value: number) => number} y
   * @param {string} colour
   * @param {number} ratio
   */
  curve(context, values, step, x, y, colour, ratio) {
    context.strokeStyle = colour;
    context.lineWidth = ratio;
    context.beginPath();
    let down = false;
    values.forEach((value, n) => {
      if (value === null) down = false;
      else if (down) context.lineTo(x((n + 0.5) * step), y(value));
      else {
        context.moveTo(x((n + 0.5) * step), y(value));
        down = true;
      }
    });
    context.stroke();
  }
}
