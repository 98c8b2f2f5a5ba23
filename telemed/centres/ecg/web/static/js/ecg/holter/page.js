// The Holter page: the day above, events left, strips in the middle, templates and chosen strips right.
//
//   <div data-holter-page data-case="ID" data-tracing="ID" data-write data-back="/read/ID"></div>
//
// It says "holter:ready" when the first trace is on the screen.

import { el, need, wordsOf } from "../../element.js";
import { t } from "../../i18n.js";
import { register } from "../../keys.js";
import { message } from "../../message.js";
import { tracingsOf } from "../tracing.js";
import { CLASSES, EVENTS } from "../words.js";
import { Day } from "./day.js";
import { EventList } from "./events.js";
import { LongRecording } from "./recording.js";
import { StripList } from "./strips.js";
import { hourlyTable } from "./table.js";
import { TemplateList } from "./templates.js";
import { Trends } from "./trends.js";
import { Waves } from "./waves.js";

const MARK = "rgb(21 88 166 / 12%)";
const STRIP_SECONDS = 8;
/** mm/mV. @type {Record<number, number>} */
const NEXT_GAIN = { 5: 10, 10: 20, 20: 5 };

/** @typedef {"waves" | "trends" | "table"} Tab */

class HolterPage {
  /**
   * @param {HTMLElement} place
   * @param {LongRecording} recording
   */
  constructor(place, recording) {
    this.place = place;
    this.recording = recording;
    this.mayEdit = place.dataset.write !== undefined;
    this.waves = new Waves(recording);
    this.day = new Day(recording, this.waves);
    this.events = new EventList(recording, (event) => this.showEvent(event));
    this.templates = new TemplateList(recording, this.mayEdit, (moment, beat) => this.showBeat(moment, beat));
    this.strips = new StripList(recording, this.mayEdit, (strip) => {
      this.tab("waves");
      this.waves.goTo(strip.begin, strip.seconds);
    });
    this.trends = new Trends(recording, (moment) => {
      this.tab("waves");
      this.waves.centre(moment);
    });
    this.table = el("div", { class: "holter-table-place", hidden: true, tabindex: "0" });
    this.where = el("output", { class: "holter-where" });
    this.tabs = [
      this.tabButton("waves", t("Strips"), "1"),
      this.tabButton("trends", t("Trends"), "2"),
      this.tabButton("table", t("Hours"), "3"),
    ];
    this.build();
  }

  /**
   * @param {Tab} name
   * @param {string} label
   * @param {string} key
   */
  tabButton(name, label, key) {
    return el(
      "button",
      { type: "button", class: "btn", "data-tab": name, "aria-pressed": String(name === "waves"), onclick: () => this.tab(name) },
      label,
      el("kbd", { "aria-hidden": "true" }, key),
    );
  }

  async open() {
    await Promise.all([this.waves.prepare(), this.recording.load()]);
    this.recording.dispatchEvent(new Event("change"));
    this.moved();
    this.waves.draw();
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        this.place.dataset.ready = String(performance.now());
        this.place.dispatchEvent(new CustomEvent("holter:ready", { bubbles: true }));
      }),
    );
    await this.recording.loadBeats();
    this.waves.draw();
  }

  /** Put everything into the page, and let the parts hear of each other. */
  build() {
    const { recording } = this;
    const bar = el(
      "div",
      { class: "holter-bar", role: "toolbar", "aria-label": t("Holter") },
      ...this.tabs,
      el("span", { class: "spacer" }),
      this.where,
      el(
        "button",
        { type: "button", class: "btn", onclick: () => this.waves.zoom(1.6), title: t("Wider (-)"), "aria-label": t("Wider (-)") },
        "−",
      ),
      el(
        "button",
        { type: "button", class: "btn", onclick: () => this.waves.zoom(0.625), title: t("Closer (+)"), "aria-label": t("Closer (+)") },
        "+",
      ),
      el(
        "button",
        { type: "button", class: "btn", onclick: () => this.waves.goTo(0, recording.tracing.duration) },
        t("Whole day"),
        el("kbd", { "aria-hidden": "true" }, "0"),
      ),
      this.mayEdit
        ? el(
            "button",
            { type: "button", class: "btn btn-primary", onclick: () => this.takeStrip() },
            t("Into the report"),
            el("kbd", { "aria-hidden": "true" }, "s"),
          )
        : null,
    );
    const middle = el(
      "section",
      { class: "holter-middle", "aria-label": t("Strips") },
      bar,
      this.waves.element,
      this.trends.element,
      this.table,
    );
    const right = el(
      "section",
      { class: "holter-side holter-right", "aria-label": t("Templates") },
      el("h2", {}, t("Templates"), el("kbd", { "aria-hidden": "true" }, "t")),
      this.templates.element,
      el("h2", {}, t("Strips for the report")),
      this.strips.element,
    );
    this.place.replaceChildren(this.day.element, this.events.element, middle, right);
    this.waves.onmove = () => this.moved();
    this.waves.onpick = (moment) => this.pick(moment);
    recording.addEventListener("change", () => {
      this.events.fill();
      this.table.replaceChildren(
        hourlyTable(recording, (start) => {
          this.tab("waves");
          this.waves.goTo(start, this.waves.atSpeed(25));
        }),
      );
    });
    recording.addEventListener("beats", () => this.waves.draw());
    this.keys();
  }

  /** @param {Tab} name */
  tab(name) {
    for (const button of this.tabs) button.setAttribute("aria-pressed", String(button.dataset.tab === name));
    this.waves.element.hidden = name !== "waves";
    this.trends.element.hidden = name !== "trends";
    this.table.hidden = name !== "table";
    if (name === "trends") this.trends.draw();
    if (name === "waves") this.waves.draw();
  }

  moved() {
    this.day.draw();
    const { begin, seconds } = this.waves;
    if (seconds)
      this.where.textContent = `${this.recording.clock(begin)} – ${this.recording.clock(begin + seconds)}  ${seconds < 120 ? `${seconds.toFixed(1)} s` : `${(seconds / 60).toFixed(0)} min`}`;
  }

  /** @param {import("./recording.js").RhythmEvent} event */
  showEvent(event) {
    this.tab("waves");
    this.waves.marks = [{ begin: event.start, end: event.end, colour: MARK }];
    this.waves.centre((event.start + Math.min(event.end, event.start + 4)) / 2, Math.min(event.seconds ?? 0, 20));
  }

  /**
   * @param {number} moment
   * @param {number} beat
   */
  showBeat(moment, beat) {
    this.tab("waves");
    this.waves.picked = beat;
    this.waves.marks = [{ begin: moment - 0.3, end: moment + 0.4, colour: MARK }];
    this.waves.centre(moment);
  }

  /**
   * The beat nearest to where one pressed.
   * @param {number} moment
   */
  pick(moment) {
    const { recording, waves } = this;
    const at = recording.beats?.at;
    if (!at) return;
    const sample = moment * recording.tracing.rate;
    const after = recording.firstBeat(sample);
    const near = [after - 1, after].filter((n) => n >= 0 && n < at.length);
    const best = near.sort((a, b) => Math.abs(at[a] - sample) - Math.abs(at[b] - sample))[0];
    waves.picked =
      best !== undefined && Math.abs(at[best] - sample) < 0.2 * recording.tracing.rate && best !== waves.picked ? best : undefined;
    waves.draw();
  }

  /**
   * A letter names the beat that is picked, else the whole template.
   * @param {string} letter
   */
  async name(letter) {
    const { picked } = this.waves;
    const fromTemplate = this.templates.templates[this.templates.chosen]?.examples.some(([beat]) => beat === picked);
    if (picked === undefined || fromTemplate) {
      await this.templates.name(letter);
      return;
    }
    try {
      await this.recording.edit("beat", { beat: picked, name: letter });
    } catch (error) {
      message(wordsOf(error), { tone: "critical" });
    }
  }

  takeStrip() {
    const { begin, seconds } = this.waves;
    const event = this.events.event;
    const inView = event && event.start >= begin && event.start <= begin + seconds;
    const length = Math.min(seconds, Math.max(STRIP_SECONDS, this.waves.atSpeed(25)));
    this.strips.add(
      seconds > length ? begin + (seconds - length) / 2 : begin,
      length,
      inView ? `${EVENTS[event.kind] ?? event.kind} ${this.events.facts(event)}`.trim() : "",
    );
  }

  keys() {
    const { waves } = this;
    /** @type {(key: string, label: string, run: () => unknown, when?: () => boolean) => void} */
    const bind = (key, label, run, when = () => !document.querySelector("dialog[open]")) =>
      register(key, label, run, { when, group: t("Holter") });
    bind("j", t("Next event"), () => this.events.step(1));
    bind("k", t("Event before"), () => this.events.step(-1));
    bind("]", t("Next kind of event"), () => this.events.nextKind(1));
    bind("[", t("Kind of event before"), () => this.events.nextKind(-1));
    bind("ArrowRight", t("On"), () => waves.goTo(waves.begin + 0.8 * waves.seconds));
    bind("ArrowLeft", t("Back"), () => waves.goTo(waves.begin - 0.8 * waves.seconds));
    bind("Home", t("Beginning"), () => waves.goTo(0));
    bind("End", t("End"), () => waves.goTo(this.recording.tracing.duration));
    for (const key of ["+", "="]) bind(key, t("Closer (+)"), () => waves.zoom(0.625));
    bind("-", t("Wider (-)"), () => waves.zoom(1.6));
    bind("0", t("Whole day"), () => waves.goTo(0, this.recording.tracing.duration));
    bind("g", t("Gain"), () => {
      waves.gain = NEXT_GAIN[waves.gain];
      waves.draw();
    });
    bind("t", t("Next template; again: its next example"), () => this.templates.choose(this.templates.chosen));
    bind("ArrowDown", t("Next template"), () => this.templates.step(1));
    bind("ArrowUp", t("Template before"), () => this.templates.step(-1));
    bind("1", t("Strips"), () => this.tab("waves"));
    bind("2", t("Trends"), () => this.tab("trends"));
    bind("3", t("Hours"), () => this.tab("table"));
    bind("r", t("Back to the report"), () => window.location.assign(this.place.dataset.back ?? "/"));
    if (!this.mayEdit) return;
    bind("s", t("Into the report"), () => this.takeStrip());
    for (const [letter, name] of Object.entries(CLASSES))
      bind(letter, t("Picked beat or template: {name}", { name }), () => this.name(letter));
  }
}

/** @param {HTMLElement} place */
async function open(place) {
  const { items } = await tracingsOf(place.dataset.case ?? "");
  const tracing = items.find((each) => each.id === place.dataset.tracing);
  if (!tracing) throw new Error(t("There is no such recording."));
  await new HolterPage(place, new LongRecording(tracing)).open();
}

const place = need(document, "[data-holter-page]");
open(place).catch((error) => {
  place.replaceChildren(el("p", { class: "holter-failed", role: "alert" }, wordsOf(error)));
});
