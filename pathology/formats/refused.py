"""Formats that are known by name and not read: what they are, and what the scanner's software exports instead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pathology.errors import Refusal, UnreadableSlide


@dataclass(frozen=True, slots=True)
class Vendor:
    """A maker's own format: how its files begin (any of `marks`), how they are named, and the exports its software offers."""

    name: str
    suffix: str
    marks: tuple[bytes, ...]
    advice: str


_SDPC: Final = tuple(b"SQ" + bytes([version]) for version in range(32))
"""A mark of two letters and a version, so that no text is taken for it."""

VENDORS: Final = (
    Vendor("KFB", ".kfb", (b"KFB",), "Export it from the KFBio (江丰) viewer as SVS, TIFF or DICOM."),
    Vendor("SDPC", ".sdpc", _SDPC, "Export it from the Sqray (生强) viewer as SVS, TIFF or DICOM."),
    Vendor("TMAP", ".tmap", (b"TMAP",), "Export it from the UNIC (优纳) viewer as SVS, TIFF or DICOM."),
    Vendor("ZYP", ".zyp", (b"ZYP",), "Export it from its scanner's viewer as SVS, TIFF or DICOM."),
    Vendor("Olympus VSI", ".vsi", (), "Export it from OlyVIA or cellSens as pyramidal TIFF, OME-TIFF or DICOM."),
    Vendor("Olympus ETS", ".ets", (b"SIS\0",), "Export it from OlyVIA or cellSens as pyramidal TIFF, OME-TIFF or DICOM."),
    Vendor(
        "Philips iSyntax",
        ".isyntax",
        (b"<DataObject ObjectType=\"DPUfsImport\"", b"\xef\xbb\xbf<DataObject ObjectType=\"DPUfsImport\""),
        "Export it from the Philips image management system as Philips TIFF or DICOM.",
    ),
)  # fmt: skip
"""The marks are the first bytes of the formats; where none is known a file is told by its name alone."""

_XML_HEAD: Final = b"<?xml"


def check(head: bytes, suffix: str) -> None:
    """Raise UnreadableSlide for a file of these formats, by its first bytes, or by its name where it begins as nothing that is read."""
    for vendor in VENDORS:
        by_mark = bool(vendor.marks) and head.startswith(vendor.marks)
        in_xml = vendor.suffix == ".isyntax" and head.startswith(_XML_HEAD) and b"DPUfsImport" in head
        if by_mark or in_xml or suffix.lower() == vendor.suffix:
            found = f"a file of the format {vendor.name}, which is its maker's own and is not read"
            raise UnreadableSlide(Refusal.VENDOR_FORMAT, vendor.name, 0, found, vendor.advice)
