"""Drawings are to scale, measured in the SVG and the PDF themselves, and the same on paper and screen."""

from __future__ import annotations

import io
import itertools
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pypdf
import pytest
from defusedxml import ElementTree
from hypothesis import given, settings
from hypothesis import strategies as st

import ecg
from ecg.drawing import (
    FILTERS,
    GAINS,
    LAYOUTS,
    SPEEDS,
    Drawing,
    Filter,
    Header,
    Lines,
    MedianBeats,
    Polyline,
    Sheet,
    Text,
    Words,
    draw,
    draw_median,
    filtered,
    to_json,
    to_pdf,
    to_svg,
    with_notch,
)
from ecg.leads import STANDARD_12
from ecg.synthesis import QUIET, resting

RAW = FILTERS["none"]
Points = np.ndarray


def square_wave(rate: float = 500.0, seconds: float = 10.0) -> ecg.Recording:
    """1 mV steps, exactly one second apart, in every lead."""
    at = np.arange(round(rate * seconds)) / rate
    samples = np.tile(np.where(at % 2 < 1, 0.0, 1000.0).astype(np.float32), (12, 1))
    return ecg.Recording(STANDARD_12, samples, rate)


def svg_lines(text: str, style: str) -> list[Points]:
    """Polylines of a style in the SVG, millimetres."""
    root = ElementTree.fromstring(text)
    assert root.get("viewBox") == f"0 0 {root.get('width', '').removesuffix('mm')} {root.get('height', '').removesuffix('mm')}"
    paths = [path.get("d", "") for path in root.iter("{http://www.w3.org/2000/svg}path") if path.get("class") == style]
    found = []
    for path in paths:
        for part in path.split("M")[1:]:
            numbers = [float(number) for number in re.findall(r"-?[\d.]+", part)]
            found.append(np.array(numbers).reshape(-1, 2))
    return found


def pdf_lines(content: bytes, width: float) -> list[Points]:
    """Polylines whose pen has this width, in millimetres on the page, through every transformation."""
    reader = pypdf.PdfReader(io.BytesIO(content))
    page = reader.pages[0]
    stream = pypdf.generic.ContentStream(page["/Contents"].get_object(), reader)
    matrix, saved = np.eye(3), []
    lines: list[Points] = []
    points: list[tuple[float, float]] = []
    pen = 0.0
    for operands, operator in stream.operations:
        numbers = [float(operand) for operand in operands if isinstance(operand, (int, float))]
        if operator == b"q":
            saved.append((matrix, pen))
        elif operator == b"Q":
            matrix, pen = saved.pop()
        elif operator == b"cm":
            a, b, c, d, e, f = numbers
            matrix = np.array([[a, b, 0], [c, d, 0], [e, f, 1]]) @ matrix
        elif operator == b"w":
            pen = numbers[0]
        elif operator in (b"m", b"l"):
            if operator == b"m" and points:
                lines.append(np.array(points))
                points = []
            x, y, _ = np.array([*numbers, 1]) @ matrix
            points.append((x * 25.4 / 72, y * 25.4 / 72))
        elif operator == b"S":
            if points and pen == pytest.approx(width, abs=1e-6):
                lines.append(np.array(points))
            lines, points = (lines, []) if pen == pytest.approx(width, abs=1e-6) else ([*lines], [])
    return [line for line in lines if len(line) > 2]


def steps(line: Points) -> tuple[Points, Points]:
    """Places and heights of a square wave's steps."""
    jumps = np.flatnonzero(np.abs(np.diff(line[:, 1])) > 2)
    return line[jumps, 0], np.abs(np.diff(line[:, 1]))[jumps]


@pytest.mark.parametrize(("speed", "gain"), list(itertools.product(SPEEDS, GAINS)))
def test_svg_is_to_scale(speed: float, gain: float) -> None:
    drawing = draw(square_wave(), Sheet("3x4+1", speed, gain, RAW))
    rhythm = max(svg_lines(to_svg(drawing), "trace"), key=lambda line: np.ptp(line[:, 0]))
    places, heights = steps(rhythm)
    np.testing.assert_allclose(np.diff(places), speed, atol=0.02)
    np.testing.assert_allclose(heights, gain, atol=0.02)


@pytest.mark.parametrize(("speed", "gain"), [(25.0, 10.0), (50.0, 20.0), (12.5, 5.0)])
def test_pdf_is_to_scale_on_the_printed_page(speed: float, gain: float) -> None:
    content = to_pdf([draw(square_wave(), Sheet("12x1", speed, gain, RAW))])
    page = pypdf.PdfReader(io.BytesIO(content)).pages[0]
    assert float(page.mediabox.width) * 25.4 / 72 == pytest.approx(297, abs=0.01)
    assert float(page.mediabox.height) * 25.4 / 72 == pytest.approx(210, abs=0.01)
    longest = max(pdf_lines(content, 0.22), key=lambda line: np.ptp(line[:, 0]))
    places, heights = steps(longest)
    assert len(places) >= 3
    np.testing.assert_allclose(np.diff(places), speed, atol=0.02)
    np.testing.assert_allclose(heights, gain, atol=0.02)


def test_the_grid_has_a_line_every_millimetre_and_a_bold_one_every_five() -> None:
    svg = to_svg(draw(square_wave(), Sheet()))
    bold = sorted({line[0, 0] for line in svg_lines(svg, "grid-bold") if line[0, 0] == line[1, 0]})
    fine = sorted({line[0, 0] for line in svg_lines(svg, "grid") if line[0, 0] == line[1, 0]})
    assert set(np.round(np.diff(bold), 6)) == {5.0}
    assert set(np.round(np.diff(sorted([*bold, *fine])), 6)) == {1.0}


@pytest.mark.parametrize(("speed", "gain"), list(itertools.product(SPEEDS, GAINS)))
def test_the_calibration_pulse_is_1_mv_and_200_ms_on_the_grid(speed: float, gain: float) -> None:
    drawing = draw(square_wave(), Sheet("3x4+1", speed, gain, RAW))
    pulses = svg_lines(to_svg(drawing), "calibration")
    assert len(pulses) == 4
    for pulse in pulses:
        assert np.ptp(pulse[:, 1]) == pytest.approx(gain, abs=0.011)
        assert pulse[3, 0] - pulse[2, 0] == pytest.approx(0.2 * speed, abs=0.011)
    assert all(strip.y in {pulse[0, 1] for pulse in pulses} for strip in drawing.strips)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_lead_is_drawn_where_its_strip_says(layout: str) -> None:
    recording = resting(noise=QUIET).recording
    sheet = Sheet(layout, filter=RAW)
    drawing = draw(recording, sheet)
    assert {strip.lead for strip in drawing.strips} == set(STANDARD_12)
    assert {item.text for item in drawing.items if isinstance(item, Text)} >= set(STANDARD_12)
    lines = [item.points for item in drawing.items if isinstance(item, Polyline) and item.style == "trace"]
    assert len(lines) == len(drawing.strips)
    for strip, line in zip(drawing.strips, lines, strict=True):
        lead = recording.lead(strip.lead)
        seconds = strip.begin + (line[:, 0] - strip.x) / drawing.speed
        millivolts = (strip.y - line[:, 1]) / drawing.gain
        expected = (lead - np.median(lead)) / 1000
        np.testing.assert_allclose(millivolts, np.interp(seconds, np.arange(lead.size) / 500, expected), atol=0.02)
        assert np.ptp(line[:, 0]) == pytest.approx(strip.width, abs=0.1)


def test_columns_follow_each_other_in_time() -> None:
    drawing = draw(resting().recording, Sheet("3x4+1"))
    begins = [strip.begin for strip in drawing.strips]
    assert begins == [0.0] * 3 + [2.5] * 3 + [5.0] * 3 + [7.5] * 3 + [0.0]
    assert drawing.strips[-1].lead == "II"


def test_other_leads_are_rows_and_time_can_be_chosen() -> None:
    recording = replace(square_wave(seconds=60), leads=tuple(f"L{n}" for n in range(12)))
    drawing = draw(recording, Sheet("3x4+1", begin=30))
    assert [strip.lead for strip in drawing.strips] == [f"L{n}" for n in range(12)]
    assert {strip.begin for strip in drawing.strips} == {30.0}
    with pytest.raises(ValueError, match="beyond"):
        draw(recording, Sheet(begin=60))


def test_missing_samples_and_what_leaves_the_sheet_are_gaps() -> None:
    recording = square_wave()
    recording.samples[:, 1000:1500] = np.nan
    recording.samples[:, 3000] = 9e6
    drawing = draw(recording, Sheet("12x1", filter=RAW))
    lines = [item.points for item in drawing.items if isinstance(item, Polyline) and item.style == "trace"]
    assert len(lines) == 36
    for line in lines:
        assert np.isfinite(line).all()
        assert line[:, 1].min() >= 0
        assert line[:, 1].max() <= 210


def test_a_recording_of_nothing_is_drawn_as_paper() -> None:
    recording = square_wave()
    recording.samples[:] = np.nan
    for sheet in (Sheet(filter=RAW), Sheet()):
        assert not [item for item in draw(recording, sheet).items if isinstance(item, Polyline) and item.style == "trace"]


def test_dense_samples_keep_their_extremes() -> None:
    recording = resting(rate=20_000.0, seconds=5, noise=QUIET).recording
    drawing = draw(recording, Sheet("12x1", 12.5, filter=RAW))
    lines = [item.points for item in drawing.items if isinstance(item, Polyline) and item.style == "trace"]
    for strip, line in zip(drawing.strips, lines, strict=True):
        lead = recording.lead(strip.lead) - np.median(recording.lead(strip.lead))
        assert len(line) < lead.size / 5
        assert (strip.y - line[:, 1].min()) / 10 == pytest.approx(lead.max() / 1000, abs=0.02)


@pytest.mark.parametrize(
    ("chosen", "printed"),
    [
        (FILTERS["none"], "as recorded"),
        (FILTERS["diagnostic"], "0.05-150 Hz"),
        (FILTERS["baseline"], "0.67-150 Hz"),
        (FILTERS["muscle"], "0.67-40 Hz  (not diagnostic)"),
        (with_notch(FILTERS["diagnostic"], 50), "0.05-150 Hz  notch 50 Hz"),
    ],
)
def test_the_filter_in_use_is_printed(chosen: Filter, printed: str) -> None:
    svg = to_svg(draw(resting().recording, Sheet(filter=chosen)))
    assert f"25 mm/s   10 mm/mV   {printed}<" in svg


def test_a_low_pass_that_the_rate_does_not_allow_is_not_claimed() -> None:
    svg = to_svg(draw(resting(rate=200).recording, Sheet(filter=FILTERS["diagnostic"])))
    assert "0.05-150" not in svg
    assert "&gt; 0.05 Hz" in svg


def sine(frequency: float, rate: float = 1000.0) -> Points:
    wave: Points = np.sin(2 * np.pi * frequency * np.arange(round(60 * rate)) / rate).astype(np.float32)[None] * 1000
    return wave


def gain_at(frequency: float, chosen: Filter) -> float:
    out = filtered(sine(frequency), 1000.0, chosen)[0, 20_000:40_000]
    return float(np.ptp(out)) / 2000


@pytest.mark.parametrize(("chosen", "frequency"), [(Filter(0.67), 0.67), (Filter(None, 40.0), 40.0), (Filter(None, 150.0), 150.0)])
def test_filters_attenuate_by_3_db_at_their_frequency(chosen: Filter, frequency: float) -> None:
    assert gain_at(frequency, chosen) == pytest.approx(10 ** (-3 / 20), abs=0.02)
    assert gain_at(10.0, chosen) == pytest.approx(1, abs=0.01)


def test_the_notch_takes_out_mains_and_nothing_beside_it() -> None:
    notch = with_notch(FILTERS["none"], 50)
    assert gain_at(50.0, notch) < 0.01
    assert gain_at(40.0, notch) > 0.97


def test_filters_do_not_shift_the_qrs() -> None:
    recording = resting(noise=QUIET).recording
    shown = filtered(recording.samples, 500.0, FILTERS["baseline"])
    row = recording.leads.index("V5")
    assert abs(int(shown[row].argmax()) - int(recording.samples[row].argmax())) <= 1


def test_filters_leave_gaps_as_gaps() -> None:
    samples = resting().recording.samples.copy()
    samples[:, 700:900] = np.nan
    shown = filtered(samples, 500.0, FILTERS["diagnostic"])
    np.testing.assert_array_equal(np.isnan(shown), np.isnan(samples))


CHINESE = Header("十二导联心电图", [("姓名", "张梅"), ("编号", "P-1")], [("心率", "72 次/分")], ["窦性心律", '<正常> & "完"'])


def test_svg_keeps_any_text() -> None:
    sheet = Sheet(filter=FILTERS["muscle"], words=Words("未滤波", "陷波", "非诊断级"))
    root = ElementTree.fromstring(to_svg(draw(resting().recording, sheet, CHINESE)))
    texts = {"".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"十二导联心电图", "姓名 张梅", "心率 72 次/分", '<正常> & "完"'} <= texts
    assert any("非诊断级" in text for text in texts)


def cjk_font() -> Path | None:
    """Any TrueType font with Chinese letters that the machine or a package has."""
    places = [Path("/usr/share/fonts"), Path(pypdf.__file__).parents[1]]
    names = ("*wqy*.tt?", "*NotoSansSC*.ttf", "*SourceHanSans*.ttf", "*DroidSansFallback*.ttf", "*SimHei*.ttf", "*CJK*.ttf")
    return next((path for place in places for name in names for path in place.rglob(name)), None)


@pytest.mark.skipif(cjk_font() is None, reason="no TrueType font with Chinese letters is installed on this machine")
def test_pdf_embeds_the_callers_font() -> None:
    content = to_pdf([draw(resting().recording, Sheet(), CHINESE)], font=cjk_font())
    page = pypdf.PdfReader(io.BytesIO(content)).pages[0]
    assert "窦性心律" in page.extract_text()
    fonts = [font.get_object() for font in page["/Resources"].get_object()["/Font"].values()]
    assert any("/FontFile2" in str(font.get("/FontDescriptor", {}).get_object()) for font in fonts if "/FontDescriptor" in font)


def test_pdf_has_a_page_each_and_the_same_bytes_each_time() -> None:
    drawings = [draw(resting(kind).recording, Sheet(), Header(kind)) for kind in ("sinus", "bigeminy")]
    content = to_pdf(drawings)
    reader = pypdf.PdfReader(io.BytesIO(content))
    assert len(reader.pages) == 2
    assert "bigeminy" in reader.pages[1].extract_text()
    assert content == to_pdf(drawings)
    with pytest.raises(ValueError, match="no drawing"):
        to_pdf([])


def test_the_screen_gets_what_the_paper_gets() -> None:
    drawing = draw(resting().recording, Sheet())
    data = json.loads(json.dumps(to_json(drawing)))
    assert (data["width"], data["height"], data["speed"], data["gain"]) == (297, 210, 25, 10)
    assert len(data["items"]) == len(drawing.items)
    assert {item["style"] for item in data["items"]} <= set(data["styles"])
    for item, shown in zip(drawing.items, data["items"], strict=True):
        if isinstance(item, Polyline):
            np.testing.assert_allclose(np.reshape(shown["points"], (-1, 2)), item.points, atol=0.006)
        elif isinstance(item, Lines):
            np.testing.assert_allclose(np.reshape(shown["points"], (-1, 4)), item.ends, atol=0.006)
    assert [strip["lead"] for strip in data["strips"]] == [strip.lead for strip in drawing.strips]


def test_median_beats_are_to_scale_with_their_marks() -> None:
    samples = np.zeros((12, 500), np.float32)
    samples[:, 200:250] = 1000
    drawing = draw_median(MedianBeats(STANDARD_12, samples, 500, {"QRS onset": 200, "QRS end": 250}), title="Median")
    assert drawing.speed == 50
    lines = [item.points for item in drawing.items if isinstance(item, Polyline) and item.style == "trace"]
    assert len(lines) == 12
    for line in lines:
        assert np.ptp(line[:, 1]) == pytest.approx(10)
    marks = np.concatenate([item.ends for item in drawing.items if isinstance(item, Lines) and item.style == "marker"])
    assert len(marks) == 24
    strip = drawing.strips[0]
    np.testing.assert_allclose(sorted(marks[:, 0])[:1], strip.x + 0.4 * 50)
    with pytest.raises(ValueError, match="fit"):
        draw_median(MedianBeats(("I",), np.zeros((1, 9000), np.float32), 500, {}))


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(sorted(LAYOUTS)), st.sampled_from(SPEEDS), st.sampled_from(GAINS), st.floats(100, 420),
    st.floats(80, 420), st.lists(st.tuples(st.text(max_size=30), st.text(max_size=200)), max_size=40),
)  # fmt: skip
def test_any_sheet_keeps_its_items_on_the_paper(
    layout: str, speed: float, gain: float, width: float, height: float, pairs: list[tuple[str, str]]
) -> None:
    sheet = Sheet(layout, speed, gain, RAW, width=width, height=height)
    drawing = draw(resting(seconds=3).recording, sheet, Header("title", pairs, pairs, [text for _, text in pairs]))
    assert isinstance(drawing, Drawing)
    ElementTree.fromstring(to_svg(drawing))
    for item in drawing.items:
        if isinstance(item, Text):
            assert 0 <= item.x <= width
            assert 0 <= item.y <= height
        elif isinstance(item, Polyline) and item.style == "trace":
            assert item.points[:, 0].max() <= width
            assert item.points[:, 1].max() <= height


@pytest.mark.parametrize("wrong", [{"layout": "5x5"}, {"speed": 30.0}, {"gain": 7.0}, {"width": 10.0}, {"margin": -1.0}, {"begin": -1.0}])
def test_a_sheet_that_cannot_be(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"choose|sheet|layout"):
        Sheet(**wrong)  # type: ignore[arg-type]  # each case is wrong in one argument
