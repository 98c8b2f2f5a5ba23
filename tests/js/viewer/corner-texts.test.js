import assert from "node:assert/strict";
import { test } from "node:test";

import { statedPatient, whose } from "/static/js/viewer/corner-texts.js";

const image = (named) => Object.fromEntries(Object.entries(named).map(([tag, value]) => [tag, { Value: [value] }]));
const NAME = { Alphabetic: "Wanquan^Bieren", Ideographic: "完全^别人" };

test("whose image it is, is what the image says", () => {
  const stated = statedPatient(image({ "00100010": NAME, "00100020": "X9", "00100030": "20010101", "00100040": "F" }));
  assert.deepEqual(stated, ["完全 别人 F 2001-01-01", "X9"]);
});

test("an image without a patient says so, and is not given the case's", () => {
  assert.deepEqual(statedPatient(image({})), ["no patient in the image", ""]);
  assert.deepEqual(statedPatient(image({ "00100040": "O" })), ["O", ""]);
});

test("the corner of a pane goes by the image that it shows, whatever the page says", () => {
  const study = { date: "2026-01-01", accession: "A1", description: "CT" };
  const slice = { instance: { dataset: image({ "00100010": NAME, "00100020": "X9" }) } };
  assert.deepEqual(whose({ viewer: { study, patient: "张伟 男 65岁" }, series: { study }, slice }), [
    "完全 别人",
    "X9",
    "2026-01-01",
    "A1",
    "CT",
  ]);
});
