// The findings of a long recording in words, for the report.

import { t } from "../../i18n.js";

/** @import { LongRecording } from "./recording.js" */

/** @type {(part: number, whole: number) => string} */
const share = (part, whole) => (whole ? ((100 * part) / whole).toFixed(part / whole < 0.01 ? 2 : 1) : "0");

/** @param {LongRecording} recording */
export function findings(recording) {
  const { results, tracing } = recording;
  /** @param {string} name */
  const rates = (name) => results.hours.map((hour) => hour[name]).filter((value) => value !== null);
  /** @param {string[]} kinds */
  const count = (...kinds) => results.events.filter((event) => kinds.includes(event.kind)).length;
  const readable = tracing.duration - (results.missing ?? 0);
  const mean = readable ? Math.round((60 * results.beats) / readable) : 0;
  const lines = [
    t("Recorded {hours} h, {beats} beats. Mean rate {mean}/min, lowest {low}, highest {high}.", {
      hours: (tracing.duration / 3600).toFixed(1),
      beats: results.beats,
      mean,
      low: Math.round(Math.min(...rates("lowest"))),
      high: Math.round(Math.max(...rates("highest"))),
    }),
    t("Ventricular beats {n} ({share} %), couplets {couplets}, runs {runs}.", {
      n: results.classes.V,
      share: share(results.classes.V, results.beats),
      couplets: count("couplet-V"),
      runs: count("run-V", "vt"),
    }),
    t("Supraventricular beats {n} ({share} %), couplets {couplets}, runs {runs}.", {
      n: results.classes.S,
      share: share(results.classes.S, results.beats),
      couplets: count("couplet-S"),
      runs: count("run-S", "svt"),
    }),
  ];
  const pauses = results.events.filter((event) => event.kind === "pause");
  if (pauses.length) {
    const longest = pauses.reduce((a, b) => (a.seconds > b.seconds ? a : b));
    lines.push(
      t("Pauses of 2 s or more: {n}, the longest {seconds} s at {time}.", {
        n: pauses.length,
        seconds: longest.seconds.toFixed(2),
        time: recording.clock(longest.start),
      }),
    );
  } else lines.push(t("No pause of 2 s or more."));
  if (results.fibrillation.length)
    lines.push(
      t("Atrial fibrillation: {n} episodes, {share} % of the time.", {
        n: results.fibrillation.length,
        share: (100 * results.burden).toFixed(1),
      }),
    );
  const { sdnn, rmssd } = results.variability;
  if (sdnn !== null)
    lines.push(t("Heart rate variability: SDNN {sdnn} ms, RMSSD {rmssd} ms.", { sdnn: Math.round(sdnn), rmssd: Math.round(rmssd ?? 0) }));
  return lines.join("\n");
}
