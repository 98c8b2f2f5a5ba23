"""The three state machines: every pair of state and action, allowed or not, against tables written here by hand."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import pytest

from telemed.domain.case import CASE, Case, CaseKind, CaseStatus, PatientSummary, Priority
from telemed.domain.critical import CRITICAL, CriticalStatus
from telemed.domain.errors import InvalidTransition
from telemed.domain.report import REPORT, ReportStatus
from telemed.domain.states import StateMachine
from tests.telemed.moments import NOON

CASE_TABLE = """
            submit    claim    write       release   reassign return  decline  escalate expire   offer     exhaust complete  cancel
draft       requested -        -           -         -        -       -        -        -        -         -       -         cancelled
requested   -         accepted -           -         -        on-hold rejected rejected rejected -         failed  -         cancelled
accepted    -         -        in-progress requested accepted on-hold rejected rejected -        -         -       -         cancelled
in-progress -         -        in-progress requested accepted on-hold rejected rejected -        -         -       completed cancelled
on-hold     requested -        -           -         -        -       -        -        -        -         -       -         cancelled
rejected    -         -        -           -         -        -       -        -        -        requested failed  -         -
completed   -         -        -           -         -        -       -        -        -        -         -       -         -
cancelled   -         -        -           -         -        -       -        -        -        -         -       -         -
failed      -         -        -           -         -        -       -        -        -        requested -       -         cancelled
"""

REPORT_TABLE = """
                 save    discard          sign        send-back release-original release-amendment release-addendum
partial          partial entered-in-error preliminary -         -                -                 -
preliminary      -       -                -           partial   final            amended           appended
final            -       -                -           -         -                -                 -
amended          -       -                -           -         -                -                 -
appended         -       -                -           -         -                -                 -
entered-in-error -       -                -           -         -                -                 -

                 amend   append  withdraw
partial          -       -       -
preliminary      -       -       -
final            partial partial entered-in-error
amended          partial partial entered-in-error
appended         partial partial entered-in-error
entered-in-error -       -       -
"""

CRITICAL_TABLE = """
             tell acknowledge  act    withdraw
open         told acknowledged -      withdrawn
told         told acknowledged -      withdrawn
acknowledged -    -            closed -
closed       -    -            -      -
withdrawn    -    -            -      -
"""

MACHINES: dict[str, tuple[StateMachine[Any], type[StrEnum], str]] = {
    "case": (CASE, CaseStatus, CASE_TABLE),
    "report": (REPORT, ReportStatus, REPORT_TABLE),
    "critical value": (CRITICAL, CriticalStatus, CRITICAL_TABLE),
}


def cells(table: str) -> list[tuple[str, str, str | None]]:
    """State, action and the next state (None where the action is forbidden) of every cell; a wide table comes in parts."""
    found = []
    for part in table.strip().split("\n\n"):
        head, *lines = (line.split() for line in part.splitlines())
        found += [(line[0], action, None if cell == "-" else cell) for line in lines for action, cell in zip(head, line[1:], strict=True)]
    return found


PAIRS = [(name, *cell) for name, (_, _, table) in MACHINES.items() for cell in cells(table)]


@pytest.mark.parametrize(("name", "state", "action", "expected"), PAIRS)
def test_every_pair(name: str, state: str, action: str, expected: str | None) -> None:
    machine, states, _ = MACHINES[name]
    if expected is None:
        assert not machine.allows(states(state), action)
        with pytest.raises(InvalidTransition) as refused:
            machine.next(states(state), action)
        assert (refused.value.kind, refused.value.state, refused.value.action) == (name, state, action)
    else:
        assert machine.allows(states(state), action)
        assert machine.next(states(state), action) == expected


@pytest.mark.parametrize("name", MACHINES)
def test_the_tables_here_name_every_state_and_action(name: str) -> None:
    machine, states, table = MACHINES[name]
    assert {state for state, _, _ in cells(table)} == {state.value for state in states}
    assert {action for _, action, _ in cells(table)} == machine.actions


@pytest.mark.parametrize("name", MACHINES)
def test_every_state_can_be_reached_from_the_first(name: str) -> None:
    machine, states, _ = MACHINES[name]
    reached, grown = {next(iter(states))}, True
    while grown:
        following = {result for (state, _), result in machine.table.items() if state in reached}
        grown = not following <= reached
        reached |= following
    assert reached == set(states)


def test_a_refused_step_changes_nothing() -> None:
    patient = PatientSummary("p", "张伟", "male", None)
    case = Case("c", "imaging", CaseKind.DIAGNOSIS, Priority.ROUTINE, "A1", "CLINIC1", patient, {}, "clinic1", NOON)
    with pytest.raises(InvalidTransition):
        case.apply("complete")
    assert case.status is CaseStatus.DRAFT
