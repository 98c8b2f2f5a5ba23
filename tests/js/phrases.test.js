import assert from "node:assert/strict";
import { test } from "node:test";

import { matching } from "/static/js/phrases.js";

const PHRASES = [
  { section: "findings", title: "肺正常", text: "双肺清晰，头部未扫" },
  { section: "findings", title: "头颅正常", text: "未见异常" },
  { section: "impression", title: "头颅正常", text: "正常" },
  { section: "", title: "建议", text: "复查头颅", abbreviation: "JY" },
];
const titles = (section, query) => matching(PHRASES, section, query).map((phrase) => phrase.title);

test("phrases fit their section, and titles come first", () => assert.deepEqual(titles("findings", "头"), ["头颅正常", "肺正常", "建议"]));
test("every word must occur", () => assert.deepEqual(titles("findings", "双肺 头"), ["肺正常"]));
test("abbreviations are found in either case", () => assert.deepEqual(titles("impression", "jy"), ["建议"]));
test("nothing typed shows all of the section", () => assert.deepEqual(titles("impression", " "), ["头颅正常", "建议"]));
test("nothing fits", () => assert.deepEqual(titles("findings", "腹"), []));

test("no more are shown than one can look through", () => {
  const many = Array.from({ length: 100 }, (_, n) => ({ section: "", title: `t${n}`, text: "x" }));
  assert.equal(matching(many, "findings", "x").length, 30);
});
