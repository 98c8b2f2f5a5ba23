// The viewer's keys, beside those of the page. Letters that the reading page uses (b c d n o p r u y) are left alone.

import { t } from "../i18n.js";
import { register } from "../keys.js";
import { TOOLS } from "./tools.js";
import { CT_PRESETS } from "./window.js";

/**
 * @param {string} key
 * @param {string} label
 * @param {() => unknown} run
 */
function bind(key, label, run) {
  register(key, label, run, { when: () => !document.querySelector("dialog[open]"), group: t("Viewer") });
}

/**
 * @param {import("./viewer.js").Viewer} viewer
 * @param {string[]} layouts
 */
export function bindKeys(viewer, layouts) {
  const pane = () => viewer.active;
  /** @type {(by: number) => () => void} */
  const scroll = (by) => () => pane().scroll(by);
  const nextLayout = () => viewer.setLayout(layouts[(layouts.indexOf(viewer.layout) + 1) % layouts.length]);
  for (const tool of TOOLS) bind(tool.key, tool.label, () => viewer.setTool(tool.name));
  bind("1", t("Window as sent"), () => viewer.setPreset(null));
  for (const preset of CT_PRESETS) {
    bind(preset.key, t("Window: {name}", { name: preset.label }), () => {
      if (pane().series?.modality === "CT") viewer.setPreset(preset);
    });
  }
  bind("ArrowDown", t("Next image"), scroll(1));
  bind("ArrowUp", t("Previous image"), scroll(-1));
  bind("PageDown", t("Ten images on"), scroll(10));
  bind("PageUp", t("Ten images back"), scroll(-10));
  bind("Home", t("First image"), scroll(-Infinity));
  bind("End", t("Last image"), scroll(Infinity));
  bind("ArrowRight", t("Next series"), () => viewer.nextSeries(1));
  bind("ArrowLeft", t("Previous series"), () => viewer.nextSeries(-1));
  bind("i", t("Invert"), () => pane().change({ inverted: !pane().inverted }));
  bind("t", t("Rotate"), () => pane().change({ rotation: (pane().rotation + 90) % 360 }));
  bind("h", t("Flip"), () => pane().change({ flipped: !pane().flipped }));
  bind("+", t("Zoom in"), () => pane().change({ zoom: pane().zoom * 1.2 }));
  bind("-", t("Zoom out"), () => pane().change({ zoom: pane().zoom / 1.2 }));
  bind("0", t("Fit, and all as sent"), () => viewer.resetPane());
  bind("9", t("True pixels (1:1)"), () => pane().showTruePixels());
  bind("Delete", t("Remove measurement"), () => viewer.deleteMeasurement());
  bind("Escape", t("Stop measuring"), () => viewer.setTool("window"));
  bind("g", t("Next layout"), nextLayout);
  bind("s", t("Scroll together"), () => viewer.setLinked(!viewer.link.on));
  bind("Space", t("Play"), () => pane().togglePlay());
  bind("f", t("Full screen"), () => viewer.toggleFullScreen());
  if (viewer.marked) bind("k", t("Marks of image quality"), () => viewer.toggleMarks());
  if (viewer.element.dataset.ohif) bind("z", t("Open in OHIF"), () => viewer.openOhif());
  if (viewer.element.dataset.windowUrl) bind("w", t("Second window"), () => viewer.openWindow());
  if (viewer.priors.length) bind("x", t("Compare with the latest prior"), () => viewer.compare(viewer.priors[0]));
}
