// A long recording on the reading page: its day, its hours, and the findings in words for the report.

import { el, wordsOf } from "../../element.js";
import { t } from "../../i18n.js";
import { Day } from "./day.js";
import { LongRecording } from "./recording.js";
import { findings } from "./report-text.js";
import { hourlyTable } from "./table.js";

export class HolterSummary {
  /**
   * @param {import("../tracing.js").Tracing} tracing
   * @param {string} address
   */
  constructor(tracing, address) {
    this.recording = new LongRecording(tracing);
    this.element = el("div", { class: "holter-summary" }, el("p", { class: "muted" }, t("Loading…")));
    this.load(address);
  }

  /** @param {string} address */
  async load(address) {
    try {
      await this.recording.load();
    } catch (error) {
      this.element.replaceChildren(el("p", { role: "alert" }, wordsOf(error)));
      return;
    }
    const day = new Day(this.recording, null);
    const text = findings(this.recording);
    const write = el("button", { type: "button", class: "btn", onclick: () => this.write(text) }, t("Write into the findings"));
    this.element.replaceChildren(
      day.element,
      el(
        "div",
        { class: "holter-summary-text" },
        el("p", { class: "words" }, text),
        write,
        el("a", { class: "btn", href: address }, t("Open the Holter page")),
      ),
      el("div", { class: "holter-table-place", tabindex: "0" }, hourlyTable(this.recording)),
    );
  }

  /** @param {string} text */
  write(text) {
    const area = document.querySelector('form[data-autosave] textarea[name="sections.findings"]');
    if (!area || area.value.includes(text)) return;
    area.value = area.value.trim() ? `${area.value.trimEnd()}\n${text}` : text;
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }
}
