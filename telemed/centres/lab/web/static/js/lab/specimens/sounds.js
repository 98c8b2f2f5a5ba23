// A scan is heard: one high tone for done, two for look, a long low one for refused.

/** @type {Record<string, [hertz: number, seconds: number][]>} */
const TONES = {
  done: [[880, 0.08]],
  near: [
    [520, 0.09],
    [520, 0.09],
  ],
  critical: [[180, 0.45]],
};
const PAUSE = 0.06; // seconds between two tones
const VOLUME = 0.15;

/** @type {AudioContext | null} */
let context = null;

/** @param {string} tone */
export function sound(tone) {
  const tones = TONES[tone];
  if (!tones || typeof AudioContext === "undefined") return;
  context ??= new AudioContext();
  if (context.state === "suspended") void context.resume().catch(() => {}); // a browser may want a press of a key first
  let at = context.currentTime;
  for (const [hertz, seconds] of tones) {
    const oscillator = context.createOscillator();
    const gain = context.createGain();
    oscillator.frequency.value = hertz;
    gain.gain.value = VOLUME;
    oscillator.connect(gain).connect(context.destination);
    oscillator.start(at);
    oscillator.stop(at + seconds);
    at += seconds + PAUSE;
  }
}
