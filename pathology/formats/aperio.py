"""Aperio SVS: tiled levels, a thumbnail, label and macro in strips; facts as `key = value` in the description."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from pathology.formats.generic_tiff import date_time
from pathology.slide import Associated, Device, Slide, scale
from pathology.source import ByteSource
from pathology.tiff import tags
from pathology.tiff.directory import Directory
from pathology.tiff.levels import icc_profile, is_tiled
from pathology.tiff.pictures import picture
from pathology.tiff.pyramid import read_levels, sort_out

NAME: Final = "Aperio SVS"

KEPT: Final = frozenset({
    "AppMag", "MPP", "StripeWidth", "ScanScope ID", "Date", "Time", "Time Zone", "Left", "Top", "LineCameraSkew", "LineAreaXOffset",
    "LineAreaYOffset", "Focus Offset", "OriginalWidth", "Originalheight", "OriginalHeight", "Filtered", "ICC Profile", "Gamma",
    "Exposure Time", "Exposure Scale", "DisplayColor", "SessionMode", "Rack", "Slide", "ScannerType",
})  # fmt: skip
"""Keys of the description that a machine writes. All others (Title, User, Filename, ImageID, ...) may carry names."""

_LABEL_TYPE, _MACRO_TYPE = 1, 9
"""NewSubfileType of label and macro."""


def recognise(first: Directory) -> bool:
    """True if the description is Aperio's."""
    return first.text(tags.IMAGE_DESCRIPTION).startswith("Aperio")


def facts(description: str) -> dict[str, str]:
    """The description's `key = value` pairs; the first of a key that stands twice."""
    found: dict[str, str] = {}
    for pair in description.split("|")[1:]:
        key, equals, value = pair.partition("=")
        if equals:
            found.setdefault(key.strip(), value.strip())
    return found


def number(text: str | None) -> float | None:
    """A finite number above zero, or None."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 < value < 1e9 else None


def read(source: ByteSource, directories: Sequence[Directory]) -> Slide:
    """Read an SVS. Raises UnreadableSlide."""
    levels, planes, others = sort_out(directories)
    description = levels[0].text(tags.IMAGE_DESCRIPTION)
    said = facts(description)
    mpp = number(said.get("MPP"))
    acquired = date_time(f"{said.get('Date', '')} {said.get('Time', '')}", "%m/%d/%y %H:%M:%S", "%m/%d/%Y %H:%M:%S")
    software = re.match(r"Aperio [A-Za-z0-9 ]+ v[\d.]+", description)
    readable, lost = read_levels(levels)
    slide = Slide(
        NAME,
        (source,),
        readable,
        scale(mpp, mpp, "aperio-mpp"),
        number(said.get("AppMag")),
        _beside(directories, others),
        icc_profile(levels[0]),
        device=Device(
            "Aperio",
            said.get("ScannerType", "ScanScope")[:64],
            said.get("ScanScope ID", "")[:64],
            software[0] if software else "",
            acquired,
        ),
        notes=lost,
    )
    if not planes:
        return slide
    return replace(slide, focal_planes=1 + len(planes), notes=(f"Of {1 + len(planes)} focal planes the first is shown.", *lost))


def _beside(directories: Sequence[Directory], others: Sequence[Directory]) -> tuple[Associated, ...]:
    found: dict[str, Associated] = {}
    for each in others:
        name = _name(each, is_second=len(directories) > 1 and each is directories[1])
        if name not in found and (made := picture(each, name)) is not None:
            found[name] = made
    return tuple(found.values())


def _name(directory: Directory, is_second: bool) -> str:
    """What a picture beside the slide is: by the second line of its description, its type, or its place in the file."""
    lines = directory.text(tags.IMAGE_DESCRIPTION).splitlines()
    word = lines[1].split(" ")[0] if len(lines) > 1 else ""
    if word in ("label", "macro"):
        return word
    kind = directory.number(tags.NEW_SUBFILE_TYPE)
    if kind in (_LABEL_TYPE, _MACRO_TYPE):
        return "label" if kind == _LABEL_TYPE else "macro"
    return "thumbnail" if is_second and not is_tiled(directory) else f"picture-{directory.offset}"
