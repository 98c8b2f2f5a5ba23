// What the analysis proposes, in one bar below the paper: statements with the numbers behind them, doubts about leads,
// critical values. Nothing of it counts until it stands in a signed report.

import { el, icon } from "../element.js";
import { t } from "../i18n.js";
import { choose, chosen } from "../result.js";
import { findingsText, resultAfter, resultOf } from "./adoption.js";
import { insert, statements, textOf } from "./statements.js";
import { evidenceText, inLeads, QUALITY, REASONS } from "./words.js";

/** @import { Evidence, Tracing } from "./tracing.js" */
/** @typedef {{code: string, evidence: Evidence, text: string, section: string}} Proposed */

const SHORT = [
  ["rate", t("HR"), "/min"],
  ["pr", "PR", " ms"],
  ["qrs_duration", "QRS", " ms"],
  ["qt", "QT", " ms"],
  ["qtc_bazett", "QTc", " ms"],
  ["axis", t("Axis"), "°"],
];

export class ProposalBar {
  /** @param {() => HTMLFormElement | null} formOf */
  constructor(formOf) {
    this.formOf = formOf;
    /** @type {Proposed[]} */
    this.texts = [];
    /** @type {Tracing | null} */
    this.tracing = null;
    this.element = el("div", { class: "ecg-proposal", "aria-label": t("Proposed by the analysis") });
  }

  /** @param {Tracing} tracing */
  async show(tracing) {
    const known = new Map((await statements().catch(() => [])).filter((each) => each.code).map((each) => [each.code, each]));
    const { proposal } = tracing;
    this.tracing = tracing;
    this.texts = (proposal.statements ?? []).map((each) => {
      const statement = known.get(each.code);
      const text = inLeads(statement ? textOf(statement) : each.code, each.evidence);
      return { ...each, text, section: statement?.section ?? "impression" };
    });
    const weak = (proposal.quality ?? []).filter((lead) => lead.grade === "poor");
    /** @type {HTMLElement[]} */
    const parts = [el("span", { class: "ecg-proposal-head" }, t("Proposed, not signed"))];
    const numbers = SHORT.flatMap(([name, label, unit]) => {
      const value = proposal.measurements?.[name];
      return typeof value === "number" ? [`${label} ${Math.round(value)}${unit}`] : [];
    });
    if (numbers.length > 1) parts.push(el("span", { class: "ecg-numbers" }, numbers.join("   ")));
    for (const hit of tracing.critical)
      parts.push(
        el("span", { class: "state tone-critical", title: t("Limit of the region's table reached") }, icon("alert-octagon"), hit.finding),
      );
    for (const found of proposal.reversals ?? [])
      parts.push(
        el(
          "span",
          { class: "state tone-near", title: evidenceOf(found.evidence) },
          icon("alert-triangle"),
          t("{leads} may be swapped", { leads: found.electrodes.join("–") }),
        ),
      );
    for (const each of this.texts) parts.push(this.chip(each));
    if (weak.length) {
      const why = weak
        .map((lead) => `${lead.lead}: ${QUALITY[lead.grade]} (${lead.reasons.map((reason) => REASONS[reason] ?? reason).join(", ")})`)
        .join("\n");
      parts.push(
        el(
          "span",
          { class: "state tone-near", title: why },
          icon("alert-triangle"),
          t("Poor signal in {leads}", { leads: weak.map((lead) => lead.lead).join(" ") }),
        ),
      );
    }
    if (this.texts.length)
      parts.push(
        el(
          "button",
          { class: "btn", type: "button", "data-ecg-take": "", title: t("Write all into the report"), onclick: () => this.take() },
          t("Take over"),
          el("kbd", { "aria-hidden": "true" }, "Alt+q"),
        ),
      );
    this.element.replaceChildren(...parts);
  }

  /** @param {Proposed} statement */
  chip(statement) {
    const why = evidenceText(statement.evidence);
    return el(
      "button",
      {
        class: "ecg-chip",
        type: "button",
        title: why ? `${statement.text}: ${why}` : statement.text,
        onclick: () => this.write(statement),
      },
      statement.text,
      why ? el("small", {}, why) : null,
    );
  }

  /** @param {Proposed} statement */
  write(statement) {
    insert(this.formOf(), statement.section, statement.text);
  }

  /** All statements into the report, findings from the numbers where none are written yet, and the result that they mean. */
  take() {
    const form = this.formOf();
    if (!form || !this.tracing || !this.texts.length) return;
    for (const each of this.texts) this.write(each);
    const findings = form.querySelector('textarea[name="sections.findings"]');
    if (findings && findings.value.trim() === "") {
      findings.value = findingsText(
        this.texts.map((each) => each.text),
        this.numbers(form),
      );
      findings.dispatchEvent(new Event("input", { bubbles: true }));
    }
    const proposed = resultOf(
      this.texts.map((each) => each.code),
      this.tracing.critical.length,
    );
    choose(form, resultAfter(chosen(form), proposed));
  }

  /**
   * The numbers as they stand in the form, by the names of the measurements; where it has no field for one, as they were measured.
   * @param {HTMLFormElement} form
   */
  numbers(form) {
    const fields = [...form.querySelectorAll("input[data-measure]")];
    const typed = fields.map((field) => [field.dataset.measure ?? "", field.value === "" ? null : Number(field.value)]);
    return { ...this.tracing?.proposal.measurements, ...Object.fromEntries(typed) };
  }
}

/** @param {Evidence} evidence */
const evidenceOf = (evidence) =>
  Object.entries(evidence)
    .map(([name, value]) => `${name} ${value}`)
    .join("\n");

/**
 * Numbers that came after the form was drawn go into the fields that nobody has filled.
 * @param {HTMLFormElement | null} form
 * @param {Tracing} tracing
 */
export function fillMeasured(form, tracing) {
  const place = form?.querySelector("[data-measured]");
  if (!place || !tracing) return;
  const fields = [...place.querySelectorAll("input[data-measure]")];
  const untouched = fields.every((field) => field.value === "");
  for (const field of fields) {
    const value = tracing.proposal.measurements?.[field.dataset.measure ?? ""];
    if (value === null || value === undefined) continue;
    field.dataset.proposal = String(Math.round(value));
    if (untouched) field.value = field.dataset.proposal;
  }
  mark(place);
}

/**
 * A number that is not the proposed one is marked, with what was proposed beside it.
 * @param {HTMLElement} place
 */
export function mark(place) {
  for (const field of place.querySelectorAll("input[data-measure]")) {
    const changed = field.dataset.proposal !== "" && field.value !== field.dataset.proposal;
    field.classList.toggle("measured-changed", changed);
    field.title = field.dataset.proposal ? t("proposed: {value}", { value: field.dataset.proposal }) : "";
  }
}
