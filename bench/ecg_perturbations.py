"""What electrodes, carts and rooms do to a recording, and what that costs: beats and beat classes on changed MIT-BIH records.

    python -m bench.ecg_perturbations MITDB_FOLDER [--classes] [--only NAME,NAME] [--records 203,208]

A detector that lives on the exact form of its records falls off a cliff when the gain, the polarity, the order of the leads or
the rate changes; here every line should stay near the first. The noises are made here, with a fixed seed: they stand for muscle
(25 Hz and more), electrode motion (1 to 10 Hz, as large as a QRS), breathing, mains, a lead that falls off, and a pacemaker.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

import ecg
from bench.ecg_accuracy import score
from bench.mitdb import Record, aami_truth, records
from ecg.analysis.filters import resampled, zero_phase

Samples = np.ndarray
Change = Callable[[Samples, float, np.random.Generator], Samples]
STRETCH, PERIOD = 60.0, 180.0
"""seconds: noise that comes and goes lies over the first of these in each of the second"""


def gain(factor: float) -> Change:
    """Every lead larger or smaller."""
    return lambda samples, rate, dice: samples * np.float32(factor)


def leads(*order: int) -> Change:
    """These leads in this order."""
    return lambda samples, rate, dice: samples[list(order)]


def signs(*factors: float) -> Change:
    """Leads turned upside down one by one."""
    return lambda samples, rate, dice: samples * np.array(factors, np.float32)[:, None]


def wander(samples: Samples, rate: float, dice: np.random.Generator) -> Samples:
    """Breathing: 1 mV at 0.2 to 0.35 Hz, each lead in its own phase."""
    time = np.arange(samples.shape[1]) / rate
    phase = 2 * np.pi * (0.27 * time + 3 * np.sin(0.02 * time))
    return samples + np.stack([500 * np.sin(phase + dice.uniform(0, 6)) for _ in samples]).astype(np.float32)


def hum(samples: Samples, rate: float, dice: np.random.Generator) -> Samples:
    """Mains: 50 Hz of 0.2 mV peak to peak."""
    return samples + (100 * np.sin(2 * np.pi * 50 * np.arange(samples.shape[1]) / rate)).astype(np.float32)


def coloured(count: int, rate: float, low: float, high: float | None, level: float, dice: np.random.Generator) -> Samples:
    """Noise of a band, `level` microvolts root mean square."""
    noise = zero_phase(dice.normal(size=count).astype(np.float32), rate, 2, low, high)
    return noise * np.float32(level / noise.std())


def stretches(count: int, rate: float, shift: float = 0.0) -> Samples:
    """1 during STRETCH seconds of every PERIOD, else 0, with edges of a second."""
    time = (np.arange(count) / rate + shift) % PERIOD
    return np.clip(np.minimum(time, STRETCH - time), 0, 1).astype(np.float32)


def muscle(level: float) -> Change:
    """Muscle noise that comes and goes, in both leads at once."""

    def change(samples: Samples, rate: float, dice: np.random.Generator) -> Samples:
        count = samples.shape[1]
        return samples + stretches(count, rate) * np.stack([coloured(count, rate, 20.0, None, level, dice) for _ in samples])

    return change


def motion(level: float, together: bool) -> Change:
    """Electrode motion that comes and goes, in one lead after the other or in all together."""

    def change(samples: Samples, rate: float, dice: np.random.Generator) -> Samples:
        count = samples.shape[1]
        noise = [coloured(count, rate, 1.0, 8.0, level, dice) for _ in samples]
        shifts = [0.0 if together else PERIOD / 2 * row for row in range(len(samples))]
        return samples + np.stack([stretches(count, rate, shift) * row for shift, row in zip(shifts, noise, strict=True)])

    return change


def fallen_off(level: float) -> Change:
    """One lead after the other loses its signal: flat, or noise of the whole band."""

    def change(samples: Samples, rate: float, dice: np.random.Generator) -> Samples:
        changed = samples.copy()
        for row, lead in enumerate(changed):
            off = stretches(len(lead), rate, PERIOD / 2 * row)
            lead *= 1 - off
            lead += off * dice.normal(0, max(level, 1e-3), len(lead)).astype(np.float32)
        return changed

    return change


def low_amplitude(samples: Samples, rate: float, dice: np.random.Generator) -> Samples:
    """A patient who turns over: all leads a third as high for a minute in three."""
    return samples * (1 - np.float32(2 / 3) * stretches(samples.shape[1], rate))


def pops(samples: Samples, rate: float, dice: np.random.Generator) -> Samples:
    """An electrode that loses its contact for an instant: steps of 2 mV that decay in 0.3 s, every 20 s, in one lead or the other."""
    changed = samples.copy()
    decay = (2000 * np.exp(-np.arange(int(2 * rate)) / (0.3 * rate))).astype(np.float32)
    for at in dice.integers(0, samples.shape[1] - len(decay), int(samples.shape[1] / rate / 20)):
        changed[dice.integers(len(samples)), at : at + len(decay)] += decay * dice.choice((-1, 1))
    return changed


CHANGES: dict[str, Change] = {
    "as it is": gain(1),
    "gain 0.5": gain(0.5),
    "gain 2": gain(2),
    "upside down": gain(-1),
    "first lead upside down": signs(-1, 1),
    "second lead upside down": signs(1, -1),
    "leads swapped": leads(1, 0),
    "first lead alone": leads(0),
    "second lead alone": leads(1),
    "baseline 1 mV": wander,
    "mains 0.2 mV": hum,
    "muscle 50 uV": muscle(50),
    "muscle 100 uV": muscle(100),
    "motion 200 uV in turn": motion(200, together=False),
    "motion 400 uV in turn": motion(400, together=False),
    "motion 150 uV together": motion(150, together=True),
    "a lead flat in turn": fallen_off(0),
    "a lead noise in turn": fallen_off(300),
    "a third as high": low_amplitude,
    "pops": pops,
}
RATES = (128, 200, 250, 500, 1000)


def changed(record: Record, name: str) -> ecg.Recording:
    """The record's recording after one change, by name."""
    recording = record.recording
    if name.endswith(" Hz"):
        wanted = int(name.split()[0])
        rows = [resampled(row.astype(np.float64), round(recording.rate), wanted) for row in recording.samples]
        return replace(recording, samples=np.stack(rows).astype(np.float32), rate=float(wanted))
    samples = CHANGES[name](recording.samples, recording.rate, np.random.default_rng(int(record.name)))
    return replace(recording, samples=np.ascontiguousarray(samples, np.float32), leads=recording.leads[: len(samples)])


def class_counts(record: Record, recording: ecg.Recording, beats: np.ndarray) -> np.ndarray:
    """Right, all and said of V and S, (2, 3), as EC57 counts them."""
    classes = ecg.classify_beats(recording, beats)
    truth, counted = aami_truth(record, np.rint(beats * (record.recording.rate / recording.rate)).astype(np.int64))
    rows = []
    for kind, of_it, against in (("V", "VE", ("N", "S", "-")), ("S", "AaJS", ("N", "V", "F", "-"))):
        right = int(((classes == kind) & (truth == kind) & counted).sum())
        wrong = int(((classes == kind) & np.isin(truth, against) & counted).sum())
        rows.append((right, int((np.isin(record.symbols, list(of_it)) & record.counted(record.beats)).sum()), right + wrong))
    return np.array(rows)


def line(every: list[Record], name: str, classes: bool) -> str:
    """One line of the table."""
    total = np.zeros(3, int)
    kinds = np.zeros((2, 3), int)
    errors = {}
    for record in every:
        recording = changed(record, name)
        found = ecg.find_beats(recording)
        counts = score(record, np.rint(found * (record.recording.rate / recording.rate)))
        total += counts
        errors[record.name] = counts[1] + counts[2]
        if classes:
            kinds += class_counts(record, recording, found)
    hits, missed, extra = total
    worst = sorted(errors.items(), key=lambda item: -item[1])[:4]
    text = f"{name:<26}{100 * hits / (hits + missed):>8.3f}{100 * hits / (hits + extra):>8.3f}{missed:>7}{extra:>7}"
    if classes:
        for kind, (right, real, said) in zip("VS", kinds, strict=True):
            text += f"  {kind} {100 * right / real:5.1f} {100 * right / max(said, 1):5.1f}"
    return text + "  " + " ".join(f"{record} {count}" for record, count in worst if count)


def main() -> None:
    """One line for every change."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--classes", action="store_true", help="also ventricular and supraventricular beats")
    parser.add_argument("--only", default="", help="names of changes, with commas")
    parser.add_argument("--records", default="", help="records, by number, with commas")
    arguments = parser.parse_args()
    chosen = tuple(int(number) for number in arguments.records.split(",") if number)
    every = list(records(arguments.folder, chosen or None))
    names = [name for name in arguments.only.split(",") if name] or [*CHANGES, *(f"{rate} Hz" for rate in RATES)]
    print(f"{'change':<26}{'Se %':>8}{'PPV %':>8}{'missed':>7}{'extra':>7}" + ("  V Se   PPV   S Se   PPV" if arguments.classes else ""))
    for name in names:
        print(line(every, name, arguments.classes), flush=True)


if __name__ == "__main__":
    main()
