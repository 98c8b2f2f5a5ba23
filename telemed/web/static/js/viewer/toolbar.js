// The viewer's toolbar. Every button has a key; viewer-keys.js binds them.

import { el, icon } from "../element.js";
import { t } from "../i18n.js";
import { TOOLS } from "./tools.js";
import { CT_PRESETS } from "./window.js";

/**
 * @param {string} picture
 * @param {string} label
 * @param {string} key
 * @param {() => unknown} run
 */
function button(picture, label, key, run) {
  return el(
    "button",
    { type: "button", class: "tool", title: key ? `${label} (${key})` : label, "aria-label": label, "aria-pressed": "false", onclick: run },
    icon(picture),
  );
}

/**
 * A button that is known by what stands on it.
 * @param {string} word
 * @param {string} label
 * @param {string} key
 * @param {() => unknown} run
 */
function wordButton(word, label, key, run) {
  return el("button", { type: "button", class: "tool tool-word", title: `${label} (${key})`, "aria-label": label, onclick: run }, word);
}

export class Toolbar {
  /** @param {import("./viewer.js").Viewer} viewer */
  constructor(viewer) {
    this.viewer = viewer;
    this.tools = TOOLS.map((tool) => ({
      name: tool.name,
      button: button(tool.icon, tool.label, tool.key, () => viewer.setTool(tool.name)),
    }));
    this.layouts = [
      ["1x1", "square"],
      ["1x2", "layout-columns"],
      ["2x2", "layout-grid"],
    ].map(([name, picture]) => ({
      name,
      button: button(picture, t("Layout {name}", { name: name.replace("x", " × ") }), "g", () => viewer.setLayout(name)),
    }));
    this.linked = button("link", t("Scroll together"), "s", () => viewer.setLinked(!viewer.link.on));
    this.marks = viewer.marked ? button("flag", t("Marks of image quality"), "k", () => viewer.toggleMarks()) : null;
    this.play = button("player-play", t("Play"), t("Space"), () => viewer.active.togglePlay());
    this.presets = el("select", { class: "tool-select", "aria-label": t("Window preset"), onchange: () => this.choosePreset() });
    this.priors = this.makePriors();
    /** @type {string | undefined} */
    this.shownModality = undefined;
    this.element = el(
      "div",
      { class: "viewer-bar", role: "toolbar", "aria-label": t("Viewer") },
      ...this.tools.map((tool) => tool.button),
      this.gap(),
      this.presets,
      button("contrast", t("Invert"), "i", () => viewer.active.change({ inverted: !viewer.active.inverted })),
      button("rotate-clockwise", t("Rotate"), "t", () => viewer.active.change({ rotation: (viewer.active.rotation + 90) % 360 })),
      button("flip-horizontal", t("Flip"), "h", () => viewer.active.change({ flipped: !viewer.active.flipped })),
      button("zoom-reset", t("Fit, and all as sent"), "0", () => viewer.resetPane()),
      wordButton("1:1", t("True pixels (1:1)"), "9", () => viewer.active.showTruePixels()),
      button("trash", t("Remove measurement"), "Delete", () => viewer.deleteMeasurement()),
      this.gap(),
      ...this.layouts.map((layout) => layout.button),
      this.linked,
      this.play,
      this.gap(),
      this.priors,
      el("span", { class: "spacer" }),
      this.marks,
      viewer.element.dataset.ohif ? button("device-desktop", t("Open in OHIF"), "z", () => viewer.openOhif()) : null,
      button("maximize", t("Full screen"), "f", () => viewer.toggleFullScreen()),
      viewer.element.dataset.windowUrl ? button("external-link", t("Second window"), "w", () => viewer.openWindow()) : null,
    );
  }

  gap() {
    return el("span", { class: "tool-gap" });
  }

  makePriors() {
    const { viewer } = this;
    if (!viewer.priors.length) return null;
    const select = el(
      "select",
      { class: "tool-select", "aria-label": t("Compare with a prior") },
      el("option", { value: "" }, t("Compare… (x)")),
      ...viewer.priors.map((prior, index) => el("option", { value: String(index) }, prior.label)),
    );
    select.addEventListener("change", () => {
      const prior = viewer.priors[Number(select.value)];
      if (select.value !== "" && prior) viewer.compare(prior);
      select.value = "";
      select.blur(); // so that the keys are the viewer's again
    });
    return select;
  }

  choosePreset() {
    this.viewer.setPreset(CT_PRESETS[Number(this.presets.value)] ?? null);
    this.presets.value = "own";
    this.presets.blur();
  }

  update() {
    const { viewer } = this;
    /** @type {(target: Element, on: boolean) => void} */
    const set = (target, on) => target.setAttribute("aria-pressed", String(on));
    for (const { name, button: target } of this.tools) set(target, viewer.tool === name);
    for (const { name, button: target } of this.layouts) set(target, viewer.layout === name);
    set(this.linked, viewer.link.on);
    if (this.marks) set(this.marks, viewer.marked);
    const modality = viewer.active?.series?.modality ?? "";
    if (this.shownModality === modality) return;
    this.shownModality = modality;
    this.presets.replaceChildren(
      el("option", { value: "own" }, t("Window… (1 as sent)")),
      ...(modality === "CT"
        ? CT_PRESETS.map((preset, index) =>
            el("option", { value: String(index) }, `${preset.label} W${preset.width} L${preset.center} (${preset.key})`),
          )
        : []),
    );
  }
}
