"""Philips TIFF: facts as DICOM-like attributes in XML; sizes count padding in, and the pixel spacing of each level tells the true ones."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from xml.etree.ElementTree import Element

from pathology.formats.generic_tiff import date_time
from pathology.formats.xml import descendants, parse
from pathology.slide import Associated, Device, Slide, scale
from pathology.source import ByteSource
from pathology.tiff import tags
from pathology.tiff.directory import Directory
from pathology.tiff.levels import icc_profile, is_tiled, level, size
from pathology.tiff.pictures import picture

NAME: Final = "Philips TIFF"


def recognise(first: Directory) -> bool:
    """True if the software is Philips's and the description is its XML."""
    return first.text(tags.SOFTWARE).startswith("Philips") and "DPUfsImport" in first.text(tags.IMAGE_DESCRIPTION)[:4096]


def read(source: ByteSource, directories: Sequence[Directory]) -> Slide:
    """Read a Philips TIFF. Raises UnreadableSlide."""
    root = parse(directories[0].text(tags.IMAGE_DESCRIPTION), NAME, directories[0].offset)
    tiled = [each for each in directories if is_tiled(each)]
    scanned = _whole_slide(root)
    spacings = _level_spacings(scanned)
    width, height = size(directories[0])
    levels = [level(directories[0])]
    for number, directory in enumerate(tiled[1:], 1):
        factor = round(spacings[number] / spacings[0]) if number < len(spacings) else 1 << number
        shown = max(1, width // factor), max(1, height // factor)
        padded = size(directory)
        levels.append(level(directory, visible=(min(shown[0], padded[0]), min(shown[1], padded[1]))))
    whole = _spacing(_attribute(scanned, "DICOM_PIXEL_SPACING"))
    down, across = (side * 1e3 for side in whole) if whole else (None, None)  # mm, rows first, as DICOM has it
    acquired = date_time(_attribute(root, "DICOM_ACQUISITION_DATETIME").split(".")[0], "%Y%m%d%H%M%S")
    named = [_attribute(root, f"DICOM_{key}")[:64] for key in ("MANUFACTURER", "MANUFACTURERS_MODEL_NAME", "DEVICE_SERIAL_NUMBER")]
    return Slide(
        NAME,
        (source,),
        tuple(levels),
        scale(across, down, "philips-pixel-spacing"),
        associated=_beside(directories),
        icc_profile=icc_profile(directories[0]),
        device=Device(named[0], named[1], named[2], directories[0].text(tags.SOFTWARE)[:64], acquired),
    )


def _beside(directories: Sequence[Directory]) -> tuple[Associated, ...]:
    found = []
    for each in directories:
        word = each.text(tags.IMAGE_DESCRIPTION)[:5].lower()
        if not is_tiled(each) and word in ("label", "macro") and (made := picture(each, word)) is not None:
            found.append(made)
    return tuple(found)


def _whole_slide(root: Element) -> Element:
    """The scanned image that is the slide and neither label nor macro; the whole document where none is marked."""
    for each in descendants(root, "DataObject"):
        if each.get("ObjectType") == "DPScannedImage" and _attribute(each, "PIM_DP_IMAGE_TYPE") == "WSI":
            return each
    return root


def _attribute(root: Element, name: str) -> str:
    """Text of the first attribute of this name, without its quotation marks."""
    for each in descendants(root, "Attribute"):
        if each.get("Name") == name:
            return (each.text or "").strip().strip('"')
    return ""


def _level_spacings(root: Element) -> list[float]:
    """Pixel spacing of each level from fine to coarse, in mm; as many as the file names in order."""
    sequences = [each for each in descendants(root, "Attribute") if each.get("Name") == "PIIM_PIXEL_DATA_REPRESENTATION_SEQUENCE"]
    named = [each for each in descendants(sequences[0], "Attribute") if each.get("Name") == "DICOM_PIXEL_SPACING"] if sequences else []
    found = [spacing[0] for each in named if (spacing := _spacing(each.text or ""))]
    return found if found == sorted(set(found)) else []


def _spacing(text: str) -> tuple[float, float] | None:
    """Two positive numbers between quotation marks, or None."""
    numbers = re.findall(r"[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,3})?", text[:200])
    if len(numbers) < 2 or not (float(numbers[0]) > 0 and float(numbers[1]) > 0):
        return None
    return float(numbers[0]), float(numbers[1])
