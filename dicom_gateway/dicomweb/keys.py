"""Matching keys over data sets in DICOM JSON (PS3.4 C.2.2.2, PS3.18 8.3.4.1): what the index does not keep, and workitems."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from dicom_gateway.index import BadQuery, Matching
from dicom_gateway.index.moments import Range, combined_range, date_range, datetime_holds, datetime_range, time_range
from dicom_gateway.index.names import fuzzy_words, name_words
from dicom_gateway.index.paths import NoAttribute, Path, path_of, time_path, vr_of
from dicom_gateway.index.wildcards import like, name_matches

OPTIONS: Final = frozenset(
    {"limit", "offset", "includefield", "fuzzymatching", "emptyvaluematching", "multiplevaluematching", "accept", "charset"}
)
"""Parameters of a search that are no keys."""
OFFSET: Final = ("00080201",)
"""Timezone Offset From UTC says how dates of the request are meant, and is no key (PS3.18 8.3.4.1.1)."""
_RANGES: Final[Mapping[str, Callable[[str], object]]] = {"DA": date_range, "TM": time_range, "DT": datetime_range}
_KINDS: Final = {"DA": "date and no range of dates", "TM": "time and no range of times", "DT": "date and time and no range of these"}
_NUMBERS: Final = frozenset({"DS", "FD", "FL", "IS", "SL", "SS", "SV", "UL", "US", "UV"})
_ANYTHING: Final = ("", "*")

Item = Mapping[str, Any]  # a data set in DICOM JSON


@dataclass(frozen=True, slots=True)
class Key:
    """A matching key."""

    path: Path
    values: tuple[str, ...]
    fuzzy: bool = False

    @property
    def wanted(self) -> list[str]:
        """Its values without those that match everything."""
        return [value for value in self.values if value not in _ANYTHING]


def named_keys(request: web.Request) -> tuple[dict[str, Path], list[str]]:
    """The keys of a search by the names that the request gives them, and sentences on parameters that are not supported: the search
    goes on as if they were not there (PS3.18 8.3). Raises `BadQuery`."""
    named: dict[str, Path] = {}
    ignored = []
    for name in dict.fromkeys(request.query):
        if name in OPTIONS:
            continue
        try:
            path = path_of(name)
        except NoAttribute:
            ignored.append(f"{_plain(name)} is no parameter of this search and no attribute; it was ignored")
            continue
        if path == OFFSET:
            ignored += _said_of_offset(request.query.getall(name))
        else:
            named[name] = path
    return named, ignored


def warned(request: web.Request, sentences: Iterable[str]) -> dict[str, str]:
    """The Warning header that says these sentences; none where there are none."""
    said = ", ".join(f'299 {request.host}: "{sentence}"' for sentence in sentences)
    return {"Warning": said} if said else {}


def split_values(value: str, matching: Matching | None) -> list[str]:
    """UIDs and modalities may come as a list, with commas or backslashes (PS3.18 8.3.4.1)."""
    if matching in (Matching.UID, Matching.CLASSES, Matching.MODALITIES):
        return [part for part in value.replace("\\", ",").split(",") if part]
    return [value]


def check_values(name: str, key: Key) -> None:
    """Raises `BadQuery` for a value that the attribute cannot have."""
    vr = vr_of(key.path)
    for value in key.wanted:
        if vr in _RANGES and _RANGES[vr](value) is None:
            raise BadQuery(f"{name}: {value!r} is no {_KINDS[vr]}")
        if vr in _NUMBERS and _number(value) is None:
            raise BadQuery(f"{name}: {value!r} is no number")


def item_matches(item: Item, keys: Sequence[Key]) -> bool:
    """True if the data set matches every key; a range of dates and one of the times that belong to them are one range of moments."""
    by_path = {key.path: key for key in keys}
    pairs = [
        (key, by_path[time]) for key in keys if _is_range(key) and (time := time_path(key.path)) in by_path and _is_range(by_path[time])
    ]
    single = [key for key in keys if not any(key in pair for pair in pairs)]
    return all(key_matches(item, key) for key in single) and all(_within_moments(item, *pair) for pair in pairs)


def key_matches(item: Item, key: Key) -> bool:
    """True if the data set matches; a key inside a sequence matches if any item of it does."""
    wanted = key.wanted
    if not wanted:
        return True  # universal matching
    elements = [holder[key.path[-1]] for holder in _holders(item, key.path) if key.path[-1] in holder]
    return any(_value_matches(element["vr"], value, each, key.fuzzy)
               for element in elements for value in element.get("Value", ()) for each in wanted)  # fmt: skip


def _holders(item: Item, path: Path) -> Iterable[Item]:
    """The items that an attribute of this path stands in, if it does."""
    if len(path) == 1:
        yield item
        return
    element = item.get(path[0], {})
    for inner in element.get("Value", ()) if element.get("vr") == "SQ" else ():
        yield from _holders(inner, path[1:])


def _is_range(key: Key) -> bool:
    return len(key.wanted) == 1 and "-" in key.wanted[0]


def _within_moments(item: Item, dates: Key, times: Key) -> bool:
    """The date at its time lies in the range; a date without a time is its first moment."""
    days, hours = date_range(dates.wanted[0]), time_range(times.wanted[0])
    if days is None or hours is None:
        return False
    bounds = combined_range(days, hours)
    for holder in _holders(item, dates.path):
        day, time = (_first(holder, key.path[-1]) for key in (dates, times))
        if day and days.holds(_date(day)) and bounds.holds(_date(day) + _time(time)):
            return True
    return False


def _first(holder: Item, tag: str) -> str:
    values = holder.get(tag, {}).get("Value") or [""]
    return values[0] if isinstance(values[0], str) else ""


def _date(value: str) -> str:
    """A date without the dots of its retired form (PS3.5 6.2)."""
    return value.replace(".", "") if len(value) == 10 else value


def _time(value: str) -> str:
    return value.replace(":", "")


def _value_matches(vr: str, value: Any, wanted: str, fuzzy: bool) -> bool:
    if value is None or vr == "SQ":
        return False
    if vr == "PN":
        return _name_matches(value, wanted, fuzzy)
    if isinstance(value, int | float):
        return _number(wanted) == float(value)
    if vr == "DT":
        bounds = datetime_range(wanted)
        return bounds is not None and datetime_holds(bounds, value)
    if vr in ("DA", "TM"):
        found: Range | None = date_range(wanted) if vr == "DA" else time_range(wanted)
        return found is not None and found.holds(_date(value) if vr == "DA" else _time(value))
    return like(wanted, value)


def _name_matches(value: Item, wanted: str, fuzzy: bool) -> bool:
    name = "=".join(value.get(group, "") for group in ("Alphabetic", "Ideographic", "Phonetic"))
    if fuzzy:
        words = name_words(name)
        return all(any(word.startswith(each) for word in words) for each in fuzzy_words(wanted))
    return name_matches(wanted, name)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _said_of_offset(values: Iterable[str]) -> list[str]:
    """A sentence where an offset is given. Raises `BadQuery` for what is none."""
    given = [value.strip() for value in values if value.strip(" *")]
    for value in given:
        # A plus sign that was not encoded comes as a blank.
        digits = value.lstrip("+-")
        if not (len(digits) == 4 and digits.isdigit() and int(digits[:2]) <= 14 and int(digits[2:]) < 60 and len(value) <= 5):
            raise BadQuery(f"TimezoneOffsetFromUTC: {value!r} is no offset such as +0800")
    return ["TimezoneOffsetFromUTC was ignored: dates and times are matched as they were recorded"] if given else []


def _plain(name: str) -> str:
    """A name as a header may quote it."""
    return "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else "?" for c in name[:64])
