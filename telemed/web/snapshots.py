"""Which answers are read from one snapshot of the database, the person who asks included: such as wait for nothing else."""

from __future__ import annotations

from typing import Any, TypeVar
from weakref import WeakSet

H = TypeVar("H")

_handlers: WeakSet[Any] = WeakSet()


def one_snapshot(handler: H) -> H:
    """Mark a handler that reads, may write down the look, and waits for no store, no process and no slow reader of its answer."""
    _handlers.add(handler)
    return handler


def reads_one_snapshot(handler: object) -> bool:
    """True for a handler that was marked."""
    return handler in _handlers
