"""A state machine as a table: (state, action) -> next state. Everything that is not in the table is refused."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Generic, TypeVar

from telemed.domain.errors import InvalidTransition

S = TypeVar("S", bound=StrEnum)


class StateMachine(Generic[S]):
    """Looks transitions up in a table and refuses what is not there."""

    def __init__(self, kind: str, table: Mapping[tuple[S, str], S]) -> None:
        self.kind = kind
        self.table = dict(table)
        self.actions = frozenset(action for _, action in table)

    def next(self, state: S, action: str) -> S:
        """The state after `action`. Raises InvalidTransition where the table has no such pair."""
        try:
            return self.table[state, action]
        except KeyError:
            raise InvalidTransition(self.kind, state.value, action) from None

    def allows(self, state: S, action: str) -> bool:
        return (state, action) in self.table


def rows(states: str, action: str, result: S) -> dict[tuple[S, str], S]:
    """Table rows for one action out of several states, written as one line: `rows("draft on-hold", "submit", REQUESTED)`."""
    return {(type(result)(state), action): result for state in states.split()}
