"""What a role loads when it starts: nothing that only tests, benchmarks or another role use."""

from __future__ import annotations

import subprocess
import sys

import pytest

from telemed.roles import ROLES
from tests.installation import ROOT

UNUSED = {"wfdb", "pandas", "matplotlib", "soundfile", "fsspec"}
"""`wfdb` reads recordings that ours are compared with; it brings the others."""


@pytest.mark.parametrize("role", ROLES)
def test_a_role_loads_no_package_that_it_does_not_use(role: str) -> None:
    code = f"import sys, {ROLES[role]}, telemed.bootstrap; print(*sorted({UNUSED!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.split() == []
