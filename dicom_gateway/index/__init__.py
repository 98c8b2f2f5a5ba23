"""The study index: tables, matching, recording, questions."""

from dicom_gateway.index.attributes import ATTRIBUTES, Attribute, Level, Matching, attribute_named
from dicom_gateway.index.correcting import CORRECTABLE, Correction, correct, corrections, restore
from dicom_gateway.index.finding import Query
from dicom_gateway.index.matching import BadQuery, Match
from dicom_gateway.index.reading import Index, StoredInstance, Target
from dicom_gateway.index.recording import IndexedInstance, ReceivedInstance, Recorded, record
from dicom_gateway.index.scope import Division, Scope
from dicom_gateway.index.stated_patients import StatedPatient, stated_patients
from dicom_gateway.index.tables import (
    dicom_conflict,
    dicom_correction,
    dicom_frame_index,
    dicom_instance,
    dicom_name_key,
    dicom_quarantine,
    dicom_series,
    dicom_series_document,
    dicom_stated_patient,
    dicom_study,
    metadata,
)
from dicom_gateway.index.workflow_tables import dicom_commitment, dicom_performed_step

__all__ = [
    "ATTRIBUTES",
    "CORRECTABLE",
    "Attribute",
    "BadQuery",
    "Correction",
    "Division",
    "Index",
    "IndexedInstance",
    "Level",
    "Match",
    "Matching",
    "Query",
    "ReceivedInstance",
    "Recorded",
    "Scope",
    "StatedPatient",
    "StoredInstance",
    "Target",
    "attribute_named",
    "correct",
    "corrections",
    "dicom_commitment",
    "dicom_conflict",
    "dicom_correction",
    "dicom_frame_index",
    "dicom_instance",
    "dicom_name_key",
    "dicom_performed_step",
    "dicom_quarantine",
    "dicom_series",
    "dicom_series_document",
    "dicom_stated_patient",
    "dicom_study",
    "metadata",
    "record",
    "restore",
    "stated_patients",
]
