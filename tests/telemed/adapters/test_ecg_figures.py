"""Figures of a printed report: a ruler on the paper measures what was sent; the signatures stand on the page of the words."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pypdf
import pytest

from ecg import pyramid
from telemed.adapters.printing.report_document import Figure, Stroke, Table, UnprintableReport
from telemed.adapters.printing.report_figures import FIGURE_HEIGHT_MM, FIGURE_WIDTH_MM
from telemed.adapters.printing.report_pdf import render_report
from telemed.adapters.signatures.pades import _signature_page
from telemed.centres.ecg.adapters.drawing import SheetOrder, StripOrder, TrendOrder, draw_sheet, draw_strip_sheets, draw_trend_sheet
from tests.ecg.test_drawing import pdf_lines
from tests.telemed.test_report_pdf import document

pytestmark = pytest.mark.database

POINTS_A_MM = 72 / 25.4
LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")


def numbers(samples: np.ndarray) -> bytes:
    """Samples as the store keeps them on the finest level."""
    content, chain = b"".join(pyramid.pieces(samples)), pyramid.levels(*samples.shape)
    place = pyramid.stretch(chain, len(samples), 0, 0, samples.shape[1])
    here = content[place.offset : place.offset + place.length]
    return pyramid.cut(here, place, 1, len(samples), 0, samples.shape[1]).tobytes()


def pulses(seconds: float, rate: float, leads: int) -> np.ndarray:
    """A millivolt for half of each second."""
    at = np.arange(int(seconds * rate)) / rate
    return np.tile(np.where(at % 1 < 0.5, 1000.0, 0.0).astype(np.float32), (leads, 1))


def test_a_ruler_on_the_printed_page_gives_25_mm_a_second_and_10_mm_a_millivolt() -> None:
    figure = draw_sheet(SheetOrder(LEADS, 500.0, numbers(pulses(10, 500.0, 12))))
    content = render_report(document(figures=(figure,)))
    page = pypdf.PdfReader(io.BytesIO(content)).pages[-1]
    assert float(page.mediabox.width) > float(page.mediabox.height)
    rhythm = max(longest_strokes(figure), key=lambda stroke: np.ptp(stroke[:, 0]))
    falls = np.flatnonzero(np.diff(rhythm[:, 1]) > 5)
    assert np.diff(rhythm[falls, 0]) == pytest.approx(25.0, abs=0.2)  # one second apart
    width = 0.22
    printed = max((line for line in pdf_lines(content, width)), key=lambda line: np.ptp(line[:, 0])) if pdf_lines(content, width) else None
    if printed is not None:
        assert np.ptp(printed[:, 0]) / POINTS_A_MM == pytest.approx(np.ptp(rhythm[:, 0]), rel=1e-3)
    heights = rhythm[:, 1]
    assert np.median(heights[heights > heights.mean()]) - np.median(heights[heights < heights.mean()]) == pytest.approx(10.0, abs=0.3)


def longest_strokes(figure: Figure) -> list[np.ndarray]:
    return [np.array(stroke.points).reshape(-1, 2) for stroke in figure.strokes if len(stroke.points) > 1000]


def test_strips_take_as_many_pages_as_they_need_and_say_when() -> None:
    samples = numbers(pulses(8, 250.0, 3))
    strips = [StripOrder(("V5", "V1", "aVF"), 250.0, samples, f"15:0{n}:00 停搏") for n in range(7)]
    pages = draw_strip_sheets(strips)
    assert len(pages) > 1
    said = [lettering.text for page in pages for lettering in page.letterings]
    assert [text for text in said if "停搏" in text] == [strip.label for strip in strips]
    assert all(page.width <= FIGURE_WIDTH_MM and page.height <= FIGURE_HEIGHT_MM for page in pages)


def test_gaps_in_a_trend_are_no_lines() -> None:
    charts = (("心率", (("平均", (60.0, 61.0, None, None, 70.0, 71.0)),), 60.0, 0, None),)
    figure = draw_trend_sheet(TrendOrder(charts, ("08:00", "08:06")))
    curves = [
        stroke
        for stroke in figure.strokes
        if stroke.colour == "#101010" and len(stroke.points) == 4 and stroke.points[1] != stroke.points[3]
    ]
    assert len(curves) == 2


def test_words_tables_and_figures_print_in_one_report_and_the_signatures_stand_below_the_words() -> None:
    figure = draw_sheet(
        SheetOrder(LEADS, 500.0, numbers(pulses(10, 500.0, 12)), ("", "2026-11-20 08:30"), (("PR", "158 ms"),), ("窦性心律",))
    )
    rows = tuple((f"{hour:02d}:00", "4000") for hour in range(60))
    printed = render_report(document(tables=(Table("逐时统计", ("时间", "心搏"), rows),), figures=(figure, figure)))
    reader = pypdf.PdfReader(io.BytesIO(printed))
    across = [float(page.mediabox.width) > float(page.mediabox.height) for page in reader.pages]
    assert across[-2:] == [True, True]
    assert not any(across[:-2])
    text = "".join(page.extract_text() for page in reader.pages)
    assert "59:00" in text
    assert "158 ms" in reader.pages[-1].extract_text()
    from pyhanko.pdf_utils.reader import PdfFileReader

    assert _signature_page(PdfFileReader(io.BytesIO(printed))) == len(reader.pages) - 3


def test_a_figure_larger_than_the_page_is_refused() -> None:
    figure = Figure(FIGURE_WIDTH_MM + 1, 100, (Stroke((0, 0, 1, 1), "#000000", 0.2),), ())
    with pytest.raises(UnprintableReport, match="figures"):
        render_report(replace(document(), figures=(figure,)))
