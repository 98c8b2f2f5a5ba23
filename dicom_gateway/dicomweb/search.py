"""QIDO-RS (PS3.18 section 10.6)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from aiohttp import web

from dicom_gateway.dicomweb.answers import answer, answer_kind
from dicom_gateway.dicomweb.described_search import Row, described_rows
from dicom_gateway.dicomweb.keys import Key, check_values, named_keys, split_values, warned
from dicom_gateway.dicomweb.levels import describes
from dicom_gateway.dicomweb.service import scope_of, service_address
from dicom_gateway.index import Attribute, BadQuery, Level, Match, Matching, Query
from dicom_gateway.index.attributes import BY_KEYWORD
from dicom_gateway.index.disclosure import check_key, disclosed
from dicom_gateway.index.finding import MAX_ROWS
from dicom_gateway.index.paths import Path, attribute_at, path_of, time_path
from dicom_gateway.metadata import attributes_shown, row_json, without_bulk

DEFAULT_ROWS = 1000  # of an answer whose caller names no limit
_PATH_KEYS = {"study": "StudyInstanceUID", "series": "SeriesInstanceUID"}


async def studies(request: web.Request) -> web.StreamResponse:
    """Search for studies."""
    return await _search(request, Level.STUDY)


async def series(request: web.Request) -> web.StreamResponse:
    """Search for series."""
    return await _search(request, Level.SERIES)


async def instances(request: web.Request) -> web.StreamResponse:
    """Search for instances."""
    return await _search(request, Level.IMAGE)


@dataclass(frozen=True, slots=True)
class _Asked:
    """The parts of a search request."""

    level: Level
    matches: list[Match]
    keys: list[Key]
    shown: list[Attribute]
    added: frozenset[Path]  # asked for, and not in the index
    everything: bool
    limit: int
    offset: int
    ignored: list[str]  # sentences on what was not understood

    @property
    def query(self) -> Query:
        counted = frozenset({"SOPClassesInStudy"} if any(a.keyword == "SOPClassesInStudy" for a in self.shown) else ())
        return Query(self.level, self.matches, self.limit, self.offset, counted, moments=True)


async def _search(request: web.Request, level: Level) -> web.StreamResponse:
    kind = answer_kind(request)
    service, scope = await scope_of(request, "search")
    asked = _asked(request, level)
    for key in asked.keys:
        check_key(".".join(key.path), key.path, key.values, scope.attributes)
    if asked.keys or asked.added or asked.everything:
        rows, more = await described_rows(service, scope, asked.query, asked.keys)
    else:
        # One row more than asked for tells whether there are more.
        query = asked.query
        found = await service.index.find(replace(query, limit=query.limit + 1), scope)
        rows, more = [Row(values, {}) for values in found[: query.limit]], len(found) > query.limit
    base = service_address(request)
    headers = {"Cache-Control": "private, no-cache"}
    headers |= warned(request, [*asked.ignored, *(["There are additional results that can be requested"] if more else [])])
    return await answer(request, kind, lambda: [disclosed(_shown(row, asked, base), scope.attributes) for row in rows], headers)


def _asked(request: web.Request, level: Level) -> _Asked:
    matches, keys, ignored = _keys(request)
    everything = False
    included: set[str] = set()
    added: set[Path] = set()
    for name in _listed(request, "includefield"):
        if name == "all":
            everything = True
        elif name:
            path = path_of(name)
            attribute = attribute_at(path)
            # A sequence of which the index keeps a part is answered from the object: whole, or not at all.
            if attribute:
                included.add(attribute.keyword)
            else:
                added.add(path)
    added |= {key.path for key in keys}  # a key is answered with (PS3.18 10.6.3.2)
    included |= {match.attribute.keyword for match in matches}
    shown = attributes_shown(
        level, "study" in request.match_info, "series" in request.match_info, frozenset(included | ({"all"} if everything else set()))
    )
    limit, offset = number_of(request, "limit", DEFAULT_ROWS), number_of(request, "offset", 0)
    return _Asked(level, matches, keys, shown, frozenset(added), everything, min(limit, MAX_ROWS - 1), offset, ignored)


def _shown(row: Row, asked: _Asked, base: str) -> dict[str, Any]:
    """One answer: what the index says comes before what the object says, but of a sequence it keeps only a part."""
    found = row_json(row.values, asked.shown, base)
    wanted = {path[0] for path in asked.added}
    for tag, element in without_bulk(row.item).items():
        asked_for = tag in wanted or (asked.everything and describes(tag, asked.level))
        if asked_for and (tag not in found or element["vr"] == "SQ"):
            found[tag] = element
    return dict(sorted(found.items()))


def _keys(request: web.Request) -> tuple[list[Match], list[Key], list[str]]:
    """Keys that the index matches, the others, and sentences on what was ignored. Raises `BadQuery`."""
    matches = [
        Match(BY_KEYWORD[keyword], (request.match_info[part],)) for part, keyword in _PATH_KEYS.items() if part in request.match_info
    ]
    keys: list[Key] = []
    fuzzy = _is_true(request, "fuzzymatching")
    named, ignored = named_keys(request)
    of_the_index: dict[Path, Key] = {}
    for name, path in named.items():
        attribute = attribute_at(path)
        kind = attribute.matching if attribute else None
        values = tuple(part for value in request.query.getall(name) for part in split_values(value, kind))
        key = Key(path, values, fuzzy and kind in (None, Matching.NAME))
        if attribute is None:
            check_values(name, key)
            keys.append(key)
        else:
            matches.append(Match(attribute, values, key.fuzzy))
            of_the_index[path] = key
    times = {key.path for key in keys}
    # A date of the index whose time is none goes with it: both are one range of moments.
    return matches, [*keys, *(key for path, key in of_the_index.items() if time_path(path) in times)], ignored


def _is_true(request: web.Request, name: str) -> bool:
    """A parameter that is true or false. Raises `BadQuery`."""
    text = request.query.get(name, "false").lower()
    if text not in ("true", "false"):
        raise BadQuery(f"{name} must be true or false, not {text!r}")
    return text == "true"


def _listed(request: web.Request, name: str) -> list[str]:
    return [part.strip() for value in request.query.getall(name, []) for part in value.split(",")]


def number_of(request: web.Request, name: str, otherwise: int) -> int:
    """A whole number of the query. Raises `BadQuery`."""
    text = request.query.get(name)
    if text is None:
        return otherwise
    if not text.isdigit() or len(text) > 9:
        raise BadQuery(f"{name} must be a whole number, not {text!r}")
    return int(text)
