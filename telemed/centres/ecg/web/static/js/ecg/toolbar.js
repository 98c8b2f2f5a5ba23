// The bar of the ECG viewer. Every button has a key; the viewer binds them.

import { el, icon, need } from "../element.js";
import { t } from "../i18n.js";
import { GAINS, LAYOUTS, SPEEDS } from "./sheet.js";
import { filterText } from "./words.js";

/** @import { Tracing } from "./tracing.js" */
/** @import { EcgViewer } from "./viewer.js" */

/** @type {(label: string, key: string, run: () => unknown, content: HTMLElement[] | SVGElement[]) => HTMLButtonElement} */
const button = (label, key, run, content) =>
  el(
    "button",
    {
      type: "button",
      class: "tool ecg-tool",
      title: key ? `${label} (${key})` : label,
      "aria-label": label,
      "aria-pressed": "false",
      onclick: run,
    },
    ...content,
  );

export class EcgToolbar {
  /** @param {EcgViewer} viewer */
  constructor(viewer) {
    const { view, calipers } = viewer;
    this.viewer = viewer;
    /** The recording whose filters can be chosen. @type {Tracing | null} */
    this.filterFor = null;
    this.layouts = LAYOUTS.map((each) => ({
      name: each.name,
      button: button(each.label, each.key, () => viewer.setLayout(each.name), [el("span", {}, each.name.replace("x", "×"))]),
    }));
    this.speed = button(t("Paper speed"), "s", () => viewer.cycle("speed", SPEEDS), [el("span", {})]);
    this.gain = button(t("Gain"), "g", () => viewer.cycle("gain", GAINS), [el("span", {})]);
    this.filter = el("select", {
      class: "tool-select ecg-filter",
      "aria-label": t("Filter"),
      title: t("Filter (i)"),
      onchange: () => {
        viewer.set({ filter: this.filter.value });
        this.filter.blur();
      },
    });
    this.choice = el("select", {
      class: "tool-select ecg-choice",
      "aria-label": t("Recording"),
      hidden: true,
      onchange: () => {
        viewer.choose(Number(this.choice.value));
        this.choice.blur();
      },
    });
    this.caliperButton = button(t("Calipers"), "k", () => calipers.place(), [icon("ruler-measure")]);
    this.marchButton = button(t("March out"), "m", () => calipers.march(), [icon("layout-columns")]);
    this.lensButton = button(t("Enlarge a lead"), "l", () => viewer.magnify(view.setting.lead ? "" : "II"), [icon("zoom-in")]);
    this.medianButton = button(t("Median beats"), "v", () => viewer.compare(false), [icon("heartbeat")]);
    this.compareButton = button(t("Compare with the earlier tracing"), "x", () => viewer.compare(true), [icon("history")]);
    this.reading = el("output", { class: "visually-hidden" });
    this.holter = el(
      "button",
      { type: "button", class: "btn btn-primary", hidden: true, onclick: () => window.location.assign(viewer.holterAddress()) },
      t("Open the Holter page"),
      el("kbd", { "aria-hidden": "true" }, "h"),
    );
    const gap = () => el("span", { class: "tool-gap" });
    this.element = el(
      "div",
      { class: "viewer-bar ecg-bar", role: "toolbar", "aria-label": t("ECG viewer") },
      this.choice,
      this.holter,
      el(
        "span",
        { class: "ecg-paper-tools" },
        ...this.layouts.map((each) => each.button),
        gap(),
        this.speed,
        this.gain,
        this.filter,
        gap(),
        this.caliperButton,
        this.marchButton,
        this.lensButton,
        this.medianButton,
        this.compareButton,
        gap(),
        button(t("Smaller"), "-", () => viewer.zoom(-1), [el("span", {}, "−")]),
        button(t("Larger"), "+", () => viewer.zoom(1), [el("span", {}, "+")]),
        button(t("Statements"), "a", () => viewer.picker.open(), [icon("list")]),
      ),
      el("span", { class: "spacer" }),
      this.reading,
    );
  }

  update() {
    const { view, comparison, calipers, earlier } = this.viewer;
    const { setting, tracing } = view;
    /** @type {(target: Element, on: boolean) => void} */
    const press = (target, on) => target.setAttribute("aria-pressed", String(on));
    for (const each of this.layouts) press(each.button, !setting.lead && comparison.element.hidden && setting.layout === each.name);
    need(this.speed, "span").textContent = `${setting.speed} mm/s`;
    need(this.gain, "span").textContent = `${setting.gain} mm/mV`;
    press(this.caliperButton, Boolean(calipers.span));
    press(this.marchButton, calipers.marching);
    press(this.lensButton, Boolean(setting.lead));
    const comparing = !comparison.element.hidden;
    press(this.compareButton, comparing && Boolean(comparison.earlier.length));
    press(this.medianButton, comparing && !comparison.earlier.length);
    this.compareButton.disabled = !earlier.length;
    this.reading.textContent = calipers.text;
    if (!tracing) return;
    if (this.filterFor !== tracing) {
      this.filterFor = tracing;
      this.filter.replaceChildren(...tracing.filters.map((each) => el("option", { value: each.name }, filterText(each))));
    }
    this.filter.value = setting.filter;
    this.filter.classList.toggle("ecg-not-diagnostic", view.filter?.diagnostic === false);
  }
}
