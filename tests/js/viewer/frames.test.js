import assert from "node:assert/strict";
import { test } from "node:test";

import { FrameStore } from "/static/js/viewer/frames.js";
import { serve } from "../server.js";

const ROWS = 4;
const BYTES = ROWS * ROWS * 2;

/** A server of raw frames that answers when it is told to, and the slices that are there. */
async function frames(t, count, body = (number) => Buffer.alloc(BYTES, number)) {
  const asked = [];
  const home = await serve(t, (request, response) => {
    const number = Number(/instances\/(\d+)/.exec(request.url)[1]);
    const answer = () => {
      if (response.headersSent) return;
      const head = "\r\n--x\r\nContent-Type: application/octet-stream\r\n\r\n";
      response.writeHead(200, { "Content-Type": "multipart/related; boundary=x" });
      response.end(Buffer.concat([Buffer.from(head), body(number), Buffer.from("\r\n--x--")]));
    };
    asked.push({ number, answer, response });
    waiting.splice(0).forEach((wake) => {
      wake();
    });
  });
  const waiting = [];
  const instance = { rows: ROWS, columns: ROWS, bitsAllocated: 16, bitsStored: 16, highBit: 15, signed: false, isRaw: true, isGrey: true };
  const slices = Array.from({ length: count }, (_, number) => ({
    key: `${number}/1`,
    frame: 1,
    slope: 2,
    intercept: -1,
    instance: { ...instance, url: `${home}/instances/${number}` },
  }));
  const untilAsked = async (wanted) => {
    while (asked.length < wanted) await new Promise((wake) => waiting.push(wake));
    return asked.map(({ number }) => number);
  };
  return { asked, slices, untilAsked };
}

test("a frame is its pixels and the table that gives them a value", async (t) => {
  const { asked, slices, untilAsked } = await frames(t, 2);
  const store = new FrameStore();
  const wanted = store.get(slices[1]);
  assert.equal(store.get(slices[1]), wanted); // asked for once
  await untilAsked(1);
  asked[0].answer();
  const frame = await wanted;
  assert.deepEqual([frame.pixels[0], frame.pixels.length, frame.table[frame.pixels[0]]], [0x0101, ROWS * ROWS, 2 * 0x0101 - 1]);
  assert.equal(store.peek(slices[1]), frame);
  assert.equal(store.peek(slices[0]), null);
  assert.equal(await store.get(slices[1]), frame);
  assert.equal(asked.length, 1);
});

test("four are asked for at once; then the latest urgent one, then what was fetched ahead in its order", async (t) => {
  const { asked, slices, untilAsked } = await frames(t, 8);
  const store = new FrameStore();
  store.prefetch(slices.slice(0, 6));
  assert.deepEqual((await untilAsked(4)).sort(), [0, 1, 2, 3]);
  const urgent = [store.get(slices[6]), store.get(slices[7])];
  asked[0].answer();
  assert.equal((await untilAsked(5))[4], 7);
  asked[1].answer();
  assert.equal((await untilAsked(6))[5], 6);
  asked[2].answer();
  assert.equal((await untilAsked(7))[6], 4);
  for (const each of asked) each.answer();
  await Promise.all(urgent);
  await untilAsked(8);
  asked[7].answer();
});

test("what waits to be fetched ahead is given up for what is near now", async (t) => {
  const { asked, slices, untilAsked } = await frames(t, 7);
  const store = new FrameStore();
  store.prefetch(slices.slice(0, 5));
  await untilAsked(4);
  store.prefetch([slices[6]]);
  asked[0].answer();
  assert.equal((await untilAsked(5))[4], 6);
  for (const each of asked) each.answer();
  await Promise.all([0, 1, 2, 3, 6].map((number) => store.get(slices[number])));
  assert.equal(asked.length, 5);
});

test("memory holds what was used last, and what is on the screen", async (t) => {
  const { asked, slices, untilAsked } = await frames(t, 4);
  const store = new FrameStore(2 * BYTES);
  store.pinned = () => new Set(["0/1"]);
  for (const [n, slice] of slices.entries()) {
    const wanted = store.get(slice);
    await untilAsked(n + 1);
    asked[n].answer();
    await wanted;
  }
  assert.deepEqual(
    slices.map((slice) => store.peek(slice) !== null),
    [true, false, false, true],
  );
  assert.equal(store.used, 2 * BYTES);
});

test("no more is fetched ahead than memory holds", async (t) => {
  const { asked, slices, untilAsked } = await frames(t, 4);
  const store = new FrameStore(2 * BYTES);
  store.prefetch(slices);
  assert.deepEqual((await untilAsked(2)).sort(), [0, 1]);
  for (const each of asked) each.answer();
  await Promise.all([store.get(slices[0]), store.get(slices[1])]);
  assert.equal(asked.length, 2);
});

test("a frame that fails says why, and may be asked for again", async (t) => {
  const { asked, slices, untilAsked } = await frames(t, 1);
  const store = new FrameStore();
  const first = store.get(slices[0]);
  await untilAsked(1);
  asked[0].response.writeHead(503).end();
  await assert.rejects(first, /^Error: 503/);
  const second = store.get(slices[0]);
  await untilAsked(2);
  asked[1].answer();
  assert.equal((await second).bytes, BYTES);
});

test("pixels that begin at an odd byte, or are more than are due, are read as well", async (t) => {
  const { asked, slices, untilAsked } = await frames(t, 1, () => Buffer.concat([Buffer.alloc(BYTES, 7), Buffer.from([0])]));
  const wanted = new FrameStore().get(slices[0]);
  await untilAsked(1);
  asked[0].answer();
  assert.deepEqual([...new Set((await wanted).pixels)], [0x0707]);
});
