import assert from "node:assert/strict";
import { test } from "node:test";

import { LongRecording } from "/static/js/ecg/holter/recording.js";
import { serve } from "../server.js";

const letters = (names) => String.fromCharCode(...names);

/** A recording of five beats, and what readers did to it. */
async function recording(t, edits) {
  const home = await serve(t, (request, response) => {
    if (request.url.endsWith("/beats")) {
      const at = Buffer.from(Uint32Array.of(100, 300, 500, 700, 900).buffer);
      return response.end(Buffer.concat([at, Buffer.from("NNVNN"), Buffer.from([0, 0, 1, 0, 1])]));
    }
    return response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify({ items: edits }));
  });
  const long = new LongRecording({ address: home, results: async () => ({}), started_at: "2026-11-20T22:00:00" });
  await long.load();
  await long.loadBeats();
  return long;
}

const undone_at = null;

test("beats have the class that the last edit that counts gave them", async (t) => {
  const long = await recording(t, [
    { number: 1, kind: "template", detail: { template: 1, name: "S" }, undone_at },
    { number: 2, kind: "beat", detail: { beat: 4, name: "V" }, undone_at },
    { number: 3, kind: "beat", detail: { beat: 0, name: "Q" }, undone_at: "2026-11-20T23:00:00Z" },
  ]);
  assert.equal(letters(long.beats.names), "NNSNV");
  assert.equal(letters(long.beats.automatic), "NNVNN");
});

test("strips stand in order of time", async (t) => {
  const strip = (number, begin) => ({ number, kind: "strip", detail: { begin, seconds: 8 }, undone_at });
  const long = await recording(t, [strip(1, 90), strip(2, 30)]);
  assert.deepEqual(long.strips, [
    { number: 2, begin: 30, seconds: 8 },
    { number: 1, begin: 90, seconds: 8 },
  ]);
});

test("the first beat at or after a sample", async (t) => {
  const long = await recording(t, []);
  assert.deepEqual(
    [0, 100, 101, 900, 901].map((sample) => long.firstBeat(sample)),
    [0, 0, 1, 4, 5],
  );
});

test("the clock is the recorder's, and says when it is another day", async (t) => {
  const long = await recording(t, []);
  assert.deepEqual(
    [long.clock(0), long.clock(7199, false), long.clock(7200), long.clock(7200 + 86_400)],
    ["22:00:00", "23:59", "00:00:00 +1", "00:00:00 +2"],
  );
  long.tracing.started_at = null;
  assert.deepEqual([long.clock(3661), long.clock(86_400)], ["01:01:01", "00:00:00 +1"]);
});
