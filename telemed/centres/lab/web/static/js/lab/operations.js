// The operator's page of laboratory traffic: messages that lie aside are opened for a reason and read again, codes are decided.
//
//   <div data-lab-operations>
//     <tr data-row data-message="id">  <button data-open-message>       the content, after a reason
//     <button data-replay>  <select data-character-set>  <div data-replay-progress>
//     <tr data-row data-code data-sender>  <button data-item="code">  <form data-decide>
//     <dialog data-content>  <form data-open-form>  <button data-ready-reason>  <div data-content-shown>

import { call } from "../api.js";
import { aimedAt, el, need, wordsOf } from "../element.js";
import { t, tn } from "../i18n.js";
import "../live-part.js";
import { message } from "../message.js";

/** @typedef {{character_set: string, fits: boolean, lines: string[]}} Reading */

const page = need(document, "[data-lab-operations]");

/** @returns {HTMLElement[]} */
function pickedRows() {
  const boxes = [...page.querySelectorAll("[data-message] input[type=checkbox]")];
  const picked = boxes.filter((box) => box instanceof HTMLInputElement && box.checked).map((box) => box.closest("[data-row]"));
  const rows = picked.length ? picked : [page.querySelector("[data-message][aria-selected='true']")];
  return rows.filter((row) => row instanceof HTMLElement);
}

function showCount() {
  const place = page.querySelector("[data-picked-count]");
  const picked = page.querySelectorAll("[data-message] input[type=checkbox]:checked").length;
  if (place) place.textContent = picked ? String(picked) : "";
}

/** @param {HTMLElement} row */
function takeAway(row) {
  row.classList.add("row-gone");
  row.removeAttribute("data-message");
  row.querySelector("input[type=checkbox]")?.remove();
}

// ---- read again ----

/**
 * @param {HTMLElement} row
 * @param {string} characterSet
 */
async function replayOne(row, characterSet) {
  const reason = need(row, "[data-why]");
  try {
    const { data } = await call("POST", `/api/v1/lab/messages/${row.dataset.message}/replay`, { body: { character_set: characterSet } });
    if (data.state === "accepted") {
      reason.textContent = t("taken now");
      takeAway(row);
      return true;
    }
    reason.textContent = data.reason;
  } catch (error) {
    reason.textContent = wordsOf(error);
  }
  return false;
}

/** @param {HTMLElement} button */
async function replay(button) {
  const rows = pickedRows();
  if (!rows.length) {
    message(t("Pick a message first: x marks the selected row."), { tone: "critical" });
    return;
  }
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  const chosen = page.querySelector("select[data-character-set]");
  const progress = need(page, "[data-replay-progress]");
  const bar = /** @type {HTMLProgressElement} */ (progress.firstElementChild);
  progress.hidden = false;
  bar.max = rows.length;
  let taken = 0;
  for (const [place, row] of rows.entries()) {
    need(progress, "span").textContent = t("Reading {place} of {all}: {name}", {
      place: place + 1,
      all: rows.length,
      name: row.dataset.message ?? "",
    });
    if (await replayOne(row, chosen?.value ?? "")) taken += 1;
    bar.value = place + 1;
  }
  need(progress, "span").textContent = t("{taken} of {all} messages were taken; the others say why not.", { taken, all: rows.length });
  button.removeAttribute("aria-busy");
  showCount();
}

// ---- content ----

let opened = "";

/** @param {HTMLElement} row */
function askReason(row) {
  const sheet = page.querySelector("dialog[data-content]");
  if (!sheet) return;
  opened = row.dataset.message ?? "";
  need(sheet, "[data-open-form]").hidden = false;
  need(sheet, "[data-content-shown]").hidden = true;
  sheet.showModal();
  need(sheet, "input[name=reason]").focus();
}

/**
 * @param {HTMLElement} sheet
 * @param {Reading} reading
 * @param {number} leftOut
 */
function showReading(sheet, reading, leftOut) {
  need(sheet, "pre").textContent = reading.lines.join("\n");
  const notes = [reading.fits ? "" : t("Some bytes have no meaning in this character set: they stand as \\x and their value.")];
  if (leftOut) notes.push(tn("{n} more byte is not shown.", "{n} more bytes are not shown.", leftOut));
  need(sheet, "[data-content-note]").textContent = notes.filter(Boolean).join(" ");
  for (const button of sheet.querySelectorAll("[data-content-sets] button"))
    button.setAttribute("aria-pressed", String(button.textContent === reading.character_set.toUpperCase()));
}

/** @param {HTMLFormElement} form */
async function openContent(form) {
  const sheet = need(page, "dialog[data-content]");
  const problem = need(form, "[data-problem]");
  problem.hidden = true;
  try {
    const reason = need(form, "[name=reason]").value;
    const { data } = await call("POST", `/api/v1/lab/messages/${opened}/open`, { body: { reason } });
    /** @type {Reading[]} */
    const readings = data.readings;
    const buttons = readings.map((reading) =>
      el(
        "button",
        { type: "button", class: "btn btn-small", onclick: () => showReading(sheet, reading, data.left_out) },
        reading.character_set.toUpperCase(),
      ),
    );
    need(sheet, "[data-content-sets]").replaceChildren(...buttons);
    form.hidden = true;
    need(sheet, "[data-content-shown]").hidden = false;
    showReading(sheet, readings.find((reading) => reading.fits) ?? readings[0], data.left_out);
  } catch (error) {
    problem.textContent = wordsOf(error);
    problem.hidden = false;
  }
}

// ---- codes ----

/**
 * @param {HTMLElement} row
 * @param {string} item
 */
async function decide(row, item) {
  const { code = "", sender: member = "" } = row.dataset;
  try {
    const { data } = await call("POST", "/api/v1/lab/mappings", { body: { member, code, item } });
    const { results = 0 } = data;
    message(tn("{code}: {n} result has its test now.", "{code}: {n} results have their test now.", results, { code }));
    row.classList.add("row-gone");
    for (const control of row.querySelectorAll("button, input")) control.setAttribute("disabled", "");
  } catch (error) {
    message(wordsOf(error), { tone: "critical" });
  }
}

/** @param {MouseEvent} event */
function onClick(event) {
  const again = aimedAt(event, "button[data-replay]");
  if (again) replay(again);
  const look = aimedAt(event, "button[data-open-message]")?.closest("[data-row]");
  if (look) askReason(look);
  const ready = aimedAt(event, "button[data-ready-reason]");
  if (ready) {
    const field = need(page, "[name=reason]");
    field.value = ready.textContent ?? "";
    field.focus();
  }
  const suggestion = aimedAt(event, "button[data-item]");
  const row = suggestion?.closest("[data-row]");
  if (row && suggestion) decide(row, suggestion.dataset.item ?? "");
}

/** @param {SubmitEvent} event */
function onSubmit(event) {
  const form = aimedAt(event, "form[data-open-form]");
  const deciding = aimedAt(event, "form[data-decide]");
  if (form ?? deciding) event.preventDefault();
  if (form) openContent(form);
  const row = deciding?.closest("[data-row]");
  if (row && deciding) decide(row, need(deciding, "[name=item]").value.trim());
}

page.addEventListener("click", onClick);
page.addEventListener("submit", onSubmit);
page.addEventListener("change", showCount);
