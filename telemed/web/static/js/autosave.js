// The draft of a report saves itself a second after typing stops. Typing never waits for the network.
//
//   <form data-autosave="/api/v1/cases/ID/report" data-etag='"1.3"' data-person="user name">
//     controls named sections.findings, result, ...; their dotted names make the JSON
//   <span class="save-state" data-save-state></span>            says when it was saved, or what is wrong
//
// While the server cannot be reached the text is kept in the browser (kept-draft.js) and sent when the line is back.
// A version saved elsewhere (412) is shown beside one's own, and the writer chooses (draft-conflict.js).

import { call, Problem, Unreachable } from "./api.js";
import { showTime } from "./clock.js";
import { askWhichText } from "./draft-conflict.js";
import { changeIcon, el, icon, wordsOf } from "./element.js";
import { nest, readForm, writeForm } from "./form-values.js";
import { t } from "./i18n.js";
import { dropOldDrafts, KeptDraft } from "./kept-draft.js";
import { message } from "./message.js";

const QUIET = 1000; // ms after the last key
const TRIES = 3; // saves in a row before signing, while others save as well
const RETRY = [2000, 4000, 8000, 15_000, 30_000]; // ms; the last is repeated

/**
 * @param {unknown} document
 * @param {string} name
 */
function pick(document, name) {
  return name.split(".").reduce((/** @type {any} */ place, part) => place?.[part], document);
}

/**
 * A value of the server as the form's controls have it: radio buttons of which none is chosen stand for what nobody chose.
 * @param {unknown} value
 * @returns {any}
 */
const asChosen = (value) => (value === "not-judged" ? "" : (value ?? ""));

/**
 * @param {unknown} a
 * @param {unknown} b
 */
function same(a, b) {
  return (
    JSON.stringify(a ?? "") === JSON.stringify(b ?? "") ||
    ((a === null || a === "" || a === false) && (b === undefined || b === null || b === ""))
  );
}

/**
 * @param {HTMLFormElement} form
 * @param {string} name
 */
function labelOf(form, name) {
  const control = form.querySelector(`[name="${CSS.escape(name)}"]`);
  return control?.closest("[data-field]")?.querySelector(".field-label")?.textContent?.trim() || name;
}

/**
 * A value as the page shows it: of radio buttons the words beside the one that is chosen.
 * @param {HTMLFormElement} form
 * @param {string} name
 * @param {unknown} value
 */
function spoken(form, name, value) {
  const text = String(value ?? "");
  const radio = form.querySelector(`input[type=radio][name="${CSS.escape(name)}"][value="${CSS.escape(text)}"]`);
  return radio?.closest("label")?.textContent?.trim() ?? text;
}

class Autosave {
  /** @param {HTMLFormElement} form */
  constructor(form) {
    this.form = form;
    this.url = form.dataset.autosave ?? "";
    this.etag = form.dataset.etag ?? "";
    this.kept = new KeptDraft(form.dataset.person ?? "", this.url);
    this.place = form.querySelector("[data-save-state]") ?? document.querySelector("[data-save-state]");
    this.saved = readForm(form);
    /** @type {Promise<void> | null} */
    this.running = null;
    /** @type {number | undefined} */
    this.timer = undefined;
    /** False when the browser could not keep the text. */
    this.roomy = true;
    this.failures = 0;
    this.stopped = false;
    form.addEventListener("input", () => this.edited());
    form.addEventListener("change", () => this.edited());
    window.addEventListener("online", () => this.soon(0));
    window.addEventListener("beforeunload", (event) => this.leaving(event));
    this.resume();
  }

  get dirty() {
    return !same(readForm(this.form), this.saved);
  }

  /** Text kept from before, which the server never got, comes back; if the server moved on, the writer chooses. */
  resume() {
    const kept = this.kept.read();
    if (!kept) return;
    if (same(kept.values, this.saved)) {
      this.kept.remove();
      return;
    }
    writeForm(this.form, { ...this.saved, ...kept.values });
    this.say(t("Text kept in this browser was put back"), "near");
    // The next save finds out that it is stale, and compares with what the text was written over.
    if (kept.etag !== this.etag) Object.assign(this, { etag: kept.etag ?? "", saved: kept.base ?? {} });
    this.soon(0);
  }

  stop() {
    clearTimeout(this.timer);
    this.stopped = true;
  }

  /**
   * The server has this value now by another step: a change of it from here on is the writer's own, and no conflict.
   * @param {string} name
   * @param {FormValues[string]} value
   */
  learned(name, value) {
    this.saved = { ...this.saved, [name]: value };
  }

  edited() {
    if (this.stopped) return;
    this.roomy = this.kept.write(readForm(this.form), this.saved, this.etag);
    if (!this.roomy) this.say(t("Not saved yet; this browser cannot keep the text"), "critical");
    this.soon(QUIET);
  }

  /** @param {number} delay */
  soon(delay) {
    clearTimeout(this.timer);
    if (this.stopped) return;
    this.timer = setTimeout(() => this.save(), delay);
  }

  /** Save now and wait for it. Gives true once the server has every letter; used before signing. */
  async flush() {
    clearTimeout(this.timer);
    await this.running;
    for (let tries = 0; this.dirty && tries < TRIES; tries += 1) {
      const { failures } = this;
      await this.save();
      if (this.failures > failures || this.stopped) break; // no line, or refused; what was only stale is settled, and saved again
    }
    return !this.dirty;
  }

  save() {
    this.running ??= this.put().finally(() => {
      this.running = null;
      if (this.dirty && !this.stopped && this.failures === 0) this.soon(QUIET);
    });
    return this.running;
  }

  async put() {
    if (!this.dirty || this.stopped) return;
    const values = readForm(this.form);
    this.say(t("Saving…"));
    try {
      const { etag } = await call("PUT", this.url, { body: nest(values), headers: { "If-Match": this.etag } });
      this.accepted(values, etag);
    } catch (error) {
      await this.refused(error, values);
    }
  }

  /**
   * @param {FormValues} values
   * @param {string | null} etag
   */
  accepted(values, etag) {
    this.etag = etag ?? this.etag;
    this.form.dataset.etag = this.etag;
    this.saved = values;
    this.failures = 0;
    if (this.dirty) this.kept.write(readForm(this.form), this.saved, this.etag);
    else this.kept.remove();
    const time = showTime(new Date());
    this.say(t("Saved {time}", { time }), "", "check");
  }

  /**
   * @param {unknown} error
   * @param {FormValues} values
   * @returns {Promise<void>}
   */
  async refused(error, values) {
    if (error instanceof Problem && error.status === 412) return this.settle(values);
    const status = error instanceof Problem ? error.status : 0;
    const passing = error instanceof Unreachable || status >= 500 || status === 429;
    if (passing) {
      const delay = RETRY[Math.min(this.failures, RETRY.length - 1)];
      this.failures += 1;
      this.say(
        !this.roomy
          ? t("No connection, and this browser cannot keep the text: do not leave this page")
          : t("No connection: the text is kept in this browser and sent when the line is back"),
        "critical",
        "wifi-off",
      );
      this.soon(delay);
      return;
    }
    this.failures += 1;
    if (status === 401) this.say(t("Signed out: the text is kept in this browser. Sign in again to save it."), "critical", "lock");
    else {
      this.stopped = [403, 404, 409].includes(status);
      const faults = error instanceof Problem ? error.errors : [];
      this.say(faults.length ? faults.map((each) => each.message).join(" ") : wordsOf(error), "critical", "alert-triangle");
    }
  }

  /**
   * Somebody saved meanwhile. A field that only one of the two changed is settled by itself; where both did, the writer
   * chooses. Either way the next save is made from the version that is there now.
   * @param {FormValues} values
   * @returns {Promise<void>}
   */
  async settle(values) {
    let current;
    try {
      current = await call("GET", this.url);
    } catch (error) {
      return this.refused(error, values);
    }
    values = readForm(this.form); // typing went on while the answer was under way
    const names = Object.keys(values);
    const base = this.saved;
    const theirs = Object.fromEntries(names.map((name) => [name, asChosen(pick(current.data, name))]));
    const untouched = names.filter((name) => same(values[name], base[name]));
    const differing = names.filter(
      (name) => !untouched.includes(name) && !same(theirs[name], base[name]) && !same(values[name], theirs[name]),
    );
    writeForm(this.form, Object.fromEntries(untouched.map((name) => [name, theirs[name]])));
    this.etag = current.etag ?? this.etag;
    this.saved = { ...values, ...theirs };
    if (differing.length) {
      const shown = differing.map((name) => ({
        label: labelOf(this.form, name),
        mine: spoken(this.form, name, values[name]),
        theirs: spoken(this.form, name, theirs[name]),
      }));
      this.choose(await askWhichText(shown), differing, theirs);
    }
    if (this.dirty) {
      this.kept.write(readForm(this.form), this.saved, this.etag);
      this.failures = 0;
      this.soon(0);
    } else this.accepted(readForm(this.form), this.etag);
  }

  /**
   * @param {string} choice
   * @param {string[]} differing
   * @param {FormValues} theirs
   */
  choose(choice, differing, theirs) {
    if (choice === "mine") return;
    const values = readForm(this.form);
    for (const name of differing) {
      const both = choice === "both" && typeof values[name] === "string" && values[name] && theirs[name];
      if (both) values[name] = `${values[name]}\n\n${theirs[name]}`;
      else if (choice === "theirs" || !values[name]) values[name] = theirs[name];
    }
    writeForm(this.form, values);
  }

  /** @param {Event} event */
  leaving(event) {
    if (!this.dirty || this.stopped) return;
    if (this.kept.write(readForm(this.form), this.saved, this.etag)) return;
    event.preventDefault(); // the browser asks whether to leave, because the text would be lost
  }

  /**
   * @param {string} text
   * @param {string} tone
   * @param {string} picture
   */
  say(text, tone = "", picture = "clock") {
    if (!this.place) {
      if (tone === "critical") message(text, { tone });
      return;
    }
    this.place.dataset.tone = tone;
    const svg = this.place.querySelector("svg");
    if (svg) changeIcon(svg, picture);
    const words = this.place.querySelector("span") ?? el("span");
    words.textContent = text;
    if (!svg) this.place.replaceChildren(icon(picture), words);
  }
}

/** @type {Map<HTMLFormElement, Autosave>} */
const savers = new Map();

/** Save every draft of the page; gives true when all of it is with the server. */
export async function flushDrafts() {
  forgetGone();
  return (await Promise.all([...savers.values()].map((saver) => saver.flush()))).every(Boolean);
}

/**
 * The Autosave of a form, or undefined.
 * @param {HTMLFormElement} form
 */
export function draftOf(form) {
  return savers.get(form);
}

/** Forms that left the page save no more. */
function forgetGone() {
  for (const [form, saver] of savers) {
    if (form.isConnected) continue;
    saver.stop();
    savers.delete(form);
  }
}

/**
 * Let the forms below an element save themselves; those that do already go on.
 * @param {ParentNode} root
 */
export function attach(root) {
  forgetGone();
  for (const form of root.querySelectorAll("form[data-autosave]")) {
    if (savers.has(form)) continue;
    savers.set(form, new Autosave(form));
    form.addEventListener("submit", (event) => event.preventDefault()); // Enter in a field is no way to leave the page
  }
}

export function start() {
  dropOldDrafts();
  attach(document);
}
