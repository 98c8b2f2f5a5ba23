import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { find, textOf } from "/static/js/ecg/statements.js";

const LIST = new URL("../../ecg/statements.json", await import.meta.resolve("/static/js/ecg/statements.js"));
const { statements } = JSON.parse(await readFile(fileURLToPath(LIST), "utf8"));

test("every statement is found by its number, by its initials and by its words, at the first place or near it", () => {
  for (const each of statements) {
    assert.equal(find(statements, String(each.number))[0], each);
    for (const typed of [each.initials, each.zh, each.en])
      assert.ok(find(statements, typed).includes(each), `${each.number} is not found by ${typed}`);
  }
});

test("nothing typed shows the beginning of the list; nonsense shows nothing", () => {
  assert.deepEqual(find(statements, "  "), statements.slice(0, 12));
  assert.deepEqual(find(statements, "§"), []);
});

test("numbers and initials are told apart", () => {
  assert.equal(new Set(statements.map((each) => each.number)).size, statements.length);
});

test("the text is that of the page's language", () => {
  const [first] = statements;
  document.documentElement.lang = "zh-CN";
  assert.equal(textOf(first), first.zh);
  document.documentElement.lang = "en";
  assert.equal(textOf(first), first.en);
});
