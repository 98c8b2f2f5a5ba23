"""Forms as data: a centre describes its request and its report here, one form engine shows and checks them all.

Labels, help and choices are message ids of the translation catalogue.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from telemed.domain.errors import FieldError


class FieldType(StrEnum):
    TEXT = "text"
    LONG_TEXT = "long-text"
    CHOICE = "choice"
    CHOICES = "choices"
    DATE = "date"
    DATE_TIME = "date-time"
    NUMBER = "number"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its name in the JSON, its label, and what it takes. `rows` is the height of a long text."""

    name: str
    label: str
    type: FieldType = FieldType.TEXT
    required: bool = False
    choices: tuple[Choice, ...] = ()
    open_choice: bool = False
    help: str = ""
    unit: str = ""
    max_length: int = 4000
    pattern: str = ""
    rows: int = 4


@dataclass(frozen=True, slots=True)
class Form:
    """Fields in the order they are shown."""

    fields: tuple[Field, ...]

    def field(self, name: str) -> Field | None:
        return next((f for f in self.fields if f.name == name), None)

    def faults(self, data: Mapping[str, Any], prefix: str, *, complete: bool) -> list[FieldError]:
        """What is wrong with `data`; with `complete`, required fields must be there. Unknown fields are faults."""
        errors = [FieldError(f"{prefix}.{name}", "unknown-field") for name in data if self.field(name) is None]
        for spec in self.fields:
            value = data.get(spec.name)
            if value in (None, "", [], False):
                if complete and spec.required:
                    errors.append(FieldError(f"{prefix}.{spec.name}", "required"))
                continue
            fault = _fault(spec, value)
            if fault:
                errors.append(FieldError(f"{prefix}.{spec.name}", *fault))
        return errors


def _fault(spec: Field, value: Any) -> tuple[str, str] | None:
    """The rule that the value breaks and what was expected, or None."""
    match spec.type:
        case FieldType.FLAG:
            return None if isinstance(value, bool) else ("type", "true or false")
        case FieldType.NUMBER:
            return None if isinstance(value, int | float) and not isinstance(value, bool) else ("type", "number")
        case FieldType.CHOICES:
            known = {choice.value for choice in spec.choices}
            return None if isinstance(value, list) and all(v in known for v in value) else ("choice", " ".join(sorted(known)))
    if not isinstance(value, str):
        return "type", "text"
    if len(value) > spec.max_length:
        return "too-long", str(spec.max_length)
    if "\x00" in value:
        return "control-character", ""
    return _text_fault(spec, value)


def _text_fault(spec: Field, value: str) -> tuple[str, str] | None:
    if spec.pattern and not re.fullmatch(spec.pattern, value):
        return "pattern", spec.pattern
    if spec.type is FieldType.CHOICE and not spec.open_choice and value not in {c.value for c in spec.choices}:
        return "choice", " ".join(c.value for c in spec.choices)
    parse = {FieldType.DATE: date.fromisoformat, FieldType.DATE_TIME: datetime.fromisoformat}.get(spec.type)
    if parse:
        try:
            parse(value)
        except ValueError:
            return "date", "YYYY-MM-DD" if spec.type is FieldType.DATE else "YYYY-MM-DDTHH:MM"
    return None
