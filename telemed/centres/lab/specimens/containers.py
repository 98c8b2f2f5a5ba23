"""Containers of specimens: which an item asks for, in which order they are drawn, and how long what is in them keeps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, NamedTuple

_ = str  # marks text for the translation catalogue


@dataclass(frozen=True, slots=True)
class Container:
    """A kind of container. `order` is its place in the order of draw; `millilitres` the volume drawn (practice); `specimen` the code of
    HL7 table 0487 for what is in it."""

    kind: str
    name: str
    cap: str
    specimen: str
    order: int
    millilitres: float


ORDER_OF_DRAW: Final = "WHO guidelines on drawing blood (2010), table 2.3, after CLSI; read in 2 public sources"
"""Citrate, serum, heparin, EDTA, fluoride; what is no blood from a vein has no place in it and comes last."""

CONTAINERS: Final[Mapping[str, Container]] = {
    each.kind: each
    for each in (
        Container("CITRATE", _("Citrate tube"), _("blue"), "BLDV", 2, 2.7),
        Container("ESR", _("Sedimentation tube"), _("black"), "BLDV", 2, 2.4),
        Container("SERUM", _("Serum tube"), _("red"), "BLDV", 3, 4.0),
        Container("SST", _("Serum tube with gel"), _("yellow"), "BLDV", 3, 4.0),
        Container("HEPARIN", _("Heparin tube"), _("green"), "BLDV", 4, 4.0),
        Container("EDTA", _("EDTA tube"), _("purple"), "BLDV", 5, 2.0),
        Container("FLUORIDE", _("Fluoride tube"), _("grey"), "BLDV", 6, 2.0),
        Container("GAS", _("Blood gas syringe"), "", "BLDA", 7, 1.0),
        Container("URINE", _("Urine cup"), "", "UR", 8, 10.0),
        Container("CSF", _("Cerebrospinal fluid tube"), "", "CSF", 8, 2.0),
        Container("STOOL", _("Stool cup"), "", "STL", 8, 5.0),
        Container("SWAB", _("Swab"), "", "SWAB", 8, 0.0),
        Container("OTHER", _("Other container"), "", "", 9, 0.0),
    )
}

CONTAINER_RULES: Final[Mapping[str, str]] = {
    "0300101A": "ESR",
    "01": "EDTA",
    "05": "CITRATE",
    "1100301A": "EDTA",
    "1700104A": "FLUORIDE",
    "23": "GAS",
    "11": "SST",
    "12": "SST",
    "14": "SST",
    "15": "SST",
    "16": "SST",
    "17": "SST",
    "20": "SST",
    "21": "SST",
}
"""The container by the beginning of a WS/T 886-2026 code; the longest that fits counts. The first two digits are the category: blood
count, coagulation, and so on; single tests stand with their whole code (practice of the tables: a region's hub may ask for others)."""

BLOOD_COUNT_BY_LOINC: Final = frozenset({
    "751-8", "731-0", "742-7", "711-2", "704-7", "770-8", "736-9", "5905-5", "713-8", "706-2",
})  # fmt: skip
"""Differential counts, which have no code of WS/T 886 in the catalogue."""


class Asked(NamedTuple):
    """A container that items ask for."""

    kind: str
    items: tuple[str, ...]


class ItemCodes(NamedTuple):
    """The codes of one test of the catalogue; empty where there is none."""

    wst886: str
    loinc: str


def container_of(codes: ItemCodes) -> str:
    """Return the kind of container that a test asks for; OTHER where no rule knows."""
    if codes.loinc in BLOOD_COUNT_BY_LOINC:
        return "EDTA"
    fitting = [beginning for beginning in CONTAINER_RULES if codes.wst886.startswith(beginning)]
    if fitting:
        return CONTAINER_RULES[max(fitting, key=len)]
    return "SST" if not codes.wst886 and codes.loinc else "OTHER"


def containers_for(items: Iterable[ItemCodes]) -> list[Asked]:
    """Return the containers that items ask for, in the order of draw, each with its items."""
    found: dict[str, list[str]] = {}
    for codes in items:
        found.setdefault(container_of(codes), []).append(codes.wst886 or codes.loinc)
    return [Asked(kind, tuple(found[kind])) for kind in sorted(found, key=lambda kind: (CONTAINERS[kind].order, kind))]


class Keeps(NamedTuple):
    """How long a specimen keeps in a container from collection to receipt, within a band of temperature in degrees Celsius.

    `items` are beginnings of WS/T 886 codes; empty: whatever is asked of the container. `sources` counts those in which it was read.
    """

    container: str
    items: tuple[str, ...]
    low: float
    high: float
    hours: float
    source: str
    sources: int


AMBIENT, COLD = (15.0, 25.0), (2.0, 8.0)

STABILITY: Final = (
    Keeps("CITRATE", ("0500103A",), *AMBIENT, 24, "CLSI H21, 6th edition (2024): PT, whole blood", 1),
    Keeps("CITRATE", ("0500203A",), *AMBIENT, 6, "CLSI H21, 6th edition (2024): APTT without heparin, the shorter end of 6 to 8 h", 1),
    Keeps("ESR", (), *AMBIENT, 4, "Handbooks of two hospital laboratories (Alfred Pathology; AZ Jan Portaels)", 2),
    Keeps("ESR", (), *COLD, 24, "Handbooks of two hospital laboratories (Alfred Pathology; AZ Jan Portaels)", 2),
    Keeps("EDTA", ("01",), *AMBIENT, 8, "Handbook of a hospital laboratory (AZ Jan Portaels): differential count", 1),
    Keeps("EDTA", ("01",), *COLD, 24, "Handbook of a hospital laboratory (AZ Jan Portaels): differential count", 1),
    Keeps("SERUM", ("1400605A",), *AMBIENT, 6, "Handbook of a hospital laboratory (AZ Jan Portaels): potassium on the clot", 1),
    Keeps("URINE", (), *COLD, 24, "Handbook of a hospital laboratory (AZ Jan Portaels): sediment and culture", 1),
)
"""Where no row fits, no limit is known, and none is claimed."""

CONFIRMED_FROM: Final = 2
"""Sources from which a limit counts as confirmed; of fewer the page says so."""


def limit_of(container: str, items: Iterable[str], low: float, high: float) -> Keeps | None:
    """Return the shortest limit that fits a tube carried within a band; None where none is known.

    A row fits if the band that was asked for lies within the row's.
    """
    asked = tuple(items)
    fitting = [
        row
        for row in STABILITY
        if row.container == container
        and row.low <= low
        and high <= row.high
        and (not row.items or any(item.startswith(row.items) for item in asked))
    ]
    return min(fitting, key=lambda row: row.hours, default=None)


def allowed(row: Keeps) -> timedelta:
    """Return how long a row allows."""
    return timedelta(hours=row.hours)
