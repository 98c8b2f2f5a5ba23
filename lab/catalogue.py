"""The catalogue: tests by their code of WS/T 886-2026 first, LOINC second, with unit, decimals and allowed errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from lab.tables import CONFIRMED_FROM, rows


@dataclass(frozen=True, slots=True)
class Item:
    """One test. `allowed_cv_percent` and `allowed_total_error` are quality limits as their source words them.

    `wst886_sources` and `loinc_sources` count the sources in which the code was read for this test.
    """

    wst886: str
    name_zh: str
    abbreviation: str
    loinc: str
    ucum: str
    decimals: int
    allowed_cv_percent: str
    allowed_total_error: str
    quality_source: str
    wst886_sources: int
    loinc_sources: int

    @property
    def confirmed(self) -> bool:
        """True if both codes were read in at least two sources."""
        return min(self.wst886_sources, self.loinc_sources) >= CONFIRMED_FROM


@cache
def items() -> tuple[Item, ...]:
    """Return all tests of the catalogue."""
    return tuple(
        Item(
            wst886=row["wst886"],
            name_zh=row["name_zh"],
            abbreviation=row["abbreviation"],
            loinc=row["loinc"],
            ucum=row["ucum"],
            decimals=int(row["decimals"]),
            allowed_cv_percent=row["allowed_cv_percent"],
            allowed_total_error=row["allowed_total_error"],
            quality_source=row["quality_source"],
            wst886_sources=int(row["wst886_sources"]),
            loinc_sources=int(row["loinc_sources"]),
        )
        for row in rows("catalogue.csv")
    )


@cache
def _by_code() -> Mapping[str, Item]:
    return {code: item for item in reversed(items()) for code in (item.abbreviation, item.loinc, item.wst886) if code}


def find(code: str) -> Item | None:
    """Return the test of a WS/T 886 code, a LOINC code or an abbreviation of the catalogue, or None."""
    return _by_code().get(code)
