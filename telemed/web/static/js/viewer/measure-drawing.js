// Measurements on the screen: thin lines with a dark edge, readable on bone and on air.

import { describe } from "./measure.js";

/** @import { Frame } from "./frames.js" */
/** @import { Measurement, Point } from "./measure.js" */
/** @import { Slice } from "./study.js" */
/** @typedef {CanvasRenderingContext2D} Context */
/** @typedef {{x: number, y: number, width: number, height: number, label: string, proposal?: boolean}} Shape in image pixels */

const COLOUR = "#ffd84d";
const CHOSEN = "#7fe3ff";
const REACH = 8; // CSS pixels within which a press takes hold of a point or a line

/**
 * @param {DOMMatrix} matrix
 * @param {Point} point
 */
const onScreen = (matrix, point) => matrix.transformPoint(new DOMPoint(point.x, point.y));

/**
 * @param {Context} context
 * @param {string} colour
 * @param {() => void} draw
 */
function outline(context, colour, draw) {
  for (const pen of [
    { style: "rgba(0, 0, 0, 0.75)", width: 3.5 },
    { style: colour, width: 1.5 },
  ]) {
    context.strokeStyle = pen.style;
    context.lineWidth = pen.width;
    context.beginPath();
    draw();
    context.stroke();
  }
}

/**
 * The outline of an ellipse in image pixels, as a path on the screen: a turned or stretched image turns it too.
 * @param {Context} context
 * @param {DOMMatrix} matrix
 * @param {Point[]} points
 */
function ellipsePath(context, matrix, [a, b]) {
  const centre = { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
  for (let step = 0; step <= 64; step += 1) {
    const turn = (step / 64) * 2 * Math.PI;
    const point = onScreen(matrix, { x: centre.x + (Math.cos(turn) * (b.x - a.x)) / 2, y: centre.y + (Math.sin(turn) * (b.y - a.y)) / 2 });
    if (step) context.lineTo(point.x, point.y);
    else context.moveTo(point.x, point.y);
  }
}

/**
 * @param {Context} context
 * @param {string[]} lines
 * @param {number} x
 * @param {number} y
 * @param {string} colour
 */
function write(context, lines, x, y, colour) {
  context.font = '12px system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif';
  context.lineJoin = "round";
  lines.forEach((line, index) => {
    context.strokeStyle = "rgba(0, 0, 0, 0.8)";
    context.lineWidth = 3;
    context.strokeText(line, x, y + index * 15);
    context.fillStyle = colour;
    context.fillText(line, x, y + index * 15);
  });
}

/**
 * Draw one measurement; one that is being made may have too few points yet.
 * @param {Context} context
 * @param {DOMMatrix} matrix
 * @param {Measurement} measurement
 * @param {Slice} slice
 * @param {Frame | null} frame
 * @param {boolean} chosen
 */
export function drawMeasurement(context, matrix, measurement, slice, frame, chosen) {
  const colour = chosen ? CHOSEN : COLOUR;
  const points = measurement.points.map((point) => onScreen(matrix, point));
  const [first, ...others] = points;
  if (measurement.kind === "ellipse" && points.length === 2)
    outline(context, colour, () => ellipsePath(context, matrix, measurement.points));
  else {
    outline(context, colour, () => {
      context.moveTo(first.x, first.y);
      for (const point of others) context.lineTo(point.x, point.y);
    });
  }
  for (const point of points) outline(context, colour, () => context.arc(point.x, point.y, 3, 0, 2 * Math.PI));
  const complete = points.length === (measurement.kind === "angle" ? 3 : 2);
  if (complete)
    write(
      context,
      describe(measurement, slice, frame),
      Math.max(...points.map((p) => p.x)) + 8,
      Math.max(12, points[points.length - 1].y),
      colour,
    );
}

/**
 * @param {Point} point
 * @param {Point} a
 * @param {Point} b
 */
function toSegment(point, a, b) {
  const length = (b.x - a.x) ** 2 + (b.y - a.y) ** 2;
  const along = length ? Math.min(1, Math.max(0, ((point.x - a.x) * (b.x - a.x) + (point.y - a.y) * (b.y - a.y)) / length)) : 0;
  return Math.hypot(point.x - a.x - along * (b.x - a.x), point.y - a.y - along * (b.y - a.y));
}

/**
 * What lies under a press: {measurement, point} with point the index of a handle, or -1 for a line; or null.
 * @param {DOMMatrix} matrix
 * @param {Measurement[]} measurements
 * @param {number} x
 * @param {number} y
 */
export function measurementAt(matrix, measurements, x, y) {
  for (const measurement of [...measurements].reverse()) {
    const points = measurement.points.map((point) => onScreen(matrix, point));
    const point = points.findIndex((handle) => Math.hypot(handle.x - x, handle.y - y) <= REACH);
    if (point >= 0) return { measurement, point };
    const lines = measurement.kind === "ellipse" ? [] : points.slice(1).map((end, index) => [points[index], end]);
    if (lines.some(([a, b]) => toSegment({ x, y }, a, b) <= REACH)) return { measurement, point: -1 };
  }
  return null;
}

const FAULT = "#ff8a5c";
const PROPOSED = "#8ab6ff";

/**
 * Draw where a fault of the image, or what a model proposes, was found: a rectangle in image pixels with its name.
 * @param {Context} context
 * @param {DOMMatrix} matrix
 * @param {Shape} shape
 */
export function drawShape(context, matrix, shape) {
  const colour = shape.proposal ? PROPOSED : FAULT;
  const right = shape.x + shape.width;
  const bottom = shape.y + shape.height;
  const corners = [
    [shape.x, shape.y],
    [right, shape.y],
    [right, bottom],
    [shape.x, bottom],
  ].map(([x, y]) => onScreen(matrix, { x, y }));
  outline(context, colour, () => {
    context.moveTo(corners[0].x, corners[0].y);
    for (const corner of corners.slice(1)) context.lineTo(corner.x, corner.y);
    context.closePath();
  });
  write(
    context,
    [shape.label],
    Math.max(4, Math.min(...corners.map((p) => p.x)) + 4),
    Math.max(14, Math.min(...corners.map((p) => p.y)) - 4),
    colour,
  );
}
