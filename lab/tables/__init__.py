"""Tables to begin with: the catalogue, reference ranges, critical values. Each row names its source and in how many sources it was read.

This material contains content from LOINC (http://loinc.org). LOINC is copyright Regenstrief Institute, Inc. and the Logical Observation
Identifiers Names and Codes (LOINC) Committee and is available at no cost under the license at http://loinc.org/license. LOINC is a
registered United States trademark of Regenstrief Institute, Inc.
"""

from __future__ import annotations

import csv
from importlib.resources import files
from typing import Final

CONFIRMED_FROM: Final = 2
"""A row read in fewer sources is shown as not confirmed."""


def rows(name: str) -> list[dict[str, str]]:
    """Return the rows of a table of this package."""
    with files(__name__).joinpath(name).open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))
