"""From a query to one SELECT: what matches, in a stable order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from dicom_gateway.index.attributes import ATTRIBUTES, Level
from dicom_gateway.index.matching import Match, combined, condition
from dicom_gateway.index.scope import Scope
from dicom_gateway.index.tables import dicom_instance, dicom_series, dicom_study

MAX_ROWS = 10_000  # of one answer


@dataclass(frozen=True, slots=True)
class Query:
    """Matches at a level. `limit` rows from `offset`, in a stable order (newest study first). `counted` are keywords of
    values that are gathered from below the study and may be left out (they cost a look at every instance). `moments`: a range of
    dates and one of times are matched as one (QIDO-RS; C-FIND only where that was negotiated, PS3.4 C.5.1.1.1)."""

    level: Level
    matches: Sequence[Match] = ()
    limit: int = MAX_ROWS
    offset: int = 0
    counted: frozenset[str] = field(default=frozenset({"SOPClassesInStudy"}))
    moments: bool = False


def matching(query: Query, scope: Scope, dialect: str) -> sa.Select[Any]:
    """The statement; columns by keyword, and `study_id` and `series_id` of each row. Raises `BadQuery`."""
    level = query.level
    # A patient is who shares these values: there is no patient table to disagree with its studies.
    shown = [a for a in ATTRIBUTES if a.column is not None and a.level <= level]
    columns: list[sa.ColumnElement[Any]] = [a.column.label(a.keyword) for a in shown if a.column is not None]
    ids: list[sa.ColumnElement[Any]] = []
    source: sa.FromClause = dicom_study
    order: list[Any] = [dicom_study.c.listed_at.desc(), dicom_study.c.id.desc()]
    if level == Level.PATIENT:
        order = [dicom_study.c.patient_name.nulls_last(), dicom_study.c.patient_id.nulls_last()]
    if level >= Level.STUDY:
        ids.append(dicom_study.c.id.label("study_id"))
    within: list[sa.ColumnElement[bool]] = [scope.filled_studies]
    if level >= Level.SERIES:
        within = [scope.studies, scope.filled_series]
        source = source.join(dicom_series)
        ids.append(dicom_series.c.id.label("series_id"))
        order += [dicom_series.c.series_number.nulls_last(), dicom_series.c.id]
    if level >= Level.IMAGE:
        within = [scope.studies, scope.instances]
        source = source.join(dicom_instance)
        order += [dicom_instance.c.instance_number.nulls_last(), dicom_instance.c.id]
    statement: sa.Select[Any] = sa.select(*[*columns, *ids]).select_from(source).where(*within)
    for match in combined(query.matches) if query.moments else query.matches:
        statement = statement.where(_condition(match, level, scope, dialect))
    if level == Level.PATIENT:
        statement = statement.distinct()
    return statement.order_by(*order).limit(max(0, min(query.limit, MAX_ROWS))).offset(max(0, query.offset))


def _condition(match: Match, level: Level, scope: Scope, dialect: str) -> sa.ColumnElement[bool]:
    """The condition at `level`; a key of a deeper level holds where any descendant matches."""
    clause = condition(match, dialect, scope)
    if match.attribute.level <= max(level, Level.STUDY) or match.attribute.column is None or isinstance(clause, sa.sql.elements.True_):
        return clause
    descendants = sa.select(sa.literal(1)).select_from(dicom_series)
    if match.attribute.level == Level.IMAGE:
        descendants = descendants.join(dicom_instance)
    if level >= Level.SERIES:
        inner = sa.and_(dicom_instance.c.series_id == dicom_series.c.id, scope.instances)
        return sa.select(sa.literal(1)).select_from(dicom_instance).where(inner, clause).correlate(dicom_series, dicom_study).exists()
    seen = scope.instances if match.attribute.level == Level.IMAGE else scope.filled_series
    return descendants.where(dicom_series.c.study_id == dicom_study.c.id, seen, clause).correlate(dicom_study).exists()
