// One recording as the server keeps it: what was read of it, and its samples by range.

import { call, Problem, Unreachable } from "../api.js";

/** @import { Stage } from "./filters.js" */
/** @typedef {Record<string, number | null>} Evidence the numbers behind a statement */
/** @typedef {{name: string, high_pass: number | null, low_pass: number | null, notch: number | null, diagnostic: boolean, stages: Stage[]}} Filter */

/**
 * What the analysis proposes; nothing of it counts until a report is signed.
 * @typedef {object} Proposal
 * @property {{code: string, evidence: Evidence}[]} [statements]
 * @property {Record<string, number | null>} [measurements]
 * @property {{lead: string, grade: string, reasons: string[]}[]} [quality]
 * @property {{electrodes: string[], evidence: Evidence}[]} [reversals]
 */

/**
 * A recording as the API tells it (TracingShape).
 * @typedef {object} TracingShape
 * @property {string} id
 * @property {string} case_id
 * @property {"resting" | "holter" | "unreadable"} kind
 * @property {string} format
 * @property {string | null} started_at
 * @property {number} duration s
 * @property {number} rate Hz
 * @property {number} samples
 * @property {string[]} leads
 * @property {{samples: number}[]} levels samples in a bin of each
 * @property {Filter[]} filters
 * @property {Proposal} proposal
 * @property {{finding: string}[]} critical
 * @property {string} reason why it is unreadable
 */

/** The median beat: microvolts by lead, and the samples at which its waves begin and end.
 * @typedef {{leads: string[], samples: number[][], rate: number, marks: Record<string, number>}} Median */
/** @typedef {{first: number, values: 1 | 2, rows: Int16Array[]}} Chunk a stretch of a level; two values a bin are low and high */

const GAP = -32768;
const MAX_CHUNKS = 400; // kept of a recording
const CHUNK = 4096; // bins asked for at once, as they lie in the store: the same stretch is the same address, and is kept

export class Tracing {
  /** @param {TracingShape} shape */
  constructor(shape) {
    this.id = shape.id;
    this.kind = shape.kind;
    this.format = shape.format;
    this.started_at = shape.started_at;
    this.duration = shape.duration;
    this.rate = shape.rate;
    this.samples = shape.samples;
    this.leads = shape.leads;
    this.levels = shape.levels;
    this.filters = shape.filters;
    this.proposal = shape.proposal;
    this.critical = shape.critical;
    this.reason = shape.reason;
    this.address = `/api/v1/cases/${shape.case_id}/tracings/${shape.id}`;
    /** By "level/number": a promise while it is under way. @type {Map<string, Chunk | Promise<Chunk>>} */
    this.chunks = new Map();
  }

  /**
   * Beats, median, events...: what the analysis found, after edits.
   * @returns {Promise<any>}
   */
  async results() {
    return (await call("GET", this.address)).data;
  }

  /**
   * Whole chunks of a level as {first, count, rows: [Int16Array per lead, low and high interleaved on coarse levels]}.
   * @param {number} level
   * @param {number} number
   * @returns {Chunk | Promise<Chunk>}
   */
  chunk(level, number) {
    const key = `${level}/${number}`;
    const known = this.chunks.get(key);
    if (known) return known;
    const loading = this.load(level, number * CHUNK).catch((error) => {
      this.chunks.delete(key);
      throw error;
    });
    this.chunks.set(key, loading);
    loading.then(
      (chunk) => this.chunks.set(key, chunk),
      () => {},
    );
    for (const oldest of this.chunks.keys()) if (this.chunks.size > MAX_CHUNKS) this.chunks.delete(oldest);
    return loading;
  }

  /**
   * @param {number} level
   * @param {number} first
   * @returns {Promise<Chunk>}
   */
  async load(level, first) {
    let response;
    try {
      response = await fetch(`${this.address}/samples?level=${level}&first=${first}&count=${CHUNK}`, { credentials: "same-origin" });
    } catch {
      throw new Unreachable();
    }
    if (!response.ok) throw new Problem(response.status, {}, response.headers);
    const numbers = new Int16Array(await response.arrayBuffer());
    const size = numbers.length / this.leads.length;
    return { first, values: level ? 2 : 1, rows: this.leads.map((_, row) => numbers.subarray(row * size, (row + 1) * size)) };
  }

  /** All samples of a short recording, microvolts by lead, NaN for gaps. */
  async whole() {
    const numbers = Array.from({ length: Math.ceil(this.samples / CHUNK) }, (_, number) => number);
    const chunks = await Promise.all(numbers.map((number) => this.chunk(0, number)));
    return this.leads.map((_, row) => {
      const samples = new Float32Array(this.samples);
      for (const chunk of chunks)
        chunk.rows[row].forEach((value, at) => {
          samples[chunk.first + at] = value === GAP ? NaN : value;
        });
      return samples;
    });
  }
}

/**
 * {items, earlier} of a case.
 * @param {string} caseId
 */
export async function tracingsOf(caseId) {
  const { data } = await call("GET", `/api/v1/cases/${caseId}/tracings`);
  /** @type {{items: TracingShape[], earlier: TracingShape[]}} */
  const { items, earlier } = data;
  return { items: items.map((shape) => new Tracing(shape)), earlier: earlier.map((shape) => new Tracing(shape)) };
}

export { CHUNK, GAP };
