// A long recording on the page: its results, its beats, and what readers did to it. Tells its listeners when it changes.

import { call, Problem, Unreachable } from "../../api.js";

/** @import { Tracing } from "../tracing.js" */
/** @typedef {(number | null)[]} Trend a value for each step, null where nothing could be read */
/** @typedef {{start: number, end: number}} Span in s */
/** @typedef {Span & {kind: string, seconds: number, beats?: number, rate?: number}} RhythmEvent */
/** @typedef {{number: number, name: string, size: number, unlike: boolean, picture: (number | null)[][], examples: [beat: number, sample: number][]}} Template */
/** @typedef {Record<string, number | null> & {start: number}} Hour */

/**
 * What the analysis found, after the edits that count.
 * @typedef {object} Results
 * @property {RhythmEvent[]} events
 * @property {Span[]} fibrillation
 * @property {number} burden part of the time in fibrillation
 * @property {Template[]} templates
 * @property {Hour[]} hours
 * @property {number} beats
 * @property {number} [missing] s
 * @property {Record<string, number>} classes beats of each
 * @property {{sdnn: number | null, rmssd: number | null}} variability ms
 * @property {{step: number, low: Trend, mean: Trend, high: Trend}} trend 1/min
 * @property {{step: number, leads: string[], level: Trend[]} | null} st mV
 * @property {{step: number, sdnn: Trend, rmssd: Trend}} hrv ms
 */

/** @typedef {{number: number, kind: "beat" | "template" | "strip", detail: any, undone_at: string | null}} Edit */
/** @typedef {{number: number, begin: number, seconds: number, caption: string}} ChosenStrip */
/** @typedef {{at: Uint32Array, automatic: Uint8Array, template: Uint8Array, names: Uint8Array}} Beats samples, classes as letters, templates */

/** A recording of which nothing has been analysed. @type {Results} */
const NOTHING = {
  events: [],
  fibrillation: [],
  burden: 0,
  templates: [],
  hours: [],
  beats: 0,
  classes: {},
  variability: { sdnn: null, rmssd: null },
  trend: { step: 60, low: [], mean: [], high: [] },
  st: null,
  hrv: { step: 300, sdnn: [], rmssd: [] },
};

export class LongRecording extends EventTarget {
  /** @param {Tracing} tracing */
  constructor(tracing) {
    super();
    this.tracing = tracing;
    /** @type {Edit[]} */
    this.edits = [];
    /** Null until they are here. @type {Beats | null} */
    this.beats = null;
    this.loaded = false;
    this.results = NOTHING;
  }

  async load() {
    const [results, edits] = await Promise.all([this.tracing.results(), call("GET", `${this.tracing.address}/edits`)]);
    this.results = results;
    this.edits = edits.data.items;
    this.loaded = true;
  }

  /** Samples (Uint32Array), classes and templates (Uint8Array) of all beats: some hundred kilobytes, fetched after the first trace. */
  async loadBeats() {
    let response;
    try {
      response = await fetch(`${this.tracing.address}/beats`, { credentials: "same-origin" });
    } catch {
      throw new Unreachable();
    }
    if (!response.ok) throw new Problem(response.status, {}, response.headers);
    const content = await response.arrayBuffer();
    const count = content.byteLength / 6;
    const automatic = new Uint8Array(content, 4 * count, count);
    const template = new Uint8Array(content, 5 * count, count);
    this.beats = { at: new Uint32Array(content, 0, count), automatic, template, names: automatic };
    this.rename();
    this.dispatchEvent(new Event("beats"));
  }

  /** Classes after the edits that count, in their order: as the server has them. */
  rename() {
    const { beats } = this;
    if (!beats) return;
    const names = Uint8Array.from(beats.automatic);
    for (const { kind, detail } of this.counting()) {
      const letter = detail.name?.charCodeAt(0);
      if (kind === "beat") names[detail.beat] = letter;
      if (kind === "template")
        beats.template.forEach((template, beat) => {
          if (template === detail.template) names[beat] = letter;
        });
    }
    beats.names = names;
  }

  counting() {
    return this.edits.filter((edit) => !edit.undone_at);
  }

  /**
   * Strips that go into the report, in order of time.
   * @returns {ChosenStrip[]}
   */
  get strips() {
    return this.counting()
      .filter((edit) => edit.kind === "strip")
      .map(({ number, detail }) => ({ number, ...detail }))
      .sort((a, b) => a.begin - b.begin);
  }

  /**
   * @param {Edit["kind"]} kind
   * @param {object} detail
   */
  async edit(kind, detail) {
    await this.changed(kind, await call("POST", `${this.tracing.address}/edits`, { body: { kind, detail } }));
  }

  /**
   * Take back one step by its number, or the last one.
   * @param {number | null} number
   */
  async undo(number = null) {
    const before = this.edits.find((edit) => edit.number === (number ?? this.counting().at(-1)?.number));
    await this.changed(before?.kind, await call("POST", `${this.tracing.address}/edits/undo`, { body: number ? { number } : {} }));
  }

  /**
   * @param {Edit["kind"] | undefined} kind
   * @param {{data: {items: Edit[]}}} answer
   */
  async changed(kind, { data }) {
    this.edits = data.items;
    if (kind !== "strip") {
      this.rename();
      this.dispatchEvent(new Event("beats"));
      this.results = await this.tracing.results();
    }
    this.dispatchEvent(new Event("change"));
  }

  /**
   * Number of the first beat at or after a sample.
   * @param {number} sample
   */
  firstBeat(sample) {
    const at = this.beats?.at ?? new Uint32Array();
    let [low, high] = [0, at.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (at[middle] < sample) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /**
   * Seconds of the recording as the clock had them: 14:05:33, with the day where it is a later one.
   * @param {number} seconds
   * @param {boolean} precise
   */
  clock(seconds, precise = true) {
    const start = this.tracing.started_at;
    const begin = start ? Date.parse(`${start.slice(0, 19)}Z`) / 1000 : 0;
    const total = begin + seconds;
    const text = new Date(total * 1000).toISOString();
    const days = start ? Math.floor(total / 86_400) - Math.floor(begin / 86_400) : Math.floor(seconds / 86_400);
    return text.slice(11, precise ? 19 : 16) + (days ? ` +${days}` : "");
  }
}
