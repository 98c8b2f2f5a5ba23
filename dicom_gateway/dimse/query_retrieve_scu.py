"""Other archives, as their user: which studies they have of a patient (C-FIND), and fetching them with C-GET, or with C-MOVE to
ourselves where an archive knows no C-GET. Everything here blocks: it is for a thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pynetdicom import build_context, build_role, evt

from dicom_gateway.dimse.scu import associate
from dicom_gateway.dimse.statuses import CANCELLED, NO_SUB_OPERATIONS, PENDING, PENDING_WITH_WARNING, SUB_OPERATIONS_FAILED, SUCCESS
from dicom_gateway.part10 import preface
from dicom_gateway.upper_layer.sender import MAX_CONTEXTS, NATIVE, Peer, SendingFailed

FIND, MOVE, GET = (f"1.2.840.10008.5.1.4.1.2.2.{number}" for number in (1, 2, 3))  # study root (PS3.6 annex A)
ANSWER_WITHIN = 60.0  # seconds for one message of an archive
MAX_FOUND = 500  # studies of one patient that are looked at

# Asked for where an archive does not say which classes a study has: the images, reports and documents of hospitals.
_COMMON = tuple(
    str(getattr(uid, name))
    for name in [
        "ComputedRadiographyImageStorage",
        "DigitalXRayImageStorageForPresentation",
        "DigitalXRayImageStorageForProcessing",
        "DigitalMammographyXRayImageStorageForPresentation",
        "BreastTomosynthesisImageStorage",
        "CTImageStorage",
        "EnhancedCTImageStorage",
        "MRImageStorage",
        "EnhancedMRImageStorage",
        "UltrasoundImageStorage",
        "UltrasoundMultiFrameImageStorage",
        "SecondaryCaptureImageStorage",
        "MultiFrameGrayscaleByteSecondaryCaptureImageStorage",
        "MultiFrameGrayscaleWordSecondaryCaptureImageStorage",
        "MultiFrameTrueColorSecondaryCaptureImageStorage",
        "XRayAngiographicImageStorage",
        "XRayRadiofluoroscopicImageStorage",
        "NuclearMedicineImageStorage",
        "PositronEmissionTomographyImageStorage",
        "EnhancedPETImageStorage",
        "DigitalIntraOralXRayImageStorageForPresentation",
        "VLEndoscopicImageStorage",
        "VLPhotographicImageStorage",
        "VideoEndoscopicImageStorage",
        "OphthalmicPhotography8BitImageStorage",
        "OphthalmicTomographyImageStorage",
        "VLWholeSlideMicroscopyImageStorage",
        "GrayscaleSoftcopyPresentationStateStorage",
        "KeyObjectSelectionDocumentStorage",
        "BasicTextSRStorage",
        "EnhancedSRStorage",
        "ComprehensiveSRStorage",
        "XRayRadiationDoseSRStorage",
        "SegmentationStorage",
        "EncapsulatedPDFStorage",
        "TwelveLeadECGWaveformStorage",
        "GeneralECGWaveformStorage",
        "RawDataStorage",
    ]
)
_COMPRESSED = (
    uid.JPEGLosslessSV1, uid.JPEG2000Lossless, uid.JPEGLSLossless, uid.RLELossless, uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit,
    uid.JPEG2000, uid.JPEGLSNearLossless, uid.HTJ2KLossless, uid.MPEG4HP41,
)  # fmt: skip

_ASKED_FOR = (
    "StudyInstanceUID",
    "StudyDate",
    "StudyDescription",
    "AccessionNumber",
    "ModalitiesInStudy",
    "SOPClassesInStudy",
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
)

# Takes an object (bytes of a DICOM file, SOP class and SOP instance UID) and gives the status of C-STORE.
Keep = Callable[[bytearray, str, str], int]


@dataclass(frozen=True, slots=True)
class RemoteStudy:
    """A study as an archive describes it. `instances` is 0 where it does not say; name (a DICOM person name), birth date (YYYYMMDD)
    and sex (M, F, O) of the patient are empty where it does not say."""

    study_instance_uid: str
    study_date: str
    description: str
    accession_number: str
    modalities: tuple[str, ...]
    sop_classes: tuple[str, ...]
    instances: int
    patient_name: str = ""
    birth_date: str = ""
    sex: str = ""


@dataclass(frozen=True, slots=True)
class Fetched:
    """The numbers of sub-operations that an archive reports for a retrieval."""

    completed: int
    failed: int


def studies_of_patient(peer: Peer, patient_id: str) -> list[RemoteStudy]:
    """Studies of exactly this Patient ID, newest first, `MAX_FOUND` at most. Raises `SendingFailed`, `ValueError` for an id that
    would be a pattern."""
    if not patient_id.strip() or any(sign in patient_id for sign in "*?\\"):
        raise ValueError(f"{patient_id!r} cannot be asked for: it is empty or a pattern")
    keys = Dataset()
    keys.SpecificCharacterSet = "ISO_IR 192"
    keys.QueryRetrieveLevel, keys.PatientID = "STUDY", patient_id
    for keyword in _ASKED_FOR:
        setattr(keys, keyword, "")
    keys.NumberOfStudyRelatedInstances = None
    found = []
    with associate(peer, [build_context(FIND, list(NATIVE))], ANSWER_WITHIN) as association:
        for answer, identifier in association.send_c_find(keys, FIND):
            status = answer.get("Status")
            if status in (PENDING, PENDING_WITH_WARNING):
                # An archive that matches more loosely than it should must not mix patients.
                if identifier is not None and _text(identifier, "PatientID") == patient_id.strip():
                    found.append(_study(identifier))
                if len(found) >= MAX_FOUND:
                    break
            elif status != SUCCESS:
                raise SendingFailed(_refusal(peer, "the query", answer))
    return sorted((each for each in found if each.study_instance_uid), key=lambda each: each.study_date, reverse=True)


def get_study(peer: Peer, study: RemoteStudy, keep: Keep) -> Fetched | None:
    """Fetch with C-GET, each object handed to `keep` in a thread; None where the archive knows no C-GET. Raises `SendingFailed`."""

    def store(event: Any) -> int:
        request = event.request
        sop_class, sop_instance = str(request.AffectedSOPClassUID), str(request.AffectedSOPInstanceUID)
        content = bytearray(preface(sop_class, sop_instance, str(event.context.transfer_syntax)))
        content += request.DataSet.getbuffer()
        return keep(content, sop_class, sop_instance)

    classes = list(dict.fromkeys(study.sop_classes or _COMMON))[: (MAX_CONTEXTS - 1) // 2]
    contexts = [build_context(GET, list(NATIVE))]
    for each in classes:
        contexts += [build_context(each, list(NATIVE)), build_context(each, list(_COMPRESSED))]
    roles = [build_role(each, scp_role=True) for each in classes]
    with associate(peer, contexts, ANSWER_WITHIN, roles, [(evt.EVT_C_STORE, store)]) as association:
        if not any(context.abstract_syntax == GET for context in association.accepted_contexts):
            return None
        return _outcome(peer, association.send_c_get(_wanted(study), GET))


def move_study(peer: Peer, study: RemoteStudy, destination: str) -> Fetched:
    """Have the archive send the study to the AE title `destination`, which it must know. Raises `SendingFailed`."""
    with associate(peer, [build_context(MOVE, list(NATIVE))], ANSWER_WITHIN) as association:
        if not association.accepted_contexts:
            raise SendingFailed(f"{peer.called} knows neither C-GET nor C-MOVE")
        return _outcome(peer, association.send_c_move(_wanted(study), destination, MOVE))


def _wanted(study: RemoteStudy) -> Dataset:
    keys = Dataset()
    keys.QueryRetrieveLevel, keys.StudyInstanceUID = "STUDY", study.study_instance_uid
    return keys


def _outcome(peer: Peer, answers: Iterable[tuple[Dataset, Dataset | None]]) -> Fetched:
    end = Dataset()
    for end, _ in answers:  # noqa: B007  # the last answer is what counts
        pass
    if end.get("Status") not in (SUCCESS, SUB_OPERATIONS_FAILED, NO_SUB_OPERATIONS, CANCELLED):
        raise SendingFailed(_refusal(peer, "the retrieval", end))
    done = int(end.get("NumberOfCompletedSuboperations") or 0) + int(end.get("NumberOfWarningSuboperations") or 0)
    return Fetched(done, int(end.get("NumberOfFailedSuboperations") or 0) or int(end.Status == NO_SUB_OPERATIONS))


def _refusal(peer: Peer, what: str, answer: Dataset) -> str:
    status = answer.get("Status")
    if status is None:
        return f"{peer.called} does not answer {what}"
    return f"{peer.called} answers {what} with {status:04X}H {answer.get('ErrorComment') or ''}".strip()


def _study(identifier: Dataset) -> RemoteStudy:
    return RemoteStudy(
        _text(identifier, "StudyInstanceUID"),
        _text(identifier, "StudyDate"),
        _text(identifier, "StudyDescription"),
        _text(identifier, "AccessionNumber"),
        _texts(identifier, "ModalitiesInStudy"),
        _texts(identifier, "SOPClassesInStudy"),
        _number(_text(identifier, "NumberOfStudyRelatedInstances")),
        _text(identifier, "PatientName"),
        _text(identifier, "PatientBirthDate"),
        _text(identifier, "PatientSex"),
    )


def _texts(identifier: Dataset, keyword: str) -> tuple[str, ...]:
    value = identifier.get(keyword)
    values: Sequence[Any] = value if isinstance(value, MultiValue | list) else [value]
    return tuple(text for each in values if each is not None and (text := str(each).strip()))


def _text(identifier: Dataset, keyword: str) -> str:
    return "\\".join(_texts(identifier, keyword))


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() else 0
