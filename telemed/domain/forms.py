"""Forms as data: a centre describes its request and its report here, one form engine shows and checks them all.

Labels, help and choices are message ids of the translation catalogue.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from telemed.domain.errors import FieldError

_ = str  # marks text for the translation catalogue

LARGEST_NUMBER = 1e15
"""A double still holds every whole number up to here (2**53 is about 9e15)."""

MAX_LINES = 500
"""Lines of one text: ten printed pages. What passes it could be saved and never signed, since a report has 5,000 at most (practice)."""


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
    """One field: its name in the JSON, its label, and what it takes. `rows` is the height of a long text.

    `measured` names the number of the evidence's analysis that is proposed for it; changes of such a field are kept.
    `prominent` marks what a printed report sets apart: its conclusion.
    """

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
    measured: str = ""
    prominent: bool = False


CONTACT_PHONE = Field(
    "contact_phone",
    _("Contact telephone"),
    max_length=32,
    pattern=r"[0-9+\(\) \-]*",
    help=_("Where the requesting doctor is reached: a critical value is told by telephone."),
)
"""Of every request form: whom a hub calls when minutes count."""


@dataclass(frozen=True, slots=True)
class Form:
    """Fields in the order they are shown."""

    fields: tuple[Field, ...]

    @property
    def measured(self) -> tuple[Field, ...]:
        """Fields for numbers that the analysis of the evidence proposes."""
        return tuple(f for f in self.fields if f.measured)

    @property
    def written(self) -> Form:
        """The form without its measured numbers: what a reader writes."""
        return Form(tuple(f for f in self.fields if not f.measured))

    def field(self, name: str) -> Field | None:
        return next((f for f in self.fields if f.name == name), None)

    def faults(self, data: Mapping[str, Any], prefix: str, *, complete: bool) -> list[FieldError]:
        """Return what is wrong with `data`; with `complete`, required fields must be there. Unknown fields are faults."""
        errors = [FieldError(f"{prefix}.{name}", "unknown-field") for name in data if self.field(name) is None]
        for spec in self.fields:
            value = data.get(spec.name)
            if complete and spec.required and is_blank(value):
                errors.append(FieldError(f"{prefix}.{spec.name}", "required"))
            if value is None or value in ("", []):
                continue
            fault = _fault(spec, value)
            if fault:
                errors.append(FieldError(f"{prefix}.{spec.name}", *fault))
        return errors


def is_blank(value: Any) -> bool:
    """Nothing was filled in: no value, no choice, a flag that is not set, text of spaces alone. Zero is a value."""
    return value is None or value is False or value == [] or (isinstance(value, str) and not value.strip())


def _fault(spec: Field, value: Any) -> tuple[str, str] | None:
    """The rule that the value breaks and what was expected, or None."""
    match spec.type:
        case FieldType.FLAG:
            return None if isinstance(value, bool) else ("type", "true or false")
        case FieldType.NUMBER:
            return None if _is_number(value) else ("type", "number")
        case FieldType.CHOICES:
            return None if _are_choices(spec, value) else ("choice", " ".join(choice.value for choice in spec.choices))
    if not isinstance(value, str):
        return "type", "text"
    if len(value) > spec.max_length:
        return "too-long", str(spec.max_length)
    if "\x00" in value:
        return "control-character", ""
    if len(value.splitlines()) > MAX_LINES:
        return "too-many-lines", str(MAX_LINES)
    return _text_fault(spec, value)


def _is_number(value: Any) -> bool:
    """A finite number that JSON and both databases hold exactly enough; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST_NUMBER


def _are_choices(spec: Field, value: Any) -> bool:
    """A list of choices of the field, each once."""
    known = {choice.value for choice in spec.choices}
    return isinstance(value, list) and all(isinstance(v, str) and v in known for v in value) and len(set(value)) == len(value)


def _text_fault(spec: Field, value: str) -> tuple[str, str] | None:
    if spec.pattern and not re.fullmatch(spec.pattern, value):
        return "pattern", spec.pattern
    if spec.type is FieldType.CHOICE and not spec.open_choice and value not in {c.value for c in spec.choices}:
        return "choice", " ".join(c.value for c in spec.choices)
    if spec.type in MOMENTS and not _is_moment(spec.type, value):
        return "date", MOMENTS[spec.type]
    return None


MOMENTS = {FieldType.DATE: "YYYY-MM-DD", FieldType.DATE_TIME: "YYYY-MM-DDTHH:MM"}
"""How a day and a time of day are written: as HTML writes them (ISO 8601, extended format, no zone: the region's)."""


def _is_moment(kind: FieldType, value: str) -> bool:
    form = r"\d{4}-\d\d-\d\d" + (r"T\d\d:\d\d(:\d\d)?" if kind is FieldType.DATE_TIME else "")
    if not re.fullmatch(form, value, re.ASCII):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
