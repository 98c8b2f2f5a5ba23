import assert from "node:assert/strict";
import { test } from "node:test";

import { chosen, resultToFollow } from "/static/js/result.js";

/** @param {[value: string, checked: boolean][]} radios */
const form = (...radios) => ({ querySelectorAll: () => radios.map(([value, checked]) => ({ value, checked })) });

test("nothing is chosen until somebody chooses", () => {
  assert.equal(chosen(form(["negative", false], ["positive", false])), "");
  assert.equal(chosen(form(["negative", false], ["positive", true])), "positive");
  assert.equal(chosen(form()), "");
});

test("a critical value that was declared makes the form positive", () => {
  assert.equal(resultToFollow("", "", "positive"), "positive");
  assert.equal(resultToFollow("negative", "negative", "positive"), "positive");
});

test("when the last critical value is withdrawn the choice is free again", () => {
  assert.equal(resultToFollow("positive", "positive", ""), "");
  assert.equal(resultToFollow("positive", "positive", "not-judged"), "");
});

test("what was just chosen here and is not saved yet stays", () => {
  assert.equal(resultToFollow("negative", "", "positive"), null);
  assert.equal(resultToFollow("negative", "positive", "positive"), null);
});

test("the same on both sides changes nothing, and not judged is the same as no choice", () => {
  assert.equal(resultToFollow("positive", "positive", "positive"), null);
  assert.equal(resultToFollow("not-judged", "not-judged", ""), null);
  assert.equal(resultToFollow("", "", "not-judged"), null);
});
