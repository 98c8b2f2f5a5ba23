// Beats by their shape: each template a picture, its class and its beats; one press names them all, one takes it back.

import { el, wordsOf } from "../../element.js";
import { t } from "../../i18n.js";
import { message } from "../../message.js";
import { offerUndo } from "../../undo.js";
import { COLOURS, fit, line } from "../paper.js";
import { CLASSES } from "../words.js";

/** @import { Spot } from "../paper.js" */
/** @import { LongRecording, Template } from "./recording.js" */

export class TemplateList {
  /**
   * @param {LongRecording} recording
   * @param {boolean} mayEdit
   * @param {(moment: number, beat: number) => void} show
   */
  constructor(recording, mayEdit, show) {
    this.recording = recording;
    this.mayEdit = mayEdit;
    this.show = show;
    this.chosen = 0;
    this.turn = -1; // which example of it was shown last
    /** @type {Template[]} */
    this.templates = [];
    this.element = el("div", { class: "holter-templates", role: "group", "aria-label": t("Templates") });
    recording.addEventListener("change", () => this.fill());
  }

  fill() {
    const { templates } = this.recording.results;
    this.templates = templates;
    this.chosen = Math.max(0, Math.min(this.chosen, templates.length - 1));
    this.element.replaceChildren(...templates.map((template, index) => this.card(template, index)));
    requestAnimationFrame(() => this.pictures());
  }

  /**
   * @param {Template} template
   * @param {number} index
   */
  card(template, index) {
    const names = Object.keys(CLASSES).map((name) =>
      el(
        "button",
        {
          type: "button",
          class: `holter-name holter-name-${name}`,
          "aria-pressed": String(template.name === name),
          disabled: !this.mayEdit,
          title: this.mayEdit
            ? t("All {n} beats are {name} (Shift+{key})", { n: template.size, name: CLASSES[name], key: name.toLowerCase() })
            : CLASSES[name],
          onclick: (event) => {
            event.stopPropagation();
            this.name(name, index);
          },
        },
        name,
      ),
    );
    return el(
      "div",
      {
        class: "holter-template",
        role: "group",
        "aria-label": t("Template {n}", { n: index + 1 }),
        "aria-current": String(index === this.chosen),
        onclick: () => this.choose(index),
      },
      el("canvas", { "aria-hidden": "true" }),
      el(
        "div",
        {},
        el("b", {}, t("{n} beats", { n: template.size })),
        template.unlike ? el("small", {}, t("like no other")) : null,
        el("div", { class: "holter-names" }, ...names),
      ),
    );
  }

  pictures() {
    this.templates.forEach((template, index) => {
      const canvas = this.element.children[index]?.querySelector("canvas");
      if (!canvas?.checkVisibility()) return;
      const { context, width, height, ratio } = fit(canvas);
      context.fillStyle = COLOURS.paper;
      context.fillRect(0, 0, width, height);
      const leads = template.picture.slice(0, 3);
      const scale = height / leads.length / 2600; // a lead's row holds 2.6 mV
      leads.forEach((samples, row) => {
        const zero = ((row + 0.62) * height) / leads.length;
        /** @type {Spot[]} */
        const points = samples.map((value, n) => [(n / (samples.length - 1)) * width, zero - (value ?? 0) * scale]);
        line(context, points, template.name === "V" ? "#b3181f" : template.name === "S" ? "#1558a6" : COLOURS.trace, ratio);
      });
    });
  }

  /** @param {number} index */
  choose(index) {
    this.element.children[this.chosen]?.setAttribute("aria-current", "false");
    this.turn = index === this.chosen ? this.turn + 1 : 0;
    this.chosen = index;
    this.element.children[index]?.setAttribute("aria-current", "true");
    this.element.children[index]?.scrollIntoView({ block: "nearest" });
    const { examples = [] } = this.templates[index] ?? {};
    if (!examples.length) return;
    const [beat, sample] = examples[this.turn % examples.length];
    this.show(sample / this.recording.tracing.rate, beat);
  }

  /** @param {number} by */
  step(by) {
    if (this.templates.length) this.choose((this.chosen + by + this.templates.length) % this.templates.length);
  }

  /**
   * All beats of a template are of this class now.
   * @param {string} name
   * @param {number} index
   */
  async name(name, index = this.chosen) {
    const template = this.templates[index];
    if (!template || !this.mayEdit) return;
    this.chosen = index;
    try {
      await this.recording.edit("template", { template: template.number, name });
    } catch (error) {
      message(wordsOf(error), { tone: "critical" });
      return;
    }
    const number = this.recording.edits.at(-1)?.number;
    offerUndo(t("{n} beats are {name} now.", { n: template.size, name: CLASSES[name] }), () => this.recording.undo(number));
  }
}
