"""OME-TIFF: facts in XML (OME-TIFF specification 6.0), levels in SubIFDs or as pages of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from xml.etree.ElementTree import Element

from pathology.formats.generic_tiff import date_time, named_pictures, with_sub_directories
from pathology.formats.xml import children, descendants, number, parse, whole
from pathology.slide import Device, Scale, Slide, scale
from pathology.source import ByteSource
from pathology.tiff import tags
from pathology.tiff.directory import Directory
from pathology.tiff.levels import icc_profile, size
from pathology.tiff.pyramid import read_levels, sort_out

NAME: Final = "OME-TIFF"

MICROMETRES: Final[Mapping[str, float]] = {
    "pm": 1e-6, "Å": 1e-4, "nm": 1e-3, "µm": 1.0, "μm": 1.0, "um": 1.0, "mm": 1e3, "cm": 1e4, "dm": 1e5, "m": 1e6, "in": 25_400.0,
}  # fmt: skip
"""µm of a UnitsLength; absent, it is µm (OME schema 2016-06). The second µ is the Greek letter, which some writers use."""


def recognise(first: Directory) -> bool:
    """True if the description is OME's XML."""
    description = first.text(tags.IMAGE_DESCRIPTION)
    return "<OME" in description[:4096] and description.rstrip().endswith(("OME>", ">"))


def read(source: ByteSource, directories: Sequence[Directory]) -> Slide:
    """Read an OME-TIFF: the image of the finest pixels; the first of its channels, planes and times. Raises UnreadableSlide."""
    described = directories[0]
    root = parse(described.text(tags.IMAGE_DESCRIPTION), NAME, described.offset)
    levels, _, others = _pictures(directories)
    image, pixels = _image(root, size(levels[0]))
    samples = levels[0].number(tags.SAMPLES_PER_PIXEL, 1)
    channels = max(1, whole(pixels.get("SizeC"), samples) // samples)
    planes, times = whole(pixels.get("SizeZ"), 1), whole(pixels.get("SizeT"), 1)
    notes = []
    if channels * planes * times > 1:
        notes.append(f"Of {channels} channels, {planes} focal planes and {times} times the first of each is shown.")
    readable, lost = read_levels(levels)
    return Slide(
        NAME,
        (source,),
        readable,
        _pixel_size(pixels),
        _objective(root, image),
        named_pictures(others),
        icc_profile(levels[0]),
        planes,
        channels,
        _device(root, image),
        (*notes, *lost),
    )


def _pictures(directories: Sequence[Directory]) -> tuple[list[Directory], list[Directory], list[Directory]]:
    """Levels, planes and other pictures. A page's SubIFDs are its levels; the pages of another image are no levels of this one."""
    with_levels = [each for each in directories if each.sub_directories]
    if not with_levels:
        return sort_out(with_sub_directories(directories))
    main = max(with_levels, key=lambda each: (size(each)[0] * size(each)[1], -each.offset))
    first = next(each for each in with_levels if size(each) == size(main))
    levels, _, unlike = sort_out((first, *first.sub_directories))
    beside = [each for each in directories if each is not first and size(each) != size(first)]
    return levels, [each for each in directories if size(each) == size(first)], beside + unlike


def _image(root: Element, wanted: tuple[int, int]) -> tuple[Element, Element]:
    """The image whose pixels have this size (else the first), and its pixels."""
    found = [(image, pixels) for image in children(root, "Image") for pixels in children(image, "Pixels")]
    for image, pixels in found:
        if (whole(pixels.get("SizeX"), 0), whole(pixels.get("SizeY"), 0)) == wanted:
            return image, pixels
    return found[0] if found else (root, root)


def _pixel_size(pixels: Element) -> Scale | None:
    sides = []
    for axis in "XY":
        length = number(pixels.get(f"PhysicalSize{axis}"))
        unit = MICROMETRES.get(pixels.get(f"PhysicalSize{axis}Unit", "µm"))
        sides.append(length * unit if length and unit else None)
    return scale(sides[0], sides[1], "ome-physical-size")


def _objective(root: Element, image: Element) -> float | None:
    """Nominal magnification of the objective that the image refers to, else of the only one there is."""
    objectives = descendants(root, "Objective")
    used = [setting.get("ID") for setting in children(image, "ObjectiveSettings")]
    chosen = [each for each in objectives if each.get("ID") in used] or (objectives if len(objectives) == 1 else [])
    found = number(chosen[0].get("NominalMagnification")) if chosen else None
    return found if found and found > 0 else None


def _device(root: Element, image: Element) -> Device:
    microscopes = descendants(root, "Microscope")
    maker, model, serial = (microscopes[0].get(key, "")[:64] if microscopes else "" for key in ("Manufacturer", "Model", "SerialNumber"))
    dates = [each.text or "" for each in children(image, "AcquisitionDate")]
    acquired = date_time(dates[0][:19], "%Y-%m-%dT%H:%M:%S") if dates else None
    return Device(maker, model, serial, root.get("Creator", "")[:64], acquired)
