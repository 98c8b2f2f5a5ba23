"""Image quality: each fault lowers its own dimension, with its place on the image; good images score high."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from dicom_gateway.header import read_header
from dicom_gateway.pixels.decode import PIXEL_ELEMENT_HEAD
from dicom_gateway.quality import LIMITS, Assessment, Dimension, Evidence, ImageMeasures, assess, measure_image, series_facts
from dicom_gateway.quality.lines import dead_lines, stripe_power
from dicom_gateway.scanner import scan
from tests.dicom_gateway.objects import ct_slice, part10_of

SERIES = str(generate_uid())
STUDY = str(generate_uid())


def head_phantom(number: int = 1, shift: float = 0.0) -> np.ndarray:
    """A disc of tissue with detail and noise in air, in HU."""
    rng = np.random.default_rng(number)
    rows, columns = np.mgrid[0:256, 0:256]
    body = (rows - 128) ** 2 + (columns - 128 - shift) ** 2 < 90**2
    tissue = 40 + 30 * np.sin(columns / 7) + rng.normal(0, 8, body.shape)
    return np.where(body, tissue, -990 + rng.normal(0, 6, body.shape)).round()


def slice_of(number: int, pixels: np.ndarray | None = None, **attributes: Any) -> Dataset:
    units = head_phantom(number) if pixels is None else pixels
    geometry = {"ImageOrientationPatient": [1, 0, 0, 0, 1, 0], "ImagePositionPatient": [0, 0, number * 5.0], "FrameOfReferenceUID": SERIES}
    made = ct_slice(**{"SeriesInstanceUID": SERIES, "StudyInstanceUID": STUDY, "InstanceNumber": number, **geometry})
    made.PixelSpacing, made.SliceThickness = ["0.5", "0.5"], "5"
    made.Rows, made.Columns = units.shape
    made.PixelData = np.clip(units + 1024, 0, 4095).astype("<u2").tobytes()
    for keyword, value in attributes.items():
        if value is None:
            delattr(made, keyword)
        else:
            setattr(made, keyword, value)
    return made


def radiograph(pixels: np.ndarray, **attributes: Any) -> Dataset:
    made = slice_of(1, np.zeros((4, 4)))
    made.Modality, made.BodyPartExamined, made.ViewPosition = "DX", "CHEST", "PA"
    del made.ImageOrientationPatient, made.ImagePositionPatient, made.RescaleIntercept, made.RescaleSlope
    made.Rows, made.Columns = pixels.shape
    made.PixelData = np.clip(pixels, 0, 4095).astype("<u2").tobytes()
    made.PixelSpacing = ["0.15", "0.15"]
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made


def chest() -> np.ndarray:
    rng = np.random.default_rng(5)
    rows, columns = np.mgrid[0:400, 0:320]
    return 1500 + 800 * np.sin(rows / 60) * np.cos(columns / 45) + 120 * np.sin(columns / 3) + rng.normal(0, 15, rows.shape)


def assessed(*objects: Dataset) -> Assessment:
    heads, measures = [], []
    for part10 in map(part10_of, objects):
        found = scan(part10)
        header = read_header(found)
        assert found.pixel_data is not None
        assert header.frames is not None
        heads.append(part10[: found.pixel_data.element_offset + PIXEL_ELEMENT_HEAD])
        place = header.frames.place(0)
        encoded = part10[place.offset : place.offset + place.length]
        measures.append(measure_image(heads[-1], encoded, place.skip_bits, header.series_instance_uid, header.sop_instance_uid))
    return assess(series_facts(heads), measures)


def found(assessment: Assessment, measure: str) -> Evidence:
    return next(e for score in assessment.scores.values() for e in score.evidence if e.measure == measure)


def test_a_good_series_scores_high_everywhere() -> None:
    assessment = assessed(*(slice_of(n) for n in range(1, 7)))
    assert {d: s.value for d, s in assessment.scores.items() if s.value is None or s.value < 90} == {}
    assert assessment.images == 6


def test_a_good_radiograph_and_what_needs_a_trained_eye() -> None:
    scores = assessed(radiograph(chest())).scores
    assert {d.value: s.reason for d, s in scores.items() if s.value is None} == {"positioning": "needs-model", "anatomy": "needs-model"}
    assert min(s.value for s in scores.values() if s.value is not None) >= 90


def _dead_row() -> list[Dataset]:
    pixels = chest()
    pixels[100], pixels[:, 200] = 0, 4095
    return [radiograph(pixels)]


def _stripes() -> list[Dataset]:
    return [radiograph(chest() + 60 * np.sin(np.arange(400)[:, None] * 2 * np.pi / 5))]


Case = tuple[str, Dimension, str, Callable[[], list[Dataset]]]
FAULTS: tuple[Case, ...] = (
    ("dead lines", Dimension.ARTEFACT, "dead-lines", _dead_row),
    ("stripes", Dimension.ARTEFACT, "stripes", _stripes),
    ("samples against photometric", Dimension.ARTEFACT, "photometric-conflict", lambda: [slice_of(1, PhotometricInterpretation="RGB")]),
    ("blank", Dimension.CONTRAST, "blank", lambda: [radiograph(np.full((64, 64), 7.0))]),
    ("overexposed by its index", Dimension.CONTRAST, "deviation-index", lambda: [radiograph(chest(), DeviationIndex="-4.1")]),
    ("clipped", Dimension.CONTRAST, "clipped", lambda: [radiograph(chest() * 3)]),
    ("flat", Dimension.CONTRAST, "contrast-range", lambda: [radiograph(2000 + chest() / 400)]),
    ("side missing", Dimension.LABELLING, "laterality-missing", lambda: [radiograph(chest(), BodyPartExamined="KNEE")]),
    ("side against the words", Dimension.LABELLING, "laterality-contradiction",
     lambda: [radiograph(chest(), BodyPartExamined="HAND", Laterality="L", SeriesDescription="右手正位")]),
    ("two sides", Dimension.LABELLING, "laterality-contradiction", lambda: [radiograph(chest(), Laterality="L", ImageLaterality="R")]),
    ("view missing", Dimension.LABELLING, "view-missing", lambda: [radiograph(chest(), ViewPosition="")]),
    ("name in the pixels", Dimension.LABELLING, "burned-in-annotation", lambda: [slice_of(1, BurnedInAnnotation="YES")]),
    ("patient missing", Dimension.LABELLING, "required-attributes-missing", lambda: [slice_of(1, PatientID="", PatientName="")]),
    ("number twice", Dimension.LABELLING, "duplicate-instances", lambda: [slice_of(1), slice_of(1)]),
    ("slice missing", Dimension.ANATOMY, "missing-slices", lambda: [slice_of(n) for n in (1, 2, 3, 5, 6)]),
    ("number missing", Dimension.ANATOMY, "missing-numbers", lambda: [slice_of(n, ImagePositionPatient=None) for n in (1, 2, 4)]),
    ("uneven", Dimension.ANATOMY, "uneven-spacing", lambda: [slice_of(n, ImagePositionPatient=[0, 0, z]) for n, z in enumerate((0, 5, 11, 15), 1)]),
    ("cut off by the field", Dimension.ANATOMY, "truncated", lambda: [slice_of(1, head_phantom(1, shift=-70))]),
    ("off centre", Dimension.POSITIONING, "off-centre", lambda: [slice_of(1, head_phantom(1, shift=36), PixelSpacing=["1.2", "1.2"])]),
    ("two orientations", Dimension.POSITIONING, "mixed-orientation", lambda: [slice_of(1), slice_of(2, ImageOrientationPatient=[1, 0, 0, 0, 0, -1])]),
    ("collimated to nothing", Dimension.POSITIONING, "collimated-away",
     lambda: [radiograph(np.pad(chest()[:100, :100], 200, constant_values=0))]),
    ("coarse pixels", Dimension.RESOLUTION, "pixel-pitch", lambda: [radiograph(chest(), PixelSpacing=["0.4", "0.4"])]),
    ("thick slices", Dimension.RESOLUTION, "slice-thickness", lambda: [slice_of(1, SliceThickness="10")]),
    ("compressed to mush", Dimension.RESOLUTION, "lossy-ratio", lambda: [slice_of(1, LossyImageCompressionRatio="50")]),
    ("blurred", Dimension.RESOLUTION, "sharpness", lambda: [radiograph(1500 + 800 * np.sin(np.mgrid[0:400, 0:320][0] / 90))]),
)  # fmt: skip


@pytest.mark.parametrize(("name", "dimension", "measure", "made"), FAULTS, ids=[fault[0] for fault in FAULTS])
def test_a_fault_lowers_its_dimension(name: str, dimension: Dimension, measure: str, made: Callable[[], list[Dataset]]) -> None:
    assessment = assessed(*made())
    score = assessment.scores[dimension]
    assert score.value is not None
    assert score.value < 80
    assert found(assessment, measure).score == score.value
    assert score.evidence[0].score == score.value  # the weakest stands first


def test_the_dead_lines_are_drawn_where_they_are() -> None:
    shapes = {(s.x, s.y, s.width, s.height) for s in found(assessed(*_dead_row()), "dead-lines").shapes}
    assert shapes == {(0, 100, 320, 1), (200, 0, 1, 400)}


def test_the_localizer_is_no_second_orientation() -> None:
    localizer = slice_of(1, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"], ImageOrientationPatient=[0, 1, 0, 0, 0, -1])
    assert assessed(localizer, *(slice_of(n) for n in range(2, 6))).scores[Dimension.POSITIONING].value == 100


def test_pixels_that_are_not_all_there() -> None:
    whole = slice_of(1)
    whole.PixelData = whole.PixelData[: len(whole.PixelData) // 2]
    part10 = part10_of(whole)
    pixels = scan(part10).pixel_data
    assert pixels is not None
    facts = series_facts([part10[: pixels.element_offset + PIXEL_ELEMENT_HEAD]])
    assert facts[0].shortfall == pytest.approx(0.5)
    assert assess(facts, []).scores[Dimension.ARTEFACT].value == 0


def test_unreadable_pixels_are_not_assessed_and_say_so() -> None:
    facts = series_facts([part10_of(slice_of(1))])
    score = assess(facts, [ImageMeasures(SERIES, "1.2", "CT", failure="no decoder")]).scores[Dimension.CONTRAST]
    assert (score.value, score.reason) == (None, "pixels-unreadable")


def test_presentation_states_and_reports_are_not_assessed() -> None:
    assessment = assessed(slice_of(1, Modality="PR"))
    assert all(score.value is None for dimension, score in assessment.scores.items() if dimension is not Dimension.ARTEFACT)


def test_an_assessment_survives_storing() -> None:
    assessment = assessed(*_dead_row())
    assert Assessment.from_json(json.loads(json.dumps(assessment.as_json()))) == assessment


def test_every_limit_names_its_source_and_points_one_way() -> None:
    for limit in LIMITS.values():
        assert limit.source
        assert limit.good != limit.bad
        assert (limit.score(limit.good), limit.score(limit.bad)) == (100, 0)


@given(seed=st.integers(0, 10_000), rows=st.integers(40, 120), row=st.integers(2, 30))
@settings(max_examples=40, deadline=None)
def test_noise_has_no_dead_line_and_a_dead_line_in_noise_is_found(seed: int, rows: int, row: int) -> None:
    noise = np.random.default_rng(seed).normal(1000, 20, (rows, 90))
    assert dead_lines(noise) == []
    noise[row] = 400
    assert dead_lines(noise) == [row]


@given(seed=st.integers(0, 10_000), period=st.integers(3, 12))
@settings(max_examples=40, deadline=None)
def test_stripes_stand_out_of_noise(seed: int, period: int) -> None:
    noise = np.random.default_rng(seed).normal(1000, 20, (256, 200))
    striped = noise + 40 * np.sin(np.arange(256)[:, None] * 2 * np.pi / period)
    assert stripe_power(noise) < LIMITS["stripes"].good < stripe_power(striped)


@given(content=st.binary(max_size=400))
@settings(max_examples=60, deadline=None)
def test_nonsense_is_a_failure_in_words_never_an_exception(content: bytes) -> None:
    assert measure_image(content, content, 0, "1", "2").failure
    assert series_facts([content]) == []
