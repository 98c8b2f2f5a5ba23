"""Contradictions of a report in words."""

from __future__ import annotations

from collections.abc import Sequence

from telemed.domain.centre import Centre
from telemed.domain.contradictions import Contradiction
from telemed.domain.report import Acknowledged
from telemed.web.i18n import gettext


def _filled(message: str, said: str, against: str) -> str:
    words = {"said": gettext(said) if said else "", "against": gettext(against) if against else ""}
    return gettext(message) % words


def contradiction_text(found: Contradiction) -> str:
    """Return the contradiction in the reader's language."""
    return _filled(found.message, found.said, found.against)


def acknowledged_texts(centre: Centre, acknowledged: Sequence[Acknowledged]) -> list[tuple[str, Acknowledged]]:
    """Return what was signed all the same, in words; the code where the rule is no more."""
    messages = {rule.code: rule.message for rule in centre.contradiction_rules}
    return [(_filled(messages.get(each.code, each.code), each.said, each.against), each) for each in acknowledged]
