import assert from "node:assert/strict";
import { test } from "node:test";

import { normaliseResidentId, residentIdFacts, residentIdFault } from "/static/js/resident-id.js";
import { chance } from "./chance.js";

const SOUND = "11010519491231002X"; // the example of GB 11643-1999

test("the standard's own example is sound, and says who it is", () => {
  assert.equal(residentIdFault(SOUND), "");
  assert.deepEqual(residentIdFacts(SOUND), { birthDate: "1949-12-31", sex: "female" });
});

test("numbers typed with an input method are understood", () => {
  assert.equal(normaliseResidentId("３２０１０２１９６１０２０３１２３ｘ "), "32010219610203123X");
  assert.equal(normaliseResidentId(" 320102 19610203 123x"), "32010219610203123X");
});

for (const [number, fault] of [
  ["", "length"],
  [SOUND.slice(0, 17), "length"],
  [`${SOUND}0`, "length"],
  [`A${SOUND.slice(1)}`, "digits"],
  [`X${SOUND.slice(1)}`, "digits"],
  ["110105194902290021", "date"], // 1949 had no 29 February
  ["110105194913310021", "date"],
  ["110105194900310021", "date"],
  ["110105194912320021", "date"],
  [`${SOUND.slice(0, 17)}0`, "check-digit"],
])
  test(`${number || "nothing"}: ${fault}`, () => assert.equal(residentIdFault(number), fault));

test("a leap day is a date in a leap year", () => assert.notEqual(residentIdFault("110105200002290021"), "date"));

test("one wrong digit, or two neighbours that changed places, are always found", () => {
  const random = chance(11643);
  for (let round = 0; round < 300; round += 1) {
    const serial = String(Math.floor(random() * 1000)).padStart(3, "0");
    const body = `320102${1900 + Math.floor(random() * 125)}0${1 + Math.floor(random() * 9)}1${Math.floor(random() * 10)}${serial}`;
    const sound = [..."0123456789X"].map((last) => body + last).filter((number) => residentIdFault(number) === "");
    assert.equal(sound.length, 1, body);
    const at = Math.floor(random() * 17);
    const wrong = String((Number(sound[0][at]) + 1 + Math.floor(random() * 9)) % 10);
    assert.notEqual(residentIdFault(sound[0].slice(0, at) + wrong + sound[0].slice(at + 1)), "", sound[0]);
    const swapped = sound[0].slice(0, at) + sound[0][at + 1] + sound[0][at] + sound[0].slice(at + 2);
    if (swapped !== sound[0]) assert.notEqual(residentIdFault(swapped), "", sound[0]);
  }
});
