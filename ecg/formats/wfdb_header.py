"""The text header of a WFDB record: header(5) of the WFDB Applications Guide."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ecg.limits import MAX_HEADER_BYTES, MAX_LEADS, MAX_SEGMENTS
from ecg.recording import UnreadableECG

NAME: Final = "WFDB"
DEFAULT_RATE: Final = 250.0
DEFAULT_GAIN: Final = 200.0
"""Units a millivolt where the header gives no gain, or gives 0."""

MICROVOLTS: Final = {"mv": 1e3, "uv": 1.0, "µv": 1.0, "v": 1e6, "nv": 1e-3}
_RECORD: Final = re.compile(
    r"(?P<name>[\w\-./]+?)(?:/(?P<segments>\d+))?\s+(?P<signals>\d+)"
    r"(?:\s+(?P<rate>[\d.]+(?:[eE][+-]?\d+)?)(?:/[\d.+\-eE]+(?:\([^)]*\))?)?"
    r"(?:\s+(?P<length>\d+)(?:\s+(?P<clock>\d+(?::\d+){0,2}(?:\.\d+)?)(?:\s+(?P<day>\d+/\d+/\d+))?)?)?)?\s*"
)
_FORMAT: Final = re.compile(r"(?P<format>\d+)(?:x(?P<frame>\d+))?(?::(?P<skew>\d+))?(?:\+(?P<offset>\d+))?")
_GAIN: Final = re.compile(r"(?P<gain>[+-]?[\d.]+(?:[eE][+-]?\d+)?)(?:\((?P<base>[+-]?\d+)\))?(?:/(?P<unit>\S+))?")


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal line: file, storage format, samples a frame, frames of skew, first byte, and the line to microvolts.

    `microvolts` is what one unit stands for, None where the signal is not in volts.
    """

    place: int
    file: str
    format: int
    per_frame: int
    skew: int
    offset: int
    baseline: int
    microvolts: float | None
    label: str


@dataclass(frozen=True, slots=True)
class Header:
    """A header: frames a second, frames (0 where unknown), start, segments with their frames, signals and comments."""

    name: str
    rate: float
    length: int
    clock: tuple[int, int, int] | None
    day: tuple[int, int, int] | None
    segments: tuple[tuple[str, int], ...]
    signals: tuple[Signal, ...]
    comments: tuple[str, ...]


def parse_header(content: bytes) -> Header:
    """The header in `content`. Raises UnreadableECG."""
    if len(content) > MAX_HEADER_BYTES:
        raise UnreadableECG(NAME, 0, f"a header of {len(content)} bytes; {MAX_HEADER_BYTES} can be read")
    lines = [line.strip() for line in content.decode("utf-8", "replace").splitlines()]
    comments = tuple(line[1:].strip() for line in lines if line.startswith("#"))
    plain = [line for line in lines if line and not line.startswith("#")]
    match = _RECORD.fullmatch(plain[0]) if plain else None
    if match is None:
        raise UnreadableECG(NAME, 0, f"no record line: {(plain or [''])[0][:60]!r}")
    count, segments = _bounded(match["signals"], MAX_LEADS), _bounded(match["segments"] or "0", MAX_SEGMENTS)
    rest = plain[1 : 1 + (segments or count)]
    if len(rest) < (segments or count):
        raise UnreadableECG(NAME, len(content), f"{len(rest)} lines where {segments or count} are promised")
    rate = _positive(match["rate"]) if match["rate"] else DEFAULT_RATE
    return Header(
        name=match["name"],
        rate=rate,
        length=_bounded(match["length"] or "0", 10**12),
        clock=_clock(match["clock"]),
        day=_day(match["day"]),
        segments=tuple(_segment(line) for line in rest) if segments else (),
        signals=() if segments else tuple(_signal(place, line) for place, line in enumerate(rest)),
        comments=comments,
    )


def _bounded(text: str, most: int) -> int:
    if len(text) > 15 or int(text) > most:
        raise UnreadableECG(NAME, 0, f"{text[:20]} in the header; {most} can be read")
    return int(text)


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e9:
        raise UnreadableECG(NAME, 0, f"a sampling rate of {text[:20]!r}")
    return value


def _clock(text: str | None) -> tuple[int, int, int] | None:
    if not text:
        return None
    parts = [int(float(part)) for part in text.split(":")]
    hour, minute, second = [0] * (3 - len(parts)) + parts  # "10" is 10 s, "1:10" is 1 min 10 s
    return hour, minute, second


def _day(text: str | None) -> tuple[int, int, int] | None:
    if not text or len(text) > 12:
        return None
    day, month, year = (int(part) for part in text.split("/"))
    return year, month, day


def _segment(line: str) -> tuple[str, int]:
    words = line.split()
    if len(words) != 2 or not words[1].isdecimal():
        raise UnreadableECG(NAME, 0, f"a segment line {line[:60]!r}")
    return words[0], _bounded(words[1], 10**12)


def _signal(place: int, line: str) -> Signal:
    words = line.split(maxsplit=8)
    form = _FORMAT.fullmatch(words[1]) if len(words) > 1 else None
    gain = _GAIN.fullmatch(words[2]) if len(words) > 2 else None
    if form is None or (len(words) > 2 and gain is None):
        raise UnreadableECG(NAME, 0, f"a signal line {line[:60]!r}")
    zero = int(words[4]) if len(words) > 4 and re.fullmatch(r"[+-]?\d{1,10}", words[4]) else 0
    base = _integer(gain["base"]) if gain and gain["base"] else zero
    unit = MICROVOLTS.get(gain["unit"].lower()) if gain and gain["unit"] else 1e3
    per_unit = float(gain["gain"]) if gain else 0.0
    frame = _bounded(form["frame"] or "1", 1024)
    if frame == 0:
        raise UnreadableECG(NAME, 0, f"no samples a frame in {line[:60]!r}")
    return Signal(
        place=place,
        file=words[0],
        format=_bounded(form["format"], 9999),
        per_frame=frame,
        skew=_bounded(form["skew"] or "0", 10**6),
        offset=_bounded(form["offset"] or "0", 1 << 30),
        baseline=base,
        microvolts=unit / (per_unit or DEFAULT_GAIN) if unit is not None else None,
        label=words[8] if len(words) > 8 else f"lead {place + 1}",
    )


def _integer(text: str) -> int:
    if len(text) > 12:
        raise UnreadableECG(NAME, 0, f"a baseline of {text[:20]}")
    return int(text)
