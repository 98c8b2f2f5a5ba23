"""Rows of lists as they were drawn: equal rows look the same in one language on one day, and are drawn once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from datetime import date, datetime
from typing import Final

import jinja2
from markupsafe import Markup

from telemed.web.dates import LOCAL_ZONE
from telemed.web.i18n import current_language

KEPT: Final = 5000
"""Rows that are kept in one process, those asked for last: some 2 KB each (practice: all open cases of a region in two languages)."""

Key = tuple[str, str, date, Hashable]


class DrawnRows:
    """Draws a row by a template that is given the row and nothing else.

    The row itself is what it is kept by, so nothing that it shows can be missing from the key: not whose it is (`mine`), not what the
    person may do with it. Who may see which rows is the query's matter, each time. Times are shown by the day that it is.
    """

    def __init__(self, environment: jinja2.Environment, kept: int = KEPT) -> None:
        self._environment, self._most = environment, kept
        self._kept: OrderedDict[Key, Markup] = OrderedDict()

    def __call__(self, template: str, row: Hashable) -> Markup:
        key = (template, current_language(), datetime.now(LOCAL_ZONE).date(), row)
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
            return found
        drawn = self.draw(template, row)
        self._kept[key] = drawn
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return drawn

    def draw(self, template: str, row: Hashable) -> Markup:
        """Draw it, whether it was drawn before or not."""
        text = self._environment.get_template(template).render(row=row)
        return Markup(text)  # noqa: S704 (a template of ours has escaped it)
