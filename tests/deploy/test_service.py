"""The unit of `deploy/` as systemd itself reads it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.installation import ROOT

UNIT = ROOT / "deploy" / "telemed.service"
MOST_EXPOSED = 20
"""Tenths of systemd's exposure level, which goes from 0 to 10: up to 4 it calls "OK"."""

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here: nobody can judge the unit")


def test_it_is_a_unit_without_a_word_that_systemd_does_not_know(tmp_path: Path) -> None:
    there = tmp_path / "telemed.service"  # the program is not installed where the unit looks for it
    there.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", UNIT.read_text(), flags=re.MULTILINE))
    done = subprocess.run(["systemd-analyze", "verify", str(there)], capture_output=True, text=True, check=False)
    assert [line for line in done.stderr.splitlines() if "telemed" in line] == []
    assert done.returncode == 0, done.stderr


def test_it_is_as_closed_as_it_says() -> None:
    asked = ["systemd-analyze", "security", "--offline=yes", f"--threshold={MOST_EXPOSED}", str(UNIT)]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
