"""Where the real recordings lie; tests that need them skip where they are not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def _data() -> Path:
    """Beside the repository, or beside the folder that holds a worktree."""
    root = Path(__file__).resolve().parents[2]
    places = [Path(named) for named in [os.environ.get("TELEMED_SHARED")] if named]
    places += [root.parent / "shared", root.parent.parent / "shared"]
    return next((place / "data/ecg" for place in places if place.is_dir()), places[0] / "data/ecg")


ECG_DATA = _data()
FORMAT_FILES = sorted((ECG_DATA / "formats").glob("*"))

needs_real_files = pytest.mark.skipif(not FORMAT_FILES, reason="the real ECG recordings (shared/data/ecg) are not on this machine")
