"""The machine's own clock, for what is checked against a program that goes by it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC

import time_machine


@contextmanager
def machine_time() -> Iterator[None]:
    """Let this process go by the machine's clock until the end of the block; then the run's own clock goes on."""
    with time_machine.travel(time_machine.escape_hatch.datetime.datetime.now(UTC), tick=True):
        yield
