// The ECG viewer of the reading page, a panel (panels.js).
//
//   <div class="ecg" data-panel="ecg" data-panel-module="..." data-expected="1" data-holter="/read/CASE ID/holter"></div>
//
// Paper on a canvas, drawn from the samples; every button has a key. It says "ecg:ready" when the first trace is drawn.

import { aimedAt, el, wordsOf } from "../element.js";
import { t } from "../i18n.js";
import { register } from "../keys.js";
import { Calipers } from "./calipers.js";
import { Comparison } from "./compare.js";
import { PaperView } from "./paper-view.js";
import { fillMeasured, mark, ProposalBar } from "./proposal.js";
import { GAINS, LAYOUTS, SPEEDS } from "./sheet.js";
import { StatementPicker } from "./statements.js";
import { EcgToolbar } from "./toolbar.js";
import { tracingsOf } from "./tracing.js";
import { beginOf } from "./words.js";

/** @import { Setting } from "./paper-view.js" */
/** @import { Tracing } from "./tracing.js" */

const ASK_AGAIN = 1200; // ms while a tracing that has arrived is being read
const PATIENCE = 60; // times

export class EcgViewer {
  /**
   * @param {HTMLElement} element
   * @param {PanelContext} context
   */
  constructor(element, { caseId, form }) {
    this.element = element;
    this.caseId = caseId;
    this.formOf = form;
    /** @type {Tracing[]} */
    this.items = [];
    /** Of earlier cases. @type {Tracing[]} */
    this.earlier = [];
    /** The one that is shown. @type {Tracing | null} */
    this.tracing = null;
    /** @type {import("./holter/summary.js").HolterSummary | null} */
    this.summary = null;
    this.view = new PaperView();
    this.calipers = new Calipers(this.view);
    this.comparison = new Comparison(this.view);
    this.proposal = new ProposalBar(form);
    this.picker = new StatementPicker(form);
    this.notice = el("p", { class: "ecg-notice", role: "status" }, t("The tracing is being read…"));
    this.stage = el("div", { class: "ecg-stage" }, this.view.element, this.comparison.element, this.notice);
    this.bar = new EcgToolbar(this);
    element.replaceChildren(this.bar.element, this.stage, this.proposal.element);
    this.calipers.onchange = () => this.update();
    this.view.overlay.addEventListener("dblclick", (event) => this.magnify(this.view.under(event).strip?.lead));
    this.view.overlay.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.bindKeys();
    document.addEventListener("input", (event) => {
      const place = aimedAt(event, "[data-measured]");
      if (place) mark(place);
    });
  }

  // ---- recordings ----

  /** @param {number} tries */
  async open(tries = 0) {
    let found;
    try {
      found = await tracingsOf(this.caseId);
    } catch (error) {
      this.say(wordsOf(error));
      return;
    }
    const { items, earlier } = found;
    this.earlier = earlier;
    const fresh = items.length !== this.items.length;
    this.items = items;
    if (fresh && items.length) await this.list();
    if (items.length < Number(this.element.dataset.expected || 1) && tries < PATIENCE) setTimeout(() => this.open(tries + 1), ASK_AGAIN);
    else if (!items.length) this.say(t("The tracing has not been read yet."));
  }

  /**
   * More may have arrived, or been read.
   * @param {HTMLElement} fresh
   */
  grow(fresh) {
    this.element.dataset.expected = fresh.dataset.expected;
    this.open();
  }

  async list() {
    this.bar.choice.replaceChildren(
      ...this.items.map((each, index) => el("option", { value: String(index) }, `${beginOf(each)} ${each.format}`)),
    );
    this.bar.choice.hidden = this.items.length < 2;
    await this.choose(this.items.length - 1);
  }

  /** @param {number} index */
  async choose(index) {
    const tracing = this.items[index];
    this.bar.choice.value = String(index);
    this.tracing = tracing;
    if (tracing.kind === "unreadable") {
      this.say(t("This file cannot be read: {reason}", { reason: tracing.reason }));
      return;
    }
    this.bar.holter.hidden = tracing.kind !== "holter";
    if (tracing.kind === "holter") {
      const { HolterSummary } = await import("./holter/summary.js");
      this.view.element.hidden = true;
      this.summary?.element.remove();
      this.summary = new HolterSummary(tracing, this.holterAddress());
      this.stage.prepend(this.summary.element);
      this.bar.element.classList.add("ecg-bar-holter");
    } else {
      this.summary?.element.remove();
      this.view.element.hidden = false;
      this.bar.element.classList.remove("ecg-bar-holter");
      await this.view.show(tracing);
    }
    this.say("");
    await this.proposal.show(tracing);
    fillMeasured(this.formOf(), tracing);
    this.update();
    requestAnimationFrame(() => {
      this.element.dataset.ready = "true";
      this.element.dispatchEvent(new CustomEvent("ecg:ready", { bubbles: true }));
    });
  }

  /** @param {string} text */
  say(text) {
    this.notice.hidden = !text;
    this.notice.textContent = text;
  }

  holterAddress() {
    return `${this.element.dataset.holter}/${this.tracing?.id}${window.location.search}`;
  }

  // ---- what keys and buttons do ----

  /**
   * @param {keyof Setting} name
   * @param {(string | number)[]} values
   * @param {number} by
   */
  cycle(name, values, by = 1) {
    const at = values.indexOf(this.view.setting[name]);
    this.set({ [name]: values[(at + by + values.length) % values.length] });
  }

  /** @param {Partial<Setting>} setting */
  set(setting) {
    this.view.change(setting);
    this.comparison.paint();
    this.update();
  }

  /** @param {string} layout */
  setLayout(layout) {
    this.comparison.close();
    this.set({ layout, lead: "" });
  }

  /** @param {string | undefined} lead */
  magnify(lead) {
    this.comparison.close();
    this.set({ lead: this.view.setting.lead || !lead ? "" : lead });
  }

  /** @param {number} by */
  stepLead(by) {
    const leads = this.tracing?.leads ?? [];
    this.set({ lead: leads[(leads.indexOf(this.view.setting.lead) + by + leads.length) % leads.length] });
  }

  /** @param {boolean} withEarlier */
  async compare(withEarlier) {
    const open = !this.comparison.element.hidden && Boolean(this.comparison.earlier.length) === withEarlier;
    if (open || !this.tracing) this.comparison.close();
    else await this.comparison.open(this.tracing, withEarlier ? this.earlier : []);
    this.update();
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    if (!this.view.sheet) return;
    event.preventDefault();
    if (event.ctrlKey) this.view.zoom(event.deltaY < 0 ? 1 : -1);
    else
      this.view.move(
        (event.deltaX + (event.shiftKey ? event.deltaY : 0)) / this.view.scale,
        event.shiftKey ? 0 : event.deltaY / this.view.scale,
      );
    this.update();
  }

  /** @param {number} by */
  zoom(by) {
    this.view.zoom(by);
    this.update();
  }

  update() {
    this.bar.update();
  }

  // ---- keys ----

  bindKeys() {
    const { view, calipers } = this;
    const shown = () => this.element.checkVisibility() && !document.querySelector("dialog[open]");
    const resting = () => shown() && this.tracing?.kind === "resting";
    /** @type {(key: string, label: string, run: () => unknown, when?: () => boolean) => void} */
    const bind = (key, label, run, when = resting) => register(key, label, run, { when, group: t("ECG viewer") });
    for (const each of LAYOUTS) bind(each.key, each.label, () => this.setLayout(each.name));
    bind("s", t("Paper speed"), () => this.cycle("speed", SPEEDS));
    bind("g", t("Gain"), () => this.cycle("gain", GAINS));
    bind("i", t("Filter"), () =>
      this.cycle(
        "filter",
        (view.tracing?.filters ?? []).map((each) => each.name),
      ),
    );
    bind("k", t("Calipers"), () => calipers.place());
    bind("m", t("March out"), () => calipers.march());
    bind("Delete", t("Remove the calipers"), () => calipers.remove());
    bind("l", t("Enlarge a lead"), () => this.magnify(view.setting.lead ? "" : "II"));
    bind("v", t("Median beats"), () => this.compare(false));
    bind(
      "x",
      t("Compare with the earlier tracing"),
      () => this.compare(true),
      () => resting() && this.earlier.length > 0,
    );
    for (const key of ["+", "="]) bind(key, t("Larger"), () => this.zoom(1));
    bind("-", t("Smaller"), () => this.zoom(-1));
    bind("0", t("Whole width"), () => this.zoom(0));
    bind("ArrowRight", t("On, or the calipers on by 4 ms"), () => calipers.nudge(4) || view.move(12.5, 0));
    bind("ArrowLeft", t("Back, or the calipers back by 4 ms"), () => calipers.nudge(-4) || view.move(-12.5, 0));
    bind("Shift+ArrowRight", t("Calipers wider by 4 ms"), () => calipers.nudge(4, true));
    bind("Shift+ArrowLeft", t("Calipers narrower by 4 ms"), () => calipers.nudge(-4, true));
    bind(
      "ArrowDown",
      t("Next lead, enlarged"),
      () => this.stepLead(1),
      () => resting() && Boolean(view.setting.lead),
    );
    bind(
      "ArrowUp",
      t("Lead before, enlarged"),
      () => this.stepLead(-1),
      () => resting() && Boolean(view.setting.lead),
    );
    bind("q", t("Take the proposal over"), () => this.proposal.take(), shown);
    bind("Alt+q", t("Take the proposal over"), () => this.proposal.take(), shown);
    bind("a", t("Statements"), () => this.picker.open(), shown);
    bind("Alt+s", t("Statements"), () => this.picker.open(), shown);
    bind(
      "h",
      t("Open the Holter page"),
      () => this.bar.holter.click(),
      () => shown() && this.tracing?.kind === "holter",
    );
  }
}

/**
 * The panel's contract: see panels.js.
 * @param {HTMLElement} element
 * @param {PanelContext} context
 * @returns {Panel}
 */
export function open(element, context) {
  const viewer = new EcgViewer(element, context);
  viewer.open();
  return { grow: (fresh) => viewer.grow(fresh) };
}
