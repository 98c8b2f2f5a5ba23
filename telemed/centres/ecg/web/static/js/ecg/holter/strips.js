// Strips chosen for the report.

import { el, icon, wordsOf } from "../../element.js";
import { t } from "../../i18n.js";
import { message } from "../../message.js";

/** @import { ChosenStrip, LongRecording } from "./recording.js" */

export class StripList {
  /**
   * @param {LongRecording} recording
   * @param {boolean} mayEdit
   * @param {(strip: ChosenStrip) => void} show
   */
  constructor(recording, mayEdit, show) {
    this.recording = recording;
    this.mayEdit = mayEdit;
    this.show = show;
    this.element = el("ol", { class: "holter-strips", "aria-label": t("Strips for the report") });
    recording.addEventListener("change", () => this.fill());
  }

  fill() {
    const { strips } = this.recording;
    this.element.replaceChildren(
      ...strips.map((strip) =>
        el(
          "li",
          {},
          el(
            "button",
            { type: "button", class: "holter-strip", onclick: () => this.show(strip) },
            el("b", {}, this.recording.clock(strip.begin)),
            el("span", {}, strip.caption || t("{n} s", { n: strip.seconds.toFixed(0) })),
          ),
          this.mayEdit
            ? el(
                "button",
                {
                  type: "button",
                  class: "tool",
                  "aria-label": t("Leave the strip out"),
                  title: t("Leave the strip out"),
                  onclick: () => this.remove(strip.number),
                },
                icon("x"),
              )
            : null,
        ),
      ),
    );
    if (!strips.length)
      this.element.append(
        el("li", { class: "muted" }, this.mayEdit ? t("None yet. The key s takes what is in view into the report.") : t("None")),
      );
  }

  /**
   * @param {number} begin
   * @param {number} seconds
   * @param {string} caption
   */
  async add(begin, seconds, caption) {
    if (!this.mayEdit) return;
    try {
      await this.recording.edit("strip", { begin: Number(begin.toFixed(3)), seconds: Number(seconds.toFixed(3)), caption });
      message(t("The strip goes into the report."));
    } catch (error) {
      message(wordsOf(error), { tone: "critical" });
    }
  }

  /** @param {number} number */
  async remove(number) {
    try {
      await this.recording.undo(number);
    } catch (error) {
      message(wordsOf(error), { tone: "critical" });
    }
  }
}
