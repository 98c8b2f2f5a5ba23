// The region: institutions, hubs, days, and its file.
//
//   <form data-region-form="/api/v1/institutions/X" data-region-method="PUT" data-region-tag="TAG" data-region-then="/institutions">
//     saved as JSON, with the tag as If-Match; faults stand at their fields
//   <form data-region-file="/api/v1/region">   a chosen file is tried at once: [data-region-answer] lists what would change, or what is
//     wrong with line and column; [data-region-take] takes it

import { call, Problem } from "./api.js";
import { aimedAt, el, wordsOf } from "./element.js";
import { showErrors } from "./field-errors.js";
import { nest, readForm } from "./form-values.js";
import { t, tn } from "./i18n.js";
import "./post.js";

const MARKS = { added: ["+", "done"], changed: ["~", "waiting"], removed: ["−", "near"] };

/** @param {unknown} text */
const linesOf = (text) =>
  String(text ?? "")
    .split(/\n/)
    .map((line) => line.trim())
    .filter(Boolean);

/** @param {string} line */
function contactOf(line) {
  const [name = "", title = "", phone = ""] = line.split(/[,，]/).map((part) => part.trim());
  return { name, title, phone };
}

/**
 * The body of a form, by the names of the API.
 * @param {HTMLFormElement} form
 */
export function bodyOf(form) {
  const { covers_open: open, ...values } = nest(readForm(form));
  if (typeof values.contacts === "string") values.contacts = linesOf(values.contacts).map(contactOf);
  if (typeof values.duty === "string" && form.querySelector("textarea[name=duty]")) {
    const periods = linesOf(values.duty);
    values.duty = periods.length ? periods : null;
  }
  if (typeof open === "string") values.covers = open.split(/[\s,，、;]+/).filter(Boolean);
  if (Array.isArray(values.covers) && values.covers.length === 0) values.covers = null;
  return values;
}

/**
 * A fault at the control that holds it: contacts.0.phone stands in contacts.
 * @param {HTMLFormElement} form
 * @param {FieldError} error
 */
function atControl(form, error) {
  const path = String(error.field ?? "").split(".");
  for (let length = path.length; length; length -= 1) {
    const name = path.slice(0, length).join(".");
    for (const known of [name, name === "covers" ? "covers_open" : name])
      if (form.querySelector(`[name="${CSS.escape(known)}"]`)) return { ...error, field: known };
  }
  return error;
}

/** @param {HTMLFormElement} form */
async function save(form) {
  const button = form.querySelector("[type=submit]");
  const problem = form.querySelector("[data-problem]");
  if (!button || !problem || button.getAttribute("aria-busy") === "true") return;
  const { regionForm = "", regionMethod = "POST", regionTag = "", regionThen = "/" } = form.dataset;
  button.setAttribute("aria-busy", "true");
  problem.hidden = true;
  showErrors(form, []);
  try {
    const headers = /** @type {Record<string, string>} */ (regionTag ? { "If-Match": `"${regionTag}"` } : {});
    await call(regionMethod, regionForm, { body: bodyOf(form), headers });
    window.location.assign(regionThen);
  } catch (error) {
    if (error instanceof Problem && error.errors.length)
      showErrors(
        form,
        error.errors.map((each) => atControl(form, each)),
      );
    else {
      const stale = error instanceof Problem && error.status === 412;
      problem.textContent = stale ? t("Somebody saved in between: load the page again and repeat your change.") : wordsOf(error);
      problem.hidden = false;
    }
  } finally {
    button.removeAttribute("aria-busy");
  }
}

/**
 * Send the chosen file.
 * @param {HTMLFormElement} form
 * @param {File} file
 * @param {Record<string, string>} headers
 * @param {string} query
 */
async function send(form, file, headers, query) {
  const response = await fetch(`${form.dataset.regionFile}${query}`, {
    method: "PUT",
    credentials: "same-origin",
    headers: { Accept: "application/json", "Content-Type": "application/toml", ...headers },
    body: file,
  });
  const data = await response.json();
  if (!response.ok) throw new Problem(response.status, data, response.headers);
  return { data, etag: response.headers.get("ETag") ?? "" };
}

/** @param {{sign: "added" | "changed" | "removed", kind: string, key: string, words: string}} change */
function changeLine(change) {
  const [mark, tone] = MARKS[change.sign];
  const place = el("span", { class: `state tone-${tone}` }, mark);
  return el("li", {}, el("p", { class: "wrap" }, place, " ", el("b", {}, change.key), " ", change.words));
}

/** @param {unknown} error */
function faultLines(error) {
  const faults = error instanceof Problem ? error.errors : [];
  if (!faults.length) return [el("p", { class: "notice tone-critical", role: "alert" }, wordsOf(error))];
  const lines = faults.map(({ field, message, line, column }) => {
    const where = line ? t("Line {line}, column {column}", { line, column }) : (field ?? "");
    return el("li", {}, el("p", { class: "wrap" }, el("b", {}, where), " ", message));
  });
  const title = t("The file is not taken; nothing was changed.");
  return [el("p", { class: "notice tone-critical", role: "alert" }, title), el("ul", { class: "lines" }, ...lines)];
}

/** @param {HTMLFormElement} form */
async function tryFile(form) {
  const answer = form.querySelector("[data-region-answer]");
  const take = form.querySelector("[data-region-take]");
  const file = form.querySelector("input[type=file]")?.files?.[0];
  if (!answer || !take || !file) return;
  take.hidden = true;
  answer.replaceChildren(el("p", { class: "calm" }, t("Reading…")));
  try {
    const { data, etag } = await send(form, file, {}, "?dry_run=true");
    form.dataset.regionTag = etag;
    const count = data.changes.length;
    const title = count ? tn("{count} change", "{count} changes", count, { count }) : t("Nothing differs.");
    answer.replaceChildren(el("p", { class: "calm" }, title), el("ul", { class: "lines" }, ...data.changes.map(changeLine)));
    take.hidden = count === 0;
  } catch (error) {
    answer.replaceChildren(...faultLines(error));
  }
}

/** @param {HTMLFormElement} form */
async function takeFile(form) {
  const answer = form.querySelector("[data-region-answer]");
  const take = form.querySelector("[data-region-take]");
  const file = form.querySelector("input[type=file]")?.files?.[0];
  if (!answer || !take || take.hidden || !file || take.getAttribute("aria-busy") === "true") return;
  take.setAttribute("aria-busy", "true");
  try {
    const { data } = await send(form, file, { "If-Match": form.dataset.regionTag ?? "" }, "");
    const count = data.changes.length;
    answer.replaceChildren(
      el("p", { class: "notice tone-done", role: "status" }, tn("{count} change made.", "{count} changes made.", count, { count })),
    );
    take.hidden = true;
  } catch (error) {
    answer.replaceChildren(...faultLines(error));
  } finally {
    take.removeAttribute("aria-busy");
  }
}

document.addEventListener("submit", (event) => {
  const form = aimedAt(event, "form[data-region-form]");
  const file = aimedAt(event, "form[data-region-file]");
  if (!form && !file) return;
  event.preventDefault();
  if (form) save(form);
  if (file) takeFile(file);
});
document.addEventListener("change", (event) => {
  const form = aimedAt(event, "form[data-region-file]");
  if (form) tryFile(form);
});
