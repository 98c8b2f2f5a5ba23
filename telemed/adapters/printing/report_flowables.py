"""The flow of a report over its pages: passages of text, the grid of labelled values, pictures, the signature area.

Each is a reportlab `Flowable` that knows its height for a width and how to continue on the next page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from reportlab.lib.utils import ImageReader
from reportlab.platypus import Flowable

from telemed.adapters.printing.fonts import BOLD, REGULAR, Face, outline
from telemed.adapters.printing.line_breaking import break_lines
from telemed.adapters.printing.report_page import INK, MUTED, RULE, SIGNATURE_AREA_HEIGHT, SIGNATURE_COLUMNS
from telemed.service.ports.signer import Role

# Lines that stay together at the head and the foot of a page, so that none stands alone.
TOGETHER = 2
# A labelled value with more lines than this leaves the grid and becomes a passage of its own.
GRID_LINES = 6


@dataclass(frozen=True, slots=True)
class TextStyle:
    """How a text is set: the face, its size and line height in points, its colour."""

    face: Face = REGULAR
    size: float = 11.0
    leading: float = 17.0
    color: Any = INK

    def lines(self, text: str, width: float) -> list[str]:
        advance = partial(_advance, self.face, self.size)
        return break_lines(text, width, advance)

    def width(self, text: str) -> float:
        return self.face.width(text, self.size)


def _advance(face: Face, size: float, character: str) -> float:
    return outline(character, face.weight).advance * size / 1000


BODY = TextStyle()
STRONG = TextStyle(face=BOLD)
GRID_LABEL = TextStyle(size=9.5, leading=15.0, color=MUTED)
GRID_VALUE = TextStyle(size=10.0, leading=15.0)
CAPTION = TextStyle(size=9.0, leading=12.5, color=MUTED)


def draw_line(canvas: Any, style: TextStyle, x: float, y: float, text: str) -> None:
    """One line of text with its base line at `y`."""
    canvas.setFillColor(style.color)
    canvas.setFont(style.face.name, style.size)
    canvas.drawString(x, y, text)


@dataclass(frozen=True, slots=True)
class Highlight:
    """The coloured bar and tint of a passage that must not be overlooked."""

    bar: Any
    tint: Any


class Passage(Flowable):  # type: ignore[misc]  # reportlab carries no types
    """A heading and its text. Breaks between any two lines, but never leaves the heading or a single line alone."""

    def __init__(
        self,
        parts: Sequence[tuple[TextStyle, str]],
        *,
        highlight: Highlight | None = None,
        space_before: float = 9.0,
        keep: int = TOGETHER,
    ) -> None:
        super().__init__()
        self._parts = parts
        self._highlight = highlight
        self._keep = keep
        self._indent, self._padding = (10.0, 5.0) if highlight is not None else (0.0, 0.0)
        self._lines: list[tuple[TextStyle, str]] = []
        self.spaceBefore = space_before

    @classmethod
    def _of_lines(cls, lines: list[tuple[TextStyle, str]], model: "Passage", space_before: float) -> "Passage":
        passage = cls([], highlight=model._highlight, space_before=space_before)
        passage._lines = lines
        return passage

    def wrap(self, width: float, _height: float) -> tuple[float, float]:
        self.width = width
        if not self._lines:
            inner = width - 2 * self._indent
            self._lines = [(style, line) for style, text in self._parts for line in style.lines(text, inner)]
        self.height = sum(style.leading for style, _ in self._lines) + 2 * self._padding
        return width, self.height

    def split(self, _width: float, height: float) -> list[Flowable]:
        room = height - 2 * self._padding
        fitting = 0
        for style, _ in self._lines:
            room -= style.leading
            if room < 0:
                break
            fitting += 1
        fitting = min(fitting, len(self._lines) - TOGETHER)
        if fitting < self._keep:
            return []
        first, rest = self._lines[:fitting], self._lines[fitting:]
        return [self._of_lines(first, self, self.spaceBefore), self._of_lines(rest, self, 0.0)]

    def draw(self) -> None:
        if self._highlight is not None:
            self.canv.setFillColor(self._highlight.tint)
            self.canv.rect(0, 0, self.width, self.height, stroke=0, fill=1)
            self.canv.setFillColor(self._highlight.bar)
            self.canv.rect(0, 0, 3, self.height, stroke=0, fill=1)
        y = self.height - self._padding
        for style, line in self._lines:
            y -= style.leading
            draw_line(self.canv, style, self._indent, y + 0.28 * style.leading, line)


@dataclass(frozen=True, slots=True)
class _Cell:
    """One labelled value of the grid: its column, how many columns it takes, the lines of its value."""

    column: int
    span: int
    label: str
    lines: list[str]


class Grid(Flowable):  # type: ignore[misc]  # reportlab carries no types
    """Labelled values in three columns between thin rules; a longer value takes two or all three columns."""

    COLUMNS = 3
    GAP = 12.0
    PADDING = 2.5

    def __init__(self, pairs: Sequence[tuple[str, str]], width: float, *, space_before: float = 0.0) -> None:
        """`pairs` are labels (with their colon) and values, in reading order; `width` is in points."""
        super().__init__()
        self.width = width
        self.spaceBefore = space_before
        self._pitch = (width + self.GAP) / self.COLUMNS
        self._rows = self._arrange(pairs)
        self.height = 0.0

    @classmethod
    def fits(cls, label: str, value: str, width: float) -> bool:
        """True if a value is short enough for the grid."""
        room = width - GRID_LABEL.width(label)
        return room > width / 4 and len(GRID_VALUE.lines(value, room)) <= GRID_LINES

    def _arrange(self, pairs: Sequence[tuple[str, str]]) -> list[list[_Cell]]:
        rows: list[list[_Cell]] = []
        column = self.COLUMNS
        for label, value in pairs:
            needed = GRID_LABEL.width(label) + GRID_VALUE.width(value) + self.GAP
            span = min(max(-int(-needed // self._pitch), 1), self.COLUMNS) if "\n" not in value else self.COLUMNS
            if column + span > self.COLUMNS:
                rows.append([])
                column = 0
            room = span * self._pitch - self.GAP - GRID_LABEL.width(label)
            rows[-1].append(_Cell(column, span, label, GRID_VALUE.lines(value, room)))
            column += span
        return rows

    def _row_height(self, row: list[_Cell]) -> float:
        return max(len(cell.lines) for cell in row) * GRID_VALUE.leading + 2 * self.PADDING

    def wrap(self, _width: float, _height: float) -> tuple[float, float]:
        self.height = sum(map(self._row_height, self._rows))
        return self.width, self.height

    def split(self, _width: float, height: float) -> list[Flowable]:
        fitting = 0
        for row in self._rows:
            height -= self._row_height(row)
            if height < 0:
                break
            fitting += 1
        if not 0 < fitting < len(self._rows):
            return []
        first, rest = Grid([], self.width, space_before=self.spaceBefore), Grid([], self.width)
        first._rows, rest._rows = self._rows[:fitting], self._rows[fitting:]
        return [first, rest]

    def draw(self) -> None:
        self.canv.setStrokeColor(RULE)
        self.canv.setLineWidth(0.4)
        y = self.height
        for row in self._rows:
            for cell in row:
                self._draw_cell(cell, y - self.PADDING)
            y -= self._row_height(row)
            self.canv.line(0, y, self.width, y)

    def _draw_cell(self, cell: _Cell, top: float) -> None:
        x = cell.column * self._pitch
        y = top - 0.72 * GRID_VALUE.leading
        draw_line(self.canv, GRID_LABEL, x, y, cell.label)
        indent = GRID_LABEL.width(cell.label)
        for number, line in enumerate(cell.lines):
            draw_line(self.canv, GRID_VALUE, x + indent, y - number * GRID_VALUE.leading, line)


class PictureRow(Flowable):  # type: ignore[misc]  # reportlab carries no types
    """One or two pictures side by side, each with its caption below. Never broken."""

    GAP = 14.0
    MAX_HEIGHT = 170.0

    def __init__(self, pictures: Sequence[tuple[ImageReader, str]]) -> None:
        super().__init__()
        self._pictures = pictures
        self.spaceBefore = 10.0

    def wrap(self, width: float, _height: float) -> tuple[float, float]:
        self.width = width
        self._cell = (width - self.GAP * (len(self._pictures) - 1)) / len(self._pictures)
        self._sizes = [self._size(image) for image, _ in self._pictures]
        self._captions = [CAPTION.lines(text, self._cell) if text else [] for _, text in self._pictures]
        self._picture_height = max(height for _, height in self._sizes)
        self.height = self._picture_height + max(map(len, self._captions)) * CAPTION.leading + 4
        return width, self.height

    def _size(self, image: ImageReader) -> tuple[float, float]:
        width, height = image.getSize()
        scale = min(self._cell / width, self.MAX_HEIGHT / height)
        return width * scale, height * scale

    def draw(self) -> None:
        for number, (image, _) in enumerate(self._pictures):
            left = number * (self._cell + self.GAP)
            width, height = self._sizes[number]
            x, y = left + (self._cell - width) / 2, self.height - self._picture_height
            self.canv.drawImage(image, x, y, width, height)
            for line in self._captions[number]:
                y -= CAPTION.leading
                centred = left + (self._cell - CAPTION.width(line)) / 2
                draw_line(self.canv, CAPTION, centred, y, line)


class SignatureArea(Flowable):  # type: ignore[misc]  # reportlab carries no types
    """The end of the report: who stands for it, at the foot of the last page, above the visible signatures."""

    def __init__(self, columns: Sequence[tuple[Role, str, str]]) -> None:
        """`columns`: role, the line with the name, the line with the time."""
        super().__init__()
        self._columns = columns

    def wrap(self, width: float, height: float) -> tuple[float, float]:
        self.width = width
        # All that is left of the page: the area stands at its foot, where the signatures are placed.
        self.height = max(height, SIGNATURE_AREA_HEIGHT)
        return width, self.height

    def draw(self) -> None:
        left = SIGNATURE_COLUMNS["author"]
        self.canv.setStrokeColor(INK)
        self.canv.setLineWidth(0.8)
        self.canv.line(0, SIGNATURE_AREA_HEIGHT - 6, self.width, SIGNATURE_AREA_HEIGHT - 6)
        for role, name, time in self._columns:
            x = SIGNATURE_COLUMNS[role] - left
            draw_line(self.canv, STRONG, x, SIGNATURE_AREA_HEIGHT - 24, name)
            draw_line(self.canv, CAPTION, x, SIGNATURE_AREA_HEIGHT - 38, time)
