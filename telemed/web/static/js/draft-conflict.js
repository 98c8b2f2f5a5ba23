// Two people, or one person in two windows, wrote the same report: show both texts and let the writer choose.

import { el } from "./element.js";
import { t } from "./i18n.js";

/**
 * @param {string} label
 * @param {string} mine
 * @param {string} theirs
 */
function compare(label, mine, theirs) {
  return el(
    "section",
    {},
    el("h3", {}, label),
    el(
      "div",
      { class: "conflict" },
      el("div", {}, el("div", { class: "muted" }, t("Yours, not saved")), el("pre", {}, mine)),
      el("div", {}, el("div", { class: "muted" }, t("Saved meanwhile")), el("pre", {}, theirs)),
    ),
  );
}

/**
 * Ask; gives "mine", "theirs" or "both". `differences` is [{label, mine, theirs}]. Escape means "both": no text is lost.
 * @param {{label: string, mine: string, theirs: string}[]} differences
 * @returns {Promise<string>}
 */
export function askWhichText(differences) {
  return new Promise((resolve) => {
    /** @type {(value: string, label: string, kind?: string) => HTMLButtonElement} */
    const button = (value, label, kind = "") => el("button", { class: `btn ${kind}`, value, autofocus: value === "both" }, label);
    const sheet = el(
      "dialog",
      { class: "sheet", "aria-labelledby": "conflict-title" },
      el("div", { class: "sheet-head", id: "conflict-title" }, t("The report was saved elsewhere meanwhile")),
      el("div", { class: "sheet-body", tabindex: "0" }, ...differences.map(({ label, mine, theirs }) => compare(label, mine, theirs))),
      el(
        "form",
        { class: "sheet-foot", method: "dialog" },
        button("theirs", t("Take the saved text")),
        button("mine", t("Keep my text")),
        button("both", t("Keep both to edit"), "btn-primary"),
      ),
    );
    sheet.addEventListener("close", () => {
      resolve(sheet.returnValue || "both");
      sheet.remove();
    });
    document.body.append(sheet);
    sheet.showModal();
  });
}
