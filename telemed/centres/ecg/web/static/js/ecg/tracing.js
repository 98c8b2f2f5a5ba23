// One recording as the server keeps it: what was read of it, and its samples by range.

import { call, Problem, Unreachable } from "../api.js";

const GAP = -32768;
const CHUNK = 4096; // bins asked for at once, as they lie in the store: the same stretch is the same address, and is kept

export class Tracing {
  constructor(shape) {
    Object.assign(this, shape);
    this.address = `/api/v1/cases/${shape.case_id}/tracings/${shape.id}`;
    this.chunks = new Map();
  }

  /** Beats, median, events...: what the analysis found, after edits. */
  async results() {
    return (await call("GET", this.address)).data;
  }

  /** Whole chunks of a level as {first, count, rows: [Int16Array per lead, low and high interleaved on coarse levels]}. */
  chunk(level, number) {
    const key = `${level}/${number}`;
    if (!this.chunks.has(key)) {
      const loading = this.load(level, number * CHUNK).catch((error) => {
        this.chunks.delete(key);
        throw error;
      });
      this.chunks.set(key, loading);
      loading.then(
        (chunk) => this.chunks.set(key, chunk),
        () => {},
      );
      if (this.chunks.size > 400) this.chunks.delete(this.chunks.keys().next().value);
    }
    return this.chunks.get(key);
  }

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

/** {items, earlier} of a case. */
export async function tracingsOf(caseId) {
  const { data } = await call("GET", `/api/v1/cases/${caseId}/tracings`);
  return { items: data.items.map((shape) => new Tracing(shape)), earlier: data.earlier.map((shape) => new Tracing(shape)) };
}

export { CHUNK, GAP };
