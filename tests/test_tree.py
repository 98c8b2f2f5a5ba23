"""What lies in the repository stands by itself: no path of one machine, and nothing outside it but what tests and benchmarks look for."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MACHINE = re.compile(r"(?<![\w./-])/(?:work|root|opt|mnt|Users)/\w|(?<![\w./-])/home/(?!telemed\b)\w")
"""Folders that one machine has. /home/telemed is what the guide calls a home."""
BESIDE = re.compile(r"(?<![\w.])(?:\.\./)+shared\b|TELEMED_SHARED")
"""The folder of real files beside the repository."""
GENERATED = re.compile(r"\.lock$|(^|/)vendor/")


def files() -> list[str]:
    """Return the text files that are kept, by their paths; those of others, as they were published, are left out."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("this copy of the sources is no git repository: what belongs to it cannot be told")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return [name for name in listed if name and not GENERATED.search(name)]


def lines(pattern: re.Pattern[str], but: tuple[str, ...] = ()) -> list[str]:
    """Return the places, as file:line, where a pattern stands, outside the folders and files named."""
    found = []
    for name in files():
        if name.startswith(but) or not (ROOT / name).is_file() or b"\0" in (content := (ROOT / name).read_bytes()):
            continue
        found += [f"{name}:{n}" for n, line in enumerate(content.decode().splitlines(), 1) if pattern.search(line)]
    return found


def test_no_path_of_a_machine() -> None:
    assert lines(MACHINE, but=("tests/test_tree.py",)) == []


def test_nothing_but_tests_and_benchmarks_looks_beside_the_repository() -> None:
    assert lines(BESIDE, but=("tests/", "bench/", ".ci/run", "CONTRIBUTING.md")) == []


def test_nothing_that_is_kept_is_a_link() -> None:
    """A link leads to where one machine has something, or into an environment that everybody makes anew."""
    assert [name for name in files() if (ROOT / name).is_symlink()] == []


@pytest.mark.parametrize("text", ["/mnt/wt/x", "'/opt/a'", "(/opt/b)", "/home/me/x", "see /Users/me"])
def test_a_path_of_a_machine_is_known(text: str) -> None:
    assert MACHINE.search(text)


@pytest.mark.parametrize("text", ["https://a.example/opt/1", "api/mnt/x", "./opt/x", "/var/lib/telemed", "/workitems/1"])
def test_an_address_is_no_path_of_a_machine(text: str) -> None:
    assert not MACHINE.search(text)
