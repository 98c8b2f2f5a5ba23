import assert from "node:assert/strict";
import { test } from "node:test";

import { filtered, median } from "/static/js/ecg/filters.js";
import { chance } from "../chance.js";

const RATE = 500;
/** One second-order section, as a list of stages: y = (x + x1) / 2. */
const MEAN = [[[0.5, 0.5, 0, 1, 0, 0]]];
/** 1 - z: nothing of a constant comes through. */
const STEP = [[[1, -1, 0, 1, 0, 0]]];

test("without stages the samples are as they were", () => {
  const samples = Float32Array.of(1, 2, 3);
  assert.equal(filtered(samples, [], RATE), samples);
});

test("forwards and backwards: the phase is zero", () => {
  const samples = new Float32Array(101);
  samples[50] = 4;
  assert.deepEqual([...filtered(samples, MEAN, RATE).slice(48, 53)], [0, 1, 2, 1, 0]);
});

test("a constant passes a mean and is stopped by a difference, ends included", () => {
  const samples = new Float32Array(300).fill(7);
  assert.ok(filtered(samples, MEAN, RATE).every((value) => Math.abs(value - 7) < 1e-5));
  assert.ok(filtered(samples, STEP, RATE).every((value) => Math.abs(value) < 1e-5));
});

test("gaps stay gaps, and do not spoil what is beside them", () => {
  const samples = new Float32Array(300).fill(7);
  samples.fill(Number.NaN, 0, 5).fill(Number.NaN, 100, 150);
  const found = filtered(samples, MEAN, RATE);
  for (const [n, value] of found.entries()) {
    if (Number.isNaN(samples[n])) assert.ok(Number.isNaN(value));
    else assert.ok(Math.abs(value - 7) < 1e-5);
  }
});

test("a lead of gaps only, or of one sample, is left alone", () => {
  const none = new Float32Array(10).fill(Number.NaN);
  assert.equal(filtered(none, MEAN, RATE), none);
  assert.deepEqual([...filtered(Float32Array.of(3), MEAN, RATE)], [3]);
});

test("twice the signal comes out twice as large, and backwards comes out backwards", () => {
  const random = chance(50);
  const samples = Float32Array.from({ length: 400 }, () => random() - 0.5);
  const once = filtered(samples, MEAN, RATE);
  const twice = filtered(
    samples.map((value) => 2 * value),
    MEAN,
    RATE,
  );
  const back = filtered(samples.slice().reverse(), MEAN, RATE).reverse();
  for (let n = 0; n < samples.length; n += 1) {
    assert.ok(Math.abs(twice[n] - 2 * once[n]) < 1e-5);
    assert.ok(Math.abs(back[n] - once[n]) < 1e-5);
  }
});

test("the median leaves gaps out", () => {
  assert.equal(median(Float32Array.of(5, Number.NaN, 1, 3)), 3);
  assert.equal(median(Float32Array.of(10, 9, 100)), 10);
  assert.equal(median(Float32Array.of(Number.NaN)), 0);
});
