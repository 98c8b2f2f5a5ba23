"""A region as a file in TOML: written in one order, so that it can be kept in version control; read with the place of every fault."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import tomli_w

from telemed.domain.errors import DomainError
from telemed.domain.region import (
    Plain,
    RegionContent,
    device_entry,
    holiday_entry,
    home_entry,
    hub_entry,
    institution_entry,
)
from telemed.domain.region_rules import Path, RegionFault, Surroundings, faults
from telemed.domain.texts import visible_in
from telemed.service.region_shape import FORMAT, TABLES, content_of, toml_of
from telemed.service.toml_positions import Positions, positions

LARGEST_FILE = 4 * 1024 * 1024
"""Bytes of a region's file: one of 5,000 institutions with their devices has some two million."""

MOST_SAID = 100
"""Faults that are said of one file: who has more begins with these."""

WIDEST = 110
"""Characters of a list on one line."""

HEAD = "# A region of Telemed. docs/running.md says what each name means; telemed region import takes it in.\n"

_PLACE = re.compile(r"^(?P<words>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class PlacedFault:
    """A fault with its line and column, from 1; both 0 where the region was not read from a file."""

    fault: RegionFault
    line: int = 0
    column: int = 0


class RegionRefused(DomainError):
    """A region that breaks rules: nothing of it is taken. `more` counts the faults beyond those that are said."""

    code = "region-refused"

    def __init__(self, found: tuple[PlacedFault, ...], more: int = 0) -> None:
        super().__init__("; ".join(f"{each.line}:{each.column} {each.fault.code}" for each in found[:5]))
        self.found, self.more = found, more


def read_region(given: bytes, around: Surroundings) -> RegionContent:
    """Return the region that the file describes. Raises RegionRefused with every fault."""
    text = _text(given)
    try:
        tree = visible_in(tomllib.loads(text))
        places = positions(text)
    except RecursionError:
        raise _refused("no-toml", {"reason": "nested too deeply"}) from None
    except ValueError as error:  # also of a number that is too long
        raise _no_toml(str(error), text) from None
    content, found = content_of(tree)
    places_of_faults = {fault.path for fault in found}
    found += [fault for fault in faults(content, around) if not _within(fault.path, places_of_faults)]
    if found:
        raise _placed(found, places)
    return content


def _text(given: bytes) -> str:
    if len(given) > LARGEST_FILE:
        raise _refused("file-too-large", {"most": str(LARGEST_FILE)})
    try:
        return given.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        before = given[: error.start]
        line = before.count(b"\n") + 1
        column = len(before.rpartition(b"\n")[2].decode("utf-8", "replace")) + 1
        raise _refused("no-utf-8", {}, line, column) from None


def _refused(code: str, facts: Mapping[str, str], line: int = 1, column: int = 1) -> RegionRefused:
    return RegionRefused((PlacedFault(RegionFault((), code, facts), line, column),))


def _no_toml(words: str, text: str) -> RegionRefused:
    found = _PLACE.match(words)
    if found is None:
        return _refused("no-toml", {"reason": words[:200]})
    lines = text.split("\n")
    end = len(lines), len(lines[-1]) + 1
    line, column = (int(found["line"]), int(found["column"])) if found["line"] else end
    return _refused("no-toml", {"reason": found["words"][:200]}, line, column)


def _within(path: Path, broken: set[Path]) -> bool:
    """True if the place, or what stands around it, is broken already: one sentence is enough."""
    return any(path[:n] in broken for n in range(1, len(path) + 1))


def _placed(found: Iterable[RegionFault], places: Positions) -> RegionRefused:
    listed = []
    for fault in found:
        at = places.of_key if fault.code in ("unknown-name", "no-setting") else places.of_value
        listed.append(PlacedFault(fault, *at(fault.path)))
    listed.sort(key=lambda each: (each.line, each.column))
    return RegionRefused(tuple(listed[:MOST_SAID]), max(len(listed) - MOST_SAID, 0))


def write_region(content: RegionContent) -> str:
    """Return the region, which is in order, as its file."""
    head = [f"format = {FORMAT}", f"name = {_value(content.name)}"]
    head += [f"districts = {_value(list(content.districts))}"] if content.districts else []
    parts = [HEAD + "\n".join(head) + "\n"]
    parts += [_table("institution", institution_entry(each)) for each in content.institutions]
    parts += [_table("hub", hub_entry(each)) for each in content.hubs]
    parts += [_table("home", home_entry(each)) for each in content.homes]
    parts += [_table("holiday", holiday_entry(each)) for each in content.holidays]
    parts += [_table("device", device_entry(each)) for each in content.devices]
    if content.settings:
        parts.append(tomli_w.dumps({"settings": toml_of(dict(content.settings))}))
    return "\n".join(parts)


def _table(kind: str, entry: Plain) -> str:
    lines = [f"{_key(name)} = {_value(value)}" for name, value in entry.items() if not TABLES[kind].leaves_out(name, value)]
    return f"[[{kind}]]\n" + "\n".join(lines) + "\n"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _value(name)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{name} = {_value(each)}" for name, each in value.items() if each != "") + " }"
    if isinstance(value, list):
        items = [_value(each) for each in value]
        line = f"[{', '.join(items)}]"
        short = len(line) <= WIDEST and not any(isinstance(each, Mapping) for each in value)
        return line if short else "[\n" + "".join(f"  {item},\n" for item in items) + "]"
    multiline = isinstance(value, str) and "\n" in value
    return tomli_w.dumps({"v": value}, multiline_strings=multiline).removeprefix("v = ").removesuffix("\n")
