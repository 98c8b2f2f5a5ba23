"""Facts from the headers: the attributes that checks of labelling, geometry and completeness look at."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydicom.dataset import Dataset

from dicom_gateway.pixels.decode import read_header
from dicom_gateway.pixels.errors import PixelError
from dicom_gateway.transfer_syntax import EXPLICIT_VR_BIG_ENDIAN

REQUIRED = ("PatientID", "PatientName", "PatientSex", "PatientBirthDate", "StudyDate", "Modality", "SeriesNumber", "InstanceNumber")
"""Types 1 and 2 of the patient, study, series and image modules (PS3.3 C.7) that a reader depends on."""

PAIRED = frozenset({
    "HAND", "WRIST", "FOREARM", "ELBOW", "HUMERUS", "SHOULDER", "CLAVICLE", "SCAPULA", "FINGER", "ARM", "HIP", "FEMUR", "THIGH", "KNEE",
    "TIBIA", "LEG", "ANKLE", "FOOT", "CALCANEUS", "TOE", "EYE", "EAR", "BREAST",
})  # fmt: skip
"""Body parts of which there are two (PS3.16 CID 4031, the paired ones)."""

_UNDEFINED = 0xFFFFFFFF
_LEFT = re.compile(r"左|\b(left|lt)\b", re.IGNORECASE)
_RIGHT = re.compile(r"右|\b(right|rt)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """One object's header, as far as quality is concerned."""

    series: str
    instance: str
    modality: str
    missing: tuple[str, ...]
    body_part: str
    laterality: str
    """L, R, B, U or empty; "LR" where the two attributes contradict each other."""
    text_laterality: str
    """L, R or empty: what the descriptions say."""
    view: str
    burned_in: bool
    number: int | None
    rows: int
    columns: int
    pixel_pitch: float | None
    slice_thickness: float | None
    lossy_ratio: float | None
    deviation_index: float | None
    orientation: tuple[float, ...]
    position: tuple[float, ...]
    frame_of_reference: str
    localizer: bool
    photometric_conflict: bool
    frames: int
    shortfall: float = 0.0
    """The part of the native pixel data that the header promises and that is not there."""


def series_facts(heads: Sequence[bytes]) -> list[ImageFacts]:
    """Facts of many objects (each a DICOM file cut off at its pixels); those that cannot be read are left out."""
    found = []
    for head in heads:
        try:
            header = read_header(head)
            found.append(replace(image_facts(header), shortfall=_shortfall(header, head)))
        except PixelError:
            continue
    return found


def image_facts(header: Dataset) -> ImageFacts:
    """Facts of one header; attributes of the wrong kind count as missing."""
    laterality = {_text(header, "Laterality")[:1].upper(), _text(header, "ImageLaterality")[:1].upper()} - {""}
    words = " ".join(_text(header, name) for name in ("SeriesDescription", "StudyDescription", "ProtocolName"))
    left, right = bool(_LEFT.search(words)), bool(_RIGHT.search(words))
    return ImageFacts(
        series=_text(header, "SeriesInstanceUID"),
        instance=_text(header, "SOPInstanceUID"),
        modality=_text(header, "Modality").upper(),
        missing=tuple(name for name in REQUIRED if not _text(header, name)),
        body_part=_text(header, "BodyPartExamined").upper(),
        laterality="".join(sorted(laterality)),
        text_laterality="" if left == right else "L" if left else "R",
        view=_text(header, "ViewPosition") or _view_code(header),
        burned_in=_text(header, "BurnedInAnnotation").upper() == "YES",
        number=_whole(header, "InstanceNumber"),
        rows=_whole(header, "Rows") or 0,
        columns=_whole(header, "Columns") or 0,
        pixel_pitch=_first_number(header, "PixelSpacing", "ImagerPixelSpacing"),
        slice_thickness=_first_number(header, "SliceThickness"),
        lossy_ratio=_first_number(header, "LossyImageCompressionRatio"),
        deviation_index=_first_number(header, "DeviationIndex"),
        orientation=_numbers(header, "ImageOrientationPatient", 6),
        position=_numbers(header, "ImagePositionPatient", 3),
        frame_of_reference=_text(header, "FrameOfReferenceUID"),
        localizer="LOCALIZER" in _text(header, "ImageType").upper(),
        photometric_conflict=_photometric_conflict(header),
        frames=_whole(header, "NumberOfFrames") or 1,
    )


def _shortfall(header: Dataset, head: bytes) -> float:
    """From the length in the pixel data element's own head (PS3.5 7.1.2-3); encapsulated pixels have none."""
    order: Literal["little", "big"] = "big" if header.file_meta.TransferSyntaxUID == EXPLICIT_VR_BIG_ENDIAN else "little"
    explicit = head[-8:-6] in (b"OB", b"OW")
    length = int.from_bytes(head[-4:] if explicit else head[-8:-4], order)
    rows, columns, bits = (_whole(header, name) or 0 for name in ("Rows", "Columns", "BitsAllocated"))
    samples = 2 if _text(header, "PhotometricInterpretation") == "YBR_FULL_422" else _whole(header, "SamplesPerPixel") or 1
    promised = rows * columns * bits * samples * (_whole(header, "NumberOfFrames") or 1) // 8
    return 0.0 if length == _UNDEFINED or promised == 0 else max(0.0, 1 - length / promised)


def _photometric_conflict(header: Dataset) -> bool:
    """Samples per pixel that do not fit the photometric interpretation (PS3.3 C.7.6.3.1.2)."""
    photometric, samples = _text(header, "PhotometricInterpretation"), _whole(header, "SamplesPerPixel")
    if not photometric or samples is None:
        return False
    grey = photometric.startswith(("MONOCHROME", "PALETTE"))
    return samples != (1 if grey else 3) and photometric not in ("ARGB", "CMYK")


def _view_code(header: Dataset) -> str:
    codes = header.get("ViewCodeSequence")
    return str(codes[0].get("CodeValue", "")) if codes else ""


def _text(header: Dataset, name: str) -> str:
    value = header.get(name)
    return "" if value is None else str(value).strip()


def _whole(header: Dataset, name: str) -> int | None:
    value = header.get(name)
    try:
        return None if value is None or value == "" else int(value)
    except (TypeError, ValueError):
        return None


def _numbers(header: Dataset, name: str, count: int) -> tuple[float, ...]:
    """So many finite numbers, or nothing."""
    value: Any = header.get(name)
    try:
        found = tuple(float(each) for each in value) if value is not None else ()
    except (TypeError, ValueError):
        return ()
    return found if len(found) == count and all(math.isfinite(n) for n in found) else ()


def _first_number(header: Dataset, *names: str) -> float | None:
    """The first finite value of the first of the attributes that has one."""
    for name in names:
        value: Any = header.get(name)
        first = value[0] if isinstance(value, (list, tuple)) or hasattr(value, "append") else value
        try:
            number = float(first)
        except (TypeError, ValueError, IndexError):
            continue
        if math.isfinite(number):
            return number
    return None
