"""Leica SCN: a collection of images in XML, one of them the whole slide from afar (macro), the others its scanned regions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element

from pathology.errors import Refusal, UnreadableSlide
from pathology.formats.generic_tiff import date_time
from pathology.formats.xml import children, descendants, number, parse, whole
from pathology.slide import Device, Slide, scale
from pathology.source import ByteSource
from pathology.tiff import tags
from pathology.tiff.directory import Directory
from pathology.tiff.levels import icc_profile
from pathology.tiff.pictures import picture
from pathology.tiff.pyramid import read_levels

NAME: Final = "Leica SCN"
_NAMESPACE: Final = "http://www.leica-microsystems.com/scn/"


def recognise(first: Directory) -> bool:
    """True if the description is SCN's XML."""
    return _NAMESPACE in first.text(tags.IMAGE_DESCRIPTION)[:4096]


@dataclass(frozen=True, slots=True)
class _Image:
    """One image of the collection: its directories from fine to coarse, and its rectangle on the slide in nm."""

    element: Element
    directories: tuple[int, ...]
    pixels: int
    view: tuple[float, float, float, float]
    planes: int


def read(source: ByteSource, directories: Sequence[Directory]) -> Slide | None:
    """Read an SCN of one scanned region; None where it has several, which lie apart on the slide. Raises UnreadableSlide."""
    root = parse(directories[0].text(tags.IMAGE_DESCRIPTION), NAME, directories[0].offset)
    collection = next(iter(descendants(root, "collection")), root)
    images = [made for each in children(collection, "image") if (made := _image(each, len(directories))) is not None]
    if not images:
        raise UnreadableSlide(Refusal.CONTRADICTION, NAME, directories[0].offset, "its XML names no image that the file has")
    across, down = number(collection.get("sizeX")), number(collection.get("sizeY"))
    regions = [image for image in images if image.view != (0.0, 0.0, across, down)]
    if len(regions) != 1 or regions[0].planes > 1:
        return None
    region = regions[0]
    macros = [image for image in images if image is not region]
    mpp = region.view[2] / region.pixels / 1e3
    found = [picture(directories[image.directories[0]], "macro") for image in macros[:1]]
    readable, lost = read_levels([directories[at] for at in region.directories])
    return Slide(
        NAME,
        (source,),
        readable,
        scale(mpp, mpp, "leica-view"),
        next((number(each.text) for each in descendants(region.element, "objective")), None),
        tuple(each for each in found if each is not None),
        icc_profile(directories[region.directories[0]]),
        device=_device(region.element),
        notes=lost,
    )


def _image(element: Element, count: int) -> _Image | None:
    """An image whose directories the file has, or None."""
    pixels, views = descendants(element, "pixels"), children(element, "view")
    if not pixels or not views:
        return None
    dimensions = children(pixels[0], "dimension")
    flat = [each for each in dimensions if whole(each.get("z"), 0) == 0 and whole(each.get("c"), 0) == 0]
    flat.sort(key=lambda each: -whole(each.get("sizeX"), 0))
    numbers = tuple(whole(each.get("ifd"), count) for each in flat)
    view = tuple(number(views[0].get(key)) or 0.0 for key in ("offsetX", "offsetY", "sizeX", "sizeY"))
    side = whole(pixels[0].get("sizeX"), 0)
    if not numbers or max(numbers) >= count or not side or len(view) != 4:
        return None
    return _Image(element, numbers, side, view, len(dimensions) // len(flat))


def _device(image: Element) -> Device:
    devices, dates = descendants(image, "device"), descendants(image, "creationDate")
    model, software = (devices[0].get(key, "")[:64] if devices else "" for key in ("model", "version"))
    acquired = date_time((dates[0].text or "")[:19], "%Y-%m-%dT%H:%M:%S") if dates else None
    return Device("Leica", model, software=software, acquired=acquired)
