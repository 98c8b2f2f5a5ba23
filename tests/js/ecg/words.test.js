import assert from "node:assert/strict";
import { test } from "node:test";

import { beginOf, evidenceText, filterText, inLeads } from "/static/js/ecg/words.js";

test("the numbers behind a statement are one line, without those that nobody can read", () => {
  assert.equal(evidenceText({ rate: 153.4, pr: null, secret: 3, st_V3: 0.21, t_aVF: -0.5 }), "rate 153/min, V3 0.21 mV, aVF -0.50 mV");
  assert.equal(evidenceText({ irregularity: 0.123, beats: 12 }), "RR irregularity 0.12, 12 beats");
});

test("a statement names the leads in which it is seen", () => {
  assert.equal(inLeads("ST elevation", { st_V2: 0.2, st_V3: 0.3, st_count: 2 }), "ST elevation in V2, V3");
  assert.equal(inLeads("Sinus rhythm", { rate: 70 }), "Sinus rhythm");
});

for (const [filter, text] of [
  [{ name: "none", high_pass: null, low_pass: null, notch: null, diagnostic: true }, "as recorded"],
  [{ name: "diagnostic", high_pass: 0.05, low_pass: 150, notch: null, diagnostic: true }, "diagnostic 0.05–150 Hz"],
  [
    { name: "muscle-50", high_pass: 0.67, low_pass: 40, notch: 50, diagnostic: false },
    "muscle filter, 50 Hz notch 0.67–40 Hz 50 Hz (not diagnostic)",
  ],
  [{ name: "other", high_pass: 0.5, low_pass: null, notch: null, diagnostic: true }, "other > 0.5 Hz"],
  [{ name: "other", high_pass: null, low_pass: 40, notch: null, diagnostic: false }, "other < 40 Hz (not diagnostic)"],
  [null, ""],
])
  test(`a filter says what it does: ${text || "none"}`, () => assert.equal(filterText(filter), text));

test("a recording without a time says so", () => {
  assert.equal(beginOf({ started_at: "2026-11-20T10:32:05Z" }), "2026-11-20 10:32");
  assert.equal(beginOf({ started_at: null }), "without a time");
});
