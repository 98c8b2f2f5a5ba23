"""Where the shared slides lie; tests that need them skip where they are not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.real_files import FOLDER, absent

SLIDES = FOLDER / "slides"
CASES = FOLDER / "slide-cases"
ROWS: list[dict[str, Any]] = json.loads((CASES / "cases.json").read_text()) if (CASES / "cases.json").exists() else []

needs_real_slides = pytest.mark.skipif(not SLIDES.is_dir(), reason=absent("slides"))
needs_cases = pytest.mark.skipif(not ROWS, reason=absent("slide-cases"))
