// Measurements: points in image pixels, and what they say. Lengths in mm by the image's spacing, in pixels without one.

import { t } from "../i18n.js";

/** @import { Frame } from "./frames.js" */
/** @import { Slice } from "./study.js" */
/** @typedef {{x: number, y: number}} Point in image pixels */
/** @typedef {"length" | "angle" | "ellipse"} Kind */
/** @typedef {{kind: Kind, points: Point[]}} Measurement */

/** How many points a kind needs. @type {Record<Kind, number>} */
export const POINTS = { length: 2, angle: 3, ellipse: 2 };

/**
 * Distance of two image points {x, y}: mm with a spacing [between rows, between columns], else pixels.
 * @param {Point} a
 * @param {Point} b
 * @param {number[] | null} spacing
 */
export function distance(a, b, spacing) {
  const [down, across] = spacing ?? [1, 1];
  return Math.hypot((b.x - a.x) * across, (b.y - a.y) * down);
}

/**
 * Angle at the second point, in degrees, 0 to 180. Unequal spacing is honoured.
 * @param {Point[]} points
 * @param {number[] | null} spacing
 */
export function angle([a, corner, b], spacing) {
  const [down, across] = spacing ?? [1, 1];
  const first = Math.atan2((a.y - corner.y) * down, (a.x - corner.x) * across);
  const second = Math.atan2((b.y - corner.y) * down, (b.x - corner.x) * across);
  const turned = Math.abs(((first - second) * 180) / Math.PI) % 360;
  return turned > 180 ? 360 - turned : turned;
}

/**
 * Pixel statistics inside the ellipse in the rectangle of two points: {count, mean, deviation, min, max}, or null if empty.
 * @param {Point[]} points
 * @param {number} columns
 * @param {number} rows
 * @param {(column: number, row: number) => number} valueAt
 */
export function ellipseStatistics([a, b], columns, rows, valueAt) {
  const centre = { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
  const half = { x: Math.abs(b.x - a.x) / 2, y: Math.abs(b.y - a.y) / 2 };
  let count = 0;
  let sum = 0;
  let squares = 0;
  let min = Infinity;
  let max = -Infinity;
  const top = Math.max(0, Math.floor(centre.y - half.y));
  const left = Math.max(0, Math.floor(centre.x - half.x));
  for (let row = top; row <= Math.min(rows - 1, centre.y + half.y); row += 1) {
    for (let column = left; column <= Math.min(columns - 1, centre.x + half.x); column += 1) {
      // A pixel counts where its middle lies inside.
      if (((column + 0.5 - centre.x) / half.x) ** 2 + ((row + 0.5 - centre.y) / half.y) ** 2 > 1) continue;
      const value = valueAt(column, row);
      count += 1;
      sum += value;
      squares += value * value;
      min = Math.min(min, value);
      max = Math.max(max, value);
    }
  }
  if (!count) return null;
  const mean = sum / count;
  return { count, mean, deviation: Math.sqrt(Math.max(0, squares / count - mean * mean)), min, max };
}

/**
 * @param {Point[]} points
 * @param {number[] | null} spacing
 */
function ellipseArea([a, b], spacing) {
  const [down, across] = spacing ?? [1, 1];
  return (Math.PI * Math.abs(b.x - a.x) * across * Math.abs(b.y - a.y) * down) / 4;
}

/** @param {Slice} slice */
function unitOf(slice) {
  return slice.instance.modality === "CT" ? " HU" : "";
}

/**
 * The lines to write beside a measurement on a slice. `frame` may be null: then there is nothing to average.
 * @param {Measurement} measurement
 * @param {Slice} slice
 * @param {Frame | null} frame
 */
export function describe(measurement, slice, frame) {
  const { kind, points } = measurement;
  const { spacing, instance } = slice;
  const length = spacing ? "mm" : "px";
  const caution = spacing && slice.atDetector ? [t("at the detector, magnified")] : [];
  if (kind === "length") return [`${distance(points[0], points[1], spacing).toFixed(1)} ${length}`, ...caution];
  if (kind === "angle") return [`${angle(points, spacing).toFixed(1)}°`];
  const lines = [`${ellipseArea(points, spacing).toFixed(spacing ? 1 : 0)} ${length}²`];
  const { pixels, table } = frame ?? {};
  const statistics =
    pixels &&
    table &&
    ellipseStatistics(points, instance.columns, instance.rows, (column, row) => table[pixels[row * instance.columns + column]]);
  if (statistics) {
    const unit = unitOf(slice);
    lines.unshift(`${t("mean")} ${statistics.mean.toFixed(1)}${unit} ± ${statistics.deviation.toFixed(1)}`);
    lines.push(`${t("min")} ${Math.round(statistics.min)} · ${t("max")} ${Math.round(statistics.max)} · n ${statistics.count}`);
  }
  return [...lines, ...caution];
}

/** The measurements of a study, by slice. */
export class MeasurementBook {
  constructor() {
    /** @type {Map<string, Measurement[]>} */
    this.bySlice = new Map();
  }

  /**
   * @param {Slice} slice
   * @returns {Measurement[]}
   */
  of(slice) {
    return this.bySlice.get(slice.key) ?? [];
  }

  /**
   * @param {Slice} slice
   * @param {Measurement} measurement
   */
  add(slice, measurement) {
    this.bySlice.set(slice.key, [...this.of(slice), measurement]);
  }

  /**
   * @param {Slice} slice
   * @param {Measurement} measurement
   */
  remove(slice, measurement) {
    this.bySlice.set(
      slice.key,
      this.of(slice).filter((other) => other !== measurement),
    );
  }
}
