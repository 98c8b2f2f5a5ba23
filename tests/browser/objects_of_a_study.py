"""Objects that a study may hold besides slices: reports, documents, films, waveforms, projections. Invented people."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    MPEG2MPML,
    MPEG4HP41,
    BasicTextSRStorage,
    DigitalMammographyXRayImageStorageForPresentation,
    DigitalXRayImageStorageForPresentation,
    EncapsulatedPDFStorage,
    GeneralECGWaveformStorage,
    GrayscaleSoftcopyPresentationStateStorage,
    JPEG2000Lossless,
    VideoEndoscopicImageStorage,
    generate_uid,
)
from reportlab.pdfgen.canvas import Canvas

from telemed.demo.people import PATIENTS
from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.made_video import made_mp4

_PIXELS = (
    "Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
    "RescaleSlope", "RescaleIntercept", "WindowCenter", "WindowWidth", "PixelData",
)  # fmt: skip


PATIENT = PATIENTS[41]
"""Whose objects they are."""


def _object(study: str, accession: str, sop_class: str, modality: str, number: int, description: str, **more: Any) -> Dataset:
    made = ct_slice(StudyInstanceUID=study, AccessionNumber=accession, SOPClassUID=sop_class, **more)
    made.PatientName, made.PatientID = f"{PATIENT.pinyin}={PATIENT.name[0]}^{PATIENT.name[1:]}", PATIENT.number
    made.PatientBirthDate, made.PatientSex = f"{PATIENT.birth_date:%Y%m%d}", "M" if PATIENT.sex == "male" else "F"
    made.Modality, made.SeriesNumber, made.SeriesDescription, made.InstanceNumber = modality, number, description, 1
    made.SeriesInstanceUID = generate_uid()
    return made


def _without_pixels(*asked: Any, **more: Any) -> Dataset:
    made = _object(*asked, **more)
    for keyword in _PIXELS:
        delattr(made, keyword)
    return made


def code(value: str, scheme: str, meaning: str) -> Dataset:
    made = Dataset()
    made.CodeValue, made.CodingSchemeDesignator, made.CodeMeaning = value, scheme, meaning
    return made


def node(kind: str, name: str, *below: Dataset, **values: Any) -> Dataset:
    """An item of a content tree."""
    made = Dataset()
    made.RelationshipType, made.ValueType = "CONTAINS", kind
    made.ConceptNameCodeSequence = [code("1", "99TEST", name)]
    for keyword, value in values.items():
        setattr(made, keyword, value)
    if below:
        made.ContentSequence = list(below)
    return made


def measured(name: str, value: str, unit: str, meaning: str) -> Dataset:
    number = Dataset()
    number.NumericValue = value
    number.MeasurementUnitsCodeSequence = [code(unit, "UCUM", meaning)]
    return node("NUM", name, MeasuredValueSequence=[number])


def report(study: str, accession: str) -> bytes:
    made = _without_pixels(study, accession, BasicTextSRStorage, "SR", 11, "Measurements")
    made.ContentDate, made.ContentTime = "20240115", "113005"
    made.CompletionFlag, made.VerificationFlag, made.ValueType = "COMPLETE", "UNVERIFIED", "CONTAINER"
    made.ConceptNameCodeSequence = [code("125000", "DCM", "OB-GYN Ultrasound Procedure Report")]
    made.ContentSequence = [
        node(
            "CONTAINER",
            "Findings",
            measured("Biparietal Diameter", "91.5", "mm", "millimeter"),
            node("CODE", "Placenta", ConceptCodeSequence=[code("2", "99TEST", "Anterior")]),
            node("TEXT", "Comment", TextValue="双顶径正常 <script>alert(1)</script>"),
            node("DATE", "LMP", Date="20230801"),
        ),
        node("CONTAINER", "Conclusion", node("TEXT", "Impression", TextValue="Normal growth.")),
    ]
    return part10_of(made)


def paper(study: str, accession: str) -> bytes:
    written = io.BytesIO()
    canvas = Canvas(written)
    canvas.drawString(72, 720, "Discharge summary")
    canvas.showPage()
    canvas.drawString(72, 720, "Second page")
    canvas.save()
    made = _without_pixels(study, accession, EncapsulatedPDFStorage, "DOC", 12, "Summary")
    made.DocumentTitle, made.MIMETypeOfEncapsulatedDocument = "出院小结", "application/pdf"
    made.EncapsulatedDocument = written.getvalue() + b"\0" * (len(written.getvalue()) % 2)
    return part10_of(made)


def film(study: str, accession: str, *, number: int = 13, mpeg2: bool = False) -> bytes:
    """A video of two seconds."""
    stream = made_mp4()
    made = _object(study, accession, VideoEndoscopicImageStorage, "ES", number, "MPEG-2" if mpeg2 else "Endoscopy")
    made.Rows, made.Columns, made.SamplesPerPixel, made.NumberOfFrames = 16, 16, 3, 50
    made.PhotometricInterpretation, made.PlanarConfiguration = "YBR_PARTIAL_420", 0
    made.BitsAllocated, made.BitsStored, made.HighBit = 8, 8, 7
    made.PixelData = encapsulate([stream])
    made["PixelData"].VR, made["PixelData"].is_undefined_length = "OB", True
    return part10_of(made, MPEG2MPML if mpeg2 else MPEG4HP41)


def waveform(study: str, accession: str) -> bytes:
    return part10_of(_without_pixels(study, accession, GeneralECGWaveformStorage, "ECG", 15, "12 leads"))


def presentation(study: str, accession: str) -> bytes:
    made = _without_pixels(study, accession, GrayscaleSoftcopyPresentationStateStorage, "PR", 16, "As the author saw it")
    made.ContentLabel = "PRINT"
    return part10_of(made)


def undecodable(study: str, accession: str) -> bytes:
    """A picture whose code stream nobody can read."""
    made = _object(study, accession, "1.2.840.10008.5.1.4.1.1.2", "CT", 17, "Damaged")
    made.PixelData = encapsulate([b"\xff\x4f\xff\x51 no code stream" * 4])
    made["PixelData"].VR, made["PixelData"].is_undefined_length = "OB", True
    return part10_of(made, JPEG2000Lossless)


def chest(study: str, accession: str) -> bytes:
    """A projection that says where its rows and columns point, and no more."""
    made = _object(study, accession, DigitalXRayImageStorageForPresentation, "DX", 2, "PA", PatientOrientation=["L", "F"])
    return part10_of(_filled(made, 300, 240))


def mammogram(study: str, accession: str, side: str, number: int) -> bytes:
    made = _object(study, accession, DigitalMammographyXRayImageStorageForPresentation, "MG", number, "")
    made.ImageLaterality, made.ViewPosition = side, "CC"
    made.PatientOrientation = ["A", "R"] if side == "L" else ["P", "L"]
    return part10_of(_filled(made, 400, 300))


def _filled(made: Dataset, rows: int, columns: int) -> Dataset:
    made.Rows, made.Columns = rows, columns
    y, x = np.mgrid[:rows, :columns]
    made.PixelData = np.where((x - columns / 2) ** 2 + (y - rows / 2) ** 2 < (columns / 2.2) ** 2, 1100 + x, 900).astype("<u2").tobytes()
    return made
