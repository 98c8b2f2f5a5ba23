"""Tables as files: Excel reads them, and no text in them is ever a formula."""

from __future__ import annotations

import csv
import io

import pytest
from openpyxl import load_workbook
from pypdf import PdfReader

from telemed.adapters.printing.table_export import to_csv, to_pdf, to_xlsx
from telemed.service.table_export import Column, Sheet, SheetTable

DANGEROUS = ("=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://example.invalid")', "\t=1", "\r=1")


def sheet(*rows: list[object], title: str = "机构 [1]/2") -> Sheet:
    table = SheetTable(title, (Column("名称"), Column("数量", number=True)), rows)  # type: ignore[arg-type]  # rows of a test
    return Sheet("月度通报", "2026-11", (table,), "zh-CN", "本月没有数据。")


def test_csv_begins_with_the_mark_that_excel_wants() -> None:
    content = to_csv(sheet(["张伟，影像", 1234], ["a\nb", None]))
    assert content.startswith(b"\xef\xbb\xbf")
    lines = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert ["张伟，影像", "1234"] in lines
    assert ["a\nb", ""] in lines


@pytest.mark.parametrize("text", DANGEROUS)
def test_no_text_is_a_formula(text: str) -> None:
    (line,) = [line for line in csv.reader(io.StringIO(to_csv(sheet([text, 7])).decode("utf-8-sig"), newline="")) if "7" in line]
    assert line[0] == "'" + text
    cell = load_workbook(io.BytesIO(to_xlsx(sheet([text, 7])))).worksheets[0].cell(4, 1)
    assert cell.data_type == "s"
    assert str(cell.value).strip() == text.strip()


def test_xlsx_keeps_numbers_as_numbers() -> None:
    worksheet = load_workbook(io.BytesIO(to_xlsx(sheet(["A", 1234567])))).worksheets[0]
    assert worksheet.cell(4, 2).value == 1234567
    assert worksheet.title == "机构 -1--2"


def test_pdf_has_the_words_and_repeats_the_head() -> None:
    pages = PdfReader(io.BytesIO(to_pdf(sheet(*([f"第 {n} 家机构", n] for n in range(120)))))).pages
    assert len(pages) > 1
    assert all("数量" in page.extract_text() for page in pages)
    assert "第 119 家机构" in pages[-1].extract_text()
    assert round(float(pages[0].mediabox.width)) == 842


def test_an_empty_table_says_so() -> None:
    assert "本月没有数据。" in PdfReader(io.BytesIO(to_pdf(sheet()))).pages[0].extract_text()
    assert load_workbook(io.BytesIO(to_xlsx(sheet()))).worksheets[0].max_row == 3


def test_the_same_sheet_gives_the_same_pdf() -> None:
    assert to_pdf(sheet(["A", 1])) == to_pdf(sheet(["A", 1]))
