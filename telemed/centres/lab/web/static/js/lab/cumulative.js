// The table of a patient's results: rows are picked for their courses, copied, and walked through by cell.
//
//   <div data-cumulative>
//     <form data-picked>  <span data-picked-count>           the courses of picked rows; of the selected one where none is picked
//     <tr data-row data-copy="text"> <input type="checkbox" name="item"> <button data-copy-row>

import { aimedAt, need } from "../element.js";
import { t, tn } from "../i18n.js";
import { register } from "../keys.js";
import { message } from "../message.js";
import "../post.js";
import "./print.js";

const page = need(document, "[data-cumulative]");
const form = need(page, "form[data-picked]");

/** @returns {HTMLInputElement[]} */
function boxes() {
  return [...page.querySelectorAll("input[name=item]")].filter((box) => box instanceof HTMLInputElement);
}

function showCount() {
  const picked = boxes().filter((box) => box.checked).length;
  need(form, "[data-picked-count]").textContent = picked ? String(picked) : "";
}

function selectedRow() {
  return page.querySelector("[data-row][aria-selected='true']");
}

/** @param {SubmitEvent} event */
function onSubmit(event) {
  if (boxes().some((box) => box.checked)) return;
  event.preventDefault();
  const open = (selectedRow() ?? page.querySelector("[data-row]"))?.querySelector("a[data-open]");
  if (open) window.location.assign(open.href);
  else message(t("Pick a test first: x marks the selected row."), { tone: "critical" });
}

/** @param {string} text */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    message(tn("{n} line copied.", "{n} lines copied.", text.split("\n").length));
  } catch {
    message(t("The browser does not allow copying here."), { tone: "critical" });
  }
}

/** @param {MouseEvent} event */
function onClick(event) {
  const button = aimedAt(event, "button[data-copy-row]");
  const row = button?.closest("[data-row]");
  if (row) copy(row.dataset.copy ?? "");
}

/** @param {number} by */
function moveCell(by) {
  const row = selectedRow();
  if (!row) return;
  const cells = [...row.querySelectorAll("a.lab-cell")];
  const focused = document.activeElement;
  const at = focused instanceof HTMLAnchorElement ? cells.indexOf(focused) : -1;
  const next = cells[Math.min(Math.max(at + by, 0), cells.length - 1)];
  next?.focus();
}

form.addEventListener("submit", onSubmit);
page.addEventListener("click", onClick);
page.addEventListener("change", showCount);
register("ArrowRight", t("Next value of the row"), () => moveCell(1), { when: selectedRow });
register("ArrowLeft", t("Value before"), () => moveCell(-1), { when: selectedRow });
showCount();
