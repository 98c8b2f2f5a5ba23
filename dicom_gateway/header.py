"""The attributes of one instance that the index keeps, read out of a scan."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, Self

from dicom_gateway.character_set import codecs_of, decode
from dicom_gateway.errors import NotStorable
from dicom_gateway.frames import FrameIndex, locate_encapsulated, locate_native
from dicom_gateway.scanner import Scan

MAX_TEXT = 1024  # characters of an indexed value: far past every VR's maximum, short enough for any database index
_UID = re.compile(r"[0-9.]{1,64}")  # looser than PS3.5 9.1 on purpose: leading zeros are common in the field
# De-identified data carry hashes for UIDs. Above the instance a UID is only a key: such images are kept, not refused.
_KEY = re.compile(r"[0-9A-Za-z._-]{1,64}")
_DIRECTORY = "1.2.840.10008.1.3.10"  # Media Storage Directory Storage (PS3.10 8.6)
_DATE = re.compile(r"\d{8}")
_TIME = re.compile(r"\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?")
_INTEGER = re.compile(r"[+-]?\d{1,10}")


@dataclass(frozen=True, slots=True)
class InstanceHeader:
    """One instance as the index keeps it. Texts are decoded and stripped; dates YYYYMMDD, times HHMMSS.FFFFFF."""

    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    study: Mapping[str, str | None]
    series: Mapping[str, str | int | None]
    instance: Mapping[str, str | int | None]
    pixel_data_offset: int | None
    frames: FrameIndex | None


class _Values:
    """Typed access to raw values. `order` matters to binary numbers only."""

    @classmethod
    def of(cls, tags: tuple[int, ...], raw: tuple[bytes | None, ...], character_set: bytes) -> Self:
        """Make a reader of the values `raw` at those of `tags` that are present."""
        there = {tag: value for tag, value in zip(tags, raw, strict=True) if value is not None}
        return cls(there, codecs_of(character_set), "little")

    def __init__(self, elements: dict[int, bytes], codecs: tuple[str, ...], order: Literal["little", "big"]) -> None:
        self._elements = elements
        self._codecs = codecs
        self._order = order

    def text(self, tag: int) -> str | None:
        """First value as text, or None where absent or empty."""
        raw = self._elements.get(tag)
        if not raw:
            return None
        if raw.isascii() and b"\x1b" not in raw and b"\0" not in raw:  # what every codec here reads alike
            return raw[:MAX_TEXT].decode("ascii").strip() or None
        return decode(raw, self._codecs)[:MAX_TEXT].strip() or None

    def first(self, tag: int) -> str | None:
        """Text up to the first backslash."""
        value = self.text(tag)
        return value.split("\\", 1)[0].strip() or None if value and "\\" in value else value

    def uid(self, tag: int, form: re.Pattern[str] = _UID) -> str | None:
        """A UID, or None where it is absent or not of the form."""
        raw = self._elements.get(tag)
        if not raw:
            return None
        value = raw.decode("latin_1").strip("\0 \t\r\n")
        return value if form.fullmatch(value) else None

    def date(self, tag: int) -> str | None:
        """YYYYMMDD; the retired form with dots is accepted (PS3.5 6.2)."""
        value = self.first(tag)
        if value is None:
            return None
        value = value.replace(".", "")
        return value if _DATE.fullmatch(value) else None

    def time(self, tag: int) -> str | None:
        """HHMMSS.FFFFFF as far as given; the retired form with colons is accepted (PS3.5 6.2)."""
        value = self.first(tag)
        if value is None:
            return None
        value = value.replace(":", "")
        return value if _TIME.fullmatch(value) else None

    def integer(self, tag: int) -> int | None:
        """An integer string (IS) within 32 bits."""
        value = self.first(tag)
        if value is None or not _INTEGER.fullmatch(value):
            return None
        number = int(value)
        return number if -(2**31) <= number < 2**31 else None

    def unsigned(self, tag: int) -> int | None:
        """A binary unsigned short (US)."""
        raw = self._elements.get(tag, b"")
        return int.from_bytes(raw[:2], self._order) if len(raw) >= 2 else None


def read_header(scan: Scan, expected_sop_class: str | None = None, expected_sop_instance: str | None = None) -> InstanceHeader:
    """The header of a scanned object. `expected_*` are what the association named; file meta information, a copy (PS3.10 7.1) that is
    often forgotten when UIDs are changed, contradicts nothing.

    Raises `NotStorable` where a UID is missing or contradicts what was announced (PS3.4 B.2.2), and `UnreadableDICOM`
    where the pixel data are cut off.
    """
    character_set = scan.elements.get(0x00080005, b"")
    values = _Values(scan.elements, codecs_of(character_set), "big" if scan.syntax.big_endian else "little")
    uids = _identify(scan, values, expected_sop_class, expected_sop_instance)
    frames, instance = _image(scan, values)
    get, asked = scan.elements.get, scan.request_attributes.get
    return InstanceHeader(
        *uids,
        transfer_syntax_uid=scan.syntax.uid,
        study=_study(character_set, tuple(map(get, _OF_STUDY))),
        series=_series(character_set, tuple(map(get, _OF_SERIES)), tuple(map(asked, _OF_REQUEST))),
        instance={"instance_number": values.integer(0x00200013), **instance},
        pixel_data_offset=scan.pixel_data.element_offset if scan.pixel_data else None,
        frames=frames,
    )


_OF_STUDY = (
    0x00100020, 0x00100021, 0x00100010, 0x00100030, 0x00100040, 0x00080020, 0x00080030, 0x00200010, 0x00081030, 0x00080050, 0x00080090,
)  # fmt: skip
_OF_SERIES = (0x00080060, 0x00200011, 0x0008103E, 0x00180015, 0x00200060, 0x00400244, 0x00400245)
_OF_REQUEST = (0x00400009, 0x00401001)
_MAX_ALIKE = 128  # studies, and series, whose values are not read again from each of their instances


@lru_cache(_MAX_ALIKE)
def _study(character_set: bytes, raw: tuple[bytes | None, ...]) -> Mapping[str, str | None]:
    """The columns of a study from the values at `_OF_STUDY`."""
    values = _Values.of(_OF_STUDY, raw, character_set)
    return {
        "patient_id": values.text(0x00100020),
        "issuer_of_patient_id": values.text(0x00100021),
        "patient_name": values.text(0x00100010),
        "patient_birth_date": values.date(0x00100030),
        "patient_sex": values.first(0x00100040),
        "study_date": values.date(0x00080020),
        "study_time": values.time(0x00080030),
        "study_id": values.text(0x00200010),
        "study_description": values.text(0x00081030),
        "accession_number": values.text(0x00080050),
        "referring_physician_name": values.text(0x00080090),
    }


@lru_cache(_MAX_ALIKE)
def _series(character_set: bytes, raw: tuple[bytes | None, ...], request: tuple[bytes | None, ...]) -> Mapping[str, str | int | None]:
    """The columns of a series from the values at `_OF_SERIES`, and those at `_OF_REQUEST` of its first request."""
    values, requests = _Values.of(_OF_SERIES, raw, character_set), _Values.of(_OF_REQUEST, request, character_set)
    return {
        "modality": values.first(0x00080060),
        "series_number": values.integer(0x00200011),
        "series_description": values.text(0x0008103E),
        "body_part_examined": values.first(0x00180015),
        "laterality": values.first(0x00200060),
        "performed_procedure_step_start_date": values.date(0x00400244),
        "performed_procedure_step_start_time": values.time(0x00400245),
        "scheduled_procedure_step_id": requests.text(0x00400009),
        "requested_procedure_id": requests.text(0x00401001),
    }


def _identify(scan: Scan, values: _Values, expected_class: str | None, expected_instance: str | None) -> tuple[str, str, str, str]:
    """Study, series, instance and class UID."""
    announced = _Values(scan.meta, ("ascii",), "little")
    study, series = values.uid(0x0020000D, _KEY), values.uid(0x0020000E, _KEY)
    sop_class, own = values.uid(0x00080016), values.uid(0x00080018)
    # A data set whose SOP Instance UID is none by the standard goes by the announced one, if that is.
    stand_in = next((uid for uid in (expected_instance, announced.uid(0x00020003)) if uid and _UID.fullmatch(uid)), None)
    present = bool(scan.elements.get(0x00080018))
    instance = own or (stand_in or values.uid(0x00080018, _KEY) if present else None)
    missing = [
        name
        for name, uid in (
            ("SOP Class UID", sop_class),
            ("SOP Instance UID", instance),
            ("Study Instance UID", study),
            ("Series Instance UID", series),
        )
        if not uid
    ]
    if _DIRECTORY in (sop_class, expected_class, announced.uid(0x00020002)):
        raise NotStorable("this is a DICOMDIR, a table of contents: send the images that it lists")
    if study is None or series is None or sop_class is None or instance is None:
        raise NotStorable(f"{', '.join(missing)} missing or not a UID")
    if expected_class and expected_class != sop_class:
        raise NotStorable("SOP Class UID differs from the one announced")
    if expected_instance and own and expected_instance != own:
        raise NotStorable("SOP Instance UID differs from the one announced")
    return study, series, instance, sop_class


def _image(scan: Scan, values: _Values) -> tuple[FrameIndex | None, dict[str, str | int | None]]:
    """The frame index and the columns that describe the pixels."""
    rows, columns, bits = values.unsigned(0x00280010), values.unsigned(0x00280011), values.unsigned(0x00280100)
    samples = values.unsigned(0x00280002) or 1
    frames = values.integer(0x00280008)
    photometric = values.first(0x00280004)
    described: dict[str, str | int | None] = {
        "rows": rows,
        "columns": columns,
        "bits_allocated": bits,
        "samples_per_pixel": samples if rows else None,
        "photometric_interpretation": photometric,
        "number_of_frames": frames,
    }
    pixels = scan.pixel_data
    count = max(frames or 1, 1)
    if pixels is None:
        return None, described
    if pixels.length is None:
        index, _ = locate_encapsulated(scan.data, pixels.offset, count, scan.elements.get(0x7FE00001, b""))
        return index, described
    if photometric == "YBR_FULL_422":
        samples = 2  # two luma samples share one pair of chroma samples (PS3.3 C.7.6.3.1.2)
    frame_bits = (rows or 0) * (columns or 0) * samples * (bits or 0)
    return locate_native(pixels.offset, pixels.length, frame_bits, count), described
