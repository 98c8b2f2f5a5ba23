"""Why results of a specimen are held: rules over its transport and its receipt, each a row with a word and a source."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from telemed.centres.lab.specimens.containers import allowed, limit_of
from telemed.centres.lab.specimens.domain import Box, Specimen
from telemed.centres.lab.specimens.states import Condition, SpecimenState

_ = str  # marks text for the translation catalogue


@dataclass(frozen=True, slots=True)
class Travelled:
    """A specimen with the boxes that it came in."""

    specimen: Specimen
    boxes: Sequence[Box]


class Hold(NamedTuple):
    """One reason: the rule's code, and the figures that it compared."""

    code: str
    detail: str = ""


def _excursion(travelled: Travelled) -> str | None:
    degrees = [box.excursion for box in travelled.boxes if box.excursion is not None]
    return ", ".join(f"{degree:.1f} ℃" for degree in degrees) if degrees else None


def _expired(travelled: Travelled) -> str | None:
    tube, box = travelled.specimen, travelled.boxes[-1] if travelled.boxes else None
    if tube.collected_at is None or tube.received_at is None or box is None:
        return None
    row = limit_of(tube.container, tube.items, box.low, box.high)
    if row is None or tube.received_at - tube.collected_at <= allowed(row):
        return None
    return f"{hours(tube.collected_at, tube.received_at):.1f} h > {row.hours:g} h"


def _condition(wanted: Condition) -> Callable[[Travelled], str | None]:
    return lambda travelled: "" if travelled.specimen.condition is wanted else None


def _rejected(travelled: Travelled) -> str | None:
    return travelled.specimen.reason if travelled.specimen.state is SpecimenState.REJECTED else None


def _missing(travelled: Travelled) -> str | None:
    return "" if travelled.specimen.state is SpecimenState.MISSING else None


def _other_patient(travelled: Travelled) -> str | None:
    return " ".join(travelled.specimen.differs) if travelled.specimen.differs else None


def hours(start: datetime, until: datetime) -> float:
    return (until - start).total_seconds() / 3600


RULES: Final[Mapping[str, Callable[[Travelled], str | None]]] = {
    "excursion": _excursion,
    "stability": _expired,
    "leaked": _condition(Condition.LEAKED),
    "damaged": _condition(Condition.DAMAGED),
    "rejected": _rejected,
    "missing": _missing,
    "other-patient": _other_patient,
}
"""By code: what the rule compared, None where it holds nothing back (practice of pre-analytical quality; limits are data elsewhere)."""

WORDS: Final[Mapping[str, str]] = {
    "excursion": _("Outside the temperature asked for on the way"),
    "stability": _("Longer on the way than it keeps"),
    "leaked": _("Leaked"),
    "damaged": _("Damaged"),
    "rejected": _("Rejected"),
    "missing": _("Missing"),
    "other-patient": _("The tube names another patient"),
}


def holds(travelled: Travelled) -> list[Hold]:
    """Return every reason to hold the results of a specimen, in the order of the table."""
    judged = ((code, rule(travelled)) for code, rule in RULES.items())
    return [Hold(code, detail) for code, detail in judged if detail is not None]
