"""Attributes by the level that they describe: what `includefield=all` adds at a level above the instance.

Source: PS3.3 modules Patient (C.7.1.1), General Study (C.7.2.1), Patient Study (C.7.2.2), General Series (C.7.3.1) and
General Equipment (C.7.5.1).
"""

from __future__ import annotations

from pydicom.datadict import tag_for_keyword

from dicom_gateway.index import Level

_STUDY = """
    PatientName PatientID IssuerOfPatientID TypeOfPatientID PatientBirthDate PatientBirthTime PatientSex OtherPatientIDs
    OtherPatientIDsSequence OtherPatientNames EthnicGroup PatientComments PatientSpeciesDescription PatientIdentityRemoved
    DeidentificationMethod StudyInstanceUID StudyDate StudyTime ReferringPhysicianName ReferringPhysicianIdentificationSequence
    ConsultingPhysicianName StudyID AccessionNumber IssuerOfAccessionNumberSequence StudyDescription PhysiciansOfRecord
    NameOfPhysiciansReadingStudy RequestingServiceCodeSequence ReferencedStudySequence ProcedureCodeSequence
    ReasonForPerformedProcedureCodeSequence AdmittingDiagnosesDescription AdmittingDiagnosesCodeSequence PatientAge PatientSize
    PatientWeight MedicalAlerts Allergies SmokingStatus PregnancyStatus LastMenstrualDate PatientSexNeutered ReasonForVisit
    Occupation AdditionalPatientHistory AdmissionID ServiceEpisodeID PatientState TimezoneOffsetFromUTC
"""
_SERIES = """
    Modality SeriesInstanceUID SeriesNumber Laterality SeriesDate SeriesTime PerformingPhysicianName ProtocolName SeriesDescription
    SeriesDescriptionCodeSequence OperatorsName BodyPartExamined PatientPosition SmallestPixelValueInSeries LargestPixelValueInSeries
    RequestAttributesSequence PerformedProcedureStepID PerformedProcedureStepStartDate PerformedProcedureStepStartTime
    PerformedProcedureStepEndDate PerformedProcedureStepEndTime PerformedProcedureStepDescription PerformedProtocolCodeSequence
    CommentsOnThePerformedProcedureStep Manufacturer InstitutionName InstitutionAddress StationName InstitutionalDepartmentName
    ManufacturerModelName DeviceSerialNumber SoftwareVersions GantryID UDISequence SpatialResolution DateOfLastCalibration
    TimeOfLastCalibration PixelPaddingValue FrameOfReferenceUID PositionReferenceIndicator TreatmentSessionUID
"""


def _tags(keywords: str) -> frozenset[str]:
    return frozenset(f"{tag:08X}" for keyword in keywords.split() if (tag := tag_for_keyword(keyword)) is not None)


_AT = {Level.STUDY: _tags(_STUDY), Level.SERIES: _tags(_SERIES) | _tags(_STUDY)}


def describes(tag: str, level: Level) -> bool:
    """True if the attribute belongs to `level` or to one above it. Every attribute does for an instance."""
    return level not in _AT or tag in _AT[level]
