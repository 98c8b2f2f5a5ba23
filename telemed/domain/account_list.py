"""A list of accounts that is taken over as a whole: its columns, its bounds, and what each row would do."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from telemed.domain.accounts import entity_tag
from telemed.domain.errors import FieldError
from telemed.domain.people import Person

COLUMNS: Final = ("username", "name", "title", "institution", "roles", "centres", "language", "phone")
NEEDED: Final = ("username", "name", "institution", "roles")
"""Columns without which a list says too little; of the others, one that is not there leaves things as they are."""

MAX_BYTES: Final = 5 * 1024 * 1024
MAX_ROWS: Final = 10_000
MAX_COLUMNS: Final = 40
MAX_CELL: Final = 500
"""Bounds of a list: ten thousand people have 2 MB (practice)."""

SEPARATORS: Final = ",;，；、|/\n"
"""Between several roles or centres in one cell."""


@dataclass(frozen=True, slots=True)
class AccountList:
    """The cells of a list as text, its head first. `numbers` are the rows' numbers as a spreadsheet counts them."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: Sequence[int]


@dataclass(frozen=True, slots=True)
class ListWords:
    """What people call columns, roles, centres, institutions and languages: small letters, to the code."""

    columns: Mapping[str, str] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)
    centres: Mapping[str, str] = field(default_factory=dict)
    institutions: Mapping[str, str] = field(default_factory=dict)
    languages: Mapping[str, str] = field(default_factory=dict)


class RowState(StrEnum):
    """What a row would do."""

    FAULTY = "faulty"
    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """One row: the person as they would be (None where it is at fault), as they are (None: new), and what is wrong."""

    number: int
    username: str
    name: str
    state: RowState
    after: Person | None = None
    before: Person | None = None
    faults: Sequence[FieldError] = ()
    changed: Mapping[str, Sequence[object]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What a list would do to the accounts as they are now."""

    rows: Sequence[PlannedRow]

    def count(self, state: RowState) -> int:
        return Counter(row.state for row in self.rows)[state]

    @property
    def tag(self) -> str:
        """Names the plan: another list, or an account that was changed in between, has another."""
        content = [[row.username, row.state, *(entity_tag(each) if each else "" for each in (row.after, row.before))] for row in self.rows]
        return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def parts_of(cell: str) -> list[str]:
    """The several words of one cell."""
    for separator in SEPARATORS[1:]:
        cell = cell.replace(separator, SEPARATORS[0])
    return [part.strip() for part in cell.split(SEPARATORS[0]) if part.strip()]


def word(text: str) -> str:
    """A word as `ListWords` has it."""
    return " ".join(text.split()).casefold()
