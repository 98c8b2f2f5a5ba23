// The filters of the server's drawing on the screen: its second-order sections, run forwards and backwards, so that the
// phase is zero and what stands on paper stands here.

/** @typedef {number[]} Section a second-order section: b0 b1 b2 a0 a1 a2 */
/** @typedef {Section[]} Stage sections that run one after the other */

/**
 * One second-order section over samples, from a state at rest on the first sample.
 * @param {Section} coefficients
 * @param {Float64Array} samples
 */
function section([b0, b1, b2, , a1, a2], samples) {
  const out = new Float64Array(samples.length);
  // The state that a constant of the first sample's size would have left behind.
  const first = samples[0];
  const gain = (b0 + b1 + b2) / (1 + a1 + a2);
  let z1 = (gain - b0) * first;
  let z2 = (b2 - a2 * gain) * first;
  for (let n = 0; n < samples.length; n += 1) {
    const x = samples[n];
    const y = b0 * x + z1;
    z1 = b1 * x - a1 * y + z2;
    z2 = b2 * x - a2 * y;
    out[n] = y;
  }
  return out;
}

/**
 * @param {Stage} stage
 * @param {Float64Array} samples
 */
function run(stage, samples) {
  let signal = samples;
  for (const each of stage) signal = section(each, signal);
  return signal;
}

/**
 * A lead with its gaps bridged by straight lines.
 * @param {Float32Array} samples
 */
function bridged(samples) {
  const whole = Float64Array.from(samples);
  let last = -1;
  for (let n = 0; n < whole.length; n += 1) {
    if (Number.isNaN(whole[n])) continue;
    for (let k = last + 1; k < n; k += 1)
      whole[k] = last < 0 ? whole[n] : whole[last] + ((whole[n] - whole[last]) * (k - last)) / (n - last);
    last = n;
  }
  if (last >= 0) whole.fill(whole[last], last + 1);
  return whole;
}

/**
 * Samples of one lead after a filter; NaN stays NaN. Mirrored at the ends for up to ten seconds, as the server does.
 * @param {Float32Array} samples
 * @param {Stage[]} stages
 * @param {number} rate
 */
export function filtered(samples, stages, rate) {
  if (!stages.length || samples.length < 2 || samples.every((value) => Number.isNaN(value))) return samples;
  const pad = Math.min(samples.length - 1, Math.floor(10 * rate));
  let signal = bridged(samples);
  for (const stage of stages) {
    const padded = new Float64Array(signal.length + 2 * pad);
    for (let n = 0; n < pad; n += 1) {
      padded[n] = signal[pad - n];
      padded[pad + signal.length + n] = signal[signal.length - 2 - n];
    }
    padded.set(signal, pad);
    signal = run(stage, run(stage, padded).reverse())
      .reverse()
      .slice(pad, pad + signal.length);
  }
  return Float32Array.from(signal, (value, n) => (Number.isNaN(samples[n]) ? NaN : value));
}

/**
 * The middle value of what is there.
 * @param {Float32Array} samples
 */
export function median(samples) {
  const known = samples.filter((value) => !Number.isNaN(value)).sort();
  return known.length ? known[known.length >> 1] : 0;
}
