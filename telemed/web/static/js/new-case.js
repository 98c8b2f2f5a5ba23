// A new case: nothing typed is lost, files may come before the rest, one press sends it all.
//
//   <form data-new-case data-centre data-case="ID or empty" data-draft data-member data-person>
// Controls are named patient.*, request.*, kind, priority, consent.*. What is typed is kept in this browser until the server
// has it. The draft is made on first need: when a file is dropped, when it is saved, when it is sent.

import { call, Problem } from "./api.js";
import { optionOf, showLabels } from "./datalist.js";
import { el, icon, need, wordsOf } from "./element.js";
import { setFieldError, showErrors } from "./field-errors.js";
import { nest, readForm, writeForm } from "./form-values.js";
import { t, tn } from "./i18n.js";
import { KeptDraft } from "./kept-draft.js";
import { normaliseResidentId, residentIdFault } from "./resident-id.js";

/** @typedef {{system: string, value: string}} Identifier */
/** @typedef {{name: string, sex: string, birth_date: string | null, phone: string, identifiers: Identifier[]}} Card */

const CARD = ["patient.name", "patient.sex", "patient.birth_date", "patient.phone", "patient.resident_id", "patient.own_number"];

/** @param {FormValues} values */
function filled(values) {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== "" && value !== null && !(Array.isArray(value) && value.length === 0)),
  );
}

/**
 * What is wrong with a control, in words.
 * @param {HTMLInputElement} control
 */
function faultOf({ validity, validationMessage }) {
  if (validity.valueMissing) return t("is needed");
  return validity.patternMismatch ? t("has a form that is not taken here") : validationMessage;
}

class NewCase {
  /** @param {HTMLFormElement} form */
  constructor(form) {
    this.form = form;
    this.id = form.dataset.case ?? "";
    this.draft = form.dataset.draft === "true";
    this.uploads = need(form, "[data-upload]");
    this.kept = new KeptDraft(form.dataset.person ?? "", this.id ? `/cases/${this.id}/edit` : `/cases/new/${form.dataset.centre}`);
    this.saving = Promise.resolve();
    this.busy = false;
    this.filesWait = false; // for the patient's name
    this.consented = false;
    /** The controls that the identifiers sent last came from. @type {string[]} */
    this.identifierFields = [];
    this.restore();
    showLabels(form);
    form.addEventListener("input", () => this.typed());
    form.addEventListener("change", (event) => this.changed(event));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.run(() => this.send());
    });
    need(form, "[data-save]").addEventListener("click", () => this.run(() => this.saveDraft()));
    this.uploads.addEventListener("telemed:case-wanted", () => this.giveCaseToFiles());
    this.uploads.addEventListener("telemed:uploaded", () => this.offerPapers());
    document.addEventListener("telemed:case", (event) => {
      if (event.detail.case_id === this.id) this.showStudies();
    });
    this.showConsent();
  }

  /** @param {string} name */
  control(name) {
    return this.form.querySelector(`[name="${CSS.escape(name)}"]`);
  }

  /** @param {string} name */
  textOf(name) {
    return this.control(name)?.value.trim() ?? "";
  }

  // ---- what is typed ----

  restore() {
    const kept = this.kept.read();
    if (!kept) return;
    writeForm(this.form, { ...readForm(this.form), ...kept.values });
    this.say(t("Text kept in this browser was put back"), "near");
  }

  typed() {
    const roomy = this.kept.write(readForm(this.form), {}, undefined);
    if (roomy) this.say(t("Kept in this browser"));
    else this.say(t("Not saved yet; this browser cannot keep the text"), "critical");
  }

  /** @param {Event} event */
  changed(event) {
    const control = /** @type {HTMLInputElement} */ (event.target);
    if (control.list) showLabels(this.form);
    this.typed();
    if (control.name === "kind") this.showConsent();
    if (control.matches("[data-find-patient]")) this.findPatient(control);
    if (control.name === "patient.name" && this.filesWait) this.giveCaseToFiles();
    if (control.willValidate && control.validity.valid) setFieldError(control, "");
  }

  showConsent() {
    const place = need(this.form, "[data-consent]");
    if (!place.hidden && !place.dataset.byKind) return;
    place.dataset.byKind = "true";
    place.hidden = this.form.querySelector("input[name=kind]:checked")?.value !== "consultation";
  }

  /**
   * @param {string} text
   * @param {string} tone
   */
  say(text, tone = "") {
    const place = need(this.form, "[data-save-state]");
    place.dataset.tone = tone;
    need(place, "span").textContent = text;
  }

  // ---- the patient ----

  /** @param {HTMLInputElement} input */
  async findPatient(input) {
    const number = input.name === "patient.resident_id" ? normaliseResidentId(input.value) : input.value.trim();
    if (!number || !this.draft || (input.name === "patient.resident_id" && residentIdFault(number))) return;
    let found;
    try {
      found = (await call("POST", "/api/v1/patients/find", { body: { number } })).data.items[0];
    } catch {
      return; // who cannot be found now is filled in by hand
    }
    if (found) this.offerPatient(found);
  }

  /** @param {Card} found */
  offerPatient(found) {
    const place = need(this.form, "[data-known-patient]");
    const who = `${found.name} ${found.birth_date ?? ""}`.trim();
    const typedName = this.textOf("patient.name");
    place.hidden = false;
    if (!typedName || typedName === found.name) {
      this.fill(found);
      place.replaceChildren(icon("user-check"), el("span", {}, t("Known here, filled in: {who}", { who })));
      return;
    }
    const take = el(
      "button",
      {
        type: "button",
        class: "btn",
        onclick: () => {
          this.fill(found);
          place.hidden = true;
        },
      },
      t("Take this card"),
    );
    place.replaceChildren(icon("alert-triangle"), el("span", {}, t("This number belongs to {who}.", { who })), take);
  }

  /** @param {Card} found */
  fill(found) {
    /** @param {string | undefined} system */
    const number = (system) => found.identifiers.find((each) => each.system === system)?.value ?? "";
    /** @type {Record<string, string>} */
    const card = {
      "patient.name": found.name,
      "patient.sex": found.sex,
      "patient.birth_date": found.birth_date ?? "",
      "patient.phone": found.phone,
      "patient.resident_id": number("resident-id"),
      "patient.own_number": number(this.form.dataset.member),
    };
    const values = readForm(this.form);
    for (const name of CARD) if (card[name]) values[name] = card[name];
    writeForm(this.form, values);
    for (const name of CARD) {
      const control = this.control(name);
      if (control) setFieldError(control, "");
    }
    this.typed();
    if (this.filesWait) this.giveCaseToFiles();
  }

  // ---- what is sent ----

  /** The body of the API, and the place of each identifier for errors that come back. */
  body() {
    const values = readForm(this.form);
    for (const input of this.form.querySelectorAll("input[list]")) values[input.name] = optionOf(input)?.value ?? input.value.trim();
    const { patient = {}, request = {}, kind, priority } = nest(values);
    /** @type {Identifier[]} */
    const identifiers = [];
    this.identifierFields = [];
    /** @type {(system: string, value: string, field: string) => void} */
    const add = (system, value, field) => {
      if (value) {
        identifiers.push({ system, value });
        this.identifierFields.push(field);
      }
    };
    add(this.form.dataset.member ?? "", (patient.own_number ?? "").trim(), "patient.own_number");
    add("resident-id", normaliseResidentId(patient.resident_id ?? ""), "patient.resident_id");
    const body = { priority, request: filled(request) };
    if (!this.draft) return body;
    const card = {
      name: (patient.name ?? "").trim(),
      sex: patient.sex || "unknown",
      birth_date: patient.birth_date || null,
      phone: (patient.phone ?? "").trim(),
      identifiers,
    };
    return { ...body, kind, patient: card };
  }

  /** Bring the draft to the server. One after the other: two presses never make two cases. */
  save() {
    this.saving = this.saving.catch(() => {}).then(() => this.put());
    return this.saving;
  }

  async put() {
    const body = this.body();
    if (this.id) await call("PATCH", `/api/v1/cases/${this.id}`, { body });
    else this.born((await call("POST", "/api/v1/cases", { body: { ...body, centre: this.form.dataset.centre } })).data);
    this.kept.remove();
    this.say(t("Saved {time}", { time: new Date().toLocaleTimeString("en-GB") }));
  }

  /**
   * The case is made: this page is its page from now on, also after a reload.
   * @param {{id: string, accession_number: string}} made
   */
  born(made) {
    this.kept.remove();
    this.id = made.id;
    this.form.dataset.case = made.id;
    this.kept = new KeptDraft(this.form.dataset.person ?? "", `/cases/${made.id}/edit`);
    window.history.replaceState(null, "", `/cases/${made.id}/edit`);
    const number = this.control("request.accession_number");
    if (number) {
      number.value = made.accession_number;
      number.disabled = true;
    }
    const place = need(document, "[data-number]");
    place.hidden = false;
    need(place, "b").textContent = made.accession_number;
    this.uploads.queue?.useCase(made.id);
  }

  async giveCaseToFiles() {
    const place = need(this.form, "[data-files-problem]");
    this.filesWait = true;
    const missing = this.textOf("patient.name") === "";
    place.hidden = !missing;
    place.textContent = missing ? t("Fill in the patient's name: the files are sent then.") : "";
    if (missing || this.id) return;
    this.filesWait = false;
    await this.run(() => this.save());
  }

  async offerPapers() {
    const select = this.control("consent.evidence_id");
    if (!(select instanceof HTMLSelectElement)) return;
    const { data } = await call("GET", `/api/v1/cases/${this.id}/evidence`);
    const known = new Set([...select.options].map((option) => option.value));
    for (const each of data.items)
      if (each.type === "document" && !known.has(each.id)) select.append(el("option", { value: each.id }, each.name));
  }

  /** Studies that a PACS sent meanwhile. Files of this page have their own bars. */
  async showStudies() {
    const place = need(this.uploads, "[data-arrived]");
    const { data } = await call("GET", `/api/v1/cases/${this.id}/evidence`);
    for (const each of data.items) {
      if (each.type !== "dicom-study") continue;
      const images = el("span", { class: "muted" }, tn("{n} image", "{n} images", each.instances));
      const line = el("li", { "data-evidence": each.id }, icon("check"), el("span", { class: "evidence-name" }, each.name), images);
      const known = place.querySelector(`[data-evidence="${CSS.escape(each.id)}"]`);
      if (known) known.replaceWith(line);
      else place.append(line);
    }
  }

  // ---- the two buttons ----

  async saveDraft() {
    if (this.draft && !this.textOf("patient.name")) return this.wrong([["patient.name", t("is needed")]]);
    await this.save();
  }

  async send() {
    if (!this.sound()) return;
    await this.filesIn();
    await this.save();
    await this.recordConsent();
    await call("POST", `/api/v1/cases/${this.id}/submit`, { body: {} });
    this.kept.remove();
    window.location.assign(`/cases/${this.id}`);
  }

  /** Every field by its own rule; the first at fault gets the focus. */
  sound() {
    /** @type {[name: string, words: string][]} */
    const faults = [];
    for (const control of /** @type {HTMLInputElement[]} */ ([...this.form.elements])) {
      if (!control.willValidate || !control.closest("[data-field]") || control.validity.valid) continue;
      if (!faults.some(([name]) => name === control.name)) faults.push([control.name, faultOf(control)]);
    }
    if (faults.length) this.wrong(faults);
    return faults.length === 0;
  }

  /** @param {[name: string, words: string][]} faults */
  wrong(faults) {
    showErrors(
      this.form,
      faults.map(([field, message]) => ({ field, message })),
    );
  }

  /** Files that are on their way arrive first: a page that leaves would cut them off. */
  async filesIn() {
    const { queue } = this.uploads;
    if (!queue) return;
    if (!this.id && queue.busy) await this.save(); // they have waited for a case
    if (queue.busy) {
      this.problem(
        tn(
          "One file is still on its way: the case is sent when it has arrived.",
          "{n} files are still on their way: the case is sent when they have arrived.",
          queue.waiting,
        ),
      );
      await queue.idle();
      this.problem("");
    }
    if (queue.failed) throw new Error(t("Some files were not received: try them again, or take them off the list."));
  }

  async recordConsent() {
    const place = need(this.form, "[data-consent]");
    const { consent } = nest(readForm(this.form));
    if (place.hidden || !consent?.signed_name?.trim() || this.consented) return;
    await call("POST", `/api/v1/cases/${this.id}/consent`, {
      body: { giver: consent.giver, signed_name: consent.signed_name.trim(), evidence_id: consent.evidence_id || null },
    });
    this.consented = true;
  }

  /** @param {string} text */
  problem(text) {
    const place = need(this.form, ".new-foot [data-problem]");
    place.textContent = text;
    place.hidden = text === "";
  }

  /**
   * Do something once at a time; what goes wrong stands where it belongs.
   * @param {() => Promise<unknown>} work
   */
  async run(work) {
    if (this.busy) return;
    this.busy = true;
    const button = need(this.form, "[type=submit]");
    button.setAttribute("aria-busy", "true");
    this.problem("");
    try {
      await work();
    } catch (error) {
      if (error instanceof Problem && error.errors.length)
        showErrors(
          this.form,
          error.errors.map((each) => this.placed(each)),
        );
      else this.problem(wordsOf(error));
    } finally {
      this.busy = false;
      button.removeAttribute("aria-busy");
    }
  }

  /**
   * The control that an error of the API is about.
   * @param {FieldError} error
   */
  placed({ field, message }) {
    const identifier = /^patient\.identifiers(?:\.(\d+))?/.exec(field ?? "");
    if (identifier) return { field: this.identifierFields[Number(identifier[1] ?? 0)] ?? "patient.own_number", message };
    return { field, message };
  }
}

for (const form of document.querySelectorAll("form[data-new-case]")) new NewCase(form);
