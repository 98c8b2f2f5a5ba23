// Pixels, fetched once: raw values of grey frames, a rendered picture of all others. What is on the screen comes
// first, what may be scrolled to comes after; both within bounds of parallel requests and of memory.

import { parts } from "./multipart.js";
import { valueTable } from "./window.js";

/** @import { Instance, Slice } from "./study.js" */
/** @import { GreyWindow } from "./window.js" */

/**
 * Pixels that are here: stored bits with the table that gives them a value after rescale, or a picture drawn by the server.
 * @typedef {object} Frame
 * @property {number} bytes
 * @property {Uint8Array | Uint16Array} [pixels]
 * @property {Float32Array} [table]
 * @property {ImageBitmap} [bitmap]
 * @property {GreyWindow} [ownWindow] made from the pixels
 * @property {() => void} [close]
 */

/**
 * A frame that was asked for; the greatest order is fetched first.
 * @typedef {object} Job
 * @property {string} key
 * @property {Slice} slice
 * @property {GreyWindow | null} window
 * @property {number} order
 * @property {boolean} started
 * @property {AbortController} abort
 * @property {Promise<Frame>} promise
 * @property {(frame: Frame) => void} resolve
 * @property {(error: unknown) => void} reject
 */

const AT_ONCE = 4; // requests; browsers allow six to one host, and the page needs some too
const MEMORY = 512 * 1024 * 1024; // bytes of pixels kept; about 1,000 CT slices
const MAX_TABLES = 64; // pixel formats of which the table is kept; 256 kB each
const RAW = 'multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2.1';

/**
 * @param {Uint8Array<ArrayBuffer>} body
 * @param {Instance} instance
 */
function pixelsOf(body, instance) {
  const size = instance.rows * instance.columns;
  const wanted = (size * instance.bitsAllocated) / 8;
  if (body.byteLength < wanted) throw new NotThisWay(`${body.byteLength} bytes of pixels where ${wanted} are due`);
  // A view of 16-bit words must begin at an even byte, and a part of a multipart answer need not.
  if (instance.bitsAllocated === 8) return new Uint8Array(body.slice(0, wanted));
  return new Uint16Array(body.slice(0, wanted).buffer, 0, size);
}

/** @type {Map<string, Float32Array>} */
const tables = new Map();

/**
 * Tables are the same for most slices of a series: one is kept for each pixel format.
 * @param {Slice} slice
 */
function tableFor(slice) {
  const { bitsAllocated, bitsStored, highBit, signed } = slice.instance;
  const format = { bitsAllocated, bitsStored, highBit, signed, slope: slice.slope, intercept: slice.intercept };
  const key = Object.values(format).join();
  const known = tables.get(key);
  if (known) return known;
  for (const oldest of tables.keys()) if (tables.size >= MAX_TABLES) tables.delete(oldest);
  const table = valueTable(format);
  tables.set(key, table);
  return table;
}

/** An answer that will be the same when it is asked for again. */
class NotThisWay extends Error {}

/**
 * @param {string} url
 * @param {string} accept
 * @param {AbortSignal} signal
 */
async function get(url, accept, signal) {
  const response = await fetch(url, { headers: { Accept: accept }, credentials: "same-origin", signal });
  if (response.ok) return response;
  const text = `${response.status} ${response.statusText}`.trim();
  throw [400, 406, 415, 500, 501].includes(response.status) ? new NotThisWay(text) : new Error(text);
}

/**
 * @param {Slice} slice
 * @param {AbortSignal} signal
 * @returns {Promise<Frame>}
 */
async function fetchRaw(slice, signal) {
  const response = await get(`${slice.instance.url}/frames/${slice.frame}`, RAW, signal);
  const bytes = new Uint8Array(await response.arrayBuffer());
  const [part] = parts(bytes, response.headers.get("Content-Type"));
  const pixels = pixelsOf(part.body, slice.instance);
  return { pixels, table: tableFor(slice), bytes: pixels.byteLength };
}

/**
 * Raw values, or the server's own drawing where it cannot give them.
 * @param {Job} job
 * @returns {Promise<Frame>}
 */
async function fetchFrame({ slice, window, abort: { signal } }) {
  if (slice.instance.isRaw) {
    try {
      return await fetchRaw(slice, signal);
    } catch (error) {
      if (!(error instanceof NotThisWay)) throw error;
      slice.instance.rawRefused = true;
    }
  }
  return fetchRendered(slice, window, signal);
}

/**
 * @param {Slice} slice
 * @param {GreyWindow | null} window
 * @param {AbortSignal} signal
 * @returns {Promise<Frame>}
 */
async function fetchRendered(slice, window, signal) {
  const query = window && slice.instance.isGrey ? `?window=${window.center},${window.width},linear` : "";
  const response = await get(`${slice.instance.url}/frames/${slice.frame}/rendered${query}`, "image/png, image/jpeg;q=0.9", signal);
  const bitmap = await createImageBitmap(await response.blob());
  return { bitmap, bytes: bitmap.width * bitmap.height * 4, close: () => bitmap.close() };
}

/** A promise of a frame, and what settles it. */
function settled() {
  /** @type {(frame: Frame) => void} */
  let resolve = () => {};
  /** @type {(error: unknown) => void} */
  let reject = () => {};
  /** @type {Promise<Frame>} */
  const promise = new Promise((onFrame, onError) => {
    resolve = onFrame;
    reject = onError;
  });
  return { promise, resolve, reject };
}

/** Frames by slice. One store serves every pane of the page. */
export class FrameStore {
  constructor(memory = MEMORY) {
    this.memory = memory;
    this.used = 0;
    /** By key; insertion order is order of use. @type {Map<string, Frame>} */
    this.kept = new Map();
    /** By key, waiting or running. @type {Map<string, Job>} */
    this.jobs = new Map();
    this.running = 0;
    this.turn = 0;
    /** Keys on the screen; the viewer says. @type {() => Set<string>} */
    this.pinned = () => new Set();
  }

  /**
   * @param {Slice} slice
   * @param {GreyWindow | null} window
   */
  static key(slice, window) {
    const drawn = !slice.instance.isRaw && slice.instance.isGrey && window;
    return drawn ? `${slice.key}?${window.center},${window.width}` : slice.key;
  }

  /**
   * The frame if it is here now, else null.
   * @param {Slice} slice
   * @param {GreyWindow | null} window
   */
  peek(slice, window = null) {
    const key = FrameStore.key(slice, window);
    const frame = this.kept.get(key);
    if (!frame) return null;
    this.kept.delete(key);
    this.kept.set(key, frame);
    return frame;
  }

  /**
   * The frame, fetched if need be. `urgent` ones go before all that wait; the latest asked goes first.
   * @param {Slice} slice
   * @param {{window?: GreyWindow | null, urgent?: boolean}} options
   * @returns {Promise<Frame>}
   */
  get(slice, { window = null, urgent = true } = {}) {
    const here = this.peek(slice, window);
    if (here) return Promise.resolve(here);
    const key = FrameStore.key(slice, window);
    let job = this.jobs.get(key);
    if (!job) {
      job = { key, slice, window, order: 0, started: false, abort: new AbortController(), ...settled() };
      job.promise.catch(() => {}); // whoever waits hears of it; a prefetch that fails is asked for again when it is needed
      this.jobs.set(key, job);
    }
    if (urgent || !job.order) {
      this.turn += 1;
      job.order = urgent ? this.turn : -this.turn;
    }
    this.next();
    return job.promise;
  }

  /**
   * Fetch ahead, nearest first. Prefetches that wait from before are given up.
   * @param {Slice[]} slices
   */
  prefetch(slices) {
    for (const job of [...this.jobs.values()]) if (job.order < 0 && !job.started) this.giveUp(job);
    let room = this.memory;
    for (const slice of slices) {
      room -= (slice.instance.rows * slice.instance.columns * slice.instance.bitsAllocated) / 8;
      if (room < 0) return;
      if (!this.kept.has(FrameStore.key(slice, null))) this.get(slice, { urgent: false });
    }
  }

  /** @param {Job} job */
  giveUp(job) {
    this.jobs.delete(job.key);
    job.abort.abort();
    job.reject(new DOMException("no longer wanted", "AbortError"));
  }

  next() {
    while (this.running < AT_ONCE) {
      /** @type {Job | null} */
      let best = null;
      for (const job of this.jobs.values()) if (!job.started && (!best || job.order > best.order)) best = job;
      if (!best) return;
      this.run(best);
    }
  }

  /** @param {Job} job */
  async run(job) {
    job.started = true;
    this.running += 1;
    try {
      const frame = await fetchFrame(job);
      this.keep(job.key, frame);
      job.resolve(frame);
    } catch (error) {
      job.reject(error);
    } finally {
      this.running -= 1;
      this.jobs.delete(job.key);
      this.next();
    }
  }

  /**
   * @param {string} key
   * @param {Frame} frame
   */
  keep(key, frame) {
    this.kept.set(key, frame);
    this.used += frame.bytes;
    const pinned = this.pinned();
    for (const [oldest, old] of this.kept) {
      if (this.used <= this.memory) break;
      if (oldest === key || pinned.has(oldest)) continue;
      this.kept.delete(oldest);
      this.used -= old.bytes;
      old.close?.();
    }
  }
}
