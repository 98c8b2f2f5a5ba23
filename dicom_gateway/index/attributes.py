"""Attributes that the index answers with and matches by: one table for QIDO-RS and C-FIND.

Levels and required keys: PS3.4 tables C.6-1 to C.6-5, PS3.18 tables 10.6.1-5 and 10.6.3-3 to 10.6.3-5.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum

import sqlalchemy as sa

from dicom_gateway.index.tables import dicom_instance, dicom_series, dicom_study


class Level(IntEnum):
    """Query/retrieve level; a higher number lies deeper."""

    PATIENT = 0
    STUDY = 1
    SERIES = 2
    IMAGE = 3


class Matching(Enum):
    """The kinds of matching (PS3.4 C.2.2.2)."""

    NONE = "none"  # returned only
    UID = "uid"  # list of UIDs
    TEXT = "text"  # single value and wildcard, case kept
    NAME = "name"  # single value and wildcard, case folded, any component group
    DATE = "date"  # range
    TIME = "time"  # range
    NUMBER = "number"  # single value
    MODALITIES = "modalities"  # of any series in the study
    CLASSES = "classes"  # list of UIDs, of any instance in the study


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute: `tag` as eight hex digits; `column` None where the value is counted, not kept.
    `within` is the tag of the sequence that holds it."""

    keyword: str
    tag: str
    vr: str
    level: Level
    matching: Matching
    column: sa.Column[str] | sa.Column[int] | None = None
    folded: sa.Column[str] | None = None
    within: str | None = None


_P, _S, _E, _I = Level.PATIENT, Level.STUDY, Level.SERIES, Level.IMAGE
_study, _series, _instance = dicom_study.c, dicom_series.c, dicom_instance.c
REQUEST_ATTRIBUTES_SEQUENCE = "00400275"

ATTRIBUTES: tuple[Attribute, ...] = (
    Attribute("PatientName", "00100010", "PN", _P, Matching.NAME, _study.patient_name, _study.patient_name_folded),
    Attribute("PatientID", "00100020", "LO", _P, Matching.TEXT, _study.patient_id),
    Attribute("IssuerOfPatientID", "00100021", "LO", _P, Matching.TEXT, _study.issuer_of_patient_id),
    Attribute("PatientBirthDate", "00100030", "DA", _P, Matching.DATE, _study.patient_birth_date),
    Attribute("PatientSex", "00100040", "CS", _P, Matching.TEXT, _study.patient_sex),
    Attribute("StudyInstanceUID", "0020000D", "UI", _S, Matching.UID, _study.study_instance_uid),
    Attribute("StudyDate", "00080020", "DA", _S, Matching.DATE, _study.study_date),
    Attribute("StudyTime", "00080030", "TM", _S, Matching.TIME, _study.study_time),
    Attribute("AccessionNumber", "00080050", "SH", _S, Matching.TEXT, _study.accession_number),
    Attribute("StudyID", "00200010", "SH", _S, Matching.TEXT, _study.study_id),
    Attribute("StudyDescription", "00081030", "LO", _S, Matching.TEXT, _study.study_description),
    Attribute("ReferringPhysicianName", "00080090", "PN", _S, Matching.NAME,
              _study.referring_physician_name, _study.referring_physician_name_folded),
    Attribute("ModalitiesInStudy", "00080061", "CS", _S, Matching.MODALITIES),
    Attribute("SOPClassesInStudy", "00080062", "UI", _S, Matching.CLASSES),
    Attribute("NumberOfStudyRelatedSeries", "00201206", "IS", _S, Matching.NONE),
    Attribute("NumberOfStudyRelatedInstances", "00201208", "IS", _S, Matching.NONE),
    Attribute("SeriesInstanceUID", "0020000E", "UI", _E, Matching.UID, _series.series_instance_uid),
    Attribute("Modality", "00080060", "CS", _E, Matching.TEXT, _series.modality),
    Attribute("SeriesNumber", "00200011", "IS", _E, Matching.NUMBER, _series.series_number),
    Attribute("SeriesDescription", "0008103E", "LO", _E, Matching.TEXT, _series.series_description),
    Attribute("BodyPartExamined", "00180015", "CS", _E, Matching.TEXT, _series.body_part_examined),
    Attribute("Laterality", "00200060", "CS", _E, Matching.TEXT, _series.laterality),
    Attribute("PerformedProcedureStepStartDate", "00400244", "DA", _E, Matching.DATE,
              _series.performed_procedure_step_start_date),
    Attribute("PerformedProcedureStepStartTime", "00400245", "TM", _E, Matching.TIME,
              _series.performed_procedure_step_start_time),
    Attribute("ScheduledProcedureStepID", "00400009", "SH", _E, Matching.TEXT,
              _series.scheduled_procedure_step_id, within=REQUEST_ATTRIBUTES_SEQUENCE),
    Attribute("RequestedProcedureID", "00401001", "SH", _E, Matching.TEXT,
              _series.requested_procedure_id, within=REQUEST_ATTRIBUTES_SEQUENCE),
    Attribute("NumberOfSeriesRelatedInstances", "00201209", "IS", _E, Matching.NONE),
    Attribute("SOPInstanceUID", "00080018", "UI", _I, Matching.UID, _instance.sop_instance_uid),
    Attribute("SOPClassUID", "00080016", "UI", _I, Matching.UID, _instance.sop_class_uid),
    Attribute("InstanceNumber", "00200013", "IS", _I, Matching.NUMBER, _instance.instance_number),
    Attribute("Rows", "00280010", "US", _I, Matching.NUMBER, _instance.rows),
    Attribute("Columns", "00280011", "US", _I, Matching.NUMBER, _instance.columns),
    Attribute("BitsAllocated", "00280100", "US", _I, Matching.NUMBER, _instance.bits_allocated),
    Attribute("NumberOfFrames", "00280008", "IS", _I, Matching.NUMBER, _instance.number_of_frames),
    Attribute("AvailableTransferSyntaxUID", "00083002", "UI", _I, Matching.UID, _instance.transfer_syntax_uid),
)  # fmt: skip

BY_KEYWORD = {attribute.keyword: attribute for attribute in ATTRIBUTES}
BY_TAG = {attribute.tag: attribute for attribute in ATTRIBUTES}


def attribute_named(name: str) -> Attribute | None:
    """The attribute with this keyword or tag of eight hex digits; a sequence path names its last step."""
    last = name.rsplit(".", 1)[-1]
    return BY_KEYWORD.get(last) or BY_TAG.get(last.upper())
