"""The header of every demo DICOM file: patient, study and equipment; and its way to a Part 10 file."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from telemed.demo.people import DemoPatient

MANUFACTURER = "Demo Imaging"


@dataclass(frozen=True)
class StudyOrder:
    """The order of a study as the modality has it. `started` is local time."""

    accession_number: str
    started: datetime
    institution: str
    referring: str = ""
    station: str = "DEMO1"
    character_set: str = "ISO_IR 192"
    """DICOM defined term; ISO_IR 192 or GB18030 hold Chinese names."""


def demo_uid(*parts: object) -> UID:
    """The same UID for the same parts: a UUID-derived one (PS3.5 B.2) from their SHA-256."""
    digest = hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()
    return UID(f"2.25.{int.from_bytes(digest[:16])}")


def study_instance_uid(accession_number: str, modality: str, seed: int) -> UID:
    """The UID of the study that is made for this order."""
    return demo_uid("study", accession_number, modality, seed)


def new_image(patient: DemoPatient, study: StudyOrder, modality: str, seed: int) -> Dataset:
    """A data set with the patient, study, series and equipment modules filled."""
    image = Dataset()
    image.SpecificCharacterSet = study.character_set
    image.ImageType = ["ORIGINAL", "PRIMARY"]
    image.StudyDate = image.SeriesDate = image.AcquisitionDate = image.ContentDate = f"{study.started:%Y%m%d}"
    image.StudyTime = image.SeriesTime = image.AcquisitionTime = image.ContentTime = f"{study.started:%H%M%S}"
    image.AccessionNumber = study.accession_number
    image.Modality = modality
    image.Manufacturer = MANUFACTURER
    image.InstitutionName = study.institution
    image.ReferringPhysicianName = study.referring
    image.StationName = study.station
    image.ManufacturerModelName = f"Demo {modality}"
    image.PatientName = f"{patient.pinyin}={_split_name(patient)}"
    image.PatientID = patient.number
    image.PatientBirthDate = f"{patient.birth_date:%Y%m%d}"
    image.PatientSex = {"male": "M", "female": "F"}.get(patient.sex, "O")
    image.PatientAge = f"{patient.age_on(study.started.date()):03d}Y"
    image.DeviceSerialNumber = "DEMO-0001"
    image.SoftwareVersions = "1.0"
    image.StudyInstanceUID = study_instance_uid(study.accession_number, modality, seed)
    image.SeriesInstanceUID = demo_uid("series", study.accession_number, modality, seed)
    image.StudyID = study.accession_number[-8:]
    image.SeriesNumber = 1
    image.SamplesPerPixel = 1
    image.BurnedInAnnotation = "NO"
    return image


def code(value: str, scheme: str, meaning: str) -> list[Dataset]:
    """A code sequence with one item (PS3.3 8.8)."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return [item]


def set_pixels(image: Dataset, pixels: NDArray[np.uint16], bits_stored: int) -> None:
    """Put an unsigned single-channel picture in, `bits_stored` bits of 16."""
    image.Rows, image.Columns = pixels.shape
    image.BitsAllocated, image.BitsStored, image.HighBit = 16, bits_stored, bits_stored - 1
    image.PixelRepresentation = 0
    image.PixelData = np.ascontiguousarray(pixels.astype("<u2")).tobytes()


def part10(image: Dataset) -> bytes:
    """The data set as a DICOM file, Explicit VR Little Endian."""
    image.file_meta = FileMetaDataset()
    image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.file_meta.ImplementationClassUID = demo_uid("implementation")
    image.file_meta.ImplementationVersionName = "DEMO_1"
    file = BytesIO()
    image.save_as(file, enforce_file_format=True)
    return file.getvalue()


COMPOUND_FAMILY_NAMES = ("欧阳", "司马", "诸葛", "上官")


def _split_name(patient: DemoPatient) -> str:
    """Family and given name as the ideographic component group wants them."""
    length = 2 if patient.name.startswith(COMPOUND_FAMILY_NAMES) else 1
    return f"{patient.name[:length]}^{patient.name[length:]}"
