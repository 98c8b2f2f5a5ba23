"""A DICOM slide: the objects of one series, sorted into levels, label, overview and thumbnail."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pathology.dicom.instance import NAME, VL_WHOLE_SLIDE_MICROSCOPY, Instance, read_instance, read_series, recognise
from pathology.dicom.level import matrix, planes, read_level
from pathology.errors import Refusal, SlideError, UnreadableSlide
from pathology.formats.generic_tiff import date_time
from pathology.limits import MAX_INSTANCES, MAX_LEVELS, MAX_PICTURE_PIXELS, MAX_PROFILE_BYTES
from pathology.slide import Associated, Device, Level, Scale, Slide, scale
from pathology.source import ByteSource, FileSource
from pathology.tiles.coding import Pixels

BESIDE: Final = {"LABEL": "label", "OVERVIEW": "macro", "THUMBNAIL": "thumbnail"}
"""Image flavours (value 3 of Image Type) that are no levels (PS3.3 C.8.12.4.1.1)."""


@dataclass(frozen=True, slots=True)
class _Part:
    file: int
    instance: Instance

    @property
    def flavour(self) -> str:
        kinds = self.instance.dataset.get("ImageType") or []
        return str(kinds[2]) if not isinstance(kinds, str) and len(kinds) > 2 else ""

    @property
    def concatenation(self) -> str:
        """What the parts of one level share."""
        dataset = self.instance.dataset
        return str(dataset.get("ConcatenationUID") or dataset.get("SOPInstanceUID") or self.file)


def files_of_series(path: Path) -> list[Path]:
    """The file and the others of its series in its folder; of a folder, all DICOM files in it. Raises UnreadableSlide, OSError."""
    if path.is_dir():
        return _dicom_files(path)
    with FileSource(path) as source:
        series = read_series(source)
    if not series:
        return [path]
    found = [path]
    for other in _dicom_files(path.parent):
        if other == path:
            continue
        try:
            with FileSource(other) as source:
                if read_series(source) == series:
                    found.append(other)
        except (SlideError, OSError):
            continue
    return found


def _dicom_files(folder: Path) -> list[Path]:
    found = []
    for entry in sorted(folder.iterdir()):
        if not entry.is_file():
            continue
        with entry.open("rb") as file:
            if recognise(file.read(132)):
                found.append(entry)
        if len(found) > MAX_INSTANCES:
            raise UnreadableSlide(Refusal.TOO_LARGE, NAME, 0, f"a folder of more than {MAX_INSTANCES} DICOM files")
    return found


def open_files(paths: Sequence[str | os.PathLike[str]]) -> Slide:
    """Open a slide of DICOM files. Raises UnreadableSlide, OSError."""
    with ExitStack() as stack:
        sources = [stack.enter_context(FileSource(path)) for path in paths]
        slide = read(sources)
        stack.pop_all()
    return slide


def read(sources: Sequence[ByteSource]) -> Slide:
    """Return the slide of one series' objects. Raises UnreadableSlide, also where they are not of one series."""
    parts = [_Part(file, read_instance(source)) for file, source in enumerate(sources)]
    for part in parts:
        if (kind := str(part.instance.dataset.get("SOPClassUID") or "")) != VL_WHOLE_SLIDE_MICROSCOPY:
            found = f"an object of SOP class {kind[:64]}, no whole-slide microscopy image"
            raise UnreadableSlide(Refusal.NOT_SUPPORTED, NAME, 0, found, "Send it to the imaging centre, or export the slide as such.")
    if len({str(part.instance.dataset.get("SeriesInstanceUID") or "") for part in parts}) > 1:
        raise UnreadableSlide(Refusal.CONTRADICTION, NAME, 0, "objects of several series", "Send one slide at a time.")
    volumes = [part for part in parts if part.flavour not in BESIDE]
    if not volumes:
        raise UnreadableSlide(
            Refusal.NO_PICTURE, NAME, 0, "only a label or an overview is there, no slide", "Send the VOLUME instances as well."
        )
    levels, notes = _levels(volumes)
    finest = levels[0][0]
    paths, focal_planes = planes(finest)
    if paths * focal_planes > 1:
        notes.insert(0, f"Of {paths} optical paths and {focal_planes} focal planes the first of each is shown.")
    return Slide(
        NAME,
        tuple(sources),
        tuple(level for _, level in levels),
        pixel_spacing(finest),
        _objective(finest),
        _beside(sources, parts),
        _icc_profile(finest),
        focal_planes,
        paths,
        _device(finest),
        tuple(notes),
    )


def _levels(parts: Sequence[_Part]) -> tuple[list[tuple[Instance, Level]], list[str]]:
    """Levels from fine to coarse with the object that heads each, and a sentence on each coarser one that cannot be read."""
    groups: dict[str, list[_Part]] = defaultdict(list)
    for part in parts:
        groups[part.concatenation].append(part)
    sizes: dict[tuple[int, int], list[_Part]] = {}
    for group in groups.values():
        found = matrix(group[0].instance)
        sizes.setdefault((found.width, found.height), group)
    if len(sizes) > MAX_LEVELS:
        raise UnreadableSlide(Refusal.TOO_LARGE, NAME, 0, f"{len(sizes)} resolutions, at most {MAX_LEVELS} are read")
    levels, lost = [], []
    for _, group in sorted(sizes.items(), key=lambda item: -item[0][0] * item[0][1]):
        try:
            levels.append((group[0].instance, read_level([(part.file, part.instance) for part in group])))
        except UnreadableSlide as error:
            if not levels:
                raise
            lost.append(f"A coarser level is left out: {error.found} (at byte {error.offset}).")
    return levels, lost


def pixel_spacing(instance: Instance) -> Scale | None:
    """Pixel size by Pixel Spacing (mm, rows first) of the shared or the first frame's functional groups, where it can be one."""
    for keyword in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        for item in instance.sequence(keyword)[:1]:
            try:
                down, across = (float(side) * 1e3 for side in item.PixelMeasuresSequence[0].PixelSpacing)
            except (AttributeError, IndexError, TypeError, ValueError):
                continue
            return scale(across, down, "dicom-pixel-spacing")
    return None


def _objective(instance: Instance) -> float | None:
    for item in instance.sequence("OpticalPathSequence")[:1]:
        try:
            power = float(item.ObjectiveLensPower)
        except (AttributeError, TypeError, ValueError):
            return None
        return power if 0 < power < 1e4 else None
    return None


def _icc_profile(instance: Instance) -> bytes:
    for item in instance.sequence("OpticalPathSequence")[:1]:
        profile = item.get("ICCProfile")
        if isinstance(profile, bytes) and 128 <= len(profile) <= MAX_PROFILE_BYTES:
            return profile
    return b""


def _device(instance: Instance) -> Device:
    maker, model, serial = (instance.text(key) for key in ("Manufacturer", "ManufacturerModelName", "DeviceSerialNumber"))
    software: Any = instance.dataset.get("SoftwareVersions") or ""
    software = software if isinstance(software, str) else "; ".join(str(each) for each in software)
    acquired = date_time(instance.text("AcquisitionDateTime")[:14], "%Y%m%d%H%M%S")
    return Device(maker, model, serial, software[:64], acquired)


def _beside(sources: Sequence[ByteSource], parts: Sequence[_Part]) -> tuple[Associated, ...]:
    found: dict[str, Associated] = {}
    for part in parts:
        name = BESIDE.get(part.flavour, "")
        if name and name not in found and (made := _picture(sources, part, name)) is not None:
            found[name] = made
    return tuple(found.values())


def _picture(sources: Sequence[ByteSource], part: _Part, name: str) -> Associated | None:
    def read_it() -> Pixels:
        alone = Slide(NAME, tuple(sources), (read_level([(part.file, part.instance)]),))
        return alone.region(0, 0, 0, alone.width, alone.height)

    try:
        found = matrix(part.instance)
    except UnreadableSlide:
        return None
    if found.width * found.height > MAX_PICTURE_PIXELS:
        return None
    return Associated(name, found.width, found.height, read_it)
