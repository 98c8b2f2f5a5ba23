"""DICOM whole-slide images made for tests: frames in any order, with any offset table, right or wrong."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from typing import Any

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEGBaseline8Bit

from tests.pathology.made_tiff import Pixels, jpeg, tiles_of

SM = "1.2.840.10008.5.1.4.1.1.77.1.6"
SIDE = 256


def slide(
    picture: Pixels,
    frames: Sequence[bytes] | None = None,
    syntax: str = JPEGBaseline8Bit,
    flavour: str = "VOLUME",
    number: int = 1,
    pixel_data: bytes | None = None,
    spacing: float | None = 0.00025,
    **changes: Any,
) -> bytes:
    """One object whose frames are the picture's tiles unless others are given; `changes` replace attributes, None deletes."""
    frames = [jpeg(tile, subsampling="420") for tile in tiles_of(picture, SIDE)] if frames is None else frames
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = SM
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{number}"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.Modality = "1.2.3", "1.2.3.0", "SM"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", flavour, "NONE"]
    dataset.Manufacturer, dataset.AcquisitionDateTime = "Acme", "20261120093000"
    dataset.TotalPixelMatrixColumns, dataset.TotalPixelMatrixRows = picture.shape[1], picture.shape[0]
    dataset.Columns = dataset.Rows = SIDE
    dataset.NumberOfFrames = len(frames)
    dataset.DimensionOrganizationType = "TILED_FULL"
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PlanarConfiguration = 3, "YBR_FULL_422", 0
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    if spacing is not None:
        measures, shared = Dataset(), Dataset()
        measures.PixelSpacing = [spacing, spacing]
        shared.PixelMeasuresSequence = [measures]
        dataset.SharedFunctionalGroupsSequence = [shared]
    path = Dataset()
    path.ObjectiveLensPower = 40
    dataset.OpticalPathSequence = [path]
    native = syntax == ExplicitVRLittleEndian
    dataset.PixelData = pixel_data if pixel_data is not None else b"".join(frames) if native else encapsulate(list(frames))
    dataset["PixelData"].is_undefined_length = not native
    dataset["PixelData"].VR = "OB"
    for keyword, value in changes.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


def sparse(picture: Pixels, order: Sequence[int], shift: int = 0) -> bytes:
    """TILED_SPARSE with these tiles in this order; `shift` moves all of them off their places."""
    tiles = [jpeg(tile) for tile in tiles_of(picture, SIDE)]
    columns = -(-picture.shape[1] // SIDE)
    groups = []
    for number in order:
        position, group = Dataset(), Dataset()
        position.ColumnPositionInTotalImagePixelMatrix = number % columns * SIDE + 1 + shift
        position.RowPositionInTotalImagePixelMatrix = number // columns * SIDE + 1
        position.XOffsetInSlideCoordinateSystem = position.YOffsetInSlideCoordinateSystem = position.ZOffsetInSlideCoordinateSystem = 0
        group.PlanePositionSlideSequence = [position]
        groups.append(group)
    return slide(
        picture, [tiles[number] for number in order], DimensionOrganizationType="TILED_SPARSE", PerFrameFunctionalGroupsSequence=groups
    )


def in_fragments(frames: Sequence[bytes], table: bool = True, pieces: int = 3) -> bytes:
    """Encapsulated pixel data with each frame in several fragments, and a basic offset table or an empty one."""
    items, offsets, at = [], [], 0
    for frame in frames:
        frame += bytes(len(frame) % 2)
        step = (len(frame) // pieces + 1) // 2 * 2
        offsets.append(at)
        for start in range(0, len(frame), step):
            items.append(struct.pack("<HHI", 0xFFFE, 0xE000, len(frame[start : start + step])) + frame[start : start + step])
            at += len(items[-1])
    basic = struct.pack(f"<{len(offsets)}I", *offsets) if table else b""
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(basic)) + basic + b"".join(items)
