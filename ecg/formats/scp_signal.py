"""Samples of an SCP-ECG record: Huffman codes, differences, decimated stretches and the reference beat undone.

EN 1064, 5.7 to 5.9. Amplitudes are whole numbers times a multiplier in nanovolts (AVM).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ecg.formats.cursor import Cursor
from ecg.formats.huffman import Lookup, decode, lookup, read_tables
from ecg.formats.timeline import Samples, check_shape, empty
from ecg.limits import MAX_CODED_SAMPLES
from ecg.recording import UnreadableECG

NAME: Final = "SCP-ECG"
MAX_DECIMATION: Final = 64
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Lead:
    """A lead of section 3: its SCP-ECG number, its first and last sample counted from 1."""

    number: int
    first: int
    last: int

    @property
    def length(self) -> int:
        """Samples of the lead."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class _Data:
    """Section 5 or 6: nanovolts a unit, microseconds a sample, coding, and each lead's numbers."""

    multiplier: int
    interval: int
    bimodal: bool
    rows: list[Numbers]


@dataclass(frozen=True, slots=True)
class _Beat:
    """A QRS complex of section 4, samples counted from 1: its type, the stretch that the reference beat was taken
    from with the fiducial point, and the stretch that kept its full rate."""

    kind: int
    begin: int
    fiducial: int
    end: int
    kept_from: int
    kept_to: int


def restored(leads: list[Lead], sections: Mapping[int, Cursor]) -> tuple[Samples, float]:
    """Samples in microvolts, shape (leads, n), and their rate in Hz. Raises UnreadableECG."""
    if 6 not in sections:
        raise UnreadableECG(NAME, 0, "no section 6: the record holds no rhythm data")
    lookups = [lookup(table) for table in read_tables(sections[2])] if 2 in sections else []
    length = max(lead.last for lead in leads) - min(lead.first for lead in leads) + 1
    if len(leads) * length > MAX_CODED_SAMPLES and lookups:
        raise UnreadableECG(NAME, 0, f"{len(leads) * length} coded samples; {MAX_CODED_SAMPLES} can be read")
    check_shape(NAME, sections[3].at, len(leads), length, 500.0)
    rhythm = _data(sections[6], leads, lookups, [lead.length for lead in leads])
    subtracted = _subtracted(sections.get(3))
    duration, place, beats = _beats(sections.get(4), subtracted)
    reference = None
    if beats and 5 in sections and (rhythm.bimodal or subtracted):
        reference = _data(sections[5], leads, lookups, [MAX_CODED_SAMPLES // len(leads)] * len(leads))
    interval = reference.interval if reference and rhythm.bimodal else rhythm.interval
    samples = empty(NAME, sections[6].at, len(leads), length, 1e6 / interval)
    samples.fill(np.nan)
    start = min(lead.first for lead in leads)
    for row, lead in enumerate(leads):
        stretched = _stretched(rhythm, row, lead, beats, interval).astype(np.float32) * np.float32(rhythm.multiplier / 1e3)
        if reference and subtracted:
            if reference.interval != interval:
                raise UnreadableECG(NAME, 0, f"a reference beat at {reference.interval} us a sample, not {interval}")
            beat = reference.rows[row][: duration * 1000 // interval].astype(np.float32)
            _add_reference(stretched, lead, beat * np.float32(reference.multiplier / 1e3), place, beats)
        begin = lead.first - start
        samples[row, begin : begin + stretched.size] = stretched[: length - begin]
    return samples, 1e6 / interval


def _subtracted(leads: Cursor | None) -> bool:
    """Bit 0 of section 3's flags: a reference beat was subtracted."""
    return leads is not None and bool(leads.content[_behind_header(leads) + 1] & 1)


def _behind_header(section: Cursor) -> int:
    """The offset of a section's content; its cursor may have moved on."""
    return section.begin + 16


def _data(at: Cursor, leads: list[Lead], lookups: list[Lookup], lengths: list[int]) -> _Data:
    head = at.at
    multiplier, interval, coding, bimodal = at.unpack("<HHBB", "the header of the samples")
    if multiplier == 0 or interval == 0 or coding > 2:
        raise UnreadableECG(NAME, head, f"a multiplier of {multiplier} nV, {interval} us a sample, coding {coding}")
    sizes = _sizes(list(at.unpack(f"<{len(leads)}H", "the sizes of the leads")), at, lengths if not lookups else None)
    rows = []
    for size, length in zip(sizes, lengths, strict=True):
        begin = at.at
        coded = at.take(size, "the samples of a lead")
        if lookups:
            numbers = decode(NAME, coded, lookups, length, begin)
        else:
            numbers = np.frombuffer(coded, "<i2", min(len(coded) // 2, length)).astype(np.int64)
        rows.append(_undifferenced(numbers, coding))
    return _Data(multiplier, interval, bimodal == 1, rows)


def _sizes(sizes: list[int], at: Cursor, lengths: list[int] | None) -> list[int]:
    """Bytes of each lead. Long leads of some carts overflow the field's 16 bits, which the section's length shows."""
    if lengths is not None and sum(sizes) < sum(2 * length for length in lengths) <= at.left:
        whole = [2 * length for length in lengths]
        if all((full - size) % 65536 == 0 for full, size in zip(whole, sizes, strict=True)):
            return whole
    turns, rest = divmod(at.left - sum(sizes), 65536 * len(sizes))
    # A section may end in one byte of padding, since sections have even lengths.
    return [size + 65536 * turns for size in sizes] if turns > 0 and rest < 2 else sizes


def _undifferenced(numbers: Numbers, coding: int) -> Numbers:
    """Samples from first or second differences: the first one or two numbers are samples themselves."""
    if coding == 0 or numbers.size < 2:
        return numbers
    if coding == 1:
        return np.cumsum(numbers)
    slopes = np.cumsum(np.concatenate(([numbers[1] - numbers[0]], numbers[2:])))
    return np.concatenate((numbers[:1], numbers[0] + np.cumsum(slopes)))


def _beats(at: Cursor | None, subtracted: bool) -> tuple[int, int, list[_Beat]]:
    """Section 4: the reference beat's length in ms, its fiducial point's sample (from 1), and the beats in order."""
    if at is None or at.left < 6:
        return 0, 0, []
    duration, fiducial, count = at.unpack("<HHH", "the reference beat")
    fixed = [at.unpack("<HIII", "a QRS complex") for _ in range(count)]
    kept = [at.unpack("<II", "a protected area") for _ in range(count)] if at.left >= 8 * count else [(0, 0)] * count
    beats = [_Beat(*ends, *area) for ends, area in zip(fixed, kept, strict=True)]
    for beat in beats:
        if subtracted and beat.kind == 0 and not 1 <= beat.begin <= beat.fiducial <= beat.end:
            raise UnreadableECG(NAME, at.at, f"a QRS complex from {beat.begin} over {beat.fiducial} to {beat.end}")
    return duration, fiducial, beats


def _stretched(rhythm: _Data, row: int, lead: Lead, beats: list[_Beat], interval: int) -> npt.NDArray[np.float64]:
    """The lead at its full rate. Between protected areas one number stands for the mean of several samples and is
    laid in their middle; what lies between is drawn as a straight line."""
    numbers = rhythm.rows[row].astype(np.float64)
    if not rhythm.bimodal:
        if numbers.size < lead.length:
            raise UnreadableECG(NAME, 0, f"a lead of {lead.length} samples holds {numbers.size}")
        return numbers
    ratio, rest = divmod(rhythm.interval, interval)
    if rest or not 2 <= ratio <= MAX_DECIMATION:
        raise UnreadableECG(NAME, 0, f"samples of {rhythm.interval} us between others of {interval} us")
    places, at = [], lead.first
    for begin, end in _protected(beats, lead):
        places += [_middles(at, begin, ratio), np.arange(begin, end, dtype=np.float64)]
        at = end
    where = np.concatenate([*places, _middles(at, lead.last + 1, ratio)])
    if numbers.size < where.size:
        raise UnreadableECG(NAME, 0, f"a lead needs {where.size} decimated samples and holds {numbers.size}")
    return np.interp(np.arange(lead.first, lead.last + 1), where, numbers[: where.size])


def _protected(beats: list[_Beat], lead: Lead) -> list[tuple[int, int]]:
    """Protected stretches within the lead in order, ends excluded."""
    found, at = [], lead.first
    for beat in sorted(beats, key=lambda beat: beat.kept_from):
        begin, end = max(beat.kept_from, at), min(beat.kept_to, lead.last) + 1
        if beat.kept_from > 0 and begin < end:
            found.append((begin, end))
            at = end
    return found


def _middles(begin: int, end: int, ratio: int) -> npt.NDArray[np.float64]:
    """Middle of each group of `ratio` samples from `begin` to `end` (excluded); the last group may be short."""
    firsts = np.arange(begin, end, ratio, dtype=np.float64)
    return (firsts + np.minimum(firsts + ratio, end) - 1) / 2


def _add_reference(samples: Samples, lead: Lead, reference: Samples, place: int, beats: list[_Beat]) -> None:
    """Add the reference beat back wherever it was subtracted (beats of type 0), in place."""
    for beat in beats:
        if beat.kind != 0:
            continue
        shift = place - beat.fiducial  # from a sample of the record, from 0, to one of the reference beat
        begin = max(beat.begin - 1, lead.first - 1, -shift)
        end = min(beat.end, lead.last, reference.size - shift)
        if begin < end:
            samples[begin - lead.first + 1 : end - lead.first + 1] += reference[begin + shift : end + shift]
