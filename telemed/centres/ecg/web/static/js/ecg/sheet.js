// Where leads stand on the paper, in millimetres: the layouts of the printed sheet.

import { t } from "../i18n.js";

/** @typedef {{lead: string, x: number, y: number, width: number, begin: number, rhythm?: boolean}} Strip in mm, `begin` in s */
/** @typedef {ReturnType<typeof makeSheet>} Sheet */

export const SPEEDS = [12.5, 25, 50]; // mm/s
export const GAINS = [5, 10, 20]; // mm/mV
const PULSE_SECONDS = 0.2;
const PULSE_LEAD = 1.5; // mm of zero line on both sides of the pulse
const LEAST_ROW = 15; // mm

const LIMB = ["I", "II", "III"];
const AUGMENTED = ["aVR", "aVL", "aVF"];
const CHEST = ["V1", "V2", "V3", "V4", "V5", "V6"];

export const LAYOUTS = [
  { name: "3x4", key: "1", label: t("3 × 4 with rhythm"), columns: [LIMB, AUGMENTED, CHEST.slice(0, 3), CHEST.slice(3)], rhythm: true },
  { name: "6x2", key: "2", label: "6 × 2", columns: [[...LIMB, ...AUGMENTED], CHEST], rhythm: false },
  { name: "12x1", key: "3", label: "12 × 1", columns: [[...LIMB, ...AUGMENTED, ...CHEST]], rhythm: false },
];

/** @param {number} speed */
export const pulseWidth = (speed) => PULSE_SECONDS * speed + 2 * PULSE_LEAD;

/**
 * Points of a calibration pulse of 1 mV and 200 ms, from its left end on the zero line.
 * @param {number} x
 * @param {number} y
 * @param {number} speed
 * @param {number} gain
 */
export function pulse(x, y, speed, gain) {
  const [rise, fall] = [x + PULSE_LEAD, x + PULSE_LEAD + PULSE_SECONDS * speed];
  return /** @type {import("./paper.js").Spot[]} */ ([
    [x, y],
    [rise, y],
    [rise, y - gain],
    [fall, y - gain],
    [fall, y],
    [fall + PULSE_LEAD, y],
  ]);
}

/**
 * A sheet of a recording: {width, height, rowHeight, strips: [{lead, x, y, width, begin}]}, all in mm but `begin` in s.
 * `room` is the height there is; rows share it.
 * @param {{leads: string[], duration: number}} tracing
 * @param {string} layoutName
 * @param {number} speed
 * @param {number} room
 * @param {string} one
 */
export function makeSheet(tracing, layoutName, speed, room, one = "") {
  const layout = LAYOUTS.find((each) => each.name === layoutName) ?? LAYOUTS[0];
  const standard = layout.columns.flat().every((lead) => tracing.leads.includes(lead));
  /** @type {string[][]} */
  let columns = standard ? layout.columns : [tracing.leads.slice(0, 15)];
  if (one) columns = [[one]];
  const rhythm = standard && layout.rhythm && !one ? "II" : "";
  const rows = Math.max(...columns.map((column) => column.length)) + (rhythm ? 1 : 0);
  const rowHeight = Math.max(one ? 60 : LEAST_ROW, room / rows);
  const left = pulseWidth(speed);
  const each = tracing.duration / columns.length;
  /** @param {number} row */
  const zero = (row) => (row + 0.55) * rowHeight;
  /** @type {Strip[]} */
  const strips = columns.flatMap((column, n) =>
    column.map((lead, row) => ({
      lead,
      x: left + n * each * speed,
      y: zero(row),
      width: each * speed,
      begin: n * each,
    })),
  );
  if (rhythm) strips.push({ lead: rhythm, x: left, y: zero(rows - 1), width: tracing.duration * speed, begin: 0, rhythm: true });
  return { width: left + tracing.duration * speed, height: rows * rowHeight, rowHeight, rows, strips, zero };
}
