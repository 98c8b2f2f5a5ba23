// Phrases: `//` in a long text opens the list, typing narrows it, Enter puts the phrase in.
//
//   <form data-phrases='[{"section": "findings", "title": "...", "text": "..."}]'>   fields are named ...findings
// A phrase without a section fits everywhere. [data-insert-phrases] buttons open the list for the field they stand by.

import { aimedAt, el } from "./element.js";
import { t } from "./i18n.js";

/** @typedef {{section: string, title: string, text: string, abbreviation?: string}} Phrase */

const MAX_SHOWN = 30;

/** @param {HTMLTextAreaElement} area */
function sectionOf(area) {
  return area.name.split(".").pop();
}

/**
 * Phrases for a section that hold every word of the query, in title or text; titles that begin with it first.
 * @param {Phrase[]} phrases
 * @param {string | undefined} section
 * @param {string} query
 */
export function matching(phrases, section, query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  /** @param {Phrase} phrase */
  const fits = (phrase) =>
    (!phrase.section || phrase.section === section) &&
    words.every((word) => `${phrase.title} ${phrase.abbreviation ?? ""} ${phrase.text}`.toLowerCase().includes(word));
  /** @param {Phrase} phrase */
  const rank = (phrase) => (words.length && phrase.title.toLowerCase().startsWith(words[0]) ? 0 : 1);
  return phrases
    .filter(fits)
    .sort((a, b) => rank(a) - rank(b))
    .slice(0, MAX_SHOWN);
}

class Picker {
  /**
   * @param {HTMLTextAreaElement} area
   * @param {Phrase[]} phrases
   */
  constructor(area, phrases) {
    this.area = area;
    this.phrases = phrases;
    this.at = -1; // where `//` begins; -1: closed
    this.chosen = 0;
    /** @type {HTMLElement | null} */
    this.list = null;
    /** @type {Phrase[]} */
    this.found = [];
    area.addEventListener("input", () => this.follow());
    area.addEventListener("keydown", (event) => this.key(event));
    area.addEventListener("blur", () => setTimeout(() => this.close(), 150));
    area.addEventListener("click", () => this.follow());
  }

  follow() {
    const before = this.area.value.slice(0, this.area.selectionStart);
    const found = /\/\/([^\n/]{0,40})$/.exec(before);
    if (!found) {
      this.close();
      return;
    }
    if (this.at !== found.index) this.chosen = 0;
    this.at = found.index;
    this.show(matching(this.phrases, sectionOf(this.area), found[1]));
  }

  /** @param {Phrase[]} found */
  show(found) {
    this.list?.remove();
    this.found = found;
    this.chosen = Math.max(0, Math.min(this.chosen, found.length - 1));
    const rows = found.map((phrase, index) =>
      el(
        "div",
        {
          role: "option",
          id: `phrase-${index}`,
          "aria-selected": String(index === this.chosen),
          onpointerdown: (event) => {
            event.preventDefault();
            this.insert(phrase);
          },
        },
        el("b", {}, phrase.title),
        el("span", {}, phrase.text),
      ),
    );
    const list = el(
      "div",
      { class: "phrases", role: "listbox", id: "phrase-list", "aria-label": t("Phrases") },
      ...(rows.length ? rows : [el("div", { class: "muted p-2" }, t("No phrase fits. Go on typing, or Esc."))]),
    );
    this.list = list;
    document.body.append(list);
    this.area.setAttribute("aria-controls", "phrase-list");
    if (rows.length) this.area.setAttribute("aria-activedescendant", `phrase-${this.chosen}`);
    list.querySelector("[aria-selected='true']")?.scrollIntoView({ block: "nearest" });
    this.stand();
  }

  /** The list stands under the field, or above it where there is no room below. */
  stand() {
    if (!this.list) return;
    const field = this.area.getBoundingClientRect();
    const height = this.list.offsetHeight;
    const below = field.bottom + 2 + height <= window.innerHeight;
    this.list.style.left = `${Math.max(4, Math.min(field.left, window.innerWidth - this.list.offsetWidth - 4))}px`;
    this.list.style.top = `${below ? field.bottom + 2 : Math.max(4, field.top - height - 2)}px`;
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (!this.list || event.isComposing) return;
    const by = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (by) {
      this.chosen = Math.max(0, Math.min(this.chosen + by, this.found.length - 1));
      this.show(this.found);
    } else if ((event.key === "Enter" || event.key === "Tab") && this.found.length && !event.ctrlKey) this.insert(this.found[this.chosen]);
    else if (event.key === "Escape") this.close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {Phrase} phrase */
  insert(phrase) {
    const end = this.area.selectionStart;
    this.area.setRangeText(phrase.text, this.at, end, "end");
    this.close();
    this.area.dispatchEvent(new Event("input", { bubbles: true }));
  }

  open() {
    this.area.focus();
    const { selectionStart: at, value } = this.area;
    this.area.setRangeText(value && at && !/\s/.test(value[at - 1]) ? "\n//" : "//", at, this.area.selectionEnd, "end");
    this.follow();
  }

  close() {
    this.list?.remove();
    this.list = null;
    this.at = -1;
    this.area.removeAttribute("aria-activedescendant");
    this.area.removeAttribute("aria-controls");
  }
}

const attached = new WeakSet();

/**
 * Offer phrases in the forms below an element.
 * @param {ParentNode} root
 */
export function attach(root) {
  for (const form of root.querySelectorAll("form[data-phrases]")) {
    if (attached.has(form)) continue;
    attached.add(form);
    /** @type {Phrase[]} */
    const phrases = JSON.parse(form.dataset.phrases || "[]");
    const pickers = [...form.querySelectorAll("textarea")].map((area) => new Picker(area, phrases));
    form.addEventListener("click", (event) => {
      const button = aimedAt(event, "[data-insert-phrases]");
      if (button) pickers.find((picker) => picker.area.name === button.dataset.insertPhrases)?.open();
    });
  }
}

export function start() {
  attach(document);
}
