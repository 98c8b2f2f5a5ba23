"""From a matching key to a condition in SQL (PS3.4 C.2.2.2)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from dicom_gateway.index.attributes import Attribute, Matching
from dicom_gateway.index.moments import LAST_TIME, Range, combined_range, date_range, time_range
from dicom_gateway.index.names import fold_name, fuzzy_words
from dicom_gateway.index.scope import Scope
from dicom_gateway.index.tables import dicom_instance, dicom_name_key, dicom_series, dicom_study
from dicom_gateway.index.wildcards import group_shapes, name_shapes

MAX_LIST = 1000  # UIDs or values in one key
MAX_PATTERN = 256  # characters of a text key
_TIMES = "HHMMSS or HHMMSS-HHMMSS"
_TIME_OF = {"StudyDate": "StudyTime", "PerformedProcedureStepStartDate": "PerformedProcedureStepStartTime"}


class BadQuery(ValueError):
    """A query that cannot be answered as asked; the message says why."""


@dataclass(frozen=True, slots=True)
class Match:
    """`attribute` must match one of `values`; each may have wildcards or be a range where the attribute allows. `times` is a match of the
    time that belongs to a date: the range of dates and that of times are one range of moments (PS3.4 C.2.2.2.5)."""

    attribute: Attribute
    values: tuple[str, ...]
    fuzzy: bool = False
    times: Match | None = None


def combined(matches: Sequence[Match]) -> list[Match]:
    """The matches, a range of dates and one of the times that belong to them as one. Raises `BadQuery`."""
    ranges = {match.attribute.keyword: match for match in matches if len(match.values) == 1 and "-" in match.values[0]}
    pairs = {date: ranges[time] for date, time in _TIME_OF.items() if date in ranges and time in ranges}
    times = list(pairs.values())
    whole = [replace(match, times=pairs.get(match.attribute.keyword)) if match in ranges.values() else match for match in matches]
    return [match for match in whole if match not in times]


def condition(match: Match, dialect: str, seen: Scope | None = None) -> sa.ColumnElement[bool]:
    """The condition; `seen` says what of a study the caller may see (None: all).

    Raises `BadQuery` for a value that the attribute does not take."""
    values = [value for value in match.values if value not in ("", "*")]
    if not values:
        return sa.true()  # universal matching
    if len(values) > MAX_LIST or any(len(value) > MAX_PATTERN for value in values):
        raise BadQuery(f"{match.attribute.keyword}: at most {MAX_LIST} values of {MAX_PATTERN} characters")
    if any("\0" in value for value in values):
        raise BadQuery(f"{match.attribute.keyword}: a value holds a NUL character")
    kind, column = match.attribute.matching, match.attribute.column
    if kind is Matching.MODALITIES:
        modality = sa.or_(*(_text(dicom_series.c.modality, value, dialect) for value in values))
        of_study = dicom_series.c.study_id == dicom_study.c.id
        return sa.exists().where(of_study, modality, *([] if seen is None else [seen.filled_series])).correlate(dicom_study)
    if kind is Matching.CLASSES:
        return _of_a_class(values, seen)
    if column is None or kind is Matching.NONE:
        raise BadQuery(f"{match.attribute.keyword} cannot be matched; leave it empty")
    if kind is Matching.UID:
        return column.in_(values)
    return sa.or_(*(_single(match, column, value, dialect) for value in values))


def _single(match: Match, column: sa.Column[str] | sa.Column[int], value: str, dialect: str) -> sa.ColumnElement[bool]:
    kind, keyword = match.attribute.matching, match.attribute.keyword
    if kind is Matching.NUMBER:
        if not re.fullmatch(r"\s*[+-]?\d{1,9}\s*", value):
            raise BadQuery(f"{keyword}: {value!r} is no whole number")
        return column == int(value)
    if kind is Matching.DATE:
        dates = _named(date_range(value), keyword, value, "YYYYMMDD or YYYYMMDD-YYYYMMDD")
        if match.times is not None:
            return _within_moments(match, column, dates)
        return sa.and_(_within(column, dates), _listed(dates)) if keyword == "StudyDate" else _within(column, dates)
    if kind is Matching.TIME:
        return _within(column, _named(time_range(value), keyword, value, _TIMES))
    if kind is Matching.NAME and match.attribute.folded is not None:
        return _name(match, match.attribute.folded, value, dialect)
    return _text(column, value, dialect)


def _named(found: Range | None, keyword: str, value: str, shape: str) -> Range:
    """The range that the key names. Raises `BadQuery` where it names none."""
    if found is None:
        raise BadQuery(f"{keyword}: {value!r} is not {shape}")
    return found


def _within(column: sa.ColumnElement[Any] | sa.Column[str] | sa.Column[int], bounds: Range) -> sa.ColumnElement[bool]:
    """Digits and the point alone compare alike in every collation."""
    if bounds.low == bounds.high:
        return column == bounds.low
    ends: list[sa.ColumnElement[bool]] = [column.is_not(None)]
    if bounds.low:
        ends.append(column >= bounds.low)
    if bounds.high:
        ends.append(column <= bounds.high)
    return sa.and_(*ends)


def _within_moments(match: Match, column: sa.Column[str] | sa.Column[int], dates: Range) -> sa.ColumnElement[bool]:
    """The date at its time lies in the range; a date without a time is its first moment."""
    assert match.times is not None
    (text,) = match.times.values
    moments = combined_range(dates, _named(time_range(text), match.times.attribute.keyword, text, _TIMES))
    if match.attribute.keyword == "StudyDate":  # lists go by this text, and have an index for it
        return sa.and_(_within(column, dates), _within(dicom_study.c.listed_at, moments))
    at = sa.func.coalesce(column, "").concat(sa.func.coalesce(match.times.attribute.column, ""))
    return sa.and_(_within(column, dates), _within(at, moments))


def _of_a_class(classes: Sequence[str], seen: Scope | None) -> sa.ColumnElement[bool]:
    """An instance of the study that the caller may see is of one of these classes."""
    held = sa.select(sa.literal(1)).select_from(dicom_series.join(dicom_instance)).where(dicom_series.c.study_id == dicom_study.c.id)
    held = held.where(dicom_instance.c.sop_class_uid.in_(classes), *([] if seen is None else [seen.instances]))
    return held.correlate(dicom_study).exists()


def _listed(dates: Range) -> sa.ColumnElement[bool]:
    """The same range, said of what lists are ordered by: one index then finds and orders."""
    return _within(dicom_study.c.listed_at, Range(dates.low, dates.high and dates.high + LAST_TIME, is_range=True))


def _text(column: sa.ColumnElement[str] | sa.Column[str] | sa.Column[int], value: str, dialect: str) -> sa.ColumnElement[bool]:
    if "*" not in value and "?" not in value:
        return column == value
    return _wildcard(column, value, dialect)


def _wildcard(column: sa.ColumnElement[str] | sa.Column[str] | sa.Column[int], pattern: str, dialect: str) -> sa.ColumnElement[bool]:
    """`*` and `?`. SQLite's LIKE folds ASCII case, which DICOM forbids, so GLOB takes its place there."""
    if dialect == "sqlite":
        return column.op("GLOB", is_comparison=True)(pattern.replace("[", "[[]"))
    escaped = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return column.like(escaped.replace("*", "%").replace("?", "_"), escape="\\")


def _name(match: Match, column: sa.Column[str], value: str, dialect: str) -> sa.ColumnElement[bool]:
    """A name in any component group: alphabetic, ideographic, phonetic (PS3.5 6.2.1)."""
    folded = fold_name(value) or ""
    if match.fuzzy:
        return sa.and_(*(_begins_a_word(match, column, word, dialect) for word in fuzzy_words(value)))
    if not folded.strip("*=^"):
        return sa.true()
    if "=" in folded:
        return sa.or_(*(_text(column, shape, dialect) for shape in name_shapes(folded)))
    shapes = group_shapes(folded)
    if not shapes:
        return sa.true()
    if match.attribute.keyword == "PatientName":
        return sa.or_(*(_by_key("g", shape, dialect) for shape in shapes))
    around = [form for shape in shapes for form in (f"{shape}=*", f"*={shape}", f"*={shape}=*")]
    return sa.or_(*(_text(column, shape, dialect) for shape in shapes), *(_wildcard(column, form, dialect) for form in around))


def _begins_a_word(match: Match, column: sa.Column[str], word: str, dialect: str) -> sa.ColumnElement[bool]:
    if match.attribute.keyword == "PatientName":
        return _by_key("w", f"{word}*", dialect)
    return sa.or_(*(_wildcard(column, start, dialect) for start in (f"{word}*", f"*^{word}*", f"*={word}*", f"* {word}*")))


def _by_key(kind: str, pattern: str, dialect: str) -> sa.ColumnElement[bool]:
    """Studies by the kept keys of their patient's name: a beginning is found through an index."""
    k = dicom_name_key.c
    return dicom_study.c.id.in_(sa.select(k.study_id).where(k.kind == kind, _text(k.text, pattern, dialect)))
