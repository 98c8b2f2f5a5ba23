"""Where messages and cases from practice lie; tests that need them skip where they are not."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import pytest


def _data() -> Path:
    """Beside the repository, or beside the folder that holds a worktree."""
    root = Path(__file__).resolve().parents[2]
    places = [Path(named) for named in [os.environ.get("TELEMED_SHARED")] if named]
    places += [root.parent / "shared", root.parent.parent / "shared"]
    return next((place / "data" for place in places if place.is_dir()), places[0] / "data")


HL7_FILES = sorted((_data() / "hl7").rglob("*.hl7"))
CASES = sorted((_data() / "lab-cases").glob("*.expected.json"))

needs_corpus = pytest.mark.skipif(not HL7_FILES, reason="the HL7 messages from practice (shared/data/hl7) are not on this machine")
needs_cases = pytest.mark.skipif(not CASES, reason="the laboratory cases (shared/data/lab-cases) are not on this machine")


class Case(NamedTuple):
    """A file's bytes and what is right for them."""

    name: str
    content: bytes
    expected: dict[str, Any]


def case(begins: str) -> Case:
    """The case whose name begins so."""
    note = next(path for path in CASES if path.name.startswith(begins))
    said = json.loads(note.read_text(encoding="utf-8"))
    return Case(said["case"], (note.parent / said["file"]).read_bytes(), said["expected"])
