"""Real recordings and images, which are not part of the repository: tests of them are skipped where they are not at hand.

They lie in the folder that `TELEMED_SHARED` names, or in `shared` beside the repository.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("TELEMED_SHARED") or Path(__file__).resolve().parents[2] / "shared") / "data"


def files(pattern: str) -> list[Path]:
    """Return the files of a pattern below the folder, in order; none where it is absent."""
    return sorted(FOLDER.glob(pattern))


def needs(pattern: str, count: int = 1) -> pytest.MarkDecorator:
    """Skip a test where the folder holds fewer than `count` files of the pattern."""
    return pytest.mark.skipif(len(files(pattern)) < count, reason=absent(pattern))


def absent(pattern: str) -> str:
    """Return why a test is skipped that needs files of a pattern."""
    return f"needs real files, {pattern}, which are not part of the repository (TELEMED_SHARED names the folder of their `data`)"


def each(pattern: str) -> Sequence[object]:
    """Return the parameters of a test that takes every file of a pattern; one that is skipped where there are none."""
    found = [pytest.param(path, id=path.name) for path in files(pattern)]
    return found or [pytest.param(Path(), id="absent", marks=needs(pattern))]
