// The coded list of statements, Chinese and English: found by number, by the first letters of its pinyin, or by words.

import { el, wordsOf } from "../element.js";
import { t } from "../i18n.js";

/** @typedef {{number: number, code?: string, zh: string, en: string, initials: string, section?: string}} Statement */

const LIST = new URL("../../ecg/statements.json", import.meta.url).href;
const SHOWN = 12;
/** @type {Promise<Statement[]> | null} */
let loading = null;

/** All statements: [{number, code?, zh, en, initials, section}]. */
export function statements() {
  loading ??= fetch(LIST)
    .then((response) => response.json())
    .then((/** @type {{statements: Statement[]}} */ data) => data.statements)
    .catch((error) => {
      loading = null;
      throw error;
    });
  return loading;
}

const inEnglish = () => document.documentElement.lang.startsWith("en");
/** @param {Statement} statement */
export const textOf = (statement) => (inEnglish() ? statement.en : statement.zh);

/**
 * The statements that fit what was typed, the best first.
 * @param {Statement[]} all
 * @param {string} typed
 */
export function find(all, typed) {
  const wanted = typed.trim().toLowerCase();
  if (!wanted) return all.slice(0, SHOWN);
  /** @param {Statement} each */
  const worth = (each) => {
    if (String(each.number) === wanted || each.initials === wanted) return 5;
    if (String(each.number).startsWith(wanted) || each.initials.startsWith(wanted)) return 4;
    if (each.zh.startsWith(typed.trim())) return 3;
    if (each.en.toLowerCase().startsWith(wanted)) return 3;
    if (each.zh.includes(typed.trim()) || each.en.toLowerCase().includes(wanted)) return 2;
    return each.initials.includes(wanted) ? 1 : 0;
  };
  return all
    .map((each) => ({ each, value: worth(each) }))
    .filter(({ value }) => value)
    .sort((a, b) => b.value - a.value || a.each.number - b.each.number)
    .slice(0, SHOWN)
    .map(({ each }) => each);
}

/**
 * Write a statement into a text of the report, on a line of its own.
 * @param {HTMLFormElement | null} form
 * @param {string} section
 * @param {string} text
 */
export function insert(form, section, text) {
  const area = form?.querySelector(`textarea[name="sections.${section}"]`) ?? form?.querySelector("textarea");
  if (!area) return false;
  const line = text + (inEnglish() ? "." : "。");
  if (area.value.includes(line)) return true;
  area.value = area.value.trimEnd() ? `${area.value.trimEnd()}\n${line}` : line;
  area.dispatchEvent(new Event("input", { bubbles: true }));
  return true;
}

export class StatementPicker {
  /** @param {() => HTMLFormElement | null} formOf */
  constructor(formOf) {
    this.formOf = formOf;
    /** @type {Statement[]} */
    this.all = [];
    /** @type {Statement[]} */
    this.found = [];
    this.chosen = 0;
    this.input = el("input", {
      class: "form-control",
      type: "text",
      autocomplete: "off",
      "aria-label": t("Statement"),
      "aria-controls": "statement-list",
      placeholder: t("Number, pinyin initials or words"),
    });
    this.list = el("ul", { class: "statement-list", id: "statement-list", role: "listbox", "aria-label": t("Statements") });
    /** @type {HTMLDialogElement} */
    this.dialog = el(
      "dialog",
      { class: "sheet statement-sheet", "aria-label": t("Statements") },
      el("div", { class: "sheet-head" }, t("Statements")),
      el("div", { class: "sheet-body" }, this.input, this.list),
      el(
        "div",
        { class: "sheet-foot" },
        el("span", { class: "muted" }, t("Enter writes it into the impression and goes on, Esc ends")),
        el("span", { class: "spacer" }),
        el("button", { class: "btn", type: "button", onclick: () => this.dialog.close() }, t("Close")),
      ),
    );
    this.input.addEventListener("input", () => this.show());
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.dialog.addEventListener("close", () => this.formOf()?.querySelector('textarea[name="sections.impression"]')?.focus());
    document.body.append(this.dialog);
  }

  async open() {
    if (this.dialog.open || !this.formOf()) return;
    this.input.value = "";
    this.dialog.showModal();
    this.input.focus();
    try {
      this.all = await statements();
      this.show();
    } catch (error) {
      this.list.replaceChildren(el("li", { role: "alert" }, wordsOf(error)));
    }
  }

  show(chosen = 0) {
    this.found = find(this.all, this.input.value);
    this.chosen = Math.max(0, Math.min(chosen, this.found.length - 1));
    this.list.replaceChildren(
      ...this.found.map((each, index) =>
        el(
          "li",
          {
            role: "option",
            id: `statement-${index}`,
            "aria-selected": String(index === this.chosen),
            onclick: () => this.take(each),
          },
          el("b", {}, String(each.number)),
          el("span", {}, textOf(each)),
          el("kbd", {}, each.initials),
        ),
      ),
    );
    if (!this.found.length) this.list.replaceChildren(el("li", { class: "muted" }, t("Nothing fits.")));
    this.input.setAttribute("aria-activedescendant", this.found.length ? `statement-${this.chosen}` : "");
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.isComposing) return;
    const by = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (by) this.show(this.chosen + by);
    else if (event.key === "Enter" && this.found.length) this.take(this.found[this.chosen]);
    else return;
    event.preventDefault();
  }

  /** @param {Statement} statement */
  take(statement) {
    insert(this.formOf(), statement.section ?? "impression", textOf(statement));
    this.input.value = "";
    this.show();
    this.input.focus();
  }
}
