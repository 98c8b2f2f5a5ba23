"""Lists of accounts as they come: encodings, spreadsheets, bounds, and files that are none."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from telemed.adapters.account_lists import MAX_EMPTY, MAX_INFLATED, read_list
from telemed.domain.account_list import MAX_BYTES, MAX_CELL, MAX_COLUMNS, MAX_ROWS
from telemed.domain.errors import Invalid

HEAD = ["用户名", "姓名", "机构", "角色"]
ROW = ["wang.li", "王莉", "HUBA", "专家"]


def csv_of(*rows: Sequence[str], separator: str = ",") -> str:
    return "".join(separator.join(row) + "\r\n" for row in (HEAD, *rows))


def xlsx(*rows: Sequence[Any]) -> bytes:
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in rows:
        sheet.append(list(row))
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def refusal(content: bytes) -> str:
    with pytest.raises(Invalid) as raised:
        read_list(content)
    return raised.value.errors[0].code


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_text_in_every_usual_encoding(encoding: str, separator: str) -> None:
    found = read_list(csv_of(ROW, separator=separator).encode(encoding))
    assert (found.head, found.rows, found.numbers) == (HEAD, [ROW], [2])


def test_a_spreadsheet_is_text_whatever_its_cells_are() -> None:
    found = read_list(xlsx(HEAD, [], ["=1+1", 13800001111, 2.5, True]))
    assert (found.rows, found.numbers) == ([["=1+1", "13800001111", "2.5", "TRUE"]], [3])


def test_a_cell_of_text_keeps_quotes_and_lines() -> None:
    assert read_list(b'username,name\r\nwang.li,"Wang, ""Li"""\r\n').rows == [["wang.li", 'Wang, "Li"']]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize(("rows", "code"), [(MAX_ROWS - 1, ""), (MAX_ROWS, ""), (MAX_ROWS + 1, "list-rows")])
def test_rows(kind: str, rows: int, code: str) -> None:
    lines = [["a", "b"]] * rows
    content = csv_of(*lines).encode() if kind == "csv" else xlsx(HEAD, *lines)
    if code:
        assert refusal(content) == code
    else:
        assert len(read_list(content).rows) == rows


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize(("length", "code"), [(MAX_CELL - 1, ""), (MAX_CELL, ""), (MAX_CELL + 1, "too-long")])
def test_cells(kind: str, length: int, code: str) -> None:
    content = csv_of(["x" * length]).encode() if kind == "csv" else xlsx(HEAD, ["x" * length])
    if code:
        assert refusal(content) == code
    else:
        assert read_list(content).rows == [["x" * length]]


def test_columns_and_bytes() -> None:
    assert len(read_list(csv_of(["x"] * MAX_COLUMNS).encode()).rows[0]) == MAX_COLUMNS
    assert refusal(csv_of(["x"] * (MAX_COLUMNS + 1)).encode()) == "list-columns"
    assert refusal(b"x" * (MAX_BYTES + 1)) == "list-bytes"


def test_a_last_cell_far_below_is_not_walked_to() -> None:
    content = xlsx(HEAD, ROW, *[[]] * (MAX_EMPTY + 5), ["after"])
    assert read_list(content).rows == [ROW]


def with_member(name: str, content: bytes, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A sound spreadsheet in which one member is another."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(xlsx(HEAD, ROW))) as sound, zipfile.ZipFile(buffer, "w", compression) as made:
        for each in sound.namelist():
            if each != name:
                made.writestr(each, sound.read(each))
        made.writestr(name, content)
    return buffer.getvalue()


BOMB = b"<x>" + b" " * (MAX_INFLATED + 1)
LAUGHS = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><sst>&b;</sst>'


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (with_member("xl/worksheets/sheet1.xml", BOMB), "list-inflated"),
        (with_member("xl/other.bin", BOMB), "list-inflated"),
        (with_member("xl/sharedStrings.xml", LAUGHS), "list-unreadable"),
        (with_member("xl/worksheets/sheet1.xml", LAUGHS), "list-unreadable"),
        (with_member("xl/workbook.xml", b"<not"), "list-unreadable"),
        (xlsx(HEAD, ROW)[:300], "list-unreadable"),
        (b"PK\x03\x04", "list-unreadable"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "list-old-excel"),
        (b"", "list-empty"),
        (",".join(HEAD).encode(), "list-empty"),
        (b'a,b\r\n"x', "list-malformed"),
        (b"a,b\r\n\xff\xff\xff\xff", "list-encoding"),
    ],
)
def test_what_is_no_list_is_said(content: bytes, code: str) -> None:
    assert refusal(content) == code


def test_an_archive_with_many_members() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(500):
            archive.writestr(f"{number}.xml", b"")
    assert refusal(buffer.getvalue()) == "list-inflated"


@settings(max_examples=200, deadline=None)
@given(
    content=st.one_of(
        st.binary(max_size=400), st.text(max_size=200).map(str.encode), st.binary(max_size=200).map(lambda b: b"PK\x03\x04" + b)
    )
)
def test_any_bytes_are_a_list_or_a_refusal(content: bytes) -> None:
    try:
        found = read_list(content)
    except Invalid:
        return
    assert found.rows
    assert all(len(cell) <= MAX_CELL for row in found.rows for cell in row)


SOUND = xlsx(HEAD, *[ROW] * 20)


@settings(max_examples=100, deadline=None)
@given(place=st.integers(0, len(SOUND) - 1), value=st.integers(0, 255), cut=st.integers(0, 60))
def test_a_damaged_spreadsheet_is_a_list_or_a_refusal(place: int, value: int, cut: int) -> None:
    content = bytearray(SOUND)
    content[place] = value
    try:
        read_list(bytes(content[: len(content) - cut]))
    except Invalid:
        return
