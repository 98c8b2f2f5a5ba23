// "Undo" instead of "are you sure?". An answer to htmx offers it with
//   HX-Trigger: {"telemed:undoable": {"text": "...", "url": "/api/v1/...", "body": {...}, "then": "/address"?}}

import { call } from "./api.js";
import { wordsOf } from "./element.js";
import { t } from "./i18n.js";
import { register } from "./keys.js";
import { message } from "./message.js";

/** @type {(() => void) | null} */
let latest = null;

/**
 * Offer to take an action back; `run` does it. The key z does the same as the button.
 * @param {string} text
 * @param {() => unknown} run
 */
export function offerUndo(text, run) {
  const undo = async () => {
    if (latest !== undo) return;
    latest = null;
    remove();
    try {
      await run();
      message(t("Undone."));
    } catch (error) {
      message(wordsOf(error), { tone: "critical" });
    }
  };
  latest = undo;
  const remove = message(text, { action: { label: t("Undo"), run: undo }, seconds: 10 });
}

export function start() {
  register("z", t("Undo the last action"), () => latest?.(), { when: () => latest !== null });
  document.body.addEventListener("telemed:undoable", (event) => {
    const { text, url, body, then } = event.detail;
    offerUndo(text, async () => {
      await call("POST", url, { body: body ?? {} });
      if (then) window.location.assign(then);
    });
  });
}
