"""From a matching key to a condition in SQL (PS3.4 C.2.2.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass

import sqlalchemy as sa

from dicom_gateway.index.attributes import Attribute, Matching
from dicom_gateway.index.names import fold_name, fuzzy_words
from dicom_gateway.index.tables import dicom_name_key, dicom_series, dicom_study

MAX_LIST = 1000  # UIDs or values in one key
MAX_PATTERN = 256  # characters of a text key
_LAST_MOMENT = "995999.999999"


class BadQuery(ValueError):
    """A query that cannot be answered as asked; the message says why."""


@dataclass(frozen=True, slots=True)
class Match:
    """`attribute` must match one of `values`; each may have wildcards or be a range where the attribute allows."""

    attribute: Attribute
    values: tuple[str, ...]
    fuzzy: bool = False


def condition(match: Match, dialect: str, seen: sa.ColumnElement[bool] | None = None) -> sa.ColumnElement[bool]:
    """The condition; `seen` says of a series whether the caller may see it (None: all).

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
        return sa.exists().where(of_study, modality, *([] if seen is None else [seen])).correlate(dicom_study)
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
        given = value.replace(".", "")
        dates = _range(column, given, re.compile(r"\d{8}"), keyword, "YYYYMMDD or YYYYMMDD-YYYYMMDD")
        return sa.and_(dates, _listed(given)) if keyword == "StudyDate" else dates
    if kind is Matching.TIME:
        form = re.compile(r"\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?")
        return _range(column, value.replace(":", ""), form, keyword, "HHMMSS or HHMMSS-HHMMSS")
    if kind is Matching.NAME and match.attribute.folded is not None:
        return _name(match, match.attribute.folded, value, dialect)
    return _text(column, value, dialect)


def _range(column: sa.Column[str] | sa.Column[int], value: str, form: re.Pattern[str], keyword: str, shape: str) -> sa.ColumnElement[bool]:
    low, dash, high = (part.strip() for part in value.partition("-"))
    if (low and not form.fullmatch(low)) or (high and not form.fullmatch(high)) or not (low or high):
        raise BadQuery(f"{keyword}: {value!r} is not {shape}")
    if not dash:
        return column.like(low + "%") if len(low) < 6 else column == low
    bounds: list[sa.ColumnElement[bool]] = [column.is_not(None)]
    if low:
        bounds.append(column >= low)
    if high:
        # "-12" ends with the last moment of hour 12; digits alone compare alike in every collation.
        bounds.append(column <= high + _LAST_MOMENT[len(high) :] if keyword.endswith("Time") else column <= high)
    return sa.and_(*bounds)


def _listed(dates: str) -> sa.ColumnElement[bool]:
    """The same range, said of what lists are ordered by: one index then finds and orders."""
    low, dash, high = (part.strip() for part in dates.partition("-"))
    bounds = [dicom_study.c.listed_at >= low] if low else []
    if high or not dash:
        bounds.append(dicom_study.c.listed_at <= (high or low) + _LAST_MOMENT)
    return sa.and_(*bounds)


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
    if not folded.strip("*"):
        return sa.true()
    whole = _text(column, folded, dialect)
    if "=" in folded:
        return whole
    if match.attribute.keyword == "PatientName":
        return _by_key("g", folded, dialect)
    return sa.or_(whole, *(_wildcard(column, shape, dialect) for shape in (f"{folded}=*", f"*={folded}", f"*={folded}=*")))


def _begins_a_word(match: Match, column: sa.Column[str], word: str, dialect: str) -> sa.ColumnElement[bool]:
    if match.attribute.keyword == "PatientName":
        return _by_key("w", f"{word}*", dialect)
    return sa.or_(*(_wildcard(column, start, dialect) for start in (f"{word}*", f"*^{word}*", f"*={word}*", f"* {word}*")))


def _by_key(kind: str, pattern: str, dialect: str) -> sa.ColumnElement[bool]:
    """Studies by the kept keys of their patient's name: a beginning is found through an index."""
    k = dicom_name_key.c
    return dicom_study.c.id.in_(sa.select(k.study_id).where(k.kind == kind, _text(k.text, pattern, dialect)))
