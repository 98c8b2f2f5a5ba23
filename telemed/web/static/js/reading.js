// The reading page: parts that keep up with the case, evidence in tabs, templates, and the second window.

import { attach as attachDrafts, draftOf } from "./autosave.js";
import { drawAll as drawClocks } from "./clock.js";
import { askForWindow, refreshEvidence, startEvidence } from "./evidence.js";
import { setFieldError } from "./field-errors.js";
import { t } from "./i18n.js";
import { register } from "./keys.js";
import { message } from "./message.js";
import { attach as attachPhrases } from "./phrases.js";
import "./post.js";
import { fillTemplate } from "./report-template.js";

const GATHER = 700; // ms in which events of the case are taken together: a study arrives in many
const STATE_PARTS = ["head", "criticals", "request", "evidence"];

const page = document.querySelector("[data-reading]");
const part = (name, root = page) => root.querySelector(`[data-part="${name}"]`);
const writing = () => part("report").querySelector("form[data-autosave]");
const context = { caseId: page.dataset.reading, form: writing };

// ---- parts ----

/** True while somebody is at work in a part: it must not change under the hand. */
function inUse(place) {
  const active = document.activeElement;
  const typing = active && place.contains(active) && active.matches("input, textarea, select");
  return Boolean(typing || place.querySelector("dialog[open]"));
}

function swap(name, fresh) {
  const old = part(name);
  const now = part(name, fresh);
  if (!old || !now) return;
  if (name === "evidence") {
    refreshEvidence(old, now, context);
    return;
  }
  if (name === "request" && keepsOpen(old)) return; // an opened prior is being read: the facts of the request can wait
  old.replaceWith(now);
  window.htmx?.process(now);
}

const keepsOpen = (request) => Boolean(request.querySelector("details[open]"));

/** Draw parts again. A report that is being written stays as it is on the screen while its writer may go on. */
async function refresh({ own = false } = {}) {
  const fresh = await fetchParts();
  if (!fresh) return;
  for (const name of STATE_PARTS) if (!inUse(part(name))) swap(name, fresh);
  refreshReport(fresh, own);
  drawClocks();
}

function refreshReport(fresh, own) {
  const form = writing();
  const mayWrite = Boolean(part("report", fresh).querySelector("form[data-autosave]"));
  if (form && mayWrite) return;
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

/** After a step of one's own: the parts, and the hand where the work goes on. */
async function stepped(event) {
  const telling = event.target.matches("#critical-sheet form");
  await refresh({ own: true });
  const next = telling ? part("criticals").querySelector(".critical-open [name=whom]") : writing()?.querySelector("textarea");
  next?.focus();
}

async function fetchParts() {
  try {
    const response = await fetch(page.dataset.parts, { headers: { Accept: "text/html" }, credentials: "same-origin" });
    if (response.status === 404) {
      message(t("This case has left your hub."), { tone: "critical", seconds: 86_400 });
      return null;
    }
    if (!response.ok) throw new Error(String(response.status));
    const holder = document.createElement("template");
    holder.innerHTML = await response.text(); // our own server's, escaped there
    return holder.content;
  } catch {
    later(5000);
    return null;
  }
}

let timer = null;
function later(delay = GATHER) {
  if (timer !== null) return;
  timer = setTimeout(() => {
    timer = null;
    refresh();
  }, delay);
}

function onCaseEvent({ detail }) {
  if (detail.case_id !== page.dataset.reading) return;
  // One's own first letters change nothing that this page does not know.
  if (detail.action === "write" && detail.actor === page.dataset.person) return;
  later();
}

// ---- the report ----

/** Fields that must be filled before a password is worth typing. */
function complete(form) {
  let first = null;
  for (const control of form.querySelectorAll("[required]")) {
    const empty = control.value.trim() === "";
    setFieldError(control, empty ? t("is needed before signing") : "");
    if (empty) first ??= control;
  }
  first?.focus();
  return first === null;
}

function onClick(event) {
  const sign = event.target.closest("[data-confirm='sign-sheet']");
  if (sign && writing() && !complete(writing())) {
    event.preventDefault();
    event.stopPropagation();
    return;
  }
  const template = event.target.closest("[data-template]");
  if (template) {
    fillTemplate(writing(), JSON.parse(template.dataset.template), template.dataset.templateNegative !== undefined);
    template.closest("details")?.removeAttribute("open");
  }
  const compare = event.target.closest("[data-compare]");
  if (compare) askForWindow({ compare: compare.dataset.compare });
}

/** The button beside the texts opens the list of phrases where one was writing last. */
function followFocus(event) {
  const button = writing()?.querySelector("[data-phrases-here]");
  if (button && event.target.matches?.("textarea[name]")) button.dataset.insertPhrases = event.target.name;
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
  if (writing() && !document.activeElement?.closest("textarea")) writing().querySelector("textarea")?.focus();
}

start();
document.documentElement.dataset.pageReady = "true";
