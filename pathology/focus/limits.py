"""The limits of `limits.toml`, by name."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Final


@dataclass(frozen=True, slots=True)
class Limit:
    """One row: what is measured, the limit in its unit, and where it comes from."""

    measure: str
    value: float
    unit: str
    source: str


def _read() -> dict[str, Limit]:
    rows = tomllib.loads(files("pathology.focus").joinpath("limits.toml").read_text("utf-8"))["limit"]
    return {row["measure"]: Limit(**row) for row in rows}


LIMITS: Final[Mapping[str, Limit]] = _read()


def limit(measure: str) -> float:
    """The limit's value. Raises KeyError for a measure that has none."""
    return LIMITS[measure].value
