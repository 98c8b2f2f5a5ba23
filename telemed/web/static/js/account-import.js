// A list of people becomes accounts: chosen, looked at row by row, taken over as a whole, the links shown once.
//
//   <div data-account-import="/api/v1/accounts/import">
//     <form data-import-form> with a file input; [data-import-problem], [data-import-progress] with <progress> and a text
//     [data-import-plan]: [data-import-summary], [data-import-carry-out], [data-import-rows]
//     [data-import-links]: [data-import-invitations], [data-import-print], [data-import-save]

import { Problem, Unreachable } from "./api.js";
import { el, icon, need, wordsOf } from "./element.js";
import { t, tn } from "./i18n.js";

/** @type {Record<string, [tone: string, icon: string]>} */
const LOOKS = {
  faulty: ["critical", "alert-triangle"],
  new: ["done", "plus"],
  changed: ["waiting", "pencil"],
  unchanged: ["quiet", "check"],
};
const PATIENCE = 300_000; // ms: a list of ten thousand takes its time

/** @param {string} state */
function word(state) {
  return { faulty: t("at fault"), new: t("new"), changed: t("changed"), unchanged: t("unchanged") }[state] ?? state;
}

const root = need(document, "[data-account-import]");
const address = root.dataset.accountImport ?? "";
const form = need(root, "form[data-import-form]");
const problemPlace = need(root, "[data-import-problem]");
const progressPlace = need(root, "[data-import-progress]");
const planPlace = need(root, "[data-import-plan]");
const linksPlace = need(root, "[data-import-links]");
const carryOutButton = need(planPlace, "button[data-import-carry-out]");

/** @type {File | null} */
let chosen = null;
let plan = "";
/** @type {{username: string, name: string, institution: string, url: string, expires_at: string}[]} */
let invitations = [];

/** @param {string} text */
function refuse(text) {
  problemPlace.textContent = text;
  problemPlace.hidden = text === "";
}

/**
 * @param {string} text
 * @param {number} done
 * @param {number} of
 */
function showProgress(text, done = 0, of = 0) {
  const bar = need(progressPlace, "progress");
  if (of) {
    bar.max = of;
    bar.value = done;
  } else bar.removeAttribute("value");
  need(progressPlace, "span").textContent = text;
  progressPlace.hidden = text === "";
}

/**
 * Send the file; throws Problem or Unreachable.
 * @param {string} url
 * @param {File} file
 */
async function send(url, file) {
  let response;
  try {
    const headers = { "Content-Type": "application/octet-stream" };
    response = await fetch(url, { method: "POST", headers, body: file, signal: AbortSignal.timeout(PATIENCE) });
  } catch {
    throw new Unreachable();
  }
  if (!response.ok) throw new Problem(response.status, await response.json().catch(() => ({})), response.headers);
  return response;
}

/** @param {unknown} error */
function words(error) {
  if (error instanceof Problem && error.status === 412) return t("Accounts were changed in between: look at the list once more.");
  if (error instanceof Problem && error.errors.length)
    return error.errors.map(({ field, message }) => `${fieldWord(field ?? "")} ${message}`).join("; ");
  return wordsOf(error);
}

/** @param {string} field */
function fieldWord(field) {
  const line = /^list\.(\d+)$/.exec(field);
  if (line) return t("Row {n}", { n: line[1] });
  return field === "list" ? t("The file") : field;
}

/** @param {{items: {row: number, username: string, name: string, state: string, faults: {column: string, message: string}[], changed: string[]}[]}} found */
function rowsTable(found) {
  const lines = found.items.map((row) => {
    const [tone, picture] = LOOKS[row.state];
    const said = row.faults.length ? row.faults.map((each) => `${each.column} ${each.message}`).join("; ") : row.changed.join(", ");
    return el(
      "tr",
      {},
      el("td", { class: "number" }, String(row.row)),
      el("td", {}, row.username),
      el("td", {}, row.name),
      el("td", {}, el("span", { class: `state tone-${tone}` }, icon(picture), word(row.state))),
      el("td", {}, said),
    );
  });
  const head = [t("Row"), t("Account"), t("Name"), t("State"), t("Fault or change")].map((text) => el("th", { scope: "col" }, text));
  return el("table", { class: "data import-rows" }, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...lines));
}

/** @param {any} found */
function showPlan(found) {
  plan = found.plan;
  const counts = ["new", "changed", "unchanged", "faulty"].map((state) => `${word(state)} ${found[state]}`).join(" · ");
  const advice = found.faulty ? t("Mend the rows at fault in the file and choose it again: until then nothing is taken over.") : "";
  const rest = found.rows > found.items.length ? t("The first {n} are shown.", { n: found.items.length }) : "";
  need(planPlace, "[data-import-summary]").textContent = [tn("{n} row", "{n} rows", found.rows), counts, advice, rest]
    .filter(Boolean)
    .join(" · ");
  need(planPlace, "[data-import-rows]").replaceChildren(rowsTable(found));
  carryOutButton.hidden = found.faulty > 0 || found.new + found.changed === 0;
  planPlace.hidden = false;
  planPlace.focus();
}

async function look() {
  const file = need(form, "input[type=file]").files?.[0];
  if (!file) return;
  chosen = file;
  planPlace.hidden = true;
  refuse("");
  showProgress(t("The list is being read…"));
  try {
    const response = await send(`${address}/preview`, file);
    showPlan(await response.json());
  } catch (error) {
    refuse(words(error));
  } finally {
    showProgress("");
  }
}

/** @param {any} line */
function hear(line) {
  if (line.problem) throw new Problem(line.problem.status, line.problem, new Headers());
  if (line.invitations) showInvitations(line.invitations);
  else showProgress(t("{done} of {of} accounts", line), line.done, line.of);
}

/** @param {Response} response */
async function follow(response) {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  let ended = !reader;
  while (reader && !ended) {
    const { value, done } = await reader.read();
    ended = done;
    rest += decoder.decode(value, { stream: !done });
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line) hear(JSON.parse(line));
  }
}

async function carryOut() {
  if (!chosen || carryOutButton.getAttribute("aria-busy") === "true") return;
  carryOutButton.setAttribute("aria-busy", "true");
  refuse("");
  showProgress(t("The list is being taken over…"));
  try {
    await follow(await send(`${address}?plan=${encodeURIComponent(plan)}`, chosen));
  } catch (error) {
    refuse(words(error));
  } finally {
    carryOutButton.removeAttribute("aria-busy");
    showProgress("");
  }
}

/** @param {typeof invitations} made */
function showInvitations(made) {
  invitations = made;
  planPlace.hidden = true;
  const lines = made.map((each) =>
    el(
      "tr",
      {},
      el("td", {}, each.username),
      el("td", {}, each.name),
      el("td", {}, each.institution),
      el("td", { class: "link" }, each.url),
    ),
  );
  const head = [t("Account"), t("Name"), t("Institution"), t("Invitation link")].map((text) => el("th", { scope: "col" }, text));
  const table = el("table", { class: "data import-rows" }, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...lines));
  const nobody = el("p", { class: "muted" }, t("Everything is taken over; nobody new is among them."));
  need(linksPlace, "[data-import-invitations]").replaceChildren(made.length ? table : nobody);
  linksPlace.hidden = false;
  linksPlace.focus();
}

/**
 * A text that spreadsheet programs take for a formula gets an apostrophe before it.
 * @param {string} text
 */
function cell(text) {
  const plain = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return `"${plain.replaceAll('"', '""')}"`;
}

function save() {
  const head = [t("Account"), t("Name"), t("Institution"), t("Invitation link"), t("Until")];
  const rows = invitations.map((each) => [each.username, each.name, each.institution, each.url, each.expires_at]);
  const text = [head, ...rows].map((row) => row.map(cell).join(",")).join("\r\n");
  const url = URL.createObjectURL(new Blob(["\ufeff", text, "\r\n"], { type: "text/csv" }));
  el("a", { href: url, download: "invitations.csv" }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  look();
});
carryOutButton.addEventListener("click", carryOut);
need(linksPlace, "[data-import-print]").addEventListener("click", () => window.print());
need(linksPlace, "[data-import-save]").addEventListener("click", save);
