"""What a run of tests makes once, though several processes share its tests."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
"""The name of this process among those of a run; empty where it is the only one."""


def run_folder(factory: pytest.TempPathFactory) -> Path:
    """Return the folder that all processes of this run share."""
    own = factory.getbasetemp()
    return own.parent if WORKER else own


@contextmanager
def one_at_a_time(factory: pytest.TempPathFactory, name: str) -> Iterator[Path]:
    """Keep the other processes of this run out until the end of the block; give a folder that is theirs as well."""
    folder = run_folder(factory) / name
    folder.mkdir(exist_ok=True)
    with (run_folder(factory) / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder
