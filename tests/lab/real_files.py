"""Where messages and cases from practice lie; tests that need them skip where they are not."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest

from tests.real_files import FOLDER, absent

HL7_FILES = sorted((FOLDER / "hl7").rglob("*.hl7"))
CASES = sorted((FOLDER / "lab-cases").glob("*.expected.json"))

needs_corpus = pytest.mark.skipif(not HL7_FILES, reason=absent("hl7"))
needs_cases = pytest.mark.skipif(not CASES, reason=absent("lab-cases"))


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
