// The second window: it shows the images of whatever case the reading page has, compares when told to, and keeps up.

import { need } from "./element.js";
import { start as startViewers } from "./viewer/viewer.js";

const GATHER = 1500; // ms in which arrivals are taken together
const page = need(document, "[data-reading]");
const channel = new BroadcastChannel("telemed-viewer");

/** @param {MessageEvent} message */
function follow({ data }) {
  const address = typeof data?.open === "string" ? new URL(data.open, window.location.href) : null;
  if (address && address.origin === window.location.origin && address.pathname !== window.location.pathname)
    window.location.assign(address);
  if (typeof data?.compare === "string") document.querySelector("[data-viewer]")?.viewer?.compareWith(data.compare);
}

/** @type {number | null} */
let timer = null;
/** @param {CustomEvent<CaseEvent>} event */
function arrived({ detail }) {
  if (detail.case_id !== page.dataset.reading || !["evidence", "evidence-grew"].includes(detail.action ?? "")) return;
  if (timer !== null) return;
  timer = setTimeout(() => {
    timer = null;
    const element = document.querySelector("[data-viewer]");
    if (element?.viewer && detail.action === "evidence-grew") element.viewer.grow((element.dataset.study ?? "").split(/\s+/));
    else window.location.reload();
  }, GATHER);
}

channel.addEventListener("message", follow);
document.addEventListener("telemed:case", arrived);
startViewers(document);
