// The reading page: parts that keep up with the case, evidence in tabs, templates, and the second window.

import { attach as attachDrafts, draftOf } from "./autosave.js";
import { fetchInBackground } from "./background.js";
import { drawAll as drawClocks } from "./clock.js";
import { aimedAt, need } from "./element.js";
import { askForWindow, refreshEvidence, startEvidence } from "./evidence.js";
import { setFieldError } from "./field-errors.js";
import { t } from "./i18n.js";
import { register } from "./keys.js";
import { message } from "./message.js";
import { attach as attachPhrases } from "./phrases.js";
import "./post.js";
import { fillTemplate } from "./report-template.js";
import { followResult, resultIsChosen, showResult } from "./result.js";

const GATHER = 700; // ms in which events of the case are taken together: a study arrives in many
const STATE_PARTS = ["head", "identity", "criticals", "request", "evidence"];

const page = need(document, "[data-reading]");
/** @type {(name: string, root?: ParentNode) => HTMLElement} */
const part = (name, root = page) => need(root, `[data-part="${name}"]`);
const writing = () => part("report").querySelector("form[data-autosave]");
const context = { caseId: page.dataset.reading ?? "", form: writing };

// ---- parts ----

/**
 * True while somebody is at work in a part: it must not change under the hand.
 * @param {HTMLElement} place
 */
function inUse(place) {
  const active = document.activeElement;
  const typing = active && place.contains(active) && active.matches("input, textarea, select");
  return Boolean(typing || place.querySelector("dialog[open]"));
}

/**
 * @param {string} name
 * @param {ParentNode} fresh
 */
function swap(name, fresh) {
  const [old, now] = [part(name), part(name, fresh)];
  if (name === "evidence") {
    refreshEvidence(old, now, context);
    return;
  }
  if (name === "request" && keepsOpen(old)) return; // an opened prior is being read: the facts of the request can wait
  old.replaceWith(now);
  window.htmx?.process(now);
}

/** @param {HTMLElement} request */
const keepsOpen = (request) => Boolean(request.querySelector("details[open]"));

/**
 * Draw parts again. A report that is being written stays as it is on the screen while its writer may go on.
 * @param {{own?: boolean}} options
 */
async function refresh({ own = false } = {}) {
  const fresh = await fetchParts();
  if (!fresh) return;
  for (const name of STATE_PARTS) if (!inUse(part(name))) swap(name, fresh);
  refreshReport(fresh, own);
  drawClocks();
}

/**
 * @param {ParentNode} fresh
 * @param {boolean} own
 */
function refreshReport(fresh, own) {
  const form = writing();
  const theirs = part("report", fresh).querySelector("form[data-autosave]");
  if (form && theirs) {
    followResult(form, theirs, draftOf(form));
    return;
  }
  if (form && draftOf(form)?.dirty) {
    message(t("This case is no longer yours, and your last words are not saved. Copy them before you leave."), {
      tone: "critical",
      seconds: 86_400,
    });
    return;
  }
  if (form && !own) message(t("This case is no longer yours."), { tone: "critical" });
  swap("report", fresh);
  attachDrafts(page);
  attachPhrases(page);
}

/**
 * After a step of one's own: the parts, and the hand where the work goes on.
 * @param {Event} event
 */
async function stepped(event) {
  const telling = aimedAt(event, "#critical-sheet form") !== null;
  await refresh({ own: true });
  const next = telling ? part("criticals").querySelector(".critical-open [name=whom]") : writing()?.querySelector("textarea");
  next?.focus();
}

async function fetchParts() {
  try {
    const response = await fetchInBackground(page.dataset.parts ?? "", "text/html");
    if (response.status === 404) {
      message(t("This case has left your hub."), { tone: "critical", seconds: 86_400 });
      return null;
    }
    if (!response.ok || response.redirected) throw new Error(String(response.status));
    const holder = document.createElement("template");
    holder.innerHTML = await response.text(); // our own server's, escaped there
    return holder.content;
  } catch {
    later(5000);
    return null;
  }
}

/** @type {number | null} */
let timer = null;
function later(delay = GATHER) {
  if (timer !== null) return;
  timer = setTimeout(() => {
    timer = null;
    refresh();
  }, delay);
}

/** @param {CustomEvent<CaseEvent>} event */
function onCaseEvent({ detail }) {
  if (detail.case_id !== page.dataset.reading) return;
  // One's own first letters change nothing that this page does not know.
  if (detail.action === "write" && detail.actor === page.dataset.person) return;
  later();
}

// ---- the report ----

/**
 * Fields that must be filled before a password is worth typing.
 * @param {HTMLFormElement} form
 */
function complete(form) {
  /** @type {Control | null} */
  let first = null;
  const wanted = /** @type {NodeListOf<Control>} */ (form.querySelectorAll("[required]"));
  for (const control of wanted) {
    const empty = control.value.trim() === "";
    setFieldError(control, empty ? t("is needed before signing") : "");
    if (empty) first ??= control;
  }
  first?.focus();
  return first === null && resultIsChosen(form);
}

/** @param {Event} event */
function onClick(event) {
  const sign = aimedAt(event, "[data-confirm='sign-sheet']");
  const form = writing();
  if (sign && form && !complete(form)) {
    event.preventDefault();
    event.stopPropagation();
    return;
  }
  if (sign && form) showResult(form, need(document, "#sign-sheet"));
  const template = aimedAt(event, "[data-template]");
  if (template && form) {
    fillTemplate(form, JSON.parse(template.dataset.template ?? "{}"), template.dataset.templateNegative !== undefined);
    template.closest("details")?.removeAttribute("open");
  }
  const compare = aimedAt(event, "[data-compare]");
  if (compare) askForWindow({ compare: compare.dataset.compare });
}

/**
 * The button beside the texts opens the list of phrases where one was writing last.
 * @param {Event} event
 */
function followFocus(event) {
  const button = writing()?.querySelector("[data-phrases-here]");
  const area = aimedAt(event, "textarea[name]");
  if (button && area) button.dataset.insertPhrases = area.name;
}

function start() {
  startEvidence(page, context);
  document.addEventListener("telemed:case", onCaseEvent);
  page.addEventListener("telemed:posted", stepped);
  page.addEventListener("telemed:refused", () => refresh());
  page.addEventListener("click", onClick, true);
  page.addEventListener("focusin", followFocus);
  register("Enter", t("Write"), () => writing()?.querySelector("textarea")?.focus(), {
    when: () => writing() && !document.querySelector("dialog[open]"),
  });
  if (!document.activeElement?.closest("textarea")) writing()?.querySelector("textarea")?.focus();
}

start();
document.documentElement.dataset.pageReady = "true";
