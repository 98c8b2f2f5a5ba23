import assert from "node:assert/strict";
import { test } from "node:test";

import { CHUNK, GAP, Tracing } from "/static/js/ecg/tracing.js";
import { serve } from "../server.js";

/** A recording of two leads whose samples count up and down. */
async function recording(t, samples, refuse = () => false) {
  const asked = [];
  const home = await serve(t, (request, response) => {
    const query = new URL(request.url, "http://x").searchParams;
    const [level, first] = [Number(query.get("level")), Number(query.get("first"))];
    asked.push([level, first]);
    if (refuse(asked.length)) return response.writeHead(503).end();
    const count = Math.min(CHUNK, samples - first);
    const row = (sign) => Int16Array.from({ length: count }, (_, n) => (first + n === 3 ? GAP : sign * ((first + n) % 1000)));
    return response.writeHead(200).end(Buffer.from(Int16Array.from([...row(1), ...row(-1)]).buffer));
  });
  const tracing = new Tracing({ id: "T", case_id: "C", leads: ["I", "II"], samples });
  tracing.address = home + tracing.address;
  return { asked, tracing };
}

test("a recording is fetched by stretches and put together again", async (t) => {
  const { asked, tracing } = await recording(t, CHUNK + 10);
  const [one, two] = await tracing.whole();
  assert.deepEqual(asked.sort(), [
    [0, 0],
    [0, CHUNK],
  ]);
  assert.deepEqual([one.length, one[2], one[CHUNK + 9], two[CHUNK + 9]], [CHUNK + 10, 2, (CHUNK + 9) % 1000, -((CHUNK + 9) % 1000)]);
  assert.ok(Number.isNaN(one[3]) && Number.isNaN(two[3]));
});

test("a stretch is fetched once, and is here at once afterwards", async (t) => {
  const { asked, tracing } = await recording(t, CHUNK);
  const loading = tracing.chunk(0, 0);
  assert.equal(tracing.chunk(0, 0), loading);
  const chunk = await loading;
  assert.equal(tracing.chunk(0, 0), chunk);
  assert.equal(asked.length, 1);
});

test("a stretch that failed is asked for again", async (t) => {
  const { tracing } = await recording(t, CHUNK, (time) => time === 1);
  await assert.rejects(tracing.chunk(0, 0), { status: 503 });
  assert.equal((await tracing.chunk(0, 0)).rows.length, 2);
});
