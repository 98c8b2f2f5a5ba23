// The list of events beside the strips: filtered by kind, walked by key.

import { el } from "../../element.js";
import { t } from "../../i18n.js";
import { EVENTS } from "../words.js";

/** @import { LongRecording, RhythmEvent } from "./recording.js" */

const WITHOUT_BEATS = ["ventricular-fibrillation", "polymorphic-tachycardia", "ventricular-flutter"];
const ORDER = [...WITHOUT_BEATS, "vt", "run-V", "pause", "fibrillation", "svt", "run-S", "couplet-V", "bigeminy", "trigeminy", "couplet-S"];
const SHOWN = 300;

export class EventList {
  /**
   * @param {LongRecording} recording
   * @param {(event: RhythmEvent) => void} show
   */
  constructor(recording, show) {
    this.recording = recording;
    this.show = show;
    this.kind = "";
    this.at = -1;
    /** Those of the kind that is chosen. @type {RhythmEvent[]} */
    this.found = [];
    this.kinds = el("div", { class: "holter-kinds", role: "group", "aria-label": t("Kinds of events") });
    this.list = el("ol", { class: "holter-events", role: "listbox", tabindex: "0", "aria-label": t("Events") });
    this.element = el("section", { class: "holter-side holter-left", "aria-label": t("Events") }, this.kinds, this.list);
    recording.addEventListener("change", () => this.fill());
  }

  /** @returns {RhythmEvent[]} */
  get all() {
    const { events, fibrillation } = this.recording.results;
    return [...events, ...fibrillation.map((span) => ({ kind: "fibrillation", ...span, seconds: span.end - span.start }))].sort(
      (a, b) => a.start - b.start,
    );
  }

  fill() {
    const all = this.all;
    const kinds = ORDER.filter((kind) => all.some((event) => event.kind === kind));
    if (this.kind && !kinds.includes(this.kind)) this.kind = "";
    this.kind ||= kinds[0] ?? "";
    this.kinds.replaceChildren(
      ...kinds.map((kind) =>
        el(
          "button",
          { type: "button", class: "holter-kind", "aria-pressed": String(kind === this.kind), onclick: () => this.choose(kind) },
          EVENTS[kind] ?? kind,
          el("b", {}, String(all.filter((event) => event.kind === kind).length)),
        ),
      ),
    );
    this.found = all.filter((event) => event.kind === this.kind);
    if (this.kind === "pause") this.found.sort((a, b) => b.seconds - a.seconds);
    this.at = Math.min(this.at, this.found.length - 1);
    this.list.replaceChildren(
      ...this.found
        .slice(0, SHOWN)
        .map((event, index) =>
          el(
            "li",
            { role: "option", "aria-selected": String(index === this.at), onclick: () => this.go(index) },
            el("span", {}, this.recording.clock(event.start)),
            el("span", { class: "muted" }, this.facts(event)),
          ),
        ),
    );
    if (this.found.length > SHOWN) this.list.append(el("li", { class: "muted" }, t("and {n} more", { n: this.found.length - SHOWN })));
  }

  /** @param {RhythmEvent} event */
  facts(event) {
    if (event.kind === "pause") return t("{n} s", { n: event.seconds.toFixed(2) });
    if (event.kind === "fibrillation") return t("{n} min", { n: Math.max(1, Math.round(event.seconds / 60)) });
    if (WITHOUT_BEATS.includes(event.kind))
      return t("{n} s, {rate}/min", { n: Math.round(event.seconds), rate: Math.round(event.rate ?? 0) });
    return event.beats ? t("{n} beats, {rate}/min", { n: event.beats, rate: Math.round(event.rate ?? 0) }) : "";
  }

  /** @param {string} kind */
  choose(kind) {
    Object.assign(this, { kind, at: -1 });
    this.fill();
  }

  /** @param {number} by */
  nextKind(by) {
    const kinds = [...this.kinds.children];
    const at = kinds.findIndex((each) => each.getAttribute("aria-pressed") === "true");
    const next = kinds[(at + by + kinds.length) % kinds.length];
    if (next instanceof HTMLElement) next.click();
  }

  /** @param {number} by */
  step(by) {
    if (this.found.length) this.go(Math.max(0, Math.min(this.found.length - 1, this.at + by)));
  }

  /** @param {number} index */
  go(index) {
    this.list.children[this.at]?.setAttribute("aria-selected", "false");
    this.at = index;
    const row = this.list.children[index];
    row?.setAttribute("aria-selected", "true");
    row?.scrollIntoView({ block: "nearest" });
    this.show(this.found[index]);
  }

  get event() {
    return this.found[this.at] ?? null;
  }
}
