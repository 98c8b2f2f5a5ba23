"""What a scan led to, as it is said to the person who holds the scanner, and kept so that the same scan again says the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Station(StrEnum):
    """Where the scanner is: the member's packing table, the hub's bench, the courier's telephone."""

    BOXES = "boxes"
    RECEIPT = "receipt"
    COURIER = "courier"


class Tone(StrEnum):
    """How a scan sounds and looks: done, look at it, refused."""

    DONE = "done"
    NEAR = "near"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Scan:
    """One scan. `id` is the page's own name for it, so that it is done once; `at` is when it was made, where that was before now; the
    others are what the page has in hand."""

    id: str
    code: str
    at: datetime | None = None
    box: str = ""
    condition: str = "good"
    reason: str = ""
    courier: str = ""
    seal: str = ""


@dataclass(frozen=True, slots=True)
class Scanned:
    """What was done: the step, its word, its tone, and what the page has in hand from now on. `undo` says that it can be taken back."""

    id: str
    code: str
    step: str
    tone: Tone
    box: str = ""
    specimen: str = ""
    condition: str = ""
    reason: str = ""
    courier: str = ""
    undo: bool = False
    undone: bool = False
    facts: dict[str, str] = field(default_factory=dict)
