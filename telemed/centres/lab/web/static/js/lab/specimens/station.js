// A page with a scanner: one field that has the focus takes every code; what is due is done; sound, colour and word say it.
//
//   <div data-scan-station="receipt" data-scan-part="/lab/receipt/part" data-scan-person="lab.huba">
//     <form data-scan-form><input data-scan-field>   [data-scan-conditions] [data-scan-reason] [data-scan-courier]
//     <div data-scan-said> <p data-scan-waiting hidden> <ol data-scan-log>
//     <div data-scan-state>                          drawn by the server, again after each scan
//   <input type="file" data-scan-upload="address">   a logger's file
//   <form data-scan-new-box>                         its answer is the box in hand
//   <form data-label-tubes="address" data-then="address">

import { call, Problem } from "../../api.js";
import { fetchInBackground } from "../../background.js";
import { aimedAt, el, icon, need, wordsOf } from "../../element.js";
import { t, tn } from "../../i18n.js";
import { message } from "../../message.js";
import "../../post.js";
import { ScanQueue } from "./scan-queue.js";
import { sound } from "./sounds.js";

/** @typedef {import("./scan-queue.js").Scanned} Scanned */
/** @typedef {import("./scan-queue.js").Hand} Hand */

const SHOWN = 8; // scans in the list
const SOON = 250; // ms in which redrawings are taken together
const LONGEST_CODE = 100;
const LONGEST_NUMBER = 20;
/** @type {Record<string, string>} */
const ICONS = { done: "circle-check", near: "alert-triangle", critical: "alert-octagon" };

class Station {
  /** @param {HTMLElement} place */
  constructor(place) {
    this.place = place;
    this.name = place.dataset.scanStation ?? "";
    this.form = need(place, "form[data-scan-form]");
    this.field = need(place, "input[data-scan-field]");
    this.state = need(place, "[data-scan-state]");
    this.log = need(place, "[data-scan-log]");
    /** @type {Required<Hand>} */
    this.hand = {
      box: (new URLSearchParams(location.search).get("box") ?? "").slice(0, LONGEST_NUMBER),
      condition: "good",
      reason: "",
      courier: "",
      seal: "",
    };
    /** @type {Scanned | null} */
    this.last = null;
    /** @type {ReturnType<typeof setTimeout> | null} */
    this.timer = null;
    this.queue = new ScanQueue({
      key: `telemed.scans.${this.name}.${place.dataset.scanPerson ?? ""}`,
      store: localStorage,
      send: (scans) => this.send(scans),
      said: (scanned) => this.say(scanned),
      waiting: (count, why) => this.showWaiting(count, why),
      status: (error) => (error instanceof Problem ? error.status : 0),
    });
    this.listen();
    this.focus();
    void this.queue.run();
  }

  listen() {
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.take();
    });
    document.addEventListener("keydown", (event) => this.onKey(event));
    document.addEventListener("click", (event) => this.onClick(event));
    this.place.addEventListener("change", (event) => this.onChange(event));
    for (const name of /** @type {const} */ (["telemed:posted", "telemed:refused"])) {
      this.place.addEventListener(name, (event) => this.onPosted(event));
    }
    window.addEventListener("online", () => void this.queue.run());
    window.addEventListener("offline", () => this.showWaiting(this.queue.scans.length, ""));
  }

  /** The field has the focus wherever nothing else is written or chosen. */
  focus() {
    const now = document.activeElement;
    if (now === null || now === document.body || (now instanceof HTMLElement && now.matches("[data-scan-field]"))) {
      this.field.focus({ preventScroll: true });
    }
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    if (event.key === "Escape") this.field.focus();
    const now = document.activeElement;
    const free = now === document.body || now === null || (now instanceof HTMLElement && now.matches("a, button, label, main"));
    if (free && event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.altKey && !event.metaKey) {
      this.field.focus({ preventScroll: true }); // the key lands in the field
      event.stopImmediatePropagation();
    }
  }

  /** @param {MouseEvent} event */
  onClick(event) {
    if (aimedAt(event, "[data-scan-undo]")) void this.undo();
    if (!aimedAt(event, "input, select, textarea, a, button, label, summary")) this.field.focus({ preventScroll: true });
  }

  /** @param {Event} event */
  onChange(event) {
    const upload = aimedAt(event, "input[data-scan-upload]");
    if (upload) void this.upload(upload);
    if (!aimedAt(event, "[data-scan-conditions]")) return;
    this.readConditions();
    if (!aimedAt(event, "select")) this.field.focus({ preventScroll: true });
  }

  readConditions() {
    const place = this.form.querySelector("[data-scan-conditions]");
    if (!place) return;
    this.hand.condition = place.querySelector("input[name=condition]:checked")?.getAttribute("value") ?? "good";
    const reason = need(place, "[data-scan-reason]");
    reason.hidden = this.hand.condition !== "rejected";
    this.hand.reason = reason.hidden ? "" : (reason.querySelector("select")?.value ?? "");
  }

  /** @param {Hand} hand */
  showHand(hand) {
    Object.assign(this.hand, hand);
    const chosen = this.form.querySelector(`input[name=condition][value="${CSS.escape(this.hand.condition)}"]`);
    if (chosen instanceof HTMLInputElement) chosen.checked = true;
    const reason = this.form.querySelector("[data-scan-reason]");
    if (reason) reason.hidden = this.hand.condition !== "rejected";
    const courier = this.form.querySelector("[data-scan-courier] input[name=courier]");
    if (courier instanceof HTMLInputElement && hand.courier) courier.value = hand.courier;
  }

  /** A code was scanned or written. */
  take() {
    const code = this.field.value.trim().slice(0, LONGEST_CODE);
    this.field.value = "";
    this.focus();
    if (!code) return;
    /** @type {import("./scan-queue.js").Scan} */
    const scan = { id: crypto.randomUUID(), code, at: new Date().toISOString() };
    const courier = this.form.querySelector("[data-scan-courier]");
    if (courier) {
      const seal = need(courier, "input[name=seal]");
      this.hand.courier = need(courier, "input[name=courier]").value.trim() || this.hand.courier;
      scan.hand = { courier: this.hand.courier, seal: seal.value.trim() };
      seal.value = "";
      if (/^K-/i.test(code)) this.showHand({ courier: code.slice(2).trim() }); // known before an answer comes
    } else if (this.form.querySelector("[data-scan-conditions]") && this.hand.condition !== "good") {
      scan.hand = { condition: this.hand.condition, reason: this.hand.reason };
      this.showHand({ condition: "good", reason: "" });
    }
    this.queue.add(scan);
    if (!navigator.onLine) this.showWaiting(this.queue.scans.length, "");
  }

  /**
   * @param {import("./scan-queue.js").Scan[]} scans
   * @returns {Promise<Scanned[]>}
   */
  async send(scans) {
    const { data } = await call("POST", "/api/v1/lab/scans", { body: { station: this.name, hand: this.hand, scans } });
    return data.items;
  }

  /** @param {Scanned} scanned */
  say(scanned) {
    const { condition, reason, courier } = scanned;
    const box = scanned.box || this.hand.box;
    this.showHand(this.name === "courier" ? { box, ...(courier ? { courier } : {}) } : { box, condition, reason });
    this.last = scanned;
    sound(scanned.tone);
    this.draw(scanned);
    this.redrawSoon();
  }

  /** @param {Scanned} scanned */
  draw(scanned) {
    const said = need(this.place, "[data-scan-said]");
    const more = [scanned.specimen || scanned.code, scanned.more].filter(Boolean).join(" · ");
    const undo = scanned.undo && !scanned.undone;
    said.className = `scan-said tone-${scanned.tone}`;
    said.replaceChildren(
      icon(ICONS[scanned.tone] ?? "scan"),
      el("div", {}, el("b", {}, scanned.said), el("span", {}, more)),
      ...(undo ? [el("button", { type: "button", class: "btn", "data-scan-undo": "" }, icon("arrow-back-up"), t("Take back"))] : []),
    );
    const line = el(
      "li",
      { class: `tone-${scanned.tone}` },
      icon(ICONS[scanned.tone] ?? "scan"),
      `${scanned.code} `,
      el("b", {}, scanned.said),
    );
    this.log.prepend(line);
    while (this.log.children.length > SHOWN) this.log.lastElementChild?.remove();
  }

  async undo() {
    const last = this.last;
    if (!last?.undo || last.undone) return;
    try {
      const { data } = await call("POST", `/api/v1/lab/scans/${last.id}/undo`, { body: {} });
      this.last = data;
      this.draw({ ...data, tone: "near", undo: false });
      sound("near");
    } catch (error) {
      message(wordsOf(error), { tone: "critical" });
      sound("critical");
    }
    this.redrawSoon();
    this.field.focus({ preventScroll: true });
  }

  /**
   * @param {number} count
   * @param {string} why
   */
  showWaiting(count, why) {
    const place = need(this.place, "[data-scan-waiting]");
    place.hidden = count === 0 && why === "";
    const waits = tn(
      "{n} scan waits for the network and is kept on this device.",
      "{n} scans wait for the network and are kept on this device.",
      count,
    );
    need(place, "span").textContent = [count ? waits : "", why].filter(Boolean).join(" ");
  }

  /** @param {CustomEvent<any>} event */
  onPosted(event) {
    if (event.type === "telemed:posted" && aimedAt(event, "[data-scan-new-box]")) this.hand.box = event.detail?.id ?? this.hand.box;
    this.redrawSoon();
    this.field.focus({ preventScroll: true });
  }

  redrawSoon() {
    this.timer ??= setTimeout(() => void this.redraw(), SOON);
  }

  async redraw() {
    this.timer = null;
    const writing = document.activeElement;
    if (writing && this.state.contains(writing) && writing.matches("input:not([type=file]), select")) return;
    const query = this.hand.box ? `?box=${encodeURIComponent(this.hand.box)}` : "";
    try {
      const response = await fetchInBackground(`${this.place.dataset.scanPart}${query}`, "text/html");
      if (!response.ok || response.redirected) return;
      this.state.innerHTML = await response.text(); // our own server's, escaped there
      history.replaceState(null, "", `${location.pathname}${query}`);
    } catch {
      // no network: the next scan that is answered draws it again
    }
  }

  /** @param {HTMLInputElement} input */
  async upload(input) {
    const [file] = input.files ?? [];
    if (!file) return;
    const form = new FormData();
    form.append("file", file, file.name);
    const done = message(t("Reading {name}…", { name: file.name }));
    try {
      const response = await fetch(input.dataset.scanUpload ?? "", { method: "POST", body: form, headers: { Accept: "application/json" } });
      const data = await response.json();
      if (!response.ok) throw new Error(data.detail ?? data.title);
      sound(data.alarms.length ? "critical" : "done");
    } catch (error) {
      message(wordsOf(error), { tone: "critical" });
      sound("critical");
    }
    done();
    this.redrawSoon();
  }
}

/** @param {HTMLFormElement} form */
async function label(form) {
  const problem = need(form, "[data-problem]");
  const items = need(form, "input[name=items]").value.split(/[\s,;，、；]+/);
  const kinds = [...form.querySelectorAll("input[name=kinds]:checked")].map((each) => each.getAttribute("value"));
  problem.hidden = true;
  form.dataset.key ??= crypto.randomUUID();
  try {
    const body = { items: items.filter(Boolean), containers: kinds.map((kind) => ({ kind })), key: form.dataset.key };
    await call("POST", form.dataset.labelTubes ?? "", { body });
    location.assign(form.dataset.then ?? "/lab/boxes");
  } catch (error) {
    delete form.dataset.key;
    problem.textContent = wordsOf(error);
    problem.hidden = false;
  }
}

document.addEventListener("submit", (event) => {
  const form = aimedAt(event, "form[data-label-tubes]");
  if (!form) return;
  event.preventDefault();
  void label(form);
});

for (const place of document.querySelectorAll("[data-scan-station]")) new Station(place);
document.documentElement.dataset.pageReady = "true";
