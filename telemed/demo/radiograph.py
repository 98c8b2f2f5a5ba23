"""From thickness to a radiograph: attenuation, scatter, processing, noise, collimation, marker, and the DX header."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture
from PIL import ImageDraw
from pydicom.dataset import Dataset
from pydicom.uid import DigitalXRayImageStorageForPresentation
from scipy import ndimage

from telemed.demo.dicom_header import StudyOrder, code, demo_uid, new_image, set_pixels
from telemed.demo.people import DemoPatient

Image = NDArray[np.float32]

BITS = 12
FULL = 2**BITS - 1


@dataclass(frozen=True)
class Projection:
    """The header of one exposure. `field` is the collimated field: left, top, right, bottom in mm."""

    body_part: str
    region: tuple[str, str, str]
    """Code of the anatomic region: value, scheme, meaning (CID 4009)."""
    description: str
    view: str
    laterality: str
    """R, L or U (unpaired), as Image Laterality (0020,0062) has it."""
    orientation: tuple[str, str]
    spacing: float
    field: tuple[float, float, float, float]
    marker_at: tuple[float, float]
    kvp: int
    exposure_mas: float
    marker_mm: float = 13.0
    marker_letter: str = "R"


def develop(
    rng: np.random.Generator, attenuation: Image, projection: Projection, top: float, noise: float, gamma: float = 0.85
) -> NDArray[np.uint16]:
    """The picture a detector and its processing make of line integrals (0 = air).

    `top` is the attenuation shown as full white, `noise` the relative quantum noise where nothing absorbs,
    `gamma` the exponent of the tone curve.
    """
    spacing = projection.spacing
    shadow = attenuation + _letter(attenuation.shape, projection)
    inside = _field(rng, attenuation.shape, projection)
    scatter = ndimage.zoom(ndimage.gaussian_filter(shadow[::8, ::8], 14 / spacing / 8), 8, order=1)
    scatter = _fit(scatter, shadow.shape)
    signal = ndimage.gaussian_filter(0.88 * shadow + 0.12 * scatter, 0.13 / spacing)
    signal = signal + 0.55 * (signal - ndimage.gaussian_filter(signal, 0.9 / spacing))
    quanta = ndimage.gaussian_filter(rng.standard_normal(signal.shape, np.float32), 0.55) * 2.0
    signal = signal + noise * np.exp(np.clip(signal, 0, 3) / 2) * quanta
    outside = 0.30 * top + 0.02 * quanta
    seen = (inside * signal + (1 - inside) * outside) / top
    return np.asarray(np.clip(0.03 + 0.97 * np.clip(seen, 0, None) ** gamma, 0, 1) * FULL, np.uint16)


def _fit(image: Image, shape: tuple[int, ...]) -> Image:
    rows, columns = max(0, shape[0] - image.shape[0]), max(0, shape[1] - image.shape[1])
    return np.asarray(np.pad(image, ((0, rows), (0, columns)), mode="edge")[: shape[0], : shape[1]], np.float32)


def _field(rng: np.random.Generator, shape: tuple[int, ...], projection: Projection) -> Image:
    """1 inside the collimated field, fading over the penumbra; the blades are never quite straight."""
    rows = (np.arange(shape[0], dtype=np.float32) * projection.spacing)[:, None]
    columns = (np.arange(shape[1], dtype=np.float32) * projection.spacing)[None, :]
    tilt = float(rng.uniform(-0.006, 0.006))
    left, top, right, bottom = projection.field
    x, y = columns + tilt * rows, rows - tilt * columns
    edge = np.minimum(np.minimum(x - left, right - x), np.minimum(y - top, bottom - y))
    return np.asarray(np.clip(0.5 + edge / 1.6, 0, 1), np.float32)


def _letter(shape: tuple[int, ...], projection: Projection) -> Image:
    """The lead marker, drawn as strokes so that no font is needed."""
    scale = projection.marker_mm / projection.spacing / 10
    size = int(12 * scale)
    letter = Picture.new("L", (size, size), 0)
    draw = ImageDraw.Draw(letter)
    width = max(2, int(1.6 * scale))

    def stroke(*points: tuple[float, float]) -> None:
        draw.line([(x * scale, y * scale) for x, y in points], fill=255, width=width, joint="curve")

    stroke((2.5, 1), (2.5, 11))
    if projection.marker_letter == "R":
        stroke((2.5, 1.8), (6.4, 1.8), (8.2, 2.8), (8.6, 4.2), (8.0, 5.6), (6.4, 6.4), (2.5, 6.4))
        stroke((5.4, 6.2), (9.0, 11))
    else:
        stroke((2.5, 10.2), (8.8, 10.2))
    out = np.zeros(shape, np.float32)
    column, row = int(projection.marker_at[0] / projection.spacing), int(projection.marker_at[1] / projection.spacing)
    out[row : row + size, column : column + size] = np.asarray(letter, np.float32) / 255 * 2.2
    return out


def dx_instance(patient: DemoPatient, study: StudyOrder, seed: int, projection: Projection, pixels: NDArray[np.uint16]) -> Dataset:
    """A Digital X-Ray image for presentation (PS3.3 A.26) around the pixels."""
    image = new_image(patient, study, "DX", seed)
    image.SOPClassUID = DigitalXRayImageStorageForPresentation
    image.SOPInstanceUID = demo_uid("instance", image.SeriesInstanceUID, 1)
    image.ImageType = ["ORIGINAL", "PRIMARY", ""]
    image.StudyDescription = image.SeriesDescription = image.ProtocolName = projection.description
    image.BodyPartExamined = projection.body_part
    image.ViewPosition = projection.view
    image.ImageLaterality = projection.laterality
    image.PatientOrientation = list(projection.orientation)
    image.AnatomicRegionSequence = code(*projection.region)
    image.ViewCodeSequence = code("272479007", "SCT", "postero-anterior")  # CID 4010
    image.PositionerType = "NONE"
    image.AcquisitionContextSequence = []
    image.InstanceNumber = 1
    image.PresentationIntentType = "FOR PRESENTATION"
    image.KVP = projection.kvp
    image.ExposureTime = 20
    image.XRayTubeCurrent = round(projection.exposure_mas * 50)
    image.ExposureInuAs = round(projection.exposure_mas * 1000)
    image.ExposureIndex, image.TargetExposureIndex, image.DeviationIndex = "410", "400", "0.1"
    image.DetectorType, image.DetectorConfiguration = "SCINTILLATOR", "AREA"
    image.DetectorID = "DEMO-0001"
    image.DistanceSourceToDetector = 1100
    image.ImagerPixelSpacing = image.PixelSpacing = [projection.spacing, projection.spacing]
    image.PhotometricInterpretation = "MONOCHROME2"
    image.PixelIntensityRelationship, image.PixelIntensityRelationshipSign = "LOG", -1
    image.PresentationLUTShape = "IDENTITY"
    image.RescaleIntercept, image.RescaleSlope, image.RescaleType = 0, 1, "US"
    image.WindowCenter, image.WindowWidth = (FULL + 1) // 2, FULL + 1
    image.LossyImageCompression = "00"
    set_pixels(image, pixels, BITS)
    return image
