"""The worker's look at a study's image quality: headers of all its objects, pixels of some of its images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from dicom_gateway.index import Index, Scope, StoredInstance, Target, dicom_study
from dicom_gateway.objects import NoSuchFrame, Objects
from dicom_gateway.pixels import PixelPool
from dicom_gateway.pixels.errors import DecodingBusy
from dicom_gateway.quality import Assessment, ImageFacts, ImageMeasures, assess, measure_image, series_facts
from storage.protocol import ObjectStore
from telemed.adapters.dicom.image_qualities import SqlImageQualities
from telemed.service.image_quality import StudyQuality

SAMPLED = 7
"""Images of a series whose pixels are measured: spread evenly over its middle, for a series ends in air."""
MAX_SERIES = 20
MAX_HEADERS = 5000
_HEADERS_IN_A_JOB = 32


class StudyAssessor:
    """Measures a study and keeps its scores. Nothing is locked while it measures; doing it again does no harm."""

    def __init__(self, index: Index, store: ObjectStore, pool: PixelPool, kept: SqlImageQualities, zone: str) -> None:
        self._index, self._pool, self._kept = index, pool, kept
        self._objects = Objects(index, store)
        self._zone = ZoneInfo(zone)

    async def job(self, payload: Mapping[str, Any], now: Callable[[], datetime]) -> None:
        """The job `assess-study`."""
        owner, uid = payload["owner"], payload["study"]
        scope = Scope(dicom_study.c.owner == owner)
        instances = await self._index.locate(Target(studies=(uid,)), scope)
        if not instances:
            return
        assessment = await self.measured(instances[:MAX_HEADERS])
        scores = {dimension.value: score.value for dimension, score in assessment.scores.items()}
        await self._kept.keep(StudyQuality(owner, uid, now(), assessment.images, scores, assessment.as_json()), self._zone)

    async def measured(self, instances: Sequence[StoredInstance]) -> Assessment:
        """The scores of these instances of one study."""
        facts: list[ImageFacts] = []
        for start in range(0, len(instances), _HEADERS_IN_A_JOB):
            heads = [await self._objects.head(each) for each in instances[start : start + _HEADERS_IN_A_JOB]]
            facts += await self._pool.run(series_facts, heads)
        return assess(facts, [await self._measures_of(instance) for instance in sampled(instances)])

    async def _measures_of(self, instance: StoredInstance) -> ImageMeasures:
        """The figures of the middle frame of one object."""
        series, uid = instance.series_instance_uid, instance.sop_instance_uid
        try:
            index = await self._objects.frame_index(instance)
            encoded, skip_bits = await self._objects.frame(instance, (index.count + 1) // 2, index)
            return await self._pool.run(measure_image, await self._objects.head(instance), encoded, skip_bits, series, uid)
        except (NoSuchFrame, DecodingBusy) as error:
            return ImageMeasures(series, uid, "", failure=str(error))


def sampled(instances: Sequence[StoredInstance]) -> list[StoredInstance]:
    """The images whose pixels are looked at: up to `SAMPLED` of each of the first `MAX_SERIES` series."""
    chosen: list[StoredInstance] = []
    for number, (_, group) in enumerate(groupby(instances, key=lambda each: each.series_instance_uid)):
        pictures = [each for each in group if each.pixel_data_offset is not None]
        if number >= MAX_SERIES or not pictures:
            continue
        if len(pictures) <= SAMPLED:
            chosen += pictures
            continue
        first, last = len(pictures) // 5, len(pictures) - 1 - len(pictures) // 5
        places = {round(first + (last - first) * step / (SAMPLED - 1)) for step in range(SAMPLED)}
        chosen += [pictures[place] for place in sorted(places)]
    return chosen
