"""DICOM ECG objects: 12-lead, general or ambulatory, whichever holds the recording (PS3.3 A.34.3 to A.34.5)."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRLittleEndian

from ecg.formats.dates import known_day
from ecg.leads import STANDARD_12, lead_number
from ecg.recording import Recording
from ecg.writers.identity import content_uuid
from ecg.writers.quantise import MISSING, Quantised, quantised

NAME: Final = "dicom"


@dataclass(frozen=True, slots=True)
class IOD:
    """An information object's limits: channels, samples a channel, and rates in Hz."""

    sop_class: str
    leads: frozenset[str] | None
    most_channels: int
    most_samples: int
    rates: tuple[float, float]


IODS: Final = (
    IOD("1.2.840.10008.5.1.4.1.1.9.1.1", frozenset(STANDARD_12), 13, 16_384, (200, 1_000)),
    IOD("1.2.840.10008.5.1.4.1.1.9.1.2", None, 24, 2**24, (200, 1_000)),
    IOD("1.2.840.10008.5.1.4.1.1.9.1.3", None, 12, 2**31, (50, 1_000)),
)
"""12-lead, general and ambulatory ECG storage (PS3.3 A.34.3.4, A.34.4.4, A.34.5.4); the first that fits is written.
The general object has no limit on samples; from 16 million on a recording is an ambulatory one."""

_REPORTED: Final = {
    "rate": ("2:16168", "RR interval global", "ms"),
    "p_duration": ("2:16184", "P duration global", "ms"),
    "pr": ("2:15872", "PR interval global", "ms"),
    "qrs_duration": ("2:16156", "QRS duration global", "ms"),
    "qt": ("2:16160", "QT interval global", "ms"),
    "axis": ("2:16132", "QRS axis", "deg"),
}
"""MDC codes of CID 3228 and 3229; a rate in 1/min is written as the RR interval in ms."""

_UNIT_MEANING: Final = {"ms": "millisecond", "deg": "degree", "uV": "microvolt"}


def write(recording: Recording) -> bytes:
    """The recording as a DICOM file. The same recording gives the same UIDs and bytes. Raises ValueError where none of
    the ECG objects holds it (more than 24 leads, rates outside 50 to 1000 Hz), or where its time is not known: DICOM
    requires one, and none is made up here."""
    if recording.start is None:
        raise ValueError("DICOM requires the time of recording, which is not known: set `start`")
    iod = _iod(recording)
    stored = quantised(recording)
    uids = [UID(f"2.25.{content_uuid(recording, stored, part).int}") for part in ("study", "series", "instance")]
    dataset = Dataset()
    _identify(dataset, recording, recording.start, iod, uids)
    _describe_acquisition(dataset)
    dataset.WaveformSequence = Sequence([_group(recording, stored)])
    if annotations := _annotations(recording):
        dataset.WaveformAnnotationSequence = Sequence(annotations)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = UID(iod.sop_class), uids[2]
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    written = io.BytesIO()
    file = FileDataset(written, dataset, file_meta=meta, preamble=b"\0" * 128)
    file.save_as(written, enforce_file_format=True)
    return written.getvalue()


def _iod(recording: Recording) -> IOD:
    leads, length = recording.samples.shape
    for iod in IODS:
        known = iod.leads is None or iod.leads.issuperset(recording.leads)
        fits = leads <= iod.most_channels and length <= iod.most_samples
        if known and fits and iod.rates[0] <= recording.rate <= iod.rates[1]:
            return iod
    raise ValueError(f"no DICOM ECG object holds {leads} leads of {length} samples at {recording.rate:g} Hz")


def _identify(dataset: Dataset, recording: Recording, start: datetime, iod: IOD, uids: list[UID]) -> None:
    patient, device = recording.patient, recording.device
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID, dataset.SOPInstanceUID = iod.sop_class, uids[2]
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = uids[0], uids[1]
    dataset.StudyDate = dataset.SeriesDate = dataset.ContentDate = f"{start:%Y%m%d}"
    dataset.StudyTime = dataset.SeriesTime = dataset.ContentTime = f"{start:%H%M%S}"
    dataset.AcquisitionDateTime = f"{start:%Y%m%d%H%M%S.%f}{start:%z}"
    dataset.Modality = "ECG"
    dataset.StudyID = dataset.AccessionNumber = dataset.ReferringPhysicianName = ""
    dataset.SeriesNumber = dataset.InstanceNumber = 1
    dataset.PatientName, dataset.PatientID = _short(patient.name).replace(" ", "^", 1), _short(patient.id)
    born = known_day(patient.birth_date)
    dataset.PatientBirthDate = born.isoformat().replace("-", "") if born else ""
    dataset.PatientSex = {"male": "M", "female": "F", "other": "O"}.get(patient.sex, "")
    if patient.age_years is not None and 0 <= patient.age_years < 1000:
        dataset.PatientAge = f"{int(patient.age_years):03d}Y"
    dataset.Manufacturer = _short(device.manufacturer)
    for keyword, value in (
        ("ManufacturerModelName", device.model),
        ("DeviceSerialNumber", device.serial),
        ("InstitutionName", device.institution),
    ):
        if value:
            setattr(dataset, keyword, _short(value))


def _short(text: str) -> str:
    """Text for a value of 64 characters (LO, PN), where a backslash would part two values and controls are not allowed."""
    return "".join(letter if letter.isprintable() else " " for letter in text.replace("\\", "/"))[:64]


def _describe_acquisition(dataset: Dataset) -> None:
    """Acquisition context (TID 3401): electrode placement is not known from a Recording."""
    item = Dataset()
    item.ValueType = "CODE"
    item.ConceptNameCodeSequence = _code("5.4.5-33-1", "SCPECG", "Electrode Placement", "1.3")
    item.ConceptCodeSequence = _code("5.4.5-33-1-0", "SCPECG", "Unspecified", "1.3")
    dataset.AcquisitionContextSequence = Sequence([item])


def _code(value: str, scheme: str, meaning: str, version: str = "") -> Sequence:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning[:64]
    if version:
        item.CodingSchemeVersion = version
    return Sequence([item])


def _group(recording: Recording, stored: Quantised) -> Dataset:
    leads, length = stored.numbers.shape
    group = Dataset()
    group.WaveformOriginality = "ORIGINAL"
    group.NumberOfWaveformChannels, group.NumberOfWaveformSamples = leads, length
    group.SamplingFrequency = f"{recording.rate:.10g}"
    group.MultiplexGroupLabel = "RHYTHM"
    group.ChannelDefinitionSequence = Sequence(
        [_channel(lead, resolution) for lead, resolution in zip(recording.leads, stored.resolutions, strict=True)]
    )
    group.WaveformBitsAllocated, group.WaveformSampleInterpretation = 16, "SS"
    group.add_new("WaveformPaddingValue", "OW", MISSING.to_bytes(2, "little", signed=True))
    group.add_new("WaveformData", "OW", stored.numbers.T.astype("<i2").tobytes())
    return group


def _channel(lead: str, resolution: float) -> Dataset:
    channel = Dataset()
    number = lead_number(lead)
    channel.ChannelLabel = lead[:16]
    channel.ChannelSourceSequence = _code(f"2:{number or 0}", "MDC", f"Lead {lead}" if number else "Unspecified lead")
    channel.ChannelSensitivity = f"{resolution:g}"
    channel.ChannelSensitivityUnitsSequence = _code("uV", "UCUM", "microvolt", "1.4")
    channel.ChannelSensitivityCorrectionFactor = "1"
    channel.ChannelBaseline = channel.ChannelSampleSkew = "0"
    channel.WaveformBitsStored = 16
    return channel


def _annotations(recording: Recording) -> list[Dataset]:
    found = []
    for statement in recording.statements:
        item = Dataset()
        item.UnformattedTextValue = statement
        found.append(item)
    for name, value in recording.reported.items():
        if name in _REPORTED and (name != "rate" or value > 0):
            code, meaning, unit = _REPORTED[name]
            item = Dataset()
            item.ConceptNameCodeSequence = _code(code, "MDC", meaning)
            item.MeasurementUnitsCodeSequence = _code(unit, "UCUM", _UNIT_MEANING[unit], "1.4")
            item.NumericValue = f"{60_000 / value if name == 'rate' else value:.10g}"
            found.append(item)
    for item in found:
        item.ReferencedWaveformChannels = [1, 0]  # the whole group
        item.AnnotationGroupNumber = 0
    return found
