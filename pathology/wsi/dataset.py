"""The attributes of a VL Whole Slide Microscopy Image (PS3.3 A.32.8), all of types 1 and 2, without pixel data."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, JPEGBaseline8Bit

from pathology.dicom.instance import VL_WHOLE_SLIDE_MICROSCOPY
from pathology.slide import Device, Scale
from pathology.wsi.identity import Code, Identity

IMPLEMENTATION_CLASS_UID: Final = "2.25.329043312783529512786309212931743530621"
IMPLEMENTATION_VERSION_NAME: Final = "TELEMED_WSI_1"
OPTICAL_PATH: Final = "1"
UNKNOWN: Final = "unknown"
"""For names of type 1 that the file does not give."""

SECTION_MM: Final = 0.004
"""Slice Thickness and Imaged Volume Depth, of which files say nothing: a routine section of 4 µm."""

NO_SCALE_MM: Final = 1.0
"""Pixel Spacing where the size is not known. DICOM asks for one (type 1C); this one nobody takes for a scanner's, and reading it
back gives none again (see `limits.MAX_MPP`). Image Comments say so."""

_MICROSCOPE_SLIDE: Final = Code("433466003", "SCT", "Microscope slide")
_BRIGHTFIELD: Final = Code("111744", "DCM", "Brightfield illumination")
_FULL_SPECTRUM: Final = Code("414298005", "SCT", "Full Spectrum")
_SPECIMEN_IDENTIFIER: Final = Code("121041", "DCM", "Specimen Identifier")
_PROCESSING_TYPE: Final = Code("111701", "DCM", "Processing type")
_STAINING: Final = Code("127790008", "SCT", "Staining")
_USING_SUBSTANCE: Final = Code("424361007", "SCT", "Using substance")
_INDEXED: Final = ((0x0048021E, 0x0048021A, "Column"), (0x0048021F, 0x0048021A, "Row"))
"""Column and Row Position In Total Image Pixel Matrix, in the Plane Position (Slide) Sequence."""


@dataclass(frozen=True, slots=True)
class LevelHeader:
    """What the header of one level needs to know of it; sizes in pixels. `factor` is how often smaller than the finest it is."""

    number: int
    width: int
    height: int
    tile_width: int
    tile_height: int
    interpretation: str
    factor: float
    resampled: bool


@dataclass(frozen=True, slots=True)
class PartHeader:
    """One object of a level: its frames, and its place in a concatenation where there are several."""

    number: int
    count: int
    first_frame: int
    frames: int


def uid(*parts: str) -> str:
    """A UID that is the same for the same parts (PS3.5 B.2: 2.25 and 128 bits)."""
    digest = bytearray(hashlib.sha256("\0".join(parts).encode()).digest()[:16])
    digest[6], digest[8] = digest[6] & 0x0F | 0x80, digest[8] & 0x3F | 0x80  # version 8 and the variant of RFC 9562
    return f"2.25.{int.from_bytes(digest, 'big')}"


@dataclass(frozen=True, slots=True)
class Header:
    """Makes the header of every object of one slide. `digest` is the file's SHA-256 in hexadecimal."""

    identity: Identity
    digest: str
    device: Device
    scale: Scale | None
    objective: float | None
    icc_profile: bytes

    @property
    def study_instance_uid(self) -> str:
        """The case's study, or one of the slide's own."""
        return self.identity.study_instance_uid or uid("study", self.digest)

    def instance_uid(self, level: LevelHeader, part: int) -> str:
        """The UID of one object."""
        return uid("instance", self.digest, self.study_instance_uid, str(level.number), str(part))

    def dataset(self, level: LevelHeader, part: PartHeader, ratio: float) -> Dataset:
        """Return the attributes of one object. `ratio` is that of compression."""
        dataset = Dataset()
        dataset.file_meta = self._file_meta(level, part)
        dataset.SpecificCharacterSet = "ISO_IR 192"
        dataset.SOPClassUID, dataset.SOPInstanceUID = VL_WHOLE_SLIDE_MICROSCOPY, self.instance_uid(level, part.number)
        self._patient_and_study(dataset)
        self._equipment(dataset)
        self._image(dataset, level, part, ratio)
        self._functional_groups(dataset, level)
        self._dimensions(dataset)
        self._specimen(dataset)
        dataset.NumberOfOpticalPaths, dataset.TotalPixelMatrixFocalPlanes = 1, 1
        dataset.OpticalPathSequence = [self._optical_path()]
        if part.count > 1:
            dataset.ConcatenationUID = uid("concatenation", self.digest, self.study_instance_uid, str(level.number))
            dataset.SOPInstanceUIDOfConcatenationSource = self.instance_uid(level, 0)
            dataset.InConcatenationNumber, dataset.InConcatenationTotalNumber = part.number, part.count
            dataset.ConcatenationFrameOffsetNumber = part.first_frame
        return dataset

    def _file_meta(self, level: LevelHeader, part: PartHeader) -> FileMetaDataset:
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = UID(VL_WHOLE_SLIDE_MICROSCOPY)
        meta.MediaStorageSOPInstanceUID = UID(self.instance_uid(level, part.number))
        meta.TransferSyntaxUID = JPEGBaseline8Bit
        meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS_UID)
        meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME
        return meta

    def _patient_and_study(self, dataset: Dataset) -> None:
        who = self.identity
        dataset.PatientName, dataset.PatientID = who.patient_name, who.patient_id
        dataset.PatientBirthDate, dataset.PatientSex = who.patient_birth_date, who.patient_sex
        dataset.StudyInstanceUID, dataset.StudyID = self.study_instance_uid, who.study_id
        dataset.StudyDate, dataset.StudyTime = _date(who.at), _time(who.at)
        dataset.AccessionNumber, dataset.ReferringPhysicianName = who.accession_number, who.referring_physician
        dataset.Modality, dataset.SeriesNumber = "SM", 1
        dataset.SeriesInstanceUID = uid("series", self.digest, self.study_instance_uid)
        dataset.FrameOfReferenceUID = uid("frame of reference", self.digest, self.study_instance_uid)
        dataset.PositionReferenceIndicator = "SLIDE_CORNER"

    def _equipment(self, dataset: Dataset) -> None:
        dataset.Manufacturer = self.device.manufacturer or UNKNOWN
        dataset.ManufacturerModelName = self.device.model or UNKNOWN
        dataset.DeviceSerialNumber = self.device.serial or UNKNOWN
        dataset.SoftwareVersions = (self.device.software or UNKNOWN).replace("\\", " ")

    def _image(self, dataset: Dataset, level: LevelHeader, part: PartHeader, ratio: float) -> None:
        acquired = self.device.acquired or self.identity.at
        dataset.ImageType = ["DERIVED" if level.resampled else "ORIGINAL", "PRIMARY", "VOLUME", "RESAMPLED" if level.resampled else "NONE"]
        dataset.InstanceNumber = level.number * 1000 + max(part.number, 1)
        dataset.ContentDate, dataset.ContentTime = _date(acquired), _time(acquired)
        dataset.AcquisitionDateTime = f"{_date(acquired)}{_time(acquired)}"
        dataset.NumberOfFrames = part.frames
        dataset.Rows, dataset.Columns = level.tile_height, level.tile_width
        dataset.TotalPixelMatrixColumns, dataset.TotalPixelMatrixRows = level.width, level.height
        dataset.SamplesPerPixel, dataset.PlanarConfiguration, dataset.PixelRepresentation = 3, 0, 0
        dataset.PhotometricInterpretation = level.interpretation
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
        dataset.BurnedInAnnotation, dataset.SpecimenLabelInImage = "NO", "NO"
        dataset.LossyImageCompression, dataset.LossyImageCompressionMethod = "01", "ISO_10918_1"
        dataset.LossyImageCompressionRatio = f"{min(ratio, 999_999.0):010.3f}"
        dataset.FocusMethod, dataset.ExtendedDepthOfField = "AUTO", "NO"
        dataset.VolumetricProperties = "VOLUME"
        dataset.AcquisitionContextSequence = []
        dataset.ImageOrientationSlide = [0, -1, 0, -1, 0, 0]
        dataset.TotalPixelMatrixOriginSequence = [self._origin(level)]
        down, across = self._spacing(level)
        dataset.ImagedVolumeWidth, dataset.ImagedVolumeHeight = level.width * across, level.height * down
        dataset.ImagedVolumeDepth = SECTION_MM * 1e3  # in µm, where width and height are in mm (PS3.3 C.8.12.4)
        if self.scale is None:
            dataset.ImageComments = "The pixel size is not known: Pixel Spacing is a placeholder of 1 mm at the finest resolution."

    def _origin(self, level: LevelHeader) -> Dataset:
        """The upper left corner in mm, where rows run against Y and columns against X: so all of the slide has positive places."""
        origin = Dataset()
        down, across = self._spacing(level)
        origin.XOffsetInSlideCoordinateSystem = _decimal(level.height * down)
        origin.YOffsetInSlideCoordinateSystem = _decimal(level.width * across)
        return origin

    def _spacing(self, level: LevelHeader) -> tuple[float, float]:
        """Pixel spacing of a level in mm, rows first; of a slide without scale `NO_SCALE_MM`."""
        down, across = (NO_SCALE_MM, NO_SCALE_MM) if self.scale is None else (self.scale.y / 1e3, self.scale.x / 1e3)
        return down * level.factor, across * level.factor

    def _functional_groups(self, dataset: Dataset, level: LevelHeader) -> None:
        shared, measures, frame_type, path = Dataset(), Dataset(), Dataset(), Dataset()
        measures.PixelSpacing = [_decimal(side) for side in self._spacing(level)]
        measures.SliceThickness = SECTION_MM
        shared.PixelMeasuresSequence = [measures]
        frame_type.FrameType = dataset.ImageType
        shared.WholeSlideMicroscopyImageFrameTypeSequence = [frame_type]
        path.OpticalPathIdentifier = OPTICAL_PATH
        shared.OpticalPathIdentificationSequence = [path]
        dataset.SharedFunctionalGroupsSequence = [shared]

    def _dimensions(self, dataset: Dataset) -> None:
        organisation = Dataset()
        organisation.DimensionOrganizationUID = uid("dimensions", self.digest, self.study_instance_uid)
        dataset.DimensionOrganizationSequence = [organisation]
        dataset.DimensionOrganizationType = "TILED_FULL"
        indices = []
        for pointer, group, label in _INDEXED:
            index = Dataset()
            index.DimensionOrganizationUID = organisation.DimensionOrganizationUID
            index.DimensionIndexPointer, index.FunctionalGroupPointer = pointer, group
            index.DimensionDescriptionLabel = label
            indices.append(index)
        dataset.DimensionIndexSequence = indices

    def _specimen(self, dataset: Dataset) -> None:
        container = self.identity.container_identifier or f"SLIDE-{self.digest[:12].upper()}"
        dataset.ContainerIdentifier = container
        dataset.IssuerOfTheContainerIdentifierSequence = []
        dataset.ContainerTypeCodeSequence = [coded(_MICROSCOPE_SLIDE)]
        specimen = Dataset()
        specimen.SpecimenIdentifier = self.identity.specimen_identifier or container
        specimen.SpecimenUID = uid("specimen", self.study_instance_uid, specimen.SpecimenIdentifier)
        specimen.IssuerOfTheSpecimenIdentifierSequence = []
        specimen.SpecimenPreparationSequence = self._preparation(specimen.SpecimenIdentifier)
        dataset.SpecimenDescriptionSequence = [specimen]

    def _preparation(self, identifier: str) -> list[Dataset]:
        """The staining step (TID 8001), where the stain is known."""
        if not self.identity.stains:
            return []
        step = Dataset()
        items = [_text_item(_SPECIMEN_IDENTIFIER, identifier), _code_item(_PROCESSING_TYPE, _STAINING)]
        items += [_code_item(_USING_SUBSTANCE, stain) for stain in self.identity.stains]
        step.SpecimenPreparationStepContentItemSequence = items
        return [step]

    def _optical_path(self) -> Dataset:
        path = Dataset()
        path.OpticalPathIdentifier = OPTICAL_PATH
        path.IlluminationTypeCodeSequence = [coded(_BRIGHTFIELD)]
        path.IlluminationColorCodeSequence = [coded(_FULL_SPECTRUM)]
        path.ICCProfile = self.icc_profile + bytes(len(self.icc_profile) % 2)
        if self.objective is not None:
            path.ObjectiveLensPower = _decimal(self.objective)
        return path


def coded(code: Code) -> Dataset:
    """A code sequence item."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code.value, code.scheme, code.meaning
    return item


def _code_item(name: Code, value: Code) -> Dataset:
    item = Dataset()
    item.ValueType, item.ConceptNameCodeSequence, item.ConceptCodeSequence = "CODE", [coded(name)], [coded(value)]
    return item


def _text_item(name: Code, value: str) -> Dataset:
    item = Dataset()
    item.ValueType, item.ConceptNameCodeSequence, item.TextValue = "TEXT", [coded(name)], value
    return item


def _decimal(value: float) -> str:
    """A decimal string of at most 16 characters (PS3.5 6.2)."""
    for digits in range(12, 0, -1):
        if len(text := f"{value:.{digits}g}") <= 16:
            return text
    return "0"


def _date(at: datetime) -> str:
    return at.strftime("%Y%m%d")


def _time(at: datetime) -> str:
    return at.strftime("%H%M%S")


__all__: Sequence[str] = ("Header", "LevelHeader", "PartHeader", "coded", "uid")
