"""Ages as reference ranges tell them: days, months and years that are complete on a day."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, timedelta
from typing import Final, NamedTuple

from lab.errors import BadTable

_AGE: Final = re.compile(r"([0-9]{1,3}) (d|mo|y)")


class Age(NamedTuple):
    """A number of days (`d`), months (`mo`) or years (`y`)."""

    number: int
    unit: str

    def __str__(self) -> str:
        return f"{self.number} {self.unit}"

    def reached(self, birth: date) -> date:
        """Return the first day on which somebody born on `birth` is this old.

        Where the month has no such day it is the first of the next: a child of 29 February is two on 1 March.
        """
        if self.unit == "d":
            return birth + timedelta(days=self.number)
        months = self.number * (12 if self.unit == "y" else 1) + birth.month - 1
        year, month = birth.year + months // 12, months % 12 + 1
        if birth.day > monthrange(year, month)[1]:
            return date(year + month // 12, month % 12 + 1, 1)
        return date(year, month, birth.day)


def read_age(text: str) -> Age | None:
    """Return the age of a table's cell, `28 d` or `13 y`; None where it is empty. Raises BadTable for anything else."""
    if not text:
        return None
    found = _AGE.fullmatch(text)
    if found is None:
        raise BadTable(f"{text!r} is no age; write 28 d, 6 mo or 13 y")
    return Age(int(found[1]), found[2])
