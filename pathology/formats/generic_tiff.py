"""Pyramidal TIFF and BigTIFF of no particular maker, and flat TIFF of a microscope's camera."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from pathology.slide import Associated, Device, Scale, Slide, scale
from pathology.source import ByteSource
from pathology.tiff import tags
from pathology.tiff.directory import Directory
from pathology.tiff.levels import icc_profile
from pathology.tiff.pictures import picture
from pathology.tiff.pyramid import read_levels, sort_out

NAME: Final = "TIFF"

_MICROMETRES: Final = {2: 25_400.0, 3: 10_000.0}
"""µm of a ResolutionUnit: inch, centimetre (TIFF 6.0, section 8)."""


def with_sub_directories(directories: Sequence[Directory]) -> list[Directory]:
    """All directories, each followed by those under it."""
    return [each for directory in directories for each in (directory, *directory.sub_directories)]


def resolution(directory: Directory) -> Scale | None:
    """Pixel size from XResolution and YResolution, where it can be one: 72 dpi is a writer's default and no size."""
    unit = _MICROMETRES.get(directory.number(tags.RESOLUTION_UNIT, 2))
    x, y = directory.real(tags.X_RESOLUTION), directory.real(tags.Y_RESOLUTION)
    if unit is None or not x or not y:
        return None
    return scale(unit / x, unit / y, "tiff-resolution")


def date_time(text: str, *forms: str) -> datetime | None:
    """A time in the first of these forms that fits, or None."""
    for form in forms:
        try:
            return datetime.strptime(text.strip(), form)
        except ValueError:
            continue
    return None


def device(directory: Directory) -> Device:
    """What the TIFF's own fields say of the scanner."""
    acquired = date_time(directory.text(tags.DATE_TIME), "%Y:%m:%d %H:%M:%S")
    return Device(
        directory.text(tags.MAKE)[:64], directory.text(tags.MODEL)[:64], software=directory.text(tags.SOFTWARE)[:64], acquired=acquired
    )


def named_pictures(others: Sequence[Directory]) -> tuple[Associated, ...]:
    """Pictures that are no levels, by what is said of them; a name of their own where nothing is."""
    found: list[Associated] = []
    for number, each in enumerate(others, 1):
        said = f"{each.text(tags.IMAGE_DESCRIPTION)[:200]} {each.text(tags.PAGE_NAME)[:200]}".lower()
        kinds = [name for name in ("label", "macro", "thumbnail") if name in said]
        taken = {known.name for known in found}
        name = kinds[0] if kinds and kinds[0] not in taken else f"picture-{number}"
        if (made := picture(each, name)) is not None:
            found.append(made)
    return tuple(found)


def read(source: ByteSource, directories: Sequence[Directory]) -> Slide:
    """Read a TIFF by its pictures' sizes. Raises UnreadableSlide."""
    levels, planes, others = sort_out(with_sub_directories(directories))
    first = levels[0]
    notes = (f"The file holds {1 + len(planes)} pictures of the finest size; the first is shown.",) if planes else ()
    readable, lost = read_levels(levels)
    return Slide(
        NAME,
        (source,),
        readable,
        resolution(first),
        associated=named_pictures(others),
        icc_profile=icc_profile(first),
        focal_planes=1 + len(planes),
        device=device(first),
        notes=(*notes, *lost),
    )
