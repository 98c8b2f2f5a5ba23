"""The critical value loop's clock: silent while in time, then it rises again and again until somebody has it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from telemed.domain.critical import ESCALATE_EVERY, TELL_WITHIN, CriticalStatus, CriticalValue
from tests.telemed.moments import NOON


def value(status: CriticalStatus = CriticalStatus.OPEN, escalations: int = 0) -> CriticalValue:
    due = NOON + TELL_WITHIN
    return CriticalValue("v", "c", "finding", "imaging.huba", NOON, due, status=status, escalations=escalations)


@pytest.mark.parametrize(
    ("after", "escalations", "due"),
    [
        (TELL_WITHIN - timedelta(seconds=1), 0, False),
        (TELL_WITHIN, 0, True),
        (TELL_WITHIN, 1, False),
        (TELL_WITHIN + ESCALATE_EVERY, 1, True),
        (TELL_WITHIN + ESCALATE_EVERY, 2, False),
        (TELL_WITHIN + 5 * ESCALATE_EVERY, 5, True),
    ],
)
def test_it_rises_once_for_each_countdown(after: timedelta, escalations: int, due: bool) -> None:
    assert value(escalations=escalations).escalation_due(NOON + after) is due


@pytest.mark.parametrize(
    ("status", "rises", "running"),
    [
        (CriticalStatus.OPEN, True, True),
        (CriticalStatus.NOTIFIED, True, True),
        (CriticalStatus.ACKNOWLEDGED, False, True),
        (CriticalStatus.CLOSED, False, False),
        (CriticalStatus.WITHDRAWN, False, False),
    ],
)
def test_it_rises_until_it_is_acknowledged_and_runs_until_something_was_done(status: CriticalStatus, rises: bool, running: bool) -> None:
    late = NOON + timedelta(days=1)
    assert value(status).escalation_due(late) is rises
    assert value(status).running is running
