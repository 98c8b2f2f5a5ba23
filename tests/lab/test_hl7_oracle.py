"""The parser and python-hl7 agree on the structure of well-formed messages. Not on text: that one loses escapes."""

from __future__ import annotations

import re
from typing import Any

import hl7

from lab.errors import UnreadableMessage
from lab.hl7 import messages, parse
from tests.lab.real_files import HL7_FILES, needs_corpus
from tests.lab.samples import ORDER, PATIENT, message, result


def ours_in_full(field: Any) -> list[list[list[str]]]:
    """A field of `nested` with every level there."""
    repetitions = [field] if isinstance(field, str) else field
    return [
        [[part] if isinstance(part, str) else list(part) for part in ([each] if isinstance(each, str) else each)] for each in repetitions
    ]


def theirs_in_full(field: Any) -> list[list[list[str]]]:
    """A field of python-hl7 with every level there."""
    repetitions = [each if isinstance(each, hl7.Repetition) else [each] for each in field]
    return [[[str(one) for one in part] if isinstance(part, hl7.Component) else [str(part)] for part in each] for each in repetitions]


def assert_same_structure(raw: bytes) -> int:
    """Compare segments, fields, repetitions, components and sub-components; return how many fields were compared.

    python-hl7 knows no fifth encoding character and undoes no escapes; segments with escapes are compared by their fields.
    """
    text = raw.decode("utf-8-sig").replace("\r\n", "\r").replace("\n", "\r").replace("|^~\\&#|", "|^~\\&|", 1).strip()
    theirs = hl7.parse(re.sub("\r+", "\r", text) + "\r")
    ours = parse(text.encode(), "UTF-8")
    compared = 0
    for mine, nested, other in zip(ours, ours.nested(), theirs, strict=True):
        assert [str(field) for field in other] == mine.fields
        if "\\" not in mine.line or mine.name == "MSH":
            assert [ours_in_full(field) for field in nested[3:]] == [theirs_in_full(field) for field in list(other)[3:]]
            compared += len(nested)
    return compared


def test_same_structure_as_python_hl7() -> None:
    assert assert_same_structure(
        message(PATIENT, ORDER, result("4.1"), "OBX|2|CE|A^b&c&d^e~f^g||x&y~z^^u||||||F", "NTE|1", "ZZZ|a^b||c~d").encode()
    )


@needs_corpus
def test_the_same_structure_in_messages_from_practice() -> None:
    compared = 0
    for path in HL7_FILES:
        for raw in messages(path.read_bytes()) if b"MSH" in path.read_bytes() else []:
            try:
                parse(raw)
            except UnreadableMessage:
                continue
            compared += assert_same_structure(raw)
    assert compared > 10_000
