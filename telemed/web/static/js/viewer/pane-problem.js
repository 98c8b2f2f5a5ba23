// What stands in a pane whose picture did not come: why, and a way to try again.

import { el, icon, wordsOf } from "../element.js";
import { t } from "../i18n.js";

/**
 * @param {unknown} error
 * @param {() => void} again
 */
export function problemParts(error, again) {
  return [
    icon("alert-triangle"),
    el("span", {}, t("This image could not be loaded: {reason}", { reason: wordsOf(error) })),
    el("button", { class: "btn", type: "button", onclick: again }, t("Try again")),
  ];
}
