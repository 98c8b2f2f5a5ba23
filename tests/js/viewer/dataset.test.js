import assert from "node:assert/strict";
import { test } from "node:test";

import { item, number, numbers, ofFrame, text, values } from "/static/js/viewer/dataset.js";

const ROWS = "00280010";
const holding = (...list) => ({ [ROWS]: { vr: "DS", Value: list } });

test("what is not there is nothing, and no error", () => {
  for (const dataset of [undefined, null, {}, { [ROWS]: { vr: "US" } }]) {
    assert.deepEqual(values(dataset, ROWS), []);
    assert.equal(number(dataset, ROWS), null);
    assert.equal(numbers(dataset, ROWS), null);
    assert.equal(text(dataset, ROWS), "");
    assert.equal(item(dataset, ROWS), undefined);
  }
});

test("numbers may be written as text", () => {
  assert.deepEqual([number(holding("1.5"), ROWS), number(holding(7), ROWS), number(holding(0), ROWS)], [1.5, 7, 0]);
  for (const bad of ["", null, "abc", "Infinity", {}]) assert.equal(number(holding(bad), ROWS), null);
});

test("a list of numbers is whole or nothing", () => {
  assert.deepEqual(numbers(holding("1", 2, "3e1"), ROWS, 3), [1, 2, 30]);
  assert.equal(numbers(holding(1, 2), ROWS, 3), null);
  assert.equal(numbers(holding(1, "x"), ROWS), null);
});

test("a person's name is the ideographic one where there is one", () => {
  assert.equal(text(holding({ Alphabetic: "Zhang^San", Ideographic: "张^三" }), ROWS), "张 三");
  assert.equal(text(holding({ Alphabetic: "Zhang^San^^" }), ROWS), "Zhang San");
  assert.equal(text(holding({ Phonetic: "x" }), ROWS), "");
  assert.equal(text(holding(" 5 "), ROWS), "5");
});

test("an attribute of a frame is its own, else the shared one, else the object's", () => {
  const group = (value) => ({ "00209113": { Value: [{ "00200032": { Value: value } }] } });
  const dataset = {
    52009229: { Value: [group(["shared"])] },
    52009230: { Value: [group(["own"]), {}] },
    "00200032": { Value: ["whole"] },
  };
  const of = (data, frame) => values(ofFrame(data, frame, "00209113", "00200032"), "00200032");
  assert.deepEqual([of(dataset, 1), of(dataset, 2), of(dataset, 9)], [["own"], ["shared"], ["shared"]]);
  assert.deepEqual(of({ "00200032": { Value: ["whole"] } }, 1), ["whole"]);
  assert.deepEqual(of({}, 1), []);
});
