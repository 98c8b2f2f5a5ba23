import assert from "node:assert/strict";
import { test } from "node:test";

const CHINESE = { "Saved {time}": "已自动保存 {time}", "{n} image": "{n} 幅" };

/** The module as a page with these texts has it. */
async function withTexts(content) {
  document.getElementById = (id) => (id === "messages" && content !== null ? { textContent: content } : null);
  return import(`/static/js/i18n.js?${encodeURIComponent(content ?? "none")}`);
}

test("texts come from the page's catalogue", async () => {
  const { t, tn } = await withTexts(JSON.stringify(CHINESE));
  assert.equal(t("Saved {time}", { time: "10:32:05" }), "已自动保存 10:32:05");
  assert.deepEqual([tn("{n} image", "{n} images", 1), tn("{n} image", "{n} images", 2)], ["1 幅", "2 幅"]);
});

for (const content of [null, "", "{}"])
  test(`the ids are the English texts, with a catalogue of ${content}`, async () => {
    const { t, tn } = await withTexts(content);
    assert.equal(t("Saved {time}", { time: 7 }), "Saved 7");
    assert.deepEqual([tn("{n} image", "{n} images", 1), tn("{n} image", "{n} images", 0)], ["1 image", "0 images"]);
  });

test("a name without a value stays to be seen, and values are not filled in twice", async () => {
  const { t } = await withTexts("{}");
  assert.equal(t("{a} {b}", { a: "{b}" }), "{b} {b}");
});
