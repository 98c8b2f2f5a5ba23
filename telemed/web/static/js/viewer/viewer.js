// The built-in DICOM viewer.
//
//   <div class="viewer" data-viewer data-study="UID" data-base="/dicomweb"
//        data-priors='[{"uid": "...", "label": "2025-11 CT"}]' data-window-url="/read/ID/viewer"></div>
//
// In the corner stands whose image it says it is. Several studies: data-study takes UIDs separated by spaces. With data-panel it is
// a panel (panels.js), which the page opens; else it starts by itself and its element has it as `viewer`. It says "viewer:ready" on its element when the first image is drawn.

import { el, icon, wordsOf } from "../element.js";
import { t } from "../i18n.js";
import { FrameStore } from "./frames.js";
import { LinkedScroll } from "./linked-scroll.js";
import { MeasurementBook } from "./measure.js";
import { Pane } from "./pane.js";
import { SeriesStrip } from "./series-strip.js";
import { entriesOf, loadStudy, mergeStudy } from "./study.js";
import { Toolbar } from "./toolbar.js";
import { PaneTools } from "./tools.js";
import { bindKeys } from "./viewer-keys.js";

/** @import { Shape } from "./measure-drawing.js" */
/** @import { ObjectGroup, Series, Study } from "./study.js" */
/** @import { Tool } from "./tools.js" */
/** @typedef {{uid: string, label: string}} Prior */

/** Panes per layout, rows x columns. */
const LAYOUTS = /** @type {Record<string, number>} */ ({ "1x1": 1, "1x2": 2, "2x2": 4 });

const GROW_AGAIN = 3000; // ms until lists that could not be fetched are asked for again

export class Viewer {
  /** @param {HTMLElement} element */
  constructor(element) {
    this.element = element;
    this.base = element.dataset.base || "/dicomweb";
    /** @type {Prior[]} */
    this.priors = JSON.parse(element.dataset.priors || "[]");
    /** Faults and proposals by SOP Instance UID, as rectangles; shown while `marked`. @type {Record<string, Shape[]>} */
    this.overlays = JSON.parse(element.dataset.overlays || "{}");
    this.marked = Object.keys(this.overlays).length > 0;
    this.store = new FrameStore();
    this.store.pinned = () => new Set(this.panes.flatMap((pane) => (pane.slice ? [FrameStore.key(pane.slice, pane.window)] : [])));
    this.book = new MeasurementBook();
    this.link = new LinkedScroll();
    /** @type {Study[]} */
    this.studies = [];
    /** @type {Study | null} */
    this.study = null;
    /** @type {Tool} */
    this.tool = "window";
    /** @type {Pane[]} */
    this.panes = [];
    /** The layout before a pane was shown alone. @type {string | undefined} */
    this.before = undefined;
    /** @type {HTMLElement | undefined} */
    this.notice = undefined;
    this.growing = false;
    /** @type {string[] | null} */
    this.growAgain = null;
    this.layout = "1x1";
    this.grid = el("div", { class: "pane-grid" });
    this.strip = new SeriesStrip(this);
    this.toolbar = new Toolbar(this);
    element.replaceChildren(this.toolbar.element, this.strip.element, this.grid);
    this.panes = Array.from({ length: 4 }, () => this.makePane());
    this.active = this.panes[0];
    this.setLayout("1x1");
    bindKeys(this, Object.keys(LAYOUTS));
  }

  makePane() {
    const pane = new Pane(this);
    pane.tools = new PaneTools(this, pane);
    this.strip.acceptOn(pane);
    this.grid.append(pane.element);
    return pane;
  }

  // ---- studies ----

  /** @param {string[]} uids */
  async open(uids) {
    this.say(t("Loading the study…"));
    try {
      for (const uid of uids) {
        const study = await loadStudy(this.base, uid);
        this.studies.push(study);
        this.study ??= study;
        this.strip.add(study, this.studies.length > 1 ? study.date : "");
      }
    } catch (error) {
      this.say(t("The study could not be loaded: {reason}", { reason: wordsOf(error) }), true);
      return;
    }
    if (!this.showFirst()) this.say(t("No images have arrived yet."), true);
  }

  /**
   * More has arrived: what is on the screen stays where it is. One look at the lists at a time.
   * @param {string[]} uids
   * @returns {Promise<void>}
   */
  async grow(uids) {
    if (this.growing) {
      this.growAgain = uids;
      return;
    }
    this.growing = true;
    try {
      for (const uid of uids) this.take(await loadStudy(this.base, uid));
    } catch {
      this.growAgain ??= uids; // the line is down for a moment
      await new Promise((resolve) => {
        setTimeout(resolve, GROW_AGAIN);
      });
    }
    this.growing = false;
    const again = this.growAgain;
    this.growAgain = null;
    if (again) this.grow(again);
  }

  /** @param {Study} fresh */
  take(fresh) {
    const known = this.studies.find((study) => study.uid === fresh.uid);
    if (!known) {
      this.studies.push(fresh);
      this.study ??= fresh;
      this.strip.add(fresh, this.studies.length > 1 ? fresh.date : "");
    } else {
      const shown = this.panes.map((pane) => pane.slice?.key);
      this.strip.grow(known, mergeStudy(known, fresh));
      this.panes.forEach((pane, index) => {
        if (pane.series && known.series.includes(pane.series)) pane.regrown(shown[index]);
      });
    }
    if (!this.panes[0].entry) this.showFirst();
    this.update();
  }

  /**
   * @param {string} text
   * @param {boolean} retry
   */
  say(text, retry = false) {
    this.notice?.remove();
    if (!text) return;
    const again = el("button", { class: "btn", type: "button", onclick: () => window.location.reload() }, icon("reload"), t("Try again"));
    this.notice = el("div", { class: "viewer-notice", role: "status" }, el("span", {}, text), retry ? again : null);
    this.grid.append(this.notice);
  }

  /**
   * As `compare`, for a study among the priors by its UID.
   * @param {string} uid
   */
  compareWith(uid) {
    return this.compare(this.priors.find((prior) => prior.uid === uid) ?? { uid, label: "" });
  }

  /**
   * Open a prior beside the current study, with linked scrolling.
   * @param {Prior} prior
   */
  async compare(prior) {
    let study = this.studies.find((known) => known.uid === prior.uid);
    if (!study) {
      this.say(t("Loading the study…"));
      try {
        study = await loadStudy(this.base, prior.uid);
      } catch (error) {
        this.say(t("The study could not be loaded: {reason}", { reason: wordsOf(error) }));
        return;
      }
      this.studies.push(study);
      this.strip.add(study, prior.label || study.date);
    }
    this.say("");
    const current = this.panes[0].series;
    const like =
      study.series.find((series) => series.modality === current?.modality && series.description === current?.description) ??
      study.series.find((series) => series.modality === current?.modality) ??
      study.series[0];
    if (!like) return;
    this.setLayout("1x2");
    const [left, right] = this.panes;
    this.showSeries(
      like,
      right,
      left.series ? Math.round((left.index / Math.max(1, left.series.slices.length - 1)) * (like.slices.length - 1)) : undefined,
    );
    this.setLinked(true);
    this.activate(left);
  }

  // ---- panes ----

  get shownPanes() {
    return this.panes.slice(0, LAYOUTS[this.layout]);
  }

  /** @param {string} name */
  setLayout(name) {
    this.layout = name;
    this.grid.dataset.layout = name;
    this.panes.forEach((pane, index) => {
      pane.element.hidden = index >= LAYOUTS[name];
    });
    if (!this.shownPanes.includes(this.active)) this.activate(this.panes[0]);
    this.fillPanes();
    this.update();
  }

  /** Panes that came into view take the next series that is not shown yet. */
  fillPanes() {
    const unseen = this.studies.flatMap((study) => study.series).filter((series) => !this.panes.some((pane) => pane.series === series));
    for (const pane of this.shownPanes) {
      const next = pane.entry || !this.panes[0].entry ? undefined : unseen.shift();
      if (next) pane.show(next);
    }
  }

  /** @param {Pane} pane */
  toggleSingle(pane) {
    if (this.layout === "1x1") this.setLayout(this.before ?? "2x2");
    else {
      this.before = this.layout;
      [this.panes[0], this.panes[this.panes.indexOf(pane)]] = [pane, this.panes[0]];
      for (const each of this.panes) this.grid.append(each.element);
      this.setLayout("1x1");
    }
  }

  /** @param {Pane} pane */
  activate(pane) {
    if (this.active === pane && pane.element.classList.contains("pane-active")) return;
    this.active = pane;
    for (const each of this.panes) each.element.classList.toggle("pane-active", each === pane);
    this.update();
  }

  /**
   * @param {Series} series
   * @param {Pane} pane
   * @param {number} [index]
   */
  showSeries(series, pane = this.active, index = undefined) {
    pane.cine.stop();
    pane.show(series, index);
    if (this.link.on) this.setLinked(true);
    this.activate(pane);
    this.update();
  }

  /** Pictures come first, and where there are none, what else there is. False where there is nothing. */
  showFirst() {
    const first = this.studies.flatMap((study) => study.series)[0] ?? this.studies.flatMap((study) => study.groups)[0];
    if (!first) return false;
    this.say("");
    this.showEntry(first);
    this.element.dispatchEvent(new CustomEvent("viewer:ready", { bubbles: true }));
    return true;
  }

  /**
   * Show what was chosen in the strip: a series of pictures, or what is no picture.
   * @param {Series | ObjectGroup} entry
   * @param {Pane} pane
   */
  showEntry(entry, pane = this.active) {
    if ("slices" in entry) {
      this.showSeries(entry, pane);
      return;
    }
    pane.cine.stop();
    pane.showObjects(entry);
    this.activate(pane);
    this.update();
  }

  /** @param {number} by */
  nextSeries(by) {
    const all = this.studies.flatMap(entriesOf);
    const at = this.active.entry ? all.indexOf(this.active.entry) : -1;
    const next = all[at + by];
    if (next) this.showEntry(next);
  }

  /** @param {Pane} pane */
  paneMoved(pane) {
    this.link.follow(pane);
  }

  /** @param {boolean} on */
  setLinked(on) {
    this.link.set(on, this.shownPanes);
    this.update();
  }

  /** @param {Tool} name */
  setTool(name) {
    this.tool = name;
    for (const pane of this.panes) pane.change({ unfinished: null });
    this.grid.dataset.tool = name;
    this.update();
  }

  /**
   * A window for the active pane: a preset, or null for the image's own.
   * @param {{label: string, center: number, width: number} | null} preset
   */
  setPreset(preset) {
    this.active.setWindow(preset && { center: preset.center, width: preset.width, shape: "LINEAR" }, { preset: preset?.label ?? "" });
  }

  deleteMeasurement() {
    const pane = this.active;
    if (!pane.slice) return;
    const victim = pane.chosen ?? this.book.of(pane.slice).at(-1);
    if (victim) this.book.remove(pane.slice, victim);
    pane.change({ chosen: null, unfinished: null });
  }

  resetPane() {
    const { series, index } = this.active;
    if (series) this.active.show(series, index);
  }

  // ---- screens ----

  toggleFullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.element.requestFullscreen();
  }

  /** On a second screen the same window is used again for every case: the reading page tells it what to show. */
  openWindow() {
    const address = this.element.dataset.windowUrl;
    if (address) window.open(address, "telemed-viewer", "popup,width=1400,height=900");
  }

  toggleMarks() {
    this.marked = !this.marked;
    for (const pane of this.panes) pane.invalidate();
    this.update();
  }

  /** The full viewer, in a window of its own that is used again for every case. */
  openOhif() {
    const address = this.element.dataset.ohif;
    if (address) window.open(address, "telemed-ohif");
  }

  update() {
    this.toolbar.update();
    this.strip.mark(new Set(this.shownPanes.flatMap((pane) => pane.entry ?? [])));
  }
}

/** @param {HTMLElement} element */
const uidsOf = (element) => (element.dataset.study ?? "").split(/\s+/).filter(Boolean);

/**
 * The panel's contract: see panels.js.
 * @param {HTMLElement} element
 * @returns {Panel}
 */
export function open(element) {
  const viewer = new Viewer(element);
  element.viewer = viewer;
  viewer.open(uidsOf(element));
  return {
    grow(fresh) {
      const { study, instances } = fresh.dataset;
      if (study === element.dataset.study && instances === element.dataset.instances) return;
      Object.assign(element.dataset, { study, instances });
      viewer.grow(uidsOf(element));
    },
    compare: (uid) => viewer.compareWith(uid),
  };
}

/**
 * Start the viewers below an element that no page opens as panels and that have not been started.
 * @param {ParentNode} root
 */
export function start(root) {
  for (const element of root.querySelectorAll("[data-viewer]:not([data-panel], [data-started])")) {
    element.dataset.started = "";
    open(element);
  }
}

start(document);
