// What is shown in a pane in place of a picture: a structured report as text, a document by its pages, a video, or a sentence and the file.

import { call } from "../api.js";
import { el, icon, wordsOf } from "../element.js";
import { t } from "../i18n.js";
import { text } from "./dataset.js";
import { isPlayable, KINDS } from "./object-kinds.js";
import { reportText } from "./report-text.js";

/** @import { ObjectGroup, StoredObject } from "./study.js" */

const PDF = "1.2.840.10008.5.1.4.1.1.104.1";
const STEP = 60; // CSS pixels of the text that one press of an arrow key moves

/**
 * The file itself, to be opened elsewhere.
 * @param {StoredObject} object
 * @param {string} words
 */
function file(object, words) {
  return el("a", { class: "btn", href: `${object.url}?accept=application/dicom`, download: `${object.uid}.dcm` }, icon("download"), words);
}

/**
 * @param {StoredObject} object
 * @param {string} sentence
 * @param {...HTMLElement} more
 */
function notice(object, sentence, ...more) {
  return el(
    "div",
    { class: "object-notice" },
    icon(KINDS[object.kind].icon),
    el("p", {}, sentence),
    ...more,
    file(object, t("Fetch the DICOM file")),
  );
}

/** @param {StoredObject} object */
function video(object) {
  const stream = `${object.url}/bulkdata/7FE00010`;
  const fetched = el("a", { class: "btn", href: stream, download: `${object.uid}.mp4` }, icon("download"), t("Fetch the video"));
  if (!isPlayable(object.dataset))
    return notice(object, t("This is MPEG-2 video, which browsers do not play. Fetch it and open it with a player."), fetched);
  const player = el("video", { class: "object-video", controls: true, preload: "metadata", playsinline: true, src: stream });
  player.addEventListener("error", () => {
    player.replaceWith(notice(object, t("This browser cannot play the video. Fetch it and open it with a player."), fetched));
  });
  return player;
}

/** @param {StoredObject} object */
function paper(object) {
  if (text(object.dataset, "00080016") !== PDF)
    return notice(object, t("A document of this kind is not shown here: {kind}", { kind: text(object.dataset, "00420012") || "—" }));
  const place = el("div", { class: "object-pages" }, el("p", {}, t("Loading…")));
  const address = object.url.replace(/^.*\/studies\//, "/studies/").concat("/pages");
  call("GET", `/api/v1${address}`).then(
    ({ data }) => {
      /** @type {{number: number, width: number, height: number}[]} */
      const pages = data.items;
      place.replaceChildren(
        ...pages.map(({ number, width, height }) =>
          el("img", {
            src: `/api/v1${address}/${number}`,
            alt: t("Page {n}", { n: number }),
            width: String(Math.round(width)),
            height: String(Math.round(height)),
            loading: "lazy",
          }),
        ),
      );
    },
    (error) => place.replaceChildren(notice(object, wordsOf(error))),
  );
  return place;
}

/** How one object is shown, by its kind. @type {Record<string, (object: StoredObject) => HTMLElement>} */
const SHOWN = {
  report: (object) => reportText(object.dataset),
  video,
  document: paper,
  waveform: (object) =>
    notice(object, t("Waveforms are not drawn in this viewer. Fetch the file and open it with a program for waveforms.")),
  presentation: (object) =>
    notice(object, t("A presentation state says how another image is to be shown. It is kept, and this viewer does not apply it.")),
  other: (object) => notice(object, t("This object has no picture, and this viewer has no other way to show it.")),
};

/** The objects of a group in a pane: one at a time, with the others to choose from. */
export class ObjectView {
  /**
   * @param {ObjectGroup} group
   * @param {() => void} activate
   */
  constructor(group, activate) {
    this.group = group;
    this.body = el("div", { class: "object-body", tabindex: "0", role: "group" });
    /** @type {HTMLSelectElement} */
    this.choice = el(
      "select",
      { class: "tool-select", "aria-label": t("Object of the series"), onchange: () => this.show(Number(this.choice.value)) },
      ...group.objects.map((object, index) =>
        el("option", { value: String(index) }, `${index + 1}/${group.objects.length} ${object.label}`),
      ),
    );
    this.choice.hidden = group.objects.length < 2;
    const { name } = KINDS[group.kind];
    const head = el(
      "div",
      { class: "object-head" },
      icon(KINDS[group.kind].icon),
      el("span", {}, `${name()} ${group.description}`),
      this.choice,
    );
    this.element = el("div", { class: "pane-object", "data-kind": group.kind }, head, this.body);
    // The tools of the pane are for pictures: what happens in here is not theirs.
    for (const kind of ["pointerdown", "dblclick", "wheel", "contextmenu"])
      this.element.addEventListener(kind, (event) => {
        event.stopPropagation();
        if (kind === "pointerdown") activate();
      });
    this.index = -1;
    this.show(0);
  }

  /** @param {number} index */
  show(index) {
    const object = this.group.objects[index];
    if (!object || index === this.index) return;
    this.index = index;
    this.choice.value = String(index);
    this.body.setAttribute("aria-label", `${KINDS[this.group.kind].name()} ${object.label}`.trim());
    this.body.replaceChildren(SHOWN[this.group.kind](object));
    this.body.scrollTop = 0;
  }

  /**
   * By the keys that scroll a stack: the text moves.
   * @param {number} by
   */
  scroll(by) {
    this.body.scrollTop = Number.isFinite(by) ? this.body.scrollTop + by * STEP : by > 0 ? this.body.scrollHeight : 0;
  }

  /** Play a video, or let it rest. */
  togglePlay() {
    const player = this.body.querySelector("video");
    if (!(player instanceof HTMLVideoElement)) return;
    if (player.paused) player.play().catch(() => {});
    else player.pause();
  }

  close() {
    this.element.remove();
  }
}
