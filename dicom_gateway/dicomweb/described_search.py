"""Searching by what the index does not keep, and answering with it: through the documents of the series.

A study is described by its first instance, as a series is. Whatever the attribute (private ones too), it can be asked for;
matching reads one object a candidate, so the other keys must leave few candidates.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dicom_gateway.dicomweb.service import Service
from dicom_gateway.index import BadQuery, Level, Query, Scope, Target
from dicom_gateway.index.finding import MAX_ROWS
from dicom_gateway.index.names import fold_name, fuzzy_words, name_groups, name_words
from dicom_gateway.index.paths import Path
from dicom_gateway.json_budget import check_parsed
from dicom_gateway.series_documents import SeriesDocument

MAX_CANDIDATES = 1000  # rows that are looked at for keys the index does not keep
MAX_DESCRIBED = 200  # rows of one answer with attributes that the index does not keep

Item = Mapping[str, Any]  # a data set in DICOM JSON


@dataclass(frozen=True, slots=True)
class Key:
    """A matching key outside the index."""

    path: Path
    values: tuple[str, ...]
    fuzzy: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One match: what the index says of it, and the data set that stands for it."""

    values: dict[str, Any]
    item: Item


async def described_rows(service: Service, scope: Scope, query: Query, keys: Sequence[Key]) -> tuple[list[Row], bool]:
    """Rows that match the query and `keys`, and whether there are more. Raises `BadQuery` where too many must be read."""
    if not keys:
        limit = min(query.limit, MAX_DESCRIBED)
        found = await service.index.find(Query(query.level, query.matches, limit + 1, query.offset, query.counted), scope)
        items = await _items(service, scope, query.level, found[:limit])
        return [Row(*pair) for pair in zip(found[:limit], items, strict=True)], len(found) > limit
    found = await service.index.find(Query(query.level, query.matches, min(MAX_CANDIDATES + 1, MAX_ROWS), 0, query.counted), scope)
    if len(found) > MAX_CANDIDATES:
        named = ", ".join(".".join(key.path) for key in keys)
        raise BadQuery(f"{named}: not in the index; add keys that leave at most {MAX_CANDIDATES} candidates (a date, a patient)")
    items = await _items(service, scope, query.level, found)
    rows = [Row(*pair) for pair in zip(found, items, strict=True) if all(key_matches(pair[1], key) for key in keys)]
    last = query.offset + query.limit
    return rows[query.offset : last], len(rows) > last


async def _items(service: Service, scope: Scope, level: Level, rows: Sequence[Mapping[str, Any]]) -> list[Item]:
    """The data set that stands for each row."""
    known: dict[tuple[str, str | None], dict[str, Item]] = {}
    items = []
    for row in rows:
        study, series = row["StudyInstanceUID"], row.get("SeriesInstanceUID")
        if (study, series) not in known:
            known[study, series] = await _described(service, scope, study, series, whole=level == Level.IMAGE)
        described = known[study, series]
        items.append(described.get(row["SOPInstanceUID"], {}) if level == Level.IMAGE else next(iter(described.values()), {}))
    return items


async def _described(service: Service, scope: Scope, study: str, series: str | None, *, whole: bool) -> dict[str, Item]:
    """Data sets by SOP Instance UID: all of the series, or its first (that of the study's first series)."""
    states = await service.documents.states(scope, study, series)
    found: dict[str, Item] = {}
    for state in states if whole else states[:1]:
        if state.divided:
            seen = await service.index.locate(Target(studies=[study], series=[state.series_instance_uid]), scope)
            async for array in service.documents.described([(each, "") for each in (seen if whole else seen[:1])]):
                check_parsed(array)
                found |= {item["00080018"]["Value"][0]: item for item in json.loads(array)}
            continue
        document = await service.documents.document(state)
        if document is not None:
            found |= await asyncio.to_thread(_by_uid, document, whole)
    return found


def _by_uid(document: SeriesDocument, whole: bool) -> dict[str, Item]:
    content = document.json()
    check_parsed(content)
    text = content.decode()
    items = json.loads(text) if whole else [json.JSONDecoder().raw_decode(text, 1)[0]]
    return {item["00080018"]["Value"][0]: item for item in items if item.get("00080018", {}).get("Value")}


def key_matches(item: Item, key: Key) -> bool:
    """True if the data set matches (PS3.4 C.2.2.2); a key inside a sequence matches if any item of it does."""
    wanted = [value for value in key.values if value not in ("", "*")]
    if not wanted:
        return True  # universal matching
    elements = list(_elements(item, key.path))
    return any(_value_matches(element["vr"], value, each, key.fuzzy)
               for element in elements for value in element.get("Value", ()) for each in wanted)  # fmt: skip


def _elements(item: Item, path: Path) -> Iterable[Item]:
    element = item.get(path[0])
    if element is None:
        return
    if len(path) == 1:
        yield element
        return
    for inner in element.get("Value", ()) if element["vr"] == "SQ" else ():
        yield from _elements(inner, path[1:])


def _value_matches(vr: str, value: Any, wanted: str, fuzzy: bool) -> bool:
    if value is None or vr == "SQ":
        return False
    if vr == "PN":
        return _name_matches(value, wanted, fuzzy)
    if isinstance(value, int | float):
        try:
            return float(wanted) == float(value)
        except ValueError:
            return False
    if vr in ("DA", "TM", "DT") and "-" in wanted:
        low, _, high = (part.strip() for part in wanted.partition("-"))
        return (not low or value >= low) and (not high or value[: len(high)] <= high)
    return bool(_pattern(wanted).fullmatch(value))


def _name_matches(value: Item, wanted: str, fuzzy: bool) -> bool:
    name = "=".join(value.get(group, "") for group in ("Alphabetic", "Ideographic", "Phonetic"))
    if fuzzy:
        words = name_words(name)
        return all(any(word.startswith(each) for word in words) for each in fuzzy_words(wanted))
    pattern = _pattern(fold_name(wanted) or "")
    return any(pattern.fullmatch(text) for text in (*name_groups(name), fold_name(name) or ""))


def _pattern(wanted: str) -> re.Pattern[str]:
    shape = "".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in wanted)
    return re.compile(shape, re.DOTALL)
