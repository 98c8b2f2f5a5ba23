"""Where every key and value of a TOML text (1.0) stands. The text was read by `tomllib` before: only its places are looked for here."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from dataclasses import dataclass, field

Path = tuple[str | int, ...]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_BLANK = re.compile(r"[ \t]*")
_BETWEEN = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_PLAIN = re.compile(r"[^,\]}\n#]*")
_STRINGS = {
    '"""': re.compile(r'"""(?:[^"\\]|\\.|"(?!""))*"""(?:""?(?!"))?', re.DOTALL),
    "'''": re.compile(r"'''(?:[^']|'(?!''))*'''(?:''?(?!'))?", re.DOTALL),
    '"': re.compile(r'"(?:[^"\\\n]|\\.)*"'),
    "'": re.compile(r"'[^'\n]*'"),
}


@dataclass(slots=True)
class Positions:
    """Offsets of keys and of values by their paths; a table's value is its header, or its brace."""

    text: str
    keys: dict[Path, int] = field(default_factory=dict)
    values: dict[Path, int] = field(default_factory=dict)
    _lines: list[int] = field(default_factory=list)

    def line_and_column(self, offset: int) -> tuple[int, int]:
        """Return line and column of an offset, both from 1."""
        if not self._lines:
            self._lines = [0, *(found.end() for found in re.finditer("\n", self.text))]
        line = bisect_right(self._lines, offset)
        return line, offset - self._lines[line - 1] + 1

    def of_value(self, path: Path) -> tuple[int, int]:
        """Return line and column of the value with this path, or of the nearest thing around it."""
        return self._nearest(self.values, path)

    def of_key(self, path: Path) -> tuple[int, int]:
        """Return line and column of the key with this path, or of the nearest thing around it."""
        return self._nearest(self.keys if path in self.keys else self.values, path)

    def _nearest(self, places: dict[Path, int], path: Path) -> tuple[int, int]:
        while path and path not in places:
            path = path[:-1]
        return self.line_and_column(places.get(path, 0))


def positions(text: str) -> Positions:
    """Return the positions in a text that is TOML, with line feeds alone at its ends of lines."""
    return _Walk(Positions(text)).whole()


class _Walk:
    """One walk over the text, from place to place."""

    def __init__(self, found: Positions) -> None:
        self.found, self.text = found, found.text
        self.lengths: dict[Path, int] = {}

    def whole(self) -> Positions:
        place = self._skip(0)
        table: Path = ()
        while place < len(self.text):
            if self.text[place] == "[":
                place, table = self._header(place)
            else:
                place = self._pair(place, table)
            place = self._skip(place)
        return self.found

    def _skip(self, place: int) -> int:
        return self._end(_BETWEEN, place)

    def _end(self, pattern: re.Pattern[str], place: int) -> int:
        found = pattern.match(self.text, place)
        return found.end() if found else place

    def _header(self, place: int) -> tuple[int, Path]:
        repeated = self.text.startswith("[[", place)
        parts, after = self._key(place + 2 if repeated else place + 1)
        path: Path = ()
        for part in parts[:-1]:
            path = self._inside((*path, part))
            self.found.values.setdefault(path, place)
        path = (*path, parts[-1])
        if repeated:
            self.found.values.setdefault(path, place)
            self.lengths[path] = self.lengths.get(path, 0) + 1
            path = (*path, self.lengths[path] - 1)
        self.found.values.setdefault(path, place)
        return self._end(_BLANK, after) + (2 if repeated else 1), path

    def _inside(self, path: Path) -> Path:
        """The table that a header's part leads into: of an array of tables the last."""
        return (*path, self.lengths[path] - 1) if path in self.lengths else path

    def _key(self, place: int) -> tuple[list[str], int]:
        """The parts of a dotted key, and the place behind it."""
        parts = []
        while True:
            place = self._end(_BLANK, place)
            quote = self.text[place]
            end = self._end(_STRINGS.get(quote, _BARE), place)
            raw = self.text[place:end]
            parts.append(tomllib.loads(f"k = {raw}")["k"] if quote in _STRINGS else raw)
            place = self._end(_BLANK, end)
            if not self.text.startswith(".", place):
                return parts, place
            place += 1

    def _pair(self, place: int, table: Path) -> int:
        parts, after = self._key(place)
        for n in range(1, len(parts)):
            self.found.values.setdefault((*table, *parts[:n]), place)
        path = (*table, *parts)
        self.found.keys[path] = place
        return self._value(self._end(_BLANK, after + 1), path)

    def _value(self, place: int, path: Path) -> int:
        self.found.values[path] = place
        if self.text[place] == "[":
            return self._array(place, path)
        if self.text[place] == "{":
            return self._inline_table(place, path)
        quote = next((each for each in _STRINGS if self.text.startswith(each, place)), None)
        return self._end(_STRINGS[quote] if quote else _PLAIN, place)

    def _array(self, place: int, path: Path) -> int:
        place, number = self._skip(place + 1), 0
        while self.text[place] != "]":
            place = self._skip(self._value(place, (*path, number)))
            number += 1
            if self.text[place] == ",":
                place = self._skip(place + 1)
        return place + 1

    def _inline_table(self, place: int, path: Path) -> int:
        place = self._end(_BLANK, place + 1)
        while self.text[place] != "}":
            place = self._end(_BLANK, self._pair(place, path))
            if self.text[place] == ",":
                place = self._end(_BLANK, place + 1)
        return place + 1
