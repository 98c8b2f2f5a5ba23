// Pixels, fetched once: raw values of grey frames, a rendered picture of all others. What is on the screen comes
// first, what may be scrolled to comes after; both within bounds of parallel requests and of memory.

import { parts } from "./multipart.js";
import { valueTable } from "./window.js";

const AT_ONCE = 4; // requests; browsers allow six to one host, and the page needs some too
const MEMORY = 512 * 1024 * 1024; // bytes of pixels kept; about 1,000 CT slices
const RAW = 'multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2.1';

/** A grey frame: `pixels` are stored bits, `table` turns them into values after rescale. */
class RawFrame {
  constructor(pixels, table) {
    this.pixels = pixels;
    this.table = table;
    this.bytes = pixels.byteLength;
  }
}

/** A frame drawn by the server. */
class RenderedFrame {
  constructor(bitmap) {
    this.bitmap = bitmap;
    this.bytes = bitmap.width * bitmap.height * 4;
  }

  close() {
    this.bitmap.close();
  }
}

function pixelsOf(body, instance) {
  const size = instance.rows * instance.columns;
  const wanted = (size * instance.bitsAllocated) / 8;
  if (body.byteLength < wanted) throw new NotThisWay(`${body.byteLength} bytes of pixels where ${wanted} are due`);
  // A view of 16-bit words must begin at an even byte, and a part of a multipart answer need not.
  if (instance.bitsAllocated === 8) return new Uint8Array(body.slice(0, wanted));
  return new Uint16Array(body.slice(0, wanted).buffer, 0, size);
}

const tables = new Map();

/** Tables are the same for most slices of a series: one is kept for each pixel format. */
function tableFor(slice) {
  const { bitsAllocated, bitsStored, highBit, signed } = slice.instance;
  const format = { bitsAllocated, bitsStored, highBit, signed, slope: slice.slope, intercept: slice.intercept };
  const key = Object.values(format).join();
  if (!tables.has(key)) {
    if (tables.size >= 64) tables.delete(tables.keys().next().value);
    tables.set(key, valueTable(format));
  }
  return tables.get(key);
}

/** An answer that will be the same when it is asked for again. */
class NotThisWay extends Error {}

async function get(url, accept, signal) {
  const response = await fetch(url, { headers: { Accept: accept }, credentials: "same-origin", signal });
  if (response.ok) return response;
  const text = `${response.status} ${response.statusText}`.trim();
  throw [400, 406, 415, 500, 501].includes(response.status) ? new NotThisWay(text) : new Error(text);
}

async function fetchRaw(slice, signal) {
  const response = await get(`${slice.instance.url}/frames/${slice.frame}`, RAW, signal);
  const bytes = new Uint8Array(await response.arrayBuffer());
  const [part] = parts(bytes, response.headers.get("Content-Type"));
  return new RawFrame(pixelsOf(part.body, slice.instance), tableFor(slice));
}

/** Raw values, or the server's own drawing where it cannot give them. */
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

async function fetchRendered(slice, window, signal) {
  const query = window && slice.instance.isGrey ? `?window=${window.center},${window.width},linear` : "";
  const response = await get(`${slice.instance.url}/frames/${slice.frame}/rendered${query}`, "image/png, image/jpeg;q=0.9", signal);
  return new RenderedFrame(await createImageBitmap(await response.blob()));
}

/** Frames by slice. One store serves every pane of the page. */
export class FrameStore {
  constructor(memory = MEMORY) {
    this.memory = memory;
    this.used = 0;
    this.kept = new Map(); // key -> frame; insertion order is order of use
    this.jobs = new Map(); // key -> job, waiting or running
    this.running = 0;
    this.turn = 0;
    this.pinned = () => new Set(); // keys on the screen; the viewer says
  }

  static key(slice, window) {
    const drawn = !slice.instance.isRaw && slice.instance.isGrey && window;
    return drawn ? `${slice.key}?${window.center},${window.width}` : slice.key;
  }

  /** The frame if it is here now, else null. */
  peek(slice, window = null) {
    const key = FrameStore.key(slice, window);
    const frame = this.kept.get(key);
    if (!frame) return null;
    this.kept.delete(key);
    this.kept.set(key, frame);
    return frame;
  }

  /** The frame, fetched if need be. `urgent` ones go before all that wait; the latest asked goes first. */
  get(slice, { window = null, urgent = true } = {}) {
    const here = this.peek(slice, window);
    if (here) return Promise.resolve(here);
    const key = FrameStore.key(slice, window);
    let job = this.jobs.get(key);
    if (!job) {
      job = { key, slice, window, order: 0, started: false, abort: new AbortController() };
      job.promise = new Promise((resolve, reject) => Object.assign(job, { resolve, reject }));
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

  /** Fetch ahead, nearest first. Prefetches that wait from before are given up. */
  prefetch(slices) {
    for (const job of [...this.jobs.values()]) if (job.order < 0 && !job.started) this.giveUp(job);
    let room = this.memory;
    for (const slice of slices) {
      room -= (slice.instance.rows * slice.instance.columns * slice.instance.bitsAllocated) / 8;
      if (room < 0) return;
      if (!this.kept.has(FrameStore.key(slice, null))) this.get(slice, { urgent: false });
    }
  }

  giveUp(job) {
    this.jobs.delete(job.key);
    job.abort.abort();
    job.reject(new DOMException("no longer wanted", "AbortError"));
  }

  next() {
    while (this.running < AT_ONCE) {
      let best = null;
      for (const job of this.jobs.values()) if (!job.started && (!best || job.order > best.order)) best = job;
      if (!best) return;
      this.run(best);
    }
  }

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
