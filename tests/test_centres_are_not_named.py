"""Nobody outside a centre's file or folder names it: code, templates, scripts and styles are asked for the centres' codes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from telemed.centres import discover

ROOT = Path(__file__).parents[1] / "telemed"
CODES = "|".join(discover())
NAMED = re.compile(rf"[\"'`](?:{CODES})[\"'`]|telemed\.centres\.(?:{CODES})\b")

ALLOWED = {
    "domain/case.py": "a kind of case, a second opinion, has the name of the centre that began with it",
    "domain/volume.py": "and is counted under it",
    "web/static/js/new-case.js": "and asks for consent",
    "web/templates/_case_head.html": "and is shown as one",
    "web/templates/new_case.html": "and asks for consent",
    "demo": "tells stories of all five",
}
"""Path below `telemed/`, and why."""


def outside() -> Iterator[tuple[str, str]]:
    """Path and line of everything that names a centre where none is to be named."""
    for file in sorted(ROOT.rglob("*")):
        name = file.relative_to(ROOT).as_posix()
        if file.suffix not in (".py", ".html", ".js", ".css") or name.startswith("centres/") or "/vendor/" in name:
            continue
        for line in file.read_text(encoding="utf-8").splitlines():
            if NAMED.search(line):
                yield name, line.strip()


def allowed(name: str) -> str | None:
    return next((place for place in ALLOWED if name == place or name.startswith(f"{place}/")), None)


def test_no_centre_is_named_outside_its_own() -> None:
    assert [(name, line) for name, line in outside() if allowed(name) is None] == []


def test_every_exception_is_still_one() -> None:
    assert {allowed(name) for name, _ in outside()} - {None} == set(ALLOWED)
