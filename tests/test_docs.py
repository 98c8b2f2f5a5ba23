"""Documentation that would be wrong in silence is held here."""

from __future__ import annotations

import re
from pathlib import Path

from telemed.domain.policy import Action
from telemed.settings import Settings

DOCS = Path(__file__).resolve().parents[1] / "docs"
UNRECORDED = {Action.NETWORK_READ, Action.UNMATCHED_READ, Action.STATISTICS_READ, Action.ACCOUNT_READ, Action.CASE_READ_METADATA}
"""Looks at what names no patient, and the lesser form of `case:read`."""


def test_every_setting_is_in_the_table_with_its_meaning() -> None:
    rows = dict(re.findall(r"^\| `TELEMED_(\w+)` \| .*? \| (.*) \|$", (DOCS / "running.md").read_text(), re.M))
    assert rows == {name.upper(): field.description for name, field in Settings.model_fields.items()}


def test_every_recorded_action_is_described() -> None:
    described = set(re.findall(r"`([a-z]+:[a-z-]+)`", (DOCS / "audit-events.md").read_text()))
    recorded = {action.value for action in Action} - {action.value for action in UNRECORDED}
    assert recorded - described - {"evidence:store", "report:read-draft", "report:write"} == set()
