import assert from "node:assert/strict";
import { test } from "node:test";

const { AT_ONCE, ScanQueue } = await import("/static/js/lab/specimens/scan-queue.js");

const scan = (number) => ({ id: `scan-${number}`, code: `S${number}`, at: "2026-11-18T08:00:00Z" });
const answerTo = ({ id, code }) => ({ id, code, step: "received", said: "", tone: "done" });

function memory(kept = {}) {
  return {
    kept,
    getItem: (key) => kept[key] ?? null,
    setItem: (key, text) => {
      kept[key] = text;
    },
    removeItem: (key) => delete kept[key],
  };
}

function queueWith(send, store = memory(), more = {}) {
  const said = [];
  const waits = [];
  const later = [];
  const queue = new ScanQueue({
    key: "k",
    store,
    send,
    said: (scanned) => said.push(scanned.id),
    waiting: (count, why) => waits.push([count, why]),
    later: (run, ms) => later.push([run, ms]),
    ...more,
  });
  return { queue, said, waits, later, store };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

test("scans are sent in their order, some at once, and each is answered", async () => {
  const sizes = [];
  const { queue, said, store } = queueWith(async (scans) => {
    sizes.push(scans.length);
    await settled();
    return scans.map(answerTo);
  });
  for (let number = 0; number < 60; number += 1) queue.add(scan(number));
  while (queue.running) await settled();
  assert.deepEqual(
    said,
    Array.from({ length: 60 }, (_, number) => `scan-${number}`),
  );
  assert.ok(sizes.every((size) => size <= AT_ONCE));
  assert.deepEqual(store.kept, {});
});

test("what no answer came for is kept, and sent again by the next page under the same ids", async () => {
  const first = queueWith(async () => {
    throw new TypeError("no network");
  });
  first.queue.add(scan(1));
  first.queue.add(scan(2));
  await settled();
  assert.deepEqual(first.waits.at(-1), [2, ""]);
  assert.equal(first.later.length, 1);
  const sent = [];
  const second = queueWith(async (scans) => {
    sent.push(...scans.map(({ id }) => id));
    return scans.map(answerTo);
  }, first.store);
  await second.queue.run();
  assert.deepEqual(sent, ["scan-1", "scan-2"]);
  assert.deepEqual(second.waits.at(-1), [0, ""]);
});

test("each wait is longer than the one before, up to a quarter of a minute", async () => {
  const { queue, later } = queueWith(async () => {
    throw new TypeError("no network");
  });
  queue.add(scan(1));
  await settled();
  for (let times = 0; times < 6; times += 1) {
    later.at(-1)[0]();
    await settled();
  }
  assert.deepEqual(
    later.map(([, ms]) => ms),
    [1000, 2000, 4000, 8000, 15000, 15000, 15000],
  );
});

test("a scan that can never be taken is let go alone; the others are taken", async () => {
  const refused = Object.assign(new Error("too long"), { status: 422 });
  const taken = [];
  const { queue, said, later } = queueWith(
    async (scans) => {
      if (scans.some(({ id }) => id === "scan-2")) throw refused;
      taken.push(...scans.map(({ id }) => id));
      return scans.map(answerTo);
    },
    memory(),
    { status: (error) => error.status },
  );
  queue.scans = [scan(1), scan(2), scan(3)];
  await queue.run();
  while (later.length) {
    later.shift()[0]();
    await settled();
  }
  assert.deepEqual(taken, ["scan-1", "scan-3"]);
  assert.deepEqual(said, ["scan-1", "scan-2", "scan-3"]);
});

test("a session that ended is waited for, and said", async () => {
  const { queue, waits } = queueWith(
    async () => {
      throw Object.assign(new Error("sign in"), { status: 401 });
    },
    memory(),
    { status: (error) => error.status },
  );
  queue.add(scan(1));
  await settled();
  assert.deepEqual(waits.at(-1), [1, "sign in"]);
  assert.equal(queue.scans.length, 1);
});

test("a scan that was not answered stays, the others go", async () => {
  let times = 0;
  const { queue, said } = queueWith(async (scans) => {
    times += 1;
    return (times === 1 ? scans.slice(0, 1) : scans).map(answerTo);
  });
  queue.scans = [scan(1), scan(2)];
  await queue.run();
  assert.deepEqual(said, ["scan-1", "scan-2"]);
});

test("what lies in the store and cannot be read is nothing", () => {
  assert.deepEqual(queueWith(async () => [], memory({ k: "{broken" })).queue.scans, []);
  assert.deepEqual(queueWith(async () => [], memory({ k: '"text"' })).queue.scans, []);
});
