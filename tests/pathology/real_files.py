"""Where the shared slides lie; tests that need them skip where they are not."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest


def _data() -> Path:
    """Beside the repository, or beside the folder that holds a worktree."""
    root = Path(__file__).resolve().parents[2]
    places = [Path(named) for named in [os.environ.get("TELEMED_SHARED")] if named]
    places += [root.parent / "shared", root.parent.parent / "shared"]
    return next((place / "data" for place in places if place.is_dir()), places[0] / "data")


SLIDES = _data() / "slides"
CASES = _data() / "slide-cases"
ROWS: list[dict[str, Any]] = json.loads((CASES / "cases.json").read_text()) if (CASES / "cases.json").exists() else []

needs_real_slides = pytest.mark.skipif(not SLIDES.is_dir(), reason="the sample slides (shared/data/slides) are not on this machine")
needs_cases = pytest.mark.skipif(not ROWS, reason="the strange slides (shared/data/slide-cases) are not on this machine")
