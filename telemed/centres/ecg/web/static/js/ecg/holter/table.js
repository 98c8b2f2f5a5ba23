// The recording hour by hour.

import { el } from "../../element.js";
import { t } from "../../i18n.js";

/** @import { Hour, LongRecording } from "./recording.js" */

const COLUMNS = [
  ["beats", t("Beats")],
  ["lowest", t("Lowest")],
  ["mean", t("Mean")],
  ["highest", t("Highest")],
  ["ventricular", t("V")],
  ["supraventricular", t("S")],
  ["pauses", t("Pauses")],
  ["runs", t("Runs")],
  ["fibrillation_seconds", t("AF min")],
  ["missing_seconds", t("Missing min")],
];
const MINUTES = new Set(["fibrillation_seconds", "missing_seconds"]);

/**
 * The hourly table; a press on an hour goes there.
 * @param {LongRecording} recording
 * @param {((start: number) => void) | null} go
 */
export function hourlyTable(recording, go = null) {
  const { hours } = recording.results;
  /** @type {(hour: Hour, name: string) => string} */
  const cell = (hour, name) => {
    const value = hour[name];
    if (value === null) return "–";
    return String(Math.round(MINUTES.has(name) ? value / 60 : value) || (["beats", "lowest", "mean", "highest"].includes(name) ? 0 : ""));
  };
  const rows = hours.map((hour) =>
    el(
      "tr",
      { onclick: go ? () => go(hour.start) : undefined },
      el("th", { scope: "row" }, recording.clock(hour.start, false)),
      ...COLUMNS.map(([name]) => el("td", {}, cell(hour, name))),
    ),
  );
  /** @param {string} name */
  const total = (name) => hours.reduce((sum, hour) => sum + (hour[name] ?? 0), 0);
  const foot = el(
    "tr",
    {},
    el("th", { scope: "row" }, t("All")),
    ...COLUMNS.map(([name]) =>
      el(
        "td",
        {},
        ["lowest", "mean", "highest"].includes(name)
          ? extreme(hours, name)
          : String(Math.round(MINUTES.has(name) ? total(name) / 60 : total(name))),
      ),
    ),
  );
  return el(
    "table",
    { class: "holter-table" },
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, t("Hour")), ...COLUMNS.map(([, label]) => el("th", { scope: "col" }, label)))),
    el("tbody", {}, ...rows),
    el("tfoot", {}, foot),
  );
}

/**
 * @param {Hour[]} hours
 * @param {string} name
 */
function extreme(hours, name) {
  const values = hours.map((hour) => hour[name]).filter((value) => value !== null);
  if (!values.length) return "–";
  if (name === "lowest") return String(Math.round(Math.min(...values)));
  if (name === "highest") return String(Math.round(Math.max(...values)));
  return String(Math.round(values.reduce((sum, value) => sum + value, 0) / values.length));
}
