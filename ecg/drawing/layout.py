"""The sheet of a recording: header, grid, leads in rows and columns, rhythm strip, calibration, filter in use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from ecg.drawing.filters import FILTERS, Filter, effective, filtered
from ecg.drawing.paper import GAINS, SPEEDS, calibration_pulse, grid, pulse_width
from ecg.drawing.primitives import Drawing, Item, Lines, Strip, Text
from ecg.drawing.trace import traces
from ecg.leads import CHEST, LIMB, STANDARD_12
from ecg.recording import Recording


@dataclass(frozen=True, slots=True)
class Layout:
    """Leads by column, and whether a rhythm strip runs below."""

    columns: tuple[tuple[str, ...], ...]
    rhythm: bool = False


LAYOUTS: Final[Mapping[str, Layout]] = {
    "3x4+1": Layout((LIMB[:3], LIMB[3:], CHEST[:3], CHEST[3:]), rhythm=True),
    "6x2": Layout((LIMB, CHEST)),
    "6x2+1": Layout((LIMB, CHEST), rhythm=True),
    "12x1": Layout((STANDARD_12,)),
}
"""Rows x columns of the standard twelve leads; a recording with other leads is drawn in rows, whatever is asked."""

MAX_ROWS: Final = 12


@dataclass(frozen=True, slots=True)
class Words:
    """Words on the sheet, for translation by the caller."""

    as_recorded: str = "as recorded"
    notch: str = "notch"
    not_diagnostic: str = "not diagnostic"


@dataclass(frozen=True, slots=True)
class Header:
    """Text above the tracing, as the caller wants it read: title, label and value pairs, lines of interpretation."""

    title: str = ""
    patient: Sequence[tuple[str, str]] = ()
    measurements: Sequence[tuple[str, str]] = ()
    statements: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """How to draw: a layout of `LAYOUTS`, mm/s, mm/mV, filter, first second, rhythm lead; paper in mm (A4 across)."""

    layout: str = "3x4+1"
    speed: float = 25.0
    gain: float = 10.0
    filter: Filter = FILTERS["diagnostic"]
    begin: float = 0.0
    rhythm_lead: str = "II"
    width: float = 297.0
    height: float = 210.0
    margin: float = 8.0
    words: Words = field(default_factory=Words)

    def __post_init__(self) -> None:
        if self.layout not in LAYOUTS:
            raise ValueError(f"no layout {self.layout!r}; there is {', '.join(LAYOUTS)}")
        if self.speed not in SPEEDS or self.gain not in GAINS:
            raise ValueError(f"{self.speed:g} mm/s and {self.gain:g} mm/mV: choose from {SPEEDS} and {GAINS}")
        if not (self.width >= 100 and self.height >= 80 and 0 <= self.margin <= 20 and self.begin >= 0):
            raise ValueError("a sheet is at least 100 by 80 mm, its margin at most 20 mm, its first second not negative")


TITLE_MM, TEXT_MM, LABEL_MM = 4.4, 2.9, 3.2
LINE_MM: Final = 4.0
FOOTER_MM: Final = 6.0
BREAK_MM: Final = 3.0
"""Height of the mark between two columns of a row."""


def draw(recording: Recording, sheet: Sheet | None = None, header: Header | None = None) -> Drawing:
    """The recording on one sheet, from `sheet.begin` for as long as the paper is wide.

    Columns follow each other in time, as on a cart's paper: the second begins where the first ends. Each lead's median
    lies on its zero line. Raises ValueError where `sheet.begin` lies beyond the recording's end.
    """
    sheet, header = sheet or Sheet(), header or Header()
    if sheet.begin >= recording.duration:
        raise ValueError(f"second {sheet.begin:g} lies beyond the recording's {recording.duration:g} s")
    columns, rhythm = _arrangement(recording, sheet)
    items: list[Item] = []
    top = _header(items, sheet, header)
    left = sheet.margin
    width = _fives(sheet.width - 2 * sheet.margin)
    height = _fives(sheet.height - sheet.margin - FOOTER_MM - top)
    items += grid(left, top, width, height)
    rows = max(len(column) for column in columns)
    row_height = height / (rows + (rhythm is not None))
    strips = _place(recording, sheet, columns, rhythm, (left, top, width, row_height))
    _calibrate(items, sheet, strips, row_height)
    _leads(items, recording, sheet, strips, (sheet.margin / 2, sheet.height - sheet.margin / 2))
    items += [_label(strip, row_height) for strip in strips]
    _breaks(items, strips, len(columns), rows)
    _footer(items, sheet, recording, top + height + LINE_MM)
    return Drawing(sheet.width, sheet.height, tuple(items), tuple(strips), sheet.speed, sheet.gain)


def _fives(length: float) -> float:
    """The length cut to whole bold squares."""
    return max(length // 5 * 5, 5.0)


def _arrangement(recording: Recording, sheet: Sheet) -> tuple[tuple[tuple[str, ...], ...], str | None]:
    """Leads by column and the rhythm lead; other leads than the twelve are rows of one column."""
    if not set(recording.leads) >= set(STANDARD_12):
        return (recording.leads[:MAX_ROWS],), None
    layout = LAYOUTS[sheet.layout]
    if not layout.rhythm:
        return layout.columns, None
    return layout.columns, sheet.rhythm_lead if sheet.rhythm_lead in recording.leads else "II"


def _place(
    recording: Recording,
    sheet: Sheet,
    columns: tuple[tuple[str, ...], ...],
    rhythm: str | None,
    area: tuple[float, float, float, float],
) -> list[Strip]:
    """Every lead's strip in the `area` (left, top, width, height of a row), the rhythm strip last."""  # fmt: skip
    left, top, width, row_height = area
    pulse = pulse_width(sheet.speed)
    seconds = min((width - pulse) / sheet.speed, recording.duration - sheet.begin)
    each = seconds / len(columns)
    strips = []
    for n, column in enumerate(columns):
        x, begin = left + pulse + n * each * sheet.speed, sheet.begin + n * each
        strips += [Strip(lead, x, _zero(top, row, row_height), each * sheet.speed, begin) for row, lead in enumerate(column)]
    if rhythm is not None:
        rows = max(len(column) for column in columns)
        strips.append(Strip(rhythm, left + pulse, _zero(top, rows, row_height), seconds * sheet.speed, sheet.begin))
    return strips


def _zero(top: float, row: int, height: float) -> float:
    """The row's zero line, on a line of the fine grid, a little below the middle as most of a QRS points up."""
    return float(top + round((row + 0.55) * height))


def _leads(items: list[Item], recording: Recording, sheet: Sheet, strips: list[Strip], bounds: tuple[float, float]) -> None:
    begin = max(round((sheet.begin - 5) * recording.rate), 0)  # five seconds before and after let filters settle
    last = max(strip.begin + strip.width / sheet.speed for strip in strips)
    end = min(round((last + 5) * recording.rate), recording.samples.shape[1])
    rows = {lead: row for row, lead in enumerate(dict.fromkeys(strip.lead for strip in strips))}
    wanted = recording.samples[[recording.leads.index(lead) for lead in rows], begin:end]
    shown = filtered(wanted, recording.rate, sheet.filter)
    for strip in strips:
        first = round(strip.begin * recording.rate) - begin
        count = round(strip.width / sheet.speed * recording.rate) + 1
        lead = shown[rows[strip.lead]]
        part = lead[first : first + count]
        middle = np.median(lead[np.isfinite(lead)]) if np.isfinite(lead).any() else np.float32(0)
        items += traces(part - middle, recording.rate, (strip.x, strip.y), (sheet.speed, sheet.gain), bounds)


def _calibrate(items: list[Item], sheet: Sheet, strips: list[Strip], row_height: float) -> None:
    """A calibration pulse before every row, or before the last one alone where rows are too low for it."""
    zeros = sorted({strip.y for strip in strips})
    shown = zeros if row_height > 1.5 * sheet.gain else zeros[-1:]
    items += [calibration_pulse(sheet.margin, y, sheet.speed, sheet.gain) for y in shown]


def _label(strip: Strip, row_height: float) -> Text:
    """The lead's name above the beginning of its trace."""
    return Text(strip.x + 1, strip.y - min(9.0, 0.3 * row_height), strip.lead, LABEL_MM, bold=True)


def _breaks(items: list[Item], strips: list[Strip], columns: int, rows: int) -> None:
    """Short marks where one lead gives way to the next."""
    later = [strip for strip in strips[rows:] if columns > 1 and strip.x > strips[0].x]
    if later:
        ends = [(strip.x, strip.y - BREAK_MM, strip.x, strip.y + BREAK_MM) for strip in later]
        items.append(Lines(np.array(ends), "separator"))


def filter_text(chosen: Filter, words: Words) -> str:
    """The filter as it is printed: its band, its notch, and that it is not diagnostic where it is not."""
    band = ""
    if chosen.high_pass is not None and chosen.low_pass is not None:
        band = f"{chosen.high_pass:g}-{chosen.low_pass:g} Hz"
    elif chosen.high_pass is not None or chosen.low_pass is not None:
        band = f"> {chosen.high_pass:g} Hz" if chosen.high_pass is not None else f"< {chosen.low_pass:g} Hz"
    notch = f"{words.notch} {chosen.notch:g} Hz" if chosen.notch is not None else ""
    parts = [band or (words.as_recorded if not notch else ""), notch]
    if not chosen.diagnostic:
        parts.append(f"({words.not_diagnostic})")
    return "  ".join(part for part in parts if part)


def _footer(items: list[Item], sheet: Sheet, recording: Recording, y: float) -> None:
    used = filter_text(effective(sheet.filter, recording.rate), sheet.words)
    drawn = f"{sheet.speed:g} mm/s   {sheet.gain:g} mm/mV   {used}"
    items.append(Text(sheet.margin, y, drawn, TEXT_MM))
    source = f"{recording.rate:g} Hz  {recording.format}"
    items.append(Text(sheet.width - sheet.margin, y, source, TEXT_MM, "end", style="faint-text"))


def _header(items: list[Item], sheet: Sheet, header: Header) -> float:
    """Lay the header out in three columns; the top of the grid in mm comes back."""
    y = sheet.margin
    if header.title:
        y += TITLE_MM
        items.append(Text(sheet.margin, y, header.title, TITLE_MM, bold=True))
        y += 1.5
    room = sheet.width - 2 * sheet.margin
    pairs = [[f"{label} {value}".strip() for label, value in group] for group in (header.patient, header.measurements)]
    columns = [(0.0, 0.3, pairs[0]), (0.31, 0.22, pairs[1]), (0.54, 0.46, list(header.statements))]
    # A third of the sheet at most: what does not fit stays in the report's text.
    most = int((sheet.height / 3 - (y - sheet.margin)) / LINE_MM)
    lines = 0
    for begin, width, column in columns:
        for n, line in enumerate(column[:most]):
            items.append(Text(sheet.margin + begin * room, y + (n + 1) * LINE_MM, fitted(line, width * room), TEXT_MM))
        lines = max(lines, min(len(column), most))
    return y + lines * LINE_MM + (3.0 if lines or header.title else 0.0)


def fitted(line: str, width: float, size: float = TEXT_MM) -> str:
    """The line cut with an ellipsis to `width` mm, by the usual widths: half the size for Latin, whole for Chinese."""
    used = 0.0
    for at, letter in enumerate(line):
        used += size * (1.0 if ord(letter) >= 0x2E80 else 0.55)
        if used > width:
            return line[: max(at - 1, 0)] + "…"
    return line
