"""Image quality in words, and as the reading page and the viewer want it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from telemed.service.image_quality import DIMENSIONS, PASSING, Proposal, StudyQuality
from telemed.web.i18n import gettext

_ = str  # marks text for the translation catalogue

NAMES = {
    "labelling": _("Labelling"),
    "artefact": _("Artefact"),
    "positioning": _("Positioning"),
    "anatomy": _("Anatomy"),
    "resolution": _("Resolution"),
    "contrast": _("Contrast"),
}

REASONS = {
    "no-header": _("no header could be read"),
    "no-pixels": _("there are no pixels to measure"),
    "no-figures": _("the header says nothing about it"),
    "needs-model": _("it needs a trained eye or model"),
    "pixels-unreadable": _("the pixels cannot be read"),
}

MEASURES = {
    "other-patient": _("States another patient"),
    "required-attributes-missing": _("Required attributes missing"),
    "laterality-missing": _("Side missing"),
    "laterality-contradiction": _("Sides contradict each other"),
    "view-missing": _("View missing"),
    "burned-in-annotation": _("Annotation burned in"),
    "duplicate-instances": _("Images twice"),
    "pixel-data-cut-off": _("Pixel data cut off"),
    "photometric-conflict": _("Colour attributes contradict each other"),
    "dead-lines": _("Dead lines"),
    "stripes": _("Stripes"),
    "deviation-index": _("Exposure off target (deviation index)"),
    "blank": _("Nothing in the image"),
    "clipped": _("Values clipped"),
    "entropy": _("Entropy"),
    "contrast-range": _("Contrast range"),
    "snr-in-air": _("Signal to noise"),
    "air-noise": _("Noise in air"),
    "efc": _("Ghosts and blur (EFC)"),
    "fber": _("Foreground to background (FBER)"),
    "sharpness": _("Sharpness"),
    "pixel-pitch": _("Pixel size"),
    "mammography-pitch": _("Pixel size"),
    "matrix": _("Matrix"),
    "slice-thickness": _("Slice thickness"),
    "lossy-ratio": _("Lossy compression"),
    "collimated-away": _("Field collimated away"),
    "off-centre": _("Off centre"),
    "mixed-orientation": _("Mixed orientations"),
    "truncated": _("Body passes the edge"),
    "missing-slices": _("Slices missing"),
    "uneven-spacing": _("Uneven spacing"),
    "missing-numbers": _("Image numbers missing"),
}

OTHER_PATIENT: Mapping[str, Any] = {
    "measure": "other-patient", "value": 1, "unit": "", "score": 0, "series": "", "instance": "", "shapes": (), "detail": "",
}  # fmt: skip
"""The figure of a study that states another patient than the case's."""

SHOWN_EVIDENCE = 6
"""Lines of evidence under one dimension: the worst stand first."""

GOOD = 85
"""From here the mark is green; between it and the passing mark amber. Practice."""


@dataclass(frozen=True, slots=True)
class Line:
    """One figure in words."""

    label: str
    value: str
    score: int


@dataclass(frozen=True, slots=True)
class DimensionMark:
    """One dimension as the strip shows it: `tone` is good, near, faulty or none."""

    code: str
    name: str
    score: int | None
    tone: str
    reason: str
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class QualityStrip:
    """The six marks of one study, and what the viewer draws: shapes by SOP Instance UID. `worst` names the worst figure
    below the passing mark, and is empty where all pass."""

    study: str
    images: int
    marks: Sequence[DimensionMark]
    overlays: Mapping[str, Sequence[Mapping[str, Any]]]
    worst: str


def tone_of(score: int | None) -> str:
    if score is None:
        return "none"
    return "good" if score >= GOOD else "near" if score >= PASSING else "faulty"


def strip_of(quality: StudyQuality, *, differs: bool = False) -> QualityStrip:
    """The marks of one study in the language of the request. `differs`: it states another patient, and nobody has settled it; then it
    is labelled wrongly, whatever else it says."""
    marks: list[DimensionMark] = []
    overlays: dict[str, list[dict[str, Any]]] = {}
    faults: list[tuple[int, str]] = []
    for code in DIMENSIONS:
        found = quality.document["dimensions"].get(code, {"score": None, "reason": "", "evidence": []})
        evidence = found["evidence"]
        if differs and code == "labelling":
            found = found | {"score": 0, "reason": ""}
            evidence = [OTHER_PATIENT, *evidence]
        why = REASONS.get(found["reason"], "")
        reason = gettext(why) if why else ""
        lines = [_line(each) for each in evidence[:SHOWN_EVIDENCE]]
        marks.append(DimensionMark(code, gettext(NAMES[code]), found["score"], tone_of(found["score"]), reason, lines))
        faults += [(each["score"], _label(each)) for each in evidence if each["score"] < PASSING]
        for each in evidence:
            for shape in each["shapes"]:
                overlays.setdefault(each["instance"], []).append({**shape, "label": _label(each)})
    return QualityStrip(quality.study_instance_uid, quality.images, marks, overlays, min(faults)[1] if faults else "")


def proposed_shapes(proposals: Sequence[Proposal]) -> dict[str, list[dict[str, Any]]]:
    """Return where models say their findings are, by SOP Instance UID."""
    overlays: dict[str, list[dict[str, Any]]] = {}
    for proposal in proposals:
        for finding in proposal.findings:
            if finding.get("instance") and finding.get("box"):
                x, y, width, height = finding["box"]
                label = f"{proposal.model} {proposal.version}: {finding['text']}"
                box = {"x": x, "y": y, "width": width, "height": height, "label": label, "proposal": True}
                overlays.setdefault(finding["instance"], []).append(box)
    return overlays


def _label(evidence: Mapping[str, Any]) -> str:
    name: str = evidence["measure"]
    return gettext(MEASURES[name]) if name in MEASURES else name


def _line(evidence: Mapping[str, Any]) -> Line:
    value, unit = evidence["value"], evidence["unit"]
    if unit.startswith("fraction"):
        text = f"{value * 100:.1f} %"
    elif unit in ("mm", "HU"):
        text = f"{value:g} {unit}"
    else:
        text = f"{value:g}"
    detail = f" ({evidence['detail']})" if evidence["detail"] else ""
    return Line(_label(evidence), text + detail, evidence["score"])
