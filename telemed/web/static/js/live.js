// The worklist follows what happens elsewhere, through server-sent events.
//
//   <body data-live="/api/v1/events" data-last-event-id="...">       or any element; the page was drawn as of that event
//   <tbody data-live-rows="/worklist/rows">                            rows are <tr id="case-ID" data-row data-order="sortable text">
//   <span data-count="name">                                           figures, with data-live-counts="/worklist/counts" on the list
//
// The feed is told the page's own address. Where it knows the page's lists it says `lists` first, and after each change `rows`:
// {"ids": ["ID"], "rows": {"/worklist/rows": "<tr>..."}, "counts": {"name": 1}}; a row that is not there has left the view.
// Without rows, or where the feed knows no lists, the page fetches them: event `case` carries {"case_id": "ID"}, and
// GET rows?ids=ID,ID plus the page's own filters gives <tr>s. Event `notice` carries {"unread": n}. The browser resumes
// with Last-Event-ID by itself; a page resumes with ?last_event_id=.
//
// Nothing moves under the hand: while the pointer is over a list, or a row of it has the focus, changes that would shift
// the rows wait, and a button says how many.

import { fetchInBackground } from "./background.js";
import { drawAll as drawClocks } from "./clock.js";
import { el } from "./element.js";
import { t, tn } from "./i18n.js";
import { message } from "./message.js";

const GATHER = 250; // ms in which events are taken together
const MAX_ROWS = 100; // rows asked for at once; more is a reason to draw the page again
const PATIENCE = 10_000; // ms without a connection before a person is told

class LiveList {
  /** @param {HTMLElement} body */
  constructor(body) {
    this.body = body;
    this.table = body.closest("table") ?? body;
    /** @type {Set<string>} */
    this.wanted = new Set();
    /** Row id -> new row, or null for one that left. @type {Map<string, HTMLElement | null>} */
    this.held = new Map();
    /** @type {number | null} */
    this.timer = null;
    /** Says how many changes wait. @type {HTMLButtonElement | null} */
    this.button = null;
    this.table.addEventListener("pointerleave", () => this.release());
    this.table.addEventListener("focusout", () => setTimeout(() => this.release()));
  }

  /** @param {string} caseId */
  changed(caseId) {
    this.wanted.add(String(caseId));
    this.timer ??= setTimeout(() => this.fetchRows(), GATHER);
  }

  async fetchRows() {
    this.timer = null;
    const ids = [...this.wanted].slice(0, MAX_ROWS);
    if (!ids.length) return;
    const address = new URL(this.body.dataset.liveRows ?? "", window.location.href);
    for (const [name, value] of new URLSearchParams(window.location.search)) address.searchParams.append(name, value);
    address.searchParams.set("ids", ids.join(","));
    let markup;
    try {
      const response = await fetchInBackground(address, "text/html");
      if (!response.ok || response.redirected) throw new Error(String(response.status));
      markup = await response.text();
    } catch {
      this.timer = setTimeout(() => this.fetchRows(), 5000);
      return;
    }
    for (const id of ids) this.wanted.delete(id);
    this.take(ids, markup);
    refreshCounts(this.body);
    if (this.wanted.size) this.timer = setTimeout(() => this.fetchRows(), GATHER);
  }

  /**
   * @param {string[]} ids
   * @param {string} markup
   */
  take(ids, markup) {
    const template = document.createElement("template");
    template.innerHTML = markup; // our own server's, escaped there
    for (const id of ids) {
      const rowId = `case-${id}`;
      const row = template.content.querySelector(`#${CSS.escape(rowId)}`);
      const now = this.rowOf(rowId);
      if (row && now && now.dataset.order === row.dataset.order) {
        this.replace(now, row);
        this.held.delete(rowId);
      } else if (row || now) {
        this.held.set(rowId, row);
        if (!row && now) now.classList.add("row-gone");
      } else this.held.delete(rowId);
    }
    this.release();
  }

  /**
   * A case may stand in another list of the page as well: each list looks after its own rows.
   * @param {string} rowId
   */
  rowOf(rowId) {
    return this.body.querySelector(`#${CSS.escape(rowId)}`);
  }

  /** True while moving rows would move them under somebody's hand, or take away the button that is about to be pressed. */
  get busy() {
    const hovered = this.body.matches(":hover") || Boolean(this.button?.matches(":hover"));
    return hovered || (this.table.contains(document.activeElement) && document.hasFocus());
  }

  release(force = false) {
    if (this.held.size && (force || !this.busy || this.body.children.length === 0)) {
      for (const [rowId, row] of this.held) this.place(this.rowOf(rowId), row);
      this.held.clear();
    }
    this.showHeld();
  }

  showHeld() {
    if (!this.held.size) {
      this.button?.parentElement?.remove();
      this.button = null;
      return;
    }
    if (!this.button) {
      this.button = el("button", {
        class: "btn btn-primary",
        type: "button",
        onclick: () => this.release(true),
        onpointerleave: () => this.release(),
      });
      this.table.before(el("div", { class: "held-rows" }, this.button));
    }
    this.button.textContent = tn("{n} change waits: show it", "{n} changes wait: show them", this.held.size);
  }

  /**
   * @param {HTMLElement | null} now
   * @param {HTMLElement | null} row
   */
  place(now, row) {
    if (!row) {
      now?.remove();
      return;
    }
    if (now) {
      keepSelection(now, row);
      now.remove();
    } else row.classList.add("row-new");
    const later = [...this.body.querySelectorAll("[data-row]")].find((other) => orderOf(other) > orderOf(row));
    if (!later && document.querySelector("[data-more]")) return; // it stands on a page that was not asked for yet
    this.body.insertBefore(row, later ?? null);
    window.htmx?.process(row);
    drawClocks();
  }

  /**
   * @param {HTMLElement} now
   * @param {HTMLElement} row
   */
  replace(now, row) {
    keepSelection(now, row);
    const focused = now === document.activeElement;
    now.replaceWith(row);
    window.htmx?.process(row);
    drawClocks();
    if (focused) row.focus({ preventScroll: true });
  }
}

/** @param {HTMLElement} row */
const orderOf = (row) => row.dataset.order ?? "";

/**
 * @param {HTMLElement} now
 * @param {HTMLElement} row
 */
function keepSelection(now, row) {
  if (now.getAttribute("aria-selected") !== "true") return;
  row.setAttribute("aria-selected", "true");
  row.tabIndex = 0;
}

/** @param {HTMLElement} body */
async function refreshCounts(body) {
  if (!body.dataset.liveCounts) return;
  try {
    const response = await fetchInBackground(body.dataset.liveCounts, "application/json");
    if (response.ok && !response.redirected) for (const [name, number] of Object.entries(await response.json())) showCount(name, number);
  } catch {
    // The figures are right again with the next change; the rows matter more.
  }
}

/**
 * @param {string} name
 * @param {number} number
 */
function showCount(name, number) {
  for (const place of document.querySelectorAll(`[data-count="${CSS.escape(name)}"]`)) {
    place.textContent = String(number);
    place.toggleAttribute("data-zero", number === 0);
    if (name === "notices") place.hidden = number === 0;
  }
}

/**
 * Rows and figures as the feed tells them; without rows each list fetches its own.
 * @param {LiveList[]} lists
 * @param {{ids: string[], rows?: Record<string, string>, counts?: Record<string, number>}} data
 */
function showRows(lists, data) {
  const rows = data.rows;
  for (const list of lists) {
    if (rows) list.take(data.ids, rows[list.body.dataset.liveRows ?? ""] ?? "");
    else for (const id of data.ids) list.changed(id);
  }
  for (const [name, number] of Object.entries(data.counts ?? {})) showCount(name, number);
}

/** @param {MessageEvent} event */
function read(event) {
  try {
    return JSON.parse(event.data);
  } catch {
    return {};
  }
}

/** Follow the events; `onEvent(name, data)` hears each. Only a page that is seen keeps a connection: browsers allow six. */
class EventFeed {
  /**
   * @param {string} url
   * @param {string | undefined} lastId
   * @param {(name: string, data: any) => void} onEvent
   */
  constructor(url, lastId, onEvent) {
    this.url = url;
    /** The feed tells the rows of this page's lists. */
    this.tellsRows = false;
    this.lastId = lastId;
    this.onEvent = onEvent;
    /** @type {EventSource | null} */
    this.source = null;
    /** @type {number | undefined} */
    this.warning = undefined;
    /** @type {(() => void) | null} */
    this.removeWarning = null;
    document.addEventListener("visibilitychange", () => (document.hidden ? this.close() : this.open()));
    window.addEventListener("pagehide", () => this.close());
    this.open();
  }

  open() {
    if (this.source || document.hidden) return;
    const address = new URL(this.url, window.location.href);
    if (this.lastId) address.searchParams.set("last_event_id", this.lastId);
    address.searchParams.set("page", window.location.pathname + window.location.search);
    this.source = new EventSource(address);
    for (const name of ["case", "notice", "lists", "rows"]) this.source.addEventListener(name, (event) => this.hear(name, event));
    this.source.addEventListener("open", () => {
      this.tellsRows = false; // it may be another process, or another version, that answers now
      this.found();
    });
    this.source.addEventListener("error", () => this.lost());
  }

  close() {
    this.source?.close();
    this.source = null;
  }

  /**
   * @param {string} name
   * @param {MessageEvent} event
   */
  hear(name, event) {
    if (event.lastEventId) this.lastId = event.lastEventId;
    if (name === "lists") this.tellsRows = true;
    this.onEvent(name, read(event));
  }

  found() {
    clearTimeout(this.warning);
    this.removeWarning?.();
    this.removeWarning = null;
  }

  lost() {
    // CLOSED means that the browser has given up (an error status); otherwise it tries again by itself.
    if (this.source?.readyState === EventSource.CLOSED) {
      this.close();
      setTimeout(() => this.open(), 5000);
    }
    clearTimeout(this.warning);
    if (this.removeWarning) return;
    this.warning = setTimeout(() => {
      if (document.hidden || this.source?.readyState === EventSource.OPEN) return;
      this.removeWarning = message(t("Connection lost: this list may be out of date."), { tone: "critical", seconds: 86_400 });
    }, PATIENCE);
  }
}

export function start() {
  const place = document.querySelector("[data-live]");
  if (!place) return;
  const lists = [...document.querySelectorAll("[data-live-rows]")].map((body) => new LiveList(body));
  /** @type {EventFeed | undefined} */
  let feed;
  /** @type {(name: string, data: any) => void} */
  const tell = (name, data) => {
    if (name === "case" && data.case_id !== undefined && !feed?.tellsRows) for (const list of lists) list.changed(data.case_id);
    if (name === "rows") showRows(lists, data);
    if (name === "lists" || name === "rows") return;
    if (name === "notice" && Number.isInteger(data.unread)) showCount("notices", data.unread);
    document.dispatchEvent(new CustomEvent(`telemed:${name}`, { detail: data }));
  };
  const follow = () => {
    feed = new EventFeed(place.dataset.live ?? "", place.dataset.lastEventId, tell);
  };
  // Not before the page's other modules listen: what is told earlier is heard by nobody, and never told again.
  if (document.readyState === "complete") follow();
  else document.addEventListener("DOMContentLoaded", follow, { once: true });
}
