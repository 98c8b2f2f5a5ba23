"""DICOM objects made for tests, with invented people."""

from __future__ import annotations

import itertools
from io import BytesIO
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, generate_uid

_numbers = itertools.count(1)


def ct_slice(**attributes: Any) -> Dataset:
    """A small CT slice with a gradient; attributes given by keyword replace or, when None, remove its own."""
    data_set = Dataset()
    data_set.SpecificCharacterSet = "ISO_IR 192"
    data_set.SOPClassUID, data_set.SOPInstanceUID = CTImageStorage, generate_uid()
    data_set.StudyInstanceUID, data_set.SeriesInstanceUID = generate_uid(), generate_uid()
    data_set.PatientName, data_set.PatientID = "Wang^XiaoDong=王^小东", "P0001"
    data_set.PatientBirthDate, data_set.PatientSex = "19700101", "M"
    data_set.StudyDate, data_set.StudyTime, data_set.AccessionNumber = "20240115", "103000", "ACC1"
    data_set.StudyID, data_set.StudyDescription = "S1", "Chest 胸部"
    data_set.ReferringPhysicianName = "Li^Si"
    data_set.Modality, data_set.SeriesNumber, data_set.SeriesDescription = "CT", 2, "Axial"
    data_set.BodyPartExamined, data_set.InstanceNumber = "CHEST", next(_numbers)
    data_set.Rows, data_set.Columns = 16, 20
    data_set.SamplesPerPixel, data_set.PhotometricInterpretation = 1, "MONOCHROME2"
    data_set.BitsAllocated, data_set.BitsStored, data_set.HighBit, data_set.PixelRepresentation = 16, 12, 11, 0
    data_set.RescaleSlope, data_set.RescaleIntercept = "1", "-1024"
    data_set.WindowCenter, data_set.WindowWidth = "40", "400"
    data_set.PixelData = (np.arange(320, dtype="<u2") * 8).tobytes()
    data_set["PixelData"].VR = "OW"
    for keyword, value in attributes.items():
        if value is None:
            delattr(data_set, keyword)
        else:
            setattr(data_set, keyword, value)
    return data_set


def part10_of(data_set: Dataset, syntax: UID = ExplicitVRLittleEndian) -> bytes:
    """The data set as a DICOM file."""
    data_set.file_meta = FileMetaDataset()
    data_set.file_meta.TransferSyntaxUID = syntax
    data_set.file_meta.MediaStorageSOPClassUID = data_set.get("SOPClassUID", CTImageStorage)
    data_set.file_meta.MediaStorageSOPInstanceUID = data_set.get("SOPInstanceUID", "1.2.3")
    out = BytesIO()
    data_set.save_as(out, enforce_file_format=True, implicit_vr=syntax.is_implicit_VR, little_endian=syntax.is_little_endian)
    return out.getvalue()
