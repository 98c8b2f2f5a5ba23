// A long recording on the page: its results, its beats, and what readers did to it. Tells its listeners when it changes.

import { call, Problem, Unreachable } from "../../api.js";

export class LongRecording extends EventTarget {
  constructor(tracing) {
    super();
    this.tracing = tracing;
    this.edits = [];
    this.beats = null;
  }

  async load() {
    const [results, edits] = await Promise.all([this.tracing.results(), call("GET", `${this.tracing.address}/edits`)]);
    this.results = results;
    this.edits = edits.data.items;
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
    this.beats = {
      at: new Uint32Array(content, 0, count),
      automatic: new Uint8Array(content, 4 * count, count),
      template: new Uint8Array(content, 5 * count, count),
    };
    this.rename();
    this.dispatchEvent(new Event("beats"));
  }

  /** Classes after the edits that count, in their order: as the server has them. */
  rename() {
    if (!this.beats) return;
    const names = Uint8Array.from(this.beats.automatic);
    for (const { kind, detail } of this.counting()) {
      const letter = detail.name?.charCodeAt(0);
      if (kind === "beat") names[detail.beat] = letter;
      if (kind === "template")
        this.beats.template.forEach((template, beat) => {
          if (template === detail.template) names[beat] = letter;
        });
    }
    this.beats.names = names;
  }

  counting() {
    return this.edits.filter((edit) => !edit.undone_at);
  }

  /** Strips that go into the report, in order of time. */
  get strips() {
    return this.counting()
      .filter((edit) => edit.kind === "strip")
      .map(({ number, detail }) => ({ number, ...detail }))
      .sort((a, b) => a.begin - b.begin);
  }

  async edit(kind, detail) {
    await this.changed(kind, await call("POST", `${this.tracing.address}/edits`, { body: { kind, detail } }));
  }

  /** Take back one step by its number, or the last one. */
  async undo(number = null) {
    const before = this.edits.find((edit) => edit.number === (number ?? this.counting().at(-1)?.number));
    await this.changed(before?.kind, await call("POST", `${this.tracing.address}/edits/undo`, { body: number ? { number } : {} }));
  }

  async changed(kind, { data }) {
    this.edits = data.items;
    if (kind !== "strip") {
      this.rename();
      this.dispatchEvent(new Event("beats"));
      this.results = await this.tracing.results();
    }
    this.dispatchEvent(new Event("change"));
  }

  /** Number of the first beat at or after a sample. */
  firstBeat(sample) {
    let [low, high] = [0, this.beats.at.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.beats.at[middle] < sample) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Seconds of the recording as the clock had them: 14:05:33, with the day where it is a later one. */
  clock(seconds, precise = true) {
    const start = this.tracing.started_at;
    const begin = start ? Date.parse(`${start.slice(0, 19)}Z`) / 1000 : 0;
    const total = begin + seconds;
    const text = new Date(total * 1000).toISOString();
    const days = start ? Math.floor(total / 86_400) - Math.floor(begin / 86_400) : Math.floor(seconds / 86_400);
    return text.slice(11, precise ? 19 : 16) + (days ? ` +${days}` : "");
  }
}
