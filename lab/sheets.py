"""Results in spreadsheets: CSV, XLSX and XLS as rows of text, and a mapping of their columns to results.

Nothing is taken by halves: a row gives all its results or is listed with its number and the reason. Rows are numbered from 1 with the
header, as spreadsheets show them.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from datetime import time as clock
from importlib import import_module
from itertools import islice
from typing import Any, Final

from lab.errors import UnreadableSheet
from lab.hl7.character_sets import codec_named
from lab.hl7.times import NOTHING, Time, read_time
from lab.hl7.values import Value, looks
from lab.limits import MAX_CELL, MAX_SHEET_BYTES, MAX_SHEET_COLUMNS, MAX_SHEET_ROWS, MAX_UNPACKED_BYTES

_ZIP, _COMPOUND = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_DELIMITERS: Final = ("\t", ";", "|", ",")
_NOT_MEASURED: Final = re.compile(r"[-–—−_*./\\ ]+")
_DAY: Final = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T]+(\d{1,2}):(\d\d)(?::(\d\d))?)?", re.ASCII)


_UNIT_IN_HEADING: Final = re.compile(r"[(（\[]([^()（）\[\]]{1,30})[)）\]]\s*$")

_JOINERS: Final = "\u200c\u200d"
"""They belong to the spelling of Arabic and Indian scripts (Unicode 16, section 9.2)."""

_DIGITS: Final = 15
"""Digits of a number that a spreadsheet shows; those after them come of its binary form."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows of the first sheet, the header first, every cell as text."""

    rows: tuple[tuple[str, ...], ...]
    kind: str

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the names of the header."""
        return self.rows[0]


def read(raw: bytes, character_set: str = "") -> Sheet:
    """Return the first sheet of a file; its kind (csv, xlsx, xls) is found from the content.

    `character_set` is that of CSV text, a name as in MSH-18; where none is given it is UTF-8, or GB 18030 where it cannot be UTF-8.
    Raises UnreadableSheet.
    """
    if len(raw) > MAX_SHEET_BYTES:
        raise UnreadableSheet(f"the file has {len(raw)} bytes; {MAX_SHEET_BYTES} are read")
    if raw.startswith(_ZIP):
        kind, rows = "xlsx", _xlsx(raw)
    elif raw.startswith(_COMPOUND):
        kind, rows = "xls", _xls(raw)
    else:
        kind, rows = "csv", _csv(_text(raw, character_set))
    found = tuple(_bounded(rows))
    if not found or not any(found[0]):
        raise UnreadableSheet("the sheet has no header: its first row names the columns")
    return Sheet((tuple(map(_heading, found[0])), *found[1:]), kind)


def _heading(text: str) -> str:
    """Return a heading as a person types it: without marks of direction and what takes no room (general category Cf, Unicode 16)."""
    return "".join(character for character in text if unicodedata.category(character) != "Cf" or character in _JOINERS).strip()


def _bounded(rows: Iterable[Sequence[object]]) -> Iterator[tuple[str, ...]]:
    """Yield rows as text, without empty cells at their end. Raises UnreadableSheet for a row beyond the limits."""
    for number, row in enumerate(rows, 1):
        if number > MAX_SHEET_ROWS:
            raise UnreadableSheet(f"the sheet has more than {MAX_SHEET_ROWS} rows")
        if len(row) > MAX_SHEET_COLUMNS and any(cell not in (None, "") for cell in row[MAX_SHEET_COLUMNS:]):
            raise UnreadableSheet(f"row {number} has more than {MAX_SHEET_COLUMNS} columns")
        cells = [_cell(cell) for cell in row[:MAX_SHEET_COLUMNS]]
        if any(len(cell) > MAX_CELL for cell in cells):
            raise UnreadableSheet(f"row {number} has a cell of more than {MAX_CELL} characters")
        while cells and not cells[-1]:
            cells.pop()
        yield tuple(cells)


def _cell(value: object) -> str:
    """Return a cell as a person sees it: whole numbers without a point, days without a midnight."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).upper()
        case float():
            return f"{value:.{_DIGITS}g}"
        case datetime() if value.time() == clock():
            return f"{value:%Y-%m-%d}"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S}"
        case _:
            return str(value).strip()


def _text(raw: bytes, character_set: str) -> str:
    if character_set:
        codec = codec_named(character_set)
        if codec is None:
            raise UnreadableSheet(f"the character set {character_set!r} is not read here")
        tried: tuple[str, ...] = (codec,)
    else:
        tried = ("utf-16",) if raw.startswith(_UTF_16) else ("utf-8-sig", "gb18030")
    for codec in tried:
        try:
            text = raw.decode(codec)
        except UnicodeDecodeError:
            continue
        if text.lstrip()[:5].lower() in ("<html", "<!doc", "<tabl", "<?xml"):
            raise UnreadableSheet("the file is a web page or XML under the name of a sheet; save it as XLSX or CSV")
        return text
    raise UnreadableSheet(f"the text is not in {character_set or 'UTF-8 or GB 18030'}; save it as UTF-8, or name its character set")


def _csv(text: str) -> Iterator[list[str]]:
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(_DELIMITERS, key=lambda one: (first.count(one), _DELIMITERS.index(one)))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        yield from reader
    except csv.Error as error:
        raise UnreadableSheet(f"line {reader.line_num}: {error}") from None


def _xlsx(raw: bytes) -> Iterator[Sequence[object]]:
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as packed:
            size = sum(entry.file_size for entry in packed.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise UnreadableSheet(f"the workbook cannot be unpacked: {error}") from None
    if size > MAX_UNPACKED_BYTES:
        raise UnreadableSheet(f"the workbook unpacks to {size} bytes; {MAX_UNPACKED_BYTES} are read")
    openpyxl: Any = import_module("openpyxl")
    try:
        book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=True, keep_links=False)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # what a sheet says of its size may be wrong
        yield from islice(sheet.iter_rows(values_only=True), MAX_SHEET_ROWS + 1)
    except Exception as error:  # whatever a damaged workbook makes its reader stumble over
        raise UnreadableSheet(f"the workbook cannot be read: {error}") from None


def _xls(raw: bytes) -> Iterator[Sequence[object]]:
    xlrd: Any = import_module("xlrd")
    try:
        book = xlrd.open_workbook(file_contents=raw, logfile=io.StringIO())
        sheet = book.sheet_by_index(0)
        for number in range(min(sheet.nrows, MAX_SHEET_ROWS + 1)):
            yield [
                xlrd.xldate_as_datetime(cell.value, book.datemode) if cell.ctype == xlrd.XL_CELL_DATE else cell.value
                for cell in sheet.row(number)
            ]
    except Exception as error:  # whatever a damaged workbook makes its reader stumble over
        raise UnreadableSheet(f"the workbook cannot be read: {error}") from None


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column holds what, by its name in the header; empty where the sheet has no such column.

    One result a row has `code` and `value`; one specimen a row has `tests`, a column for each test with the test's code. The unit of such
    a column is what its heading ends with in brackets.
    """

    specimen: str = ""
    patient: str = ""
    name: str = ""
    sex: str = ""
    birth: str = ""
    code: str = ""
    test: str = ""
    value: str = ""
    unit: str = ""
    range: str = ""
    flag: str = ""
    observed: str = ""
    tests: Mapping[str, str] = field(default_factory=dict)

    def named(self) -> list[str]:
        """Return the names of all columns that are used."""
        single = (getattr(self, name) for name in self.__slots__ if name != "tests")
        return [name for name in (*single, *self.tests) if name]


@dataclass(frozen=True, slots=True)
class SheetResult:
    """One result of a sheet and the row it stands in."""

    row: int
    specimen: str
    patient: str
    name: str
    sex: str
    birth: Time
    code: str
    test: str
    value: Value
    unit: str
    range: str
    flag: str
    observed: Time


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that cannot be taken, and why."""

    row: int
    reason: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What a sheet would give under a mapping."""

    results: tuple[SheetResult, ...]
    refused: tuple[RefusedRow, ...]


def preview(sheet: Sheet, columns: Columns, zone: tzinfo | None = None) -> Preview:
    """Return the results of a sheet and the rows that cannot be taken; times that name no zone are in `zone`.

    Raises UnreadableSheet where the mapping names a column that is not there or leaves out what results need.
    """
    missing = [name for name in columns.named() if name not in sheet.columns]
    if missing:
        raise UnreadableSheet(f"the sheet has no column {', '.join(missing)}; it has {', '.join(filter(None, sheet.columns))}")
    if not (columns.specimen or columns.patient):
        raise UnreadableSheet("the mapping names no column for the specimen or the patient")
    if not (columns.tests or ((columns.code or columns.test) and columns.value)):
        raise UnreadableSheet("the mapping names no columns for test and value")
    results: list[SheetResult] = []
    refused: list[RefusedRow] = []
    for number, cells in enumerate(sheet.rows[1:], 2):
        row = dict(zip(sheet.columns, cells, strict=False))
        if not any(cells):
            continue
        try:
            results += _results(number, row, columns, zone)
        except _Untakeable as error:
            refused.append(RefusedRow(number, str(error)))
    return Preview(tuple(results), tuple(refused))


class _Untakeable(Exception):
    """Why a row is not taken."""


def _results(number: int, row: Mapping[str, str], columns: Columns, zone: tzinfo | None) -> list[SheetResult]:
    def text(column: str) -> str:
        return row.get(column, "") if column else ""

    if not (text(columns.specimen) or text(columns.patient)):
        raise _Untakeable("names neither specimen nor patient")
    birth, observed = (_time(text(column), column, zone) for column in (columns.birth, columns.observed))
    told = [(code, column, text(column), _unit_in(column)) for column, code in columns.tests.items() if text(column)]
    if columns.value:
        told.append((text(columns.code), text(columns.test), text(columns.value), text(columns.unit)))
    if not told:
        raise _Untakeable("holds no value")
    if any(not (code or test) for code, test, _, _ in told):
        raise _Untakeable("names no test")
    if any(not sent for _, _, sent, _ in told):
        raise _Untakeable("holds no value")
    return [
        SheetResult(
            row=number,
            specimen=text(columns.specimen),
            patient=text(columns.patient),
            name=text(columns.name),
            sex=text(columns.sex),
            birth=birth,
            code=code,
            test=test,
            value=_value(sent),
            unit=unit,
            range=text(columns.range),
            flag=text(columns.flag),
            observed=observed,
        )
        for code, test, sent, unit in told
    ]


def _unit_in(heading: str) -> str:
    """Return the unit that a heading such as `钾(mmol/L)` ends with; empty where it names none."""
    found = _UNIT_IN_HEADING.search(heading)
    return found[1].strip() if found else ""


def _value(sent: str) -> Value:
    seen = looks(sent)
    if seen is not None:
        return seen
    if len(sent) > 1 and _NOT_MEASURED.fullmatch(sent):
        return Value("none", "", sent, sent, note="not measured")
    return Value("text", "", sent, sent)


def _time(sent: str, column: str, zone: tzinfo | None) -> Time:
    """Return a time as sheets write it, or as HL7 does. Raises _Untakeable for a text that is none."""
    if not sent:
        return NOTHING
    found = _DAY.fullmatch(sent)
    plain = "".join(part.zfill(2) for part in found.groups() if part) if found else sent
    time = read_time(plain, zone)
    if not time:
        raise _Untakeable(f"{column} {sent!r} is no time; write it as 2026-11-20 08:30")
    return time
