"""MIT-BIH records as the ECG benches use them: recording, reference beats, and what ANSI/AAMI EC57 leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import wfdb

import ecg

DS1 = (101, 106, 108, 109, 112, 114, 115, 116, 118, 119, 122, 124, 201, 203, 205, 207, 208, 209, 215, 220, 223, 230)
"""de Chazal, O'Dwyer and Reilly 2004; DS2 is every other record without paced beats"""
BEATS = set("NLRBAaJSVrFejnE/fQ?")
AAMI = {**dict.fromkeys("NLRejBn", "N"), **dict.fromkeys("AaJS", "S"), **dict.fromkeys("VE", "V"), "F": "F", **dict.fromkeys("/fQ?", "Q")}
TOLERANCE = 0.15
"""seconds within which a found beat is the reference beat"""


@dataclass(frozen=True)
class Record:
    """A record with its reference: `flutter` are spans of ventricular flutter, `fibrillation` of atrial fibrillation."""

    name: str
    recording: ecg.Recording
    beats: np.ndarray
    symbols: np.ndarray
    flutter: list[tuple[int, int]]
    fibrillation: list[tuple[int, int]]

    def counted(self, samples: np.ndarray) -> np.ndarray:
        """True where a sample lies outside ventricular flutter."""
        keep = np.ones(len(samples), bool)
        for first, last in self.flutter:
            keep &= (samples < first) | (samples > last)
        return keep


def records(folder: Path, numbers: tuple[int, ...] | None = None) -> Iterator[Record]:
    """The records of a folder in order, or those of the given numbers among them."""
    for header in sorted(folder.glob("*.hea")):
        if numbers is None or int(header.stem) in numbers:
            yield load(header)


def load(header: Path) -> Record:
    """One record with its reference annotations."""
    recording = ecg.read(header)
    notes = wfdb.rdann(str(header.with_suffix("")), "atr")
    marks = [sample for sample, symbol in zip(notes.sample, notes.symbol, strict=True) if symbol in "[]"]
    is_beat = np.array([symbol in BEATS for symbol in notes.symbol])
    changes = [(int(s), note.strip("\x00")) for s, y, note in zip(notes.sample, notes.symbol, notes.aux_note, strict=True) if y == "+"]
    ends = [sample for sample, _ in changes[1:]] + [recording.samples.shape[1]]
    return Record(
        name=header.stem,
        recording=recording,
        beats=notes.sample[is_beat],
        symbols=np.array(notes.symbol)[is_beat],
        flutter=list(zip(marks[::2], marks[1::2], strict=False)),
        fibrillation=[(s, e) for (s, note), e in zip(changes, ends, strict=True) if note.startswith(("(AFIB", "(AFL"))],
    )


def aami_truth(record: Record, found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Class of the reference beat nearest to each found one ("-" where there is none), and which beats count."""
    right = np.clip(np.searchsorted(record.beats, found), 0, len(record.beats) - 1)
    left = np.maximum(right - 1, 0)
    nearer_left = np.abs(found - record.beats[left]) <= np.abs(found - record.beats[right])
    nearest = np.where(nearer_left, left, right)
    truth = np.array([AAMI[symbol] for symbol in record.symbols[nearest]])
    truth[np.abs(found - record.beats[nearest]) > TOLERANCE * record.recording.rate] = "-"
    return truth, record.counted(found)
