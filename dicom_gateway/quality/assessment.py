"""From figures to six scores: the weakest figure of a dimension is its score, as a chain is as strong as its weakest link."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from dicom_gateway.quality.facts import ImageFacts
from dicom_gateway.quality.limits import LIMITS
from dicom_gateway.quality.pixels import ImageMeasures
from dicom_gateway.quality.result import Assessment, Dimension, Evidence, Score, Shape
from dicom_gateway.quality.series import SeriesFigure, series_figures

REASONS = {
    Dimension.LABELLING: "no-header",
    Dimension.ARTEFACT: "no-pixels",
    Dimension.POSITIONING: "needs-model",
    Dimension.ANATOMY: "needs-model",
    Dimension.RESOLUTION: "no-figures",
    Dimension.CONTRAST: "no-pixels",
}
"""The reason given for a dimension without a single figure. Positioning and anatomy of a radiograph need a trained eye."""

BESIDE = frozenset({"PR", "KO", "SR", "SEG", "DOC", "RTSTRUCT", "RTPLAN", "RTDOSE", "REG"})
"""Modalities without pictures of their own: they stand beside the images and are not assessed."""

_FAULTS_ONLY = frozenset({"missing-numbers", "collimated-away"})
"""Figures that grade a dimension only where they find fault: nothing wrong with them is no sign of a good position."""


def assess(facts: Sequence[ImageFacts], measures: Sequence[ImageMeasures]) -> Assessment:
    """The scores of a study from the headers of its objects and the pixels of some of its images."""
    pictures = [each for each in facts if each.modality not in BESIDE]
    evidence: dict[Dimension, list[Evidence]] = defaultdict(list)
    for series in _by_series(pictures):
        modality = series[0].modality
        for figure in series_figures(series):
            _add_figure(evidence, figure, modality)
        mine = [each for each in measures if each.series == series[0].series and not each.failure]
        _add_pixels(evidence, mine, modality)
    failures = sorted({each.failure for each in measures if each.failure})
    scores = {dimension: _score(dimension, evidence[dimension], failures) for dimension in Dimension}
    return Assessment(scores, sum(not each.failure for each in measures))


def _by_series(facts: Iterable[ImageFacts]) -> list[list[ImageFacts]]:
    found: dict[str, list[ImageFacts]] = defaultdict(list)
    for each in facts:
        found[each.series].append(each)
    return list(found.values())


def _add_figure(evidence: dict[Dimension, list[Evidence]], figure: SeriesFigure, modality: str) -> None:
    limit = LIMITS[figure.measure]
    if limit.applies_to(modality):
        score = limit.score(figure.value)
        evidence[limit.dimension].append(
            Evidence(figure.measure, round(float(figure.value), 4), limit.unit, score, figure.series, detail=figure.detail)
        )


def _add_pixels(evidence: dict[Dimension, list[Evidence]], images: Sequence[ImageMeasures], modality: str) -> None:
    """Each measure of a series once: by its median image or by its worst, as the table says."""
    for name in sorted({name for image in images for name in image.values}):
        limit = LIMITS[name]
        if not limit.applies_to(modality):
            continue
        have = sorted((image for image in images if name in image.values), key=lambda image: limit.score(image.values[name]))
        shown = have[0] if limit.over == "worst" else have[len(have) // 2]
        value = shown.values[name] if limit.over == "worst" else float(np.median([image.values[name] for image in have]))
        score = limit.score(value)
        shapes: tuple[Shape, ...] = shown.shapes.get(name, ()) if score < 100 else ()
        evidence[limit.dimension].append(Evidence(name, float(f"{value:.4g}"), limit.unit, score, shown.series, shown.instance, shapes))


def _score(dimension: Dimension, evidence: Sequence[Evidence], failures: Sequence[str]) -> Score:
    """The worst first, so that who looks at one line sees what counts."""
    ordered = tuple(sorted(evidence, key=lambda each: (each.score, each.measure)))
    telling = [each for each in ordered if each.measure not in _FAULTS_ONLY or each.score < 100]
    if not telling:
        reason = "pixels-unreadable" if failures and REASONS[dimension] == "no-pixels" else REASONS[dimension]
        return Score(None, reason)
    return Score(telling[0].score, "", ordered)
