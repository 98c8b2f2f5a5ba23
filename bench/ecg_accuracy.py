"""How right the ECG analysis is: beats beside other detectors, boundaries, beat classes, fibrillation, in one run.

    python -m bench.ecg_accuracy DATA_FOLDER OUT_FOLDER [--own] [--without 101,106]

DATA_FOLDER holds `mitdb/` (MIT-BIH Arrhythmia Database) and `ludb/` (LUDB), either of them or both, with any of their
records. OUT_FOLDER gets `accuracy.txt` and `errors.svg`. Beats are scored as ANSI/AAMI EC57 asks: within 150 ms, gross
over all records, ventricular flutter left out; detectors that read one lead get the record's first. `--own` leaves the
others out, `--without` leaves records out (those that a detector was tuned on, to see the rest alone).
"""

from __future__ import annotations

import argparse
import importlib.util
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import numpy as np

mpl.use("svg")
import matplotlib.pyplot as plt
import wfdb.processing

import ecg
from bench.ludb import LIMITS, Errors, ludb_errors, summary
from bench.machine import describe_machine
from bench.mitdb import TOLERANCE, Record, aami_truth, records

Detector = Callable[[ecg.Recording], np.ndarray]
WORST = 6


def own(recording: ecg.Recording) -> np.ndarray:
    """This project's detector, both leads."""
    return ecg.find_beats(recording)


def gqrs(recording: ecg.Recording) -> np.ndarray:
    """PhysioNet's gqrs as WFDB for Python has it."""
    return np.asarray(wfdb.processing.gqrs_detect(recording.samples[0].astype(float) / 1000, fs=recording.rate))


def xqrs(recording: ecg.Recording) -> np.ndarray:
    """WFDB for Python's xqrs."""
    return np.asarray(wfdb.processing.xqrs_detect(recording.samples[0].astype(float) / 1000, recording.rate, verbose=False))


def sleepecg(recording: ecg.Recording) -> np.ndarray:
    """SleepECG in C."""
    module = importlib.import_module("sleepecg")
    return np.asarray(module.detect_heartbeats(recording.samples[0].astype(float), recording.rate))


def neurokit(recording: ecg.Recording, method: str = "neurokit") -> np.ndarray:
    """NeuroKit2 with one of its methods, cleaned as that method asks."""
    module = importlib.import_module("neurokit2")
    cleaned = module.ecg_clean(recording.samples[0].astype(float) / 1000, sampling_rate=int(recording.rate), method=method)
    found = module.ecg_findpeaks(cleaned, sampling_rate=int(recording.rate), method=method)
    return np.asarray(found["ECG_R_Peaks"])


def pantompkins(recording: ecg.Recording) -> np.ndarray:
    """NeuroKit2's Pan and Tompkins 1985."""
    return neurokit(recording, "pantompkins1985")


DETECTORS: dict[str, tuple[Detector, str]] = {
    "this project": (own, "ecg"),
    "wfdb gqrs": (gqrs, "wfdb"),
    "wfdb xqrs": (xqrs, "wfdb"),
    "sleepecg": (sleepecg, "sleepecg"),
    "NeuroKit default": (neurokit, "neurokit2"),
    "NeuroKit pantompkins1985": (pantompkins, "neurokit2"),
}


def score(record: Record, found: np.ndarray) -> tuple[int, int, int]:
    """Beats found, missed and too many."""
    truth = record.beats[record.counted(record.beats)]
    found = np.unique(found.astype(np.int64))
    found = found[record.counted(found)]
    if len(found) == 0:
        return 0, len(truth), 0
    result = wfdb.processing.compare_annotations(truth, found, int(TOLERANCE * record.recording.rate))
    return int(result.tp), int(result.fn), int(result.fp)


def beat_table(every: list[Record], names: list[str]) -> tuple[list[str], dict[str, dict[str, int]]]:
    """Lines of the detectors' table, and errors by detector and record."""
    lines = [
        f"beats on {len(every)} records",
        f"{'detector':<26}{'Se %':>9}{'PPV %':>9}{'missed':>8}{'extra':>8}{'CPU s':>8}  worst records",
    ]
    errors: dict[str, dict[str, int]] = {}
    for name in names:
        detector, package = DETECTORS[name]
        if importlib.util.find_spec(package) is None:
            lines.append(f"{name:<26} not installed")
            continue
        hits = misses = extras = 0
        cpu = 0.0
        for record in every:
            start = time.process_time()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = detector(record.recording)
            cpu += time.process_time() - start
            hit, missed, extra = score(record, found)
            hits, misses, extras = hits + hit, misses + missed, extras + extra
            errors.setdefault(name, {})[record.name] = missed + extra
        worst = sorted(errors[name].items(), key=lambda item: -item[1])[:WORST]
        lines.append(
            f"{name:<26}{100 * hits / (hits + misses):>9.3f}{100 * hits / (hits + extras):>9.3f}{misses:>8}{extras:>8}"
            f"{cpu / len(every):>8.3f}  " + " ".join(f"{record} {count}" for record, count in worst if count)
        )
    return lines, errors


def class_lines(every: list[Record]) -> list[str]:
    """Ventricular and supraventricular beats as EC57 counts them, and fibrillation by time."""
    counts = {kind: np.zeros(3, int) for kind in "VS"}
    seconds = np.zeros(3)
    false_alarms = []
    for record in every:
        report = ecg.holter(record.recording)
        truth, counted = aami_truth(record, report.beats)
        for kind, against in (("V", ("N", "S", "-")), ("S", ("N", "V", "F", "-"))):
            said, real = report.classes == kind, truth == kind
            reference = np.isin(record.symbols, list({"V": "VE", "S": "AaJS"}[kind])) & record.counted(record.beats)
            right = int((said & real & counted).sum())
            counts[kind] += (right, int(reference.sum()) - right, int((said & np.isin(truth, against) & counted).sum()))
        real_time, said_time = (np.zeros(record.recording.samples.shape[1], bool) for _ in range(2))
        for first, last in record.fibrillation:
            real_time[first:last] = True
        for span in report.fibrillation:
            said_time[span.first : span.last] = True
        both = [(real_time & said_time).sum(), (real_time & ~said_time).sum(), (~real_time & said_time).sum()]
        seconds += np.array(both) / record.recording.rate
        if said_time.any() and not real_time.any():
            false_alarms.append(record.name)
    lines = [f"beat classes on {len(every)} records (the trees were made from DS1; bench/ecg_train_classes.py leaves records out)"]
    for kind, (right, missed, wrong) in counts.items():
        lines.append(f"{kind}EB  Se {_share(right, missed)} PPV {_share(right, wrong)}  {right} right, {missed} missed, {wrong} wrong")
    lines.append(f"fibrillation and flutter by time: Se {_share(seconds[0], seconds[1])} PPV {_share(seconds[0], seconds[2])}")
    return [*lines, f"records without fibrillation in which some was reported: {', '.join(false_alarms) or 'none'}"]


def _share(right: float, other: float) -> str:
    return f"{100 * right / (right + other):6.2f} %" if right + other else "     -"


def plot(errors: dict[str, dict[str, int]], boundaries: Errors, path: Path) -> None:
    """Errors by record of every detector, and the spread of the boundaries' errors against their limits."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(14, 6), width_ratios=(2, 1))
    for name, by_record in errors.items():
        left.plot(list(by_record), [max(count, 0.5) for count in by_record.values()], "o-", label=name, linewidth=1)
    left.set(yscale="log", ylabel="missed + extra beats", title="beats: errors by record")
    left.tick_params(axis="x", rotation=90)
    if errors:
        left.legend(fontsize=8)
    shown = [name for name, values in boundaries.items() if values]
    if shown:
        right.boxplot([boundaries[name] for name in shown], tick_labels=shown, showfliers=True)
        for place, name in enumerate(shown, start=1):
            if name in LIMITS:
                mean = LIMITS[name][0]
                right.plot([place - 0.3, place + 0.3, np.nan, place - 0.3, place + 0.3], [mean, mean, np.nan, -mean, -mean], "r-")
        right.tick_params(axis="x", rotation=90)
    right.set(ylabel="ms", title="intervals and bounds: measured less reference; red: limit of the mean", ylim=(-100, 100))
    figure.tight_layout()
    figure.savefig(path)


def main() -> None:
    """Score everything that is there and write the table and the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--own", action="store_true", help="only this project's detector")
    parser.add_argument("--without", default="", help="MIT-BIH records to leave out, by number, with commas")
    arguments = parser.parse_args()
    left_out = set(arguments.without.split(","))
    every = [record for record in records(arguments.data / "mitdb") if record.name not in left_out]
    lines, errors = [describe_machine(), ""], {}
    if every:
        table, errors = beat_table(every, ["this project"] if arguments.own else list(DETECTORS))
        lines += [*table, "", *class_lines(every), ""]
    boundaries = ludb_errors(arguments.data / "ludb")
    lines += summary(boundaries)
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "accuracy.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    plot(errors, boundaries, arguments.out / "errors.svg")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
