import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { findingsText, resultAfter, resultOf } from "/static/js/ecg/adoption.js";

const LIST = new URL("../../ecg/statements.json", await import.meta.resolve("/static/js/ecg/statements.js"));
const { statements } = JSON.parse(await readFile(fileURLToPath(LIST), "utf8"));
const CODES = statements.flatMap(({ code }) => (code ? [code] : []));

test("a normal rhythm alone is negative, anything beside it is positive", () => {
  assert.equal(resultOf(["sinus-rhythm"], 0), "negative");
  assert.equal(resultOf(["sinus-rhythm", "sinus-arrhythmia"], 0), "negative");
  assert.equal(resultOf(["sinus-rhythm", "first-degree-av-block"], 0), "positive");
  assert.equal(resultOf(["sinus-rhythm", "st-elevation"], 0), "positive");
});

test("a limit for critical values makes even a normal rhythm positive", () => assert.equal(resultOf(["sinus-rhythm"], 1), "positive"));

test("nothing is said of what cannot be read, or of which nothing is stated", () => {
  assert.equal(resultOf(["unreadable"], 0), "");
  assert.equal(resultOf(["unreadable", "asystole-suspected"], 0), "");
  assert.equal(resultOf([], 0), "");
});

test("every other statement of the list is positive", () => {
  const others = CODES.filter((code) => !["sinus-rhythm", "sinus-arrhythmia", "unreadable", "asystole-suspected"].includes(code));
  assert.ok(others.length > 20);
  for (const code of others) assert.equal(resultOf(["sinus-rhythm", code], 0), "positive", code);
});

test("what a reader chose is made positive, never less", () => {
  assert.equal(resultAfter("", "negative"), "negative");
  assert.equal(resultAfter("", "positive"), "positive");
  assert.equal(resultAfter("negative", "positive"), "positive");
  assert.equal(resultAfter("positive", "negative"), "positive");
  assert.equal(resultAfter("not-judged", "negative"), "not-judged");
  assert.equal(resultAfter("negative", ""), "negative");
  assert.equal(resultAfter("", ""), "");
});

test("findings have the statements and the numbers that there are", () => {
  const numbers = { rate: 71.6, pr: 160, qrs_duration: 90, qt: 380, qtc_bazett: 416.2, axis: 45 };
  assert.equal(findingsText(["Sinus rhythm"], numbers), "Sinus rhythm, rate 72/min, PR 160 ms, QRS 90 ms, QT/QTc 380/416 ms, axis 45°.");
  assert.equal(findingsText(["Atrial fibrillation"], { rate: 98, pr: null, qt: 350 }), "Atrial fibrillation, rate 98/min, QT 350 ms.");
  assert.equal(findingsText([], { rate: 0, axis: -30 }), "rate 0/min, axis -30°.");
  assert.equal(findingsText([], { pr: null, qt: Number.NaN }), "");
});
