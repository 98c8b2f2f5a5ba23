import assert from "node:assert/strict";
import { test } from "node:test";

import { clockTone, serverNow, showDuration, showTime } from "/static/js/clock.js";

for (const [seconds, text] of [
  [0, "0:00:00"],
  [59.9, "0:00:59"],
  [441, "0:07:21"],
  [5530, "1:32:10"],
  [-192, "0:03:12"],
  [86_399, "23:59:59"],
  [86_400, "1d 00:00"],
  [184_200, "2d 03:10"],
])
  test(`${seconds} s cannot be misread`, () => assert.equal(showDuration(seconds), text));

test("clocks turn amber at a quarter and red when late", () => {
  const tones = [901, 900, 899, 0, -0.1].map((left) => clockTone(left, 3600));
  assert.deepEqual(tones, ["calm", "near", "near", "near", "late"]);
});

test("a clock without a length is calm until it is late", () => {
  assert.deepEqual([clockTone(1, 0), clockTone(-1, 0), clockTone(1, Number.NaN)], ["calm", "late", "calm"]);
});

test("without a page's time the browser's own counts", () => {
  const [before, now, after] = [Date.now(), serverNow(), Date.now()];
  assert.ok(before <= now && now <= after);
});

test("times are shown in the zone of the pages", () => {
  document.documentElement.dataset.timeZone = "Asia/Shanghai";
  assert.equal(showTime(new Date("2026-11-20T02:32:05Z")), "10:32:05");
  document.documentElement.dataset.timeZone = "UTC";
  assert.equal(showTime(new Date("2026-11-20T02:32:05Z")), "02:32:05");
});
