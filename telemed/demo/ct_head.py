"""A CT head series that never was a person: 40 axial slices, 512 x 512, 5 mm, in Hounsfield units."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage
from scipy import ndimage

from telemed.demo.dicom_header import StudyOrder, code, demo_uid, new_image, part10, set_pixels
from telemed.demo.head_finding import PATHOLOGIES, HeadFinding, HeadPathology, paint_pathology
from telemed.demo.head_slice import Head, HeadSlice, paint_head
from telemed.demo.people import DemoPatient
from telemed.demo.texture import band_noise, smooth_field

Image = NDArray[np.float32]

SLICES, SIZE, SPACING_MM, THICKNESS_MM = 40, 512, 0.46, 5.0
LOWEST_MM = -60.0
"""Height of the first slice over the orbitomeatal plane."""
NOISE_HU = 3.4
"""Standard deviation in brain tissue, as at a CTDIvol near 50 mGy and a smooth kernel."""
INTERCEPT = -1024
WINDOWS = (("BRAIN", 40, 80), ("SUBDURAL", 75, 215), ("BONE", 500, 2000))
"""Name, centre and width in HU."""


def ct_head(patient: DemoPatient, study: StudyOrder, seed: int, finding: HeadFinding = "normal") -> Iterator[bytes]:
    """The series as Part 10 files, lowest slice first; the same arguments give the same bytes.

    Raises KeyError for a finding that `PATHOLOGIES` does not hold.
    """
    scan = HeadScan(seed, finding)
    for number in range(1, SLICES + 1):
        yield part10(_instance(patient, study, seed, number, scan.hounsfield(number - 1)))


class HeadScan:
    """One head lying in the scanner; its slices can be taken in any order. Raises KeyError for an unknown finding."""

    def __init__(self, seed: int, finding: HeadFinding = "normal") -> None:
        self.seed, self.pathology = seed, PATHOLOGIES[finding]
        rng = np.random.default_rng([seed, 40])
        self.head = Head(rng, SIZE, SPACING_MM, self.pathology.sulcus, self.pathology.effaced)
        self.posture = _Posture(rng, self.head, self.pathology)
        self.grain = band_noise(rng, SIZE, peak=0.10, fall=0.24)

    def hounsfield(self, index: int) -> Image:
        """Slice `index` (0 is the lowest) in HU with noise, float32 (512, 512); row 0 in front, column 0 on the right side."""
        cut = paint_head(self.head, LOWEST_MM + THICKNESS_MM * index, THICKNESS_MM)
        paint_pathology(self.head, cut, self.pathology)
        _paint_headrest(cut)
        return _acquire(np.random.default_rng([self.seed, 40, index]), self.posture.place(cut), cut, self.grain)


class _Posture:
    """Nobody lies quite straight and no head is symmetric: where each pixel of the image lies in the drawn head."""

    def __init__(self, rng: np.random.Generator, head: Head, pathology: HeadPathology) -> None:
        turn = np.deg2rad(rng.uniform(-3, 3))
        self.shift = pathology.shift
        bend = 1.6 / SPACING_MM
        middle = (SIZE - 1) / 2
        x, y = head.x / SPACING_MM, head.y / SPACING_MM
        drift_x, drift_y = rng.uniform(-5, 5, 2)
        fade_out = np.clip((108 - head.radius) / 20, 0, 1)
        bent = [bend * smooth_field(rng, (SIZE, SIZE), 110) * fade_out for _ in range(2)]
        self.columns = x * np.cos(turn) - y * np.sin(turn) + middle + drift_x + bent[0]
        self.rows = x * np.sin(turn) + y * np.cos(turn) + middle + drift_y + bent[1]
        self.pressed = np.exp(-((head.x / 40) ** 2) - (head.y / 52) ** 2) / SPACING_MM

    def place(self, cut: HeadSlice) -> Image:
        """The slice as the scanner saw it, midline shift and all."""
        columns = self.columns
        if self.shift:
            columns = columns - self.shift * np.exp(-(((cut.plane.z - 54) / 24) ** 2)) * self.pressed
        seen = ndimage.map_coordinates(cut.plane.values, [self.rows, columns], order=1, mode="nearest")
        return np.asarray(seen, np.float32)


def _paint_headrest(cut: HeadSlice) -> None:
    """The curved head holder: two thin shells with foam between."""
    plane = cut.plane
    if plane.z > 90:
        return
    ring = np.hypot(plane.x / 0.92, plane.y + 6)
    behind = np.clip((plane.y - 22) / 6, 0, 1)
    free = np.clip((-plane.values - 850) / 100, 0, 1) * behind
    for radius, value, half in ((108.0, -935.0, 3.6), (104.4, -560.0, 0.55), (111.8, -430.0, 0.6)):
        alpha = np.clip(0.5 - (np.abs(ring - radius) - half) / 0.7, 0, 1) * free
        plane.paint(((slice(None), slice(None)), np.asarray(alpha, np.float32)), value)


def _acquire(rng: np.random.Generator, seen: Image, cut: HeadSlice, grain: Image) -> Image:
    """Blur by the scanner's point spread, then beam hardening, streaks and quantum noise."""
    image = ndimage.gaussian_filter(seen, 0.75)
    z = cut.plane.z
    base = float(np.clip((22 - z) / 10, 0, 1) * np.clip((z + 45) / 20, 0, 1))
    if base > 0:  # between the petrous bones; around dense bone
        dark = np.exp(-(((cut.plane.y - 9) / 4.5) ** 2) - (cut.plane.x / 26) ** 2)
        image -= np.float32(9 * base * np.clip(1 - abs(z - 4) / 10, 0, 1)) * dark
        image += 2.5 * base * ndimage.zoom(rng.standard_normal((32, 4)).astype(np.float32), (16, 128), order=1)
    strength = NOISE_HU * (1 + 0.55 * base)
    row, column = rng.integers(0, SIZE, 2)
    noise = np.roll(grain, (int(row), int(column)), (0, 1))
    if rng.random() < 0.5:
        noise = noise.T
    return np.asarray(np.clip(image + strength * noise, INTERCEPT, 3071), np.float32)


def _instance(patient: DemoPatient, study: StudyOrder, seed: int, number: int, hounsfield: Image) -> Dataset:
    image = new_image(patient, study, "CT", seed)
    image.SOPClassUID = CTImageStorage
    image.SOPInstanceUID = demo_uid("instance", image.SeriesInstanceUID, number)
    image.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    image.StudyDescription = "CT Head"
    image.SeriesDescription = "Head 5.0 mm"
    image.ProtocolName = "Head Routine"
    image.BodyPartExamined = "HEAD"
    image.PatientPosition = "HFS"
    image.ScanOptions = "AXIAL"
    image.KVP, image.XRayTubeCurrent, image.ExposureTime, image.Exposure = 120, 280, 1000, 280
    image.CTDIvol = 48.6
    image.CTDIPhantomTypeCodeSequence = code("113690", "DCM", "IEC Head Dosimetry Phantom")
    image.DataCollectionDiameter = image.ReconstructionDiameter = round(SIZE * SPACING_MM, 2)
    image.GantryDetectorTilt = 0
    image.ConvolutionKernel = "BRAIN"
    image.FilterType = "HEAD"
    image.FrameOfReferenceUID = demo_uid("frame", image.StudyInstanceUID)
    image.PositionReferenceIndicator = "OM"
    image.AcquisitionNumber = 1
    image.InstanceNumber = number
    image.SliceThickness = image.SpacingBetweenSlices = THICKNESS_MM
    position = LOWEST_MM + THICKNESS_MM * (number - 1)
    corner = -(SIZE - 1) / 2 * SPACING_MM
    image.ImagePositionPatient = [round(corner, 3), round(corner, 3), position]
    image.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    image.SliceLocation = position
    image.PixelSpacing = [SPACING_MM, SPACING_MM]
    image.PhotometricInterpretation = "MONOCHROME2"
    image.RescaleIntercept, image.RescaleSlope, image.RescaleType = INTERCEPT, 1, "HU"
    image.WindowCenterWidthExplanation = [name for name, _, _ in WINDOWS]
    image.WindowCenter = [centre for _, centre, _ in WINDOWS]
    image.WindowWidth = [width for _, _, width in WINDOWS]
    set_pixels(image, np.rint(hounsfield - INTERCEPT).astype(np.uint16), bits_stored=12)
    return image
