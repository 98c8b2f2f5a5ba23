"""Values of studies and series that are counted, not kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from dicom_gateway.index.scope import Scope
from dicom_gateway.index.tables import dicom_instance, dicom_series, dicom_study


@dataclass(slots=True)
class Found:
    """One answer row: values by keyword, and the row ids it is counted by."""

    values: dict[str, Any]
    study_id: int = 0
    series_id: int = 0

    @classmethod
    def of(cls, row: Mapping[Any, Any]) -> Self:
        """A row whose columns are keywords and ids."""
        return cls({k: v for k, v in row.items() if k[0].isupper()}, row.get("study_id", 0), row.get("series_id", 0))


async def count_studies(connection: AsyncConnection, found: Sequence[Found], counted: frozenset[str], scope: Scope) -> None:
    """Add modalities and numbers of series and instances to each study, and SOP classes where `counted` names them: of what is in
    scope."""
    ids = sorted({each.study_id for each in found})
    modalities: dict[int, set[str]] = {study: set() for study in ids}
    series, instances = dict.fromkeys(ids, 0), dict.fromkeys(ids, 0)
    e, i = dicom_series.c, dicom_instance.c
    each_series = (
        sa.select(sa.func.count()).where(i.series_id == e.id, scope.instances).correlate(dicom_series, dicom_study).scalar_subquery()
    )
    listing = sa.select(e.study_id, e.modality, each_series).select_from(_placed(scope, dicom_series))
    for part in _parts(ids):
        for study, modality, number in await connection.execute(listing.where(e.study_id.in_(part))):
            if scope.division is not None and not number:
                continue
            series[study] += 1
            instances[study] += number
            if modality:
                modalities[study].add(modality)
    classes = await _classes(connection, ids, scope) if "SOPClassesInStudy" in counted else None
    for each in found:
        each.values["ModalitiesInStudy"] = sorted(modalities[each.study_id])
        each.values["NumberOfStudyRelatedSeries"] = series[each.study_id]
        each.values["NumberOfStudyRelatedInstances"] = instances[each.study_id]
        if classes is not None:
            each.values["SOPClassesInStudy"] = sorted(classes[each.study_id])


async def count_series(connection: AsyncConnection, found: Sequence[Found], scope: Scope) -> None:
    """Add the number of instances in scope to each series."""
    counts: dict[int, int] = {}
    i = dicom_instance.c
    for part in _parts(sorted({each.series_id for each in found})):
        counting = sa.select(i.series_id, sa.func.count().label("instances")).select_from(_placed(scope, dicom_instance))
        counting = counting.where(i.series_id.in_(part), scope.instances).group_by(i.series_id)
        counts |= {row.series_id: row.instances for row in await connection.execute(counting)}
    for each in found:
        each.values["NumberOfSeriesRelatedInstances"] = counts.get(each.series_id, 0)


def _placed(scope: Scope, rows: sa.Table) -> sa.FromClause:
    """Rows of this table, with their series and study where the scope asks after them."""
    if scope.division is None:
        return rows
    return dicom_instance.join(dicom_series).join(dicom_study) if rows is dicom_instance else dicom_series.join(dicom_study)


async def _classes(connection: AsyncConnection, ids: Sequence[int], scope: Scope) -> dict[int, set[str]]:
    classes: dict[int, set[str]] = {study: set() for study in ids}
    e, i = dicom_series.c, dicom_instance.c
    for part in _parts(ids):
        listing = sa.select(e.study_id, i.sop_class_uid).distinct().join_from(dicom_series, dicom_instance).join(dicom_study)
        listing = listing.where(e.study_id.in_(part), scope.instances)
        for study, sop_class in await connection.execute(listing):
            classes[study].add(sop_class)
    return classes


def _parts(ids: Sequence[int], size: int = 500) -> Iterable[Sequence[int]]:
    """Lists short enough for any database's limit on bound values."""
    return (ids[start : start + size] for start in range(0, len(ids), size))
