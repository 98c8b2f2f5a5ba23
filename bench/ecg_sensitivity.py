"""What each constant of the beat detector is worth: errors on MIT-BIH with every one lowered and raised in turn.

    python -m bench.ecg_sensitivity MITDB_FOLDER [--step 0.3]

A detector that depends on the exact value of a constant is tuned to its records; here every line should stay near the first.
"""

from __future__ import annotations

import argparse
from dataclasses import fields, replace
from pathlib import Path

import numpy as np

from bench.ecg_accuracy import score
from bench.mitdb import Record, records
from ecg.analysis.prominence import SETTINGS, ProminenceSettings
from ecg.analysis.qrs import DECISION, BeatSettings, candidates, scores


def errors(every: list[Record], settings: ProminenceSettings, decision: BeatSettings) -> tuple[int, int]:
    """Beats missed and too many over all records."""
    missed = extra = 0
    for record in every:
        found = candidates(record.recording.samples, record.recording.rate, settings, decision)
        beats = np.rint(found.position[scores(found, record.recording.rate, decision) > 0]).astype(np.int64)
        _, miss, more = score(record, beats)
        missed, extra = missed + miss, extra + more
    return missed, extra


def main() -> None:
    """One line for every constant and direction."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--step", type=float, default=0.3, help="share by which each constant is changed")
    arguments = parser.parse_args()
    every = list(records(arguments.folder))
    print(f"{'as it is':<36}", *errors(every, SETTINGS, DECISION))
    for factor in (1 - arguments.step, 1 + arguments.step):
        for field in fields(ProminenceSettings):
            value = getattr(SETTINGS, field.name)
            changed = tuple(part * factor for part in value) if isinstance(value, tuple) else value * factor
            print(f"{field.name:<28}x {factor:<6.2f}", *errors(every, replace(SETTINGS, **{field.name: changed}), DECISION), flush=True)
        for field in fields(BeatSettings):
            value = getattr(DECISION, field.name) * factor
            changed = round(value) if isinstance(getattr(DECISION, field.name), int) else value
            print(f"{field.name:<28}x {factor:<6.2f}", *errors(every, SETTINGS, replace(DECISION, **{field.name: changed})), flush=True)


if __name__ == "__main__":
    main()
