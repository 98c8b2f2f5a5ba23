"""Whose slide it is: from the case, never from what the scanner's file says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Code:
    """A coded concept (PS3.3 section 8.1): value, coding scheme designator, meaning."""

    value: str
    scheme: str
    meaning: str


HAEMATOXYLIN = Code("12710003", "SCT", "hematoxylin stain")
EOSIN = Code("36879007", "SCT", "water soluble eosin stain")


@dataclass(frozen=True, slots=True)
class Identity:
    """Patient, study and specimen of a slide. `at` is when it was received: it stands for the scan's time where the file names none.

    Empty values are written empty where DICOM allows it. `patient_name` is in DICOM's form, `patient_birth_date` YYYYMMDD,
    `patient_sex` M, F, O or empty. An empty `study_instance_uid` or `container_identifier` (the slide's barcode) is derived from
    the file's digest. `stains` are the substances of the staining step (TID 8003).
    """

    at: datetime
    patient_id: str = ""
    patient_name: str = ""
    patient_birth_date: str = ""
    patient_sex: str = ""
    study_instance_uid: str = ""
    accession_number: str = ""
    study_id: str = ""
    referring_physician: str = ""
    container_identifier: str = ""
    specimen_identifier: str = ""
    stains: tuple[Code, ...] = ()
