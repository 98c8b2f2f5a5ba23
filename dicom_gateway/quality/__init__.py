"""Image quality without a trained model: six dimensions, each scored 0-100 with its evidence, or "not assessed" with the reason.

- `measure_image(head, encoded, skip_bits, series, instance) -> ImageMeasures`: one frame's figures (runs in a process).
- `series_facts(heads) -> list[ImageFacts]`: what the headers of a series' objects say.
- `assess(facts, measures) -> Assessment`: the study's six scores. `Assessment.as_json()` and `from_json` keep it.

Limits are rows of `limits.toml`, each with its source; nothing of them stands in code.
"""

from dicom_gateway.quality.assessment import assess
from dicom_gateway.quality.facts import ImageFacts, image_facts, series_facts
from dicom_gateway.quality.limits import LIMITS, Limit
from dicom_gateway.quality.pixels import ImageMeasures, measure_image
from dicom_gateway.quality.result import Assessment, Dimension, Evidence, Score, Shape

__all__ = [
    "LIMITS",
    "Assessment",
    "Dimension",
    "Evidence",
    "ImageFacts",
    "ImageMeasures",
    "Limit",
    "Score",
    "Shape",
    "assess",
    "image_facts",
    "measure_image",
    "series_facts",
]
