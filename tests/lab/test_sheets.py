"""Spreadsheets of results: any of three kinds gives the same rows; a row is taken whole or listed with its reason."""

from __future__ import annotations

import io
import random
import zipfile
from datetime import datetime
from zoneinfo import ZoneInfo

import openpyxl
import pytest
import xlwt
from hypothesis import given
from hypothesis import strategies as st

from lab.errors import LabError, UnreadableSheet
from lab.limits import MAX_CELL, MAX_SHEET_COLUMNS, MAX_UNPACKED_BYTES
from lab.sheets import Columns, Sheet, preview, read
from tests.patience import TIMES

ROWS = [
    ["条码", "项目", "结果", "单位", "时间"],
    ["S1", "WBC", "6.10", "10^9/L", "2026-11-20 08:30"],
    ["S2", "PLT", "----", "10^9/L", "2026/11/20"],
    [],
    ["S3", "HBsAg", "阴性(-)", "", "20261120083000"],
]
LONG = Columns(specimen="条码", code="项目", value="结果", unit="单位", observed="时间")


def workbook(rows: list[list[object]]) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(out)
    return out.getvalue()


def old_workbook(rows: list[list[object]]) -> bytes:
    book, out = xlwt.Workbook(), io.BytesIO()
    sheet = book.add_sheet("1")
    day = xlwt.easyxf(num_format_str="YYYY-MM-DD")
    for number, row in enumerate(rows):
        for column, cell in enumerate(row):
            sheet.write(number, column, cell, *([day] if isinstance(cell, datetime) else []))
    book.save(out)
    return out.getvalue()


def test_old_workbooks() -> None:
    assert [list(row) for row in read(old_workbook([list(row) for row in ROWS])).rows] == [ROWS[0], ROWS[1], ROWS[2], [], ROWS[4]]
    found = read(old_workbook([["a", "b", "c"], [4.1, 20261120001, datetime(2026, 11, 20, 8, 30)]]))
    assert (found.kind, found.rows[1]) == ("xls", ("4.1", "20261120001", "2026-11-20 08:30:00"))


def test_damaged_old_workbooks_are_read_or_refused() -> None:
    good, dice = old_workbook([["a", "b"], [1, 2]]), random.Random(3)
    for _ in range(100 * TIMES):
        raw = bytearray(good)
        for _ in range(dice.randint(1, 8)):
            raw[dice.randrange(8, len(raw))] = dice.randrange(256)
        assert read_or_refused(bytes(raw))


def text(delimiter: str = ",") -> str:
    return "\r\n".join(delimiter.join(row) for row in ROWS)


@pytest.mark.parametrize(
    "raw",
    [
        text().encode(),
        text().encode("utf-8-sig"),
        text("\t").encode("gb18030"),
        text(";").encode(),
        text("|").encode(),
        text("\t").encode("utf-16"),
        workbook([list(row) for row in ROWS]),
    ],
)
def test_kinds_of_files_give_the_same_rows(raw: bytes) -> None:
    found = read(raw)
    assert [list(row) for row in found.rows] == [list(row) for row in [ROWS[0], ROWS[1], ROWS[2], [], ROWS[4]]]


def test_cells_are_told_as_a_person_sees_them() -> None:
    found = read(
        workbook(
            [
                ["a", "b", "c", "d", "e", "f"],
                [20261120001, 4.1, 5.0, datetime(2026, 11, 20), datetime(2026, 11, 20, 8, 30), True],
                [None, " x ", 1e16, 0.1 + 0.2],
            ]
        )
    )
    assert found.rows[1] == ("20261120001", "4.1", "5", "2026-11-20", "2026-11-20 08:30:00", "TRUE")
    assert found.rows[2] == ("", "x", "1e+16", "0.3")


def test_results_one_a_row() -> None:
    found = preview(read(text().encode()), LONG, ZoneInfo("Asia/Shanghai"))
    assert [(each.row, each.specimen, each.code, each.value.kind, each.value.number, each.value.as_sent, each.observed.text) for each in found.results] == [
        (2, "S1", "WBC", "number", 6.1, "6.10", "2026-11-20T08:30+08:00"), (3, "S2", "PLT", "none", None, "----", "2026-11-20"), (5, "S3", "HBsAg", "text", None, "阴性(-)", "2026-11-20T08:30:00+08:00"),
    ]  # fmt: skip
    assert found.refused == ()


def test_a_heading_is_what_can_be_seen_of_it() -> None:
    """What is mapped by hand comes without them, and a person sees none in the sheet either."""
    rows: list[list[object]] = [["\u200b条码\ufeff", " 项\u202e目\u202c ", "结果", "单位", "时间"], *ROWS[1:2]]
    sheet = read(workbook(rows))
    assert sheet.columns == ("条码", "项目", "结果", "单位", "时间")
    assert [result.specimen for result in preview(sheet, LONG).results] == ["S1"]


def test_results_one_specimen_a_row() -> None:
    sheet = Sheet((("no", "K", "Na"), ("S1", "4.1", "<120"), ("S2", "", "140"), ("S3",)), "csv")
    found = preview(sheet, Columns(patient="no", tests={"K": "2823-3", "Na": "2951-2"}))
    assert [(each.patient, each.code, each.test, each.value.number, each.value.comparator) for each in found.results] == [
        ("S1", "2823-3", "K", 4.1, ""), ("S1", "2951-2", "Na", 120, "<"), ("S2", "2951-2", "Na", 140, ""),
    ]  # fmt: skip
    assert [(each.row, each.reason) for each in found.refused] == [(4, "holds no value")]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (("", "K", "4"), "neither specimen"),
        (("S1", "", "4"), "no test"),
        (("S1", "K", ""), "no value"),
        (("S1", "K", "4", "", "yesterday"), "is no time"),
        (("S1", "K", "4", "", "2026-02-30"), "is no time"),
    ],
)
def test_rows_that_cannot_be_taken_are_listed(row: tuple[str, ...], reason: str) -> None:
    found = preview(Sheet((tuple(ROWS[0]), row, ("S9", "K", "4.0")), "csv"), LONG)
    assert [each.row for each in found.results] == [3]
    assert found.refused[0].row == 2
    assert reason in found.refused[0].reason


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (Columns(specimen="no such", code="项目", value="结果"), "no column no such"),
        (Columns(code="项目", value="结果"), "specimen or the patient"),
        (Columns(specimen="条码", code="项目"), "test and value"),
        (Columns(specimen="条码", tests={"K": "K"}), "no column K"),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused(columns: Columns, said: str) -> None:
    with pytest.raises(UnreadableSheet, match=said):
        preview(read(text().encode()), columns)


def bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", b"x")
        packed.infolist()[0].file_size = MAX_UNPACKED_BYTES + 1
    return out.getvalue()


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "no header"), (b"\n\n", "no header"), (b"\xff\xff\xff", "UTF-8"), (b"<html><table>", "web page"), (b"PK\x03\x04rubbish", "cannot be"), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 600, "cannot be read"), (b'a,b\n"x' + b"y" * MAX_CELL, "more than"),
        (b"a" + b",b" * MAX_SHEET_COLUMNS, "columns"),
    ],
)  # fmt: skip
def test_what_is_no_sheet_is_refused(raw: bytes, said: str) -> None:
    with pytest.raises(UnreadableSheet, match=said):
        read(raw)


def test_a_workbook_that_unpacks_to_too_much_is_refused() -> None:
    with pytest.raises(UnreadableSheet, match="unpacks to"):
        read(bomb())


def test_a_named_character_set_is_kept_to() -> None:
    assert read("条码,结果\nS1,乗".encode("gbk"), "GBK").rows[1] == ("S1", "乗")
    with pytest.raises(UnreadableSheet, match="is not in UTF-8"):
        read("条码".encode("gbk"), "UTF-8")
    with pytest.raises(UnreadableSheet, match="not read here"):
        read(b"a", "KLINGON")


@given(
    st.lists(
        st.lists(
            st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters='"'), max_size=8),
            min_size=2,
            max_size=4,
        ),
        min_size=1,
        max_size=6,
    )
)
def test_what_is_written_as_csv_is_read(rows: list[list[str]]) -> None:
    raw = "\n".join(",".join(f'"{cell}"' for cell in row) for row in [["a", "b", "c", "d"], *rows]).encode()
    got = read(raw).rows[1:]
    for row, seen in zip(rows, got, strict=True):
        wanted = [cell.strip() for cell in row]
        while wanted and not wanted[-1]:
            wanted.pop()
        assert list(seen) == wanted


@given(st.binary(max_size=300), st.sampled_from([b"", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"a,b\n"]))
def test_any_bytes_are_read_or_refused(raw: bytes, begins: bytes) -> None:
    assert read_or_refused(begins + raw)


def test_damaged_workbooks_are_read_or_refused() -> None:
    good, dice = workbook([["a", "b"], [1, 2]]), random.Random(5)
    for _ in range(30 * TIMES):
        raw = bytearray(good)
        for _ in range(dice.randint(1, 8)):
            raw[dice.randrange(4, len(raw))] = dice.randrange(256)
        assert read_or_refused(bytes(raw))


def read_or_refused(raw: bytes) -> Sheet | str:
    try:
        return read(raw)
    except LabError as error:
        return error.reason


@pytest.mark.parametrize(
    ("heading", "unit"),
    [("K(mmol/L)", "mmol/L"), ("钾（mmol/L）", "mmol/L"), ("WBC [10^9/L] ", "10^9/L"), ("K", ""), ("K (mmol/L) old", ""), ("(a) K", "")],
)
def test_the_unit_of_a_tests_own_column_stands_in_its_heading(heading: str, unit: str) -> None:
    sheet = Sheet((("no", heading), ("T1", "4.1")), "csv")
    (result,) = preview(sheet, Columns(specimen="no", tests={heading: "2823-3"})).results
    assert result.unit == unit
