"""Lists of accounts as spreadsheet programs write them: CSV in the usual encodings, XLSX. Every cell is text, formulas too."""

from __future__ import annotations

import asyncio
import csv
import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from datetime import date, datetime, time
from typing import Any, NoReturn

from telemed.domain.account_list import MAX_BYTES, MAX_CELL, MAX_COLUMNS, MAX_ROWS, AccountList
from telemed.domain.errors import FieldError, Invalid
from telemed.domain.texts import visible

ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
BYTE_ORDER_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
MAX_MEMBERS = 200
MAX_INFLATED = 64 * 1024 * 1024
"""Bytes of an XLSX file once it is inflated, counted as they come: what the archive says of itself is not believed."""
MAX_EMPTY = 1_000
"""Empty rows in all: a spreadsheet may have its last cell in row 1,048,576."""
DOCTYPES = tuple("<!DOCTYPE".encode(encoding) for encoding in ("utf-8", "utf-16-le", "utf-16-be"))
"""No spreadsheet program writes a document type; whoever does wants entities."""


def _refuse(code: str, expected: object = "") -> NoReturn:
    raise Invalid(FieldError("list", code, str(expected)))


def read_list(content: bytes) -> AccountList:
    """Return the cells. Raises Invalid."""
    if len(content) > MAX_BYTES:
        _refuse("list-bytes", MAX_BYTES)
    if content.startswith(OLE):
        _refuse("list-old-excel")
    return _table(_xlsx(content) if content.startswith(ZIP) else _csv(content))


def _table(lines: Iterable[list[str]]) -> AccountList:
    """The first line that is not empty is the head. Rows are counted while they come."""
    head: list[str] = []
    rows: list[list[str]] = []
    numbers: list[int] = []
    empty = 0
    for number, line in enumerate(lines, 1):
        while line and not line[-1]:
            line.pop()
        if not line:
            empty += 1
            if empty > MAX_EMPTY:
                break  # nothing but emptiness follows, or somebody wants us to count it
            continue
        if len(line) > MAX_COLUMNS:
            _refuse("list-columns", MAX_COLUMNS)
        if any(len(cell) > MAX_CELL for cell in line):
            raise Invalid(FieldError(f"list.{number}", "too-long", str(MAX_CELL)))
        if not head:
            head = line
            continue
        if len(rows) == MAX_ROWS:
            _refuse("list-rows", MAX_ROWS)
        rows.append(line)
        numbers.append(number)
    if not head or not rows:
        _refuse("list-empty")
    return AccountList(head, rows, numbers)


def _csv(content: bytes) -> Iterator[list[str]]:
    text = _decoded(content)
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for line in lines:
            yield [_clean(cell) for cell in line]
    except csv.Error:
        raise Invalid(FieldError(f"list.{lines.line_num}", "list-malformed")) from None


def _decoded(content: bytes) -> str:
    encodings = [name for mark, name in BYTE_ORDER_MARKS if content.startswith(mark)] or ["utf-8", "gb18030"]
    for encoding in encodings:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    _refuse("list-encoding")


def _clean(cell: str) -> str:
    return visible(cell).strip()


def _xlsx(content: bytes) -> Iterator[list[str]]:
    _check_archive(content)
    from openpyxl import load_workbook

    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=False, keep_links=False)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # what the sheet says of its own size is not believed
        for row in sheet.iter_rows(max_col=MAX_COLUMNS, values_only=True):
            yield [_text(value) for value in row]
    except Invalid:
        raise
    except Exception:  # whatever a spreadsheet reader stumbles over, the file is none that it can read
        _refuse("list-unreadable")


def _check_archive(content: bytes) -> None:
    """Inflate each member piece by piece, and count."""
    inflated = 0
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            if len(members) > MAX_MEMBERS:
                _refuse("list-inflated")
            for member in members:
                before = b""
                with archive.open(member) as file:
                    while piece := file.read(256 * 1024):
                        inflated += len(piece)
                        if inflated > MAX_INFLATED:
                            _refuse("list-inflated")
                        if any(mark in before + piece for mark in DOCTYPES):
                            _refuse("list-unreadable")
                        before = piece[-32:]
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError):
        _refuse("list-unreadable")


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return _clean(str(value))


class PooledListReader:
    """Implements `telemed.service.ports.account_lists.AccountListReader` in a process pool."""

    def __init__(self, pool: Executor) -> None:
        self._pool = pool

    async def read(self, content: bytes) -> AccountList:
        return await asyncio.get_running_loop().run_in_executor(self._pool, read_list, content)
