"""NOTICE names what is shipped and what is installed, each with its licence."""

from __future__ import annotations

import json
import re
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WORDS = {"MPL": ("MPL", "Mozilla"), "PSF": ("PSF", "Python Software Foundation"), "GPL": ("GPL", "GNU General Public"), "ISC": ("ISC",)}
"""How distributions without a licence expression say the licence, where that is not its own name."""


def listed(heading: str) -> dict[str, str]:
    """The names below a heading, with what is said of each."""
    section = (ROOT / "NOTICE").read_text().split(f"\n{heading}\n", 1)[1].split("\n---", 1)[0]
    return dict(re.findall(r"^  (\S[^:]*): (.+)$", section, re.MULTILINE))


def pinned() -> list[str]:
    """Every distribution of requirements.lock, for whichever system."""
    return sorted(set(re.findall(r"^([\w.-]+)(?:\[.*?\])?==", (ROOT / "requirements.lock").read_text(), re.MULTILINE)))


def test_every_component_of_the_browser_is_named() -> None:
    components = json.loads((ROOT / "telemed/web/static/vendor/vendor.json").read_text())
    assert listed("Shipped in this repository") == {f"{each['name']} {each['version']}": each["licence"] for each in components}


def test_every_installed_distribution_is_named() -> None:
    assert sorted(listed("Installed")) == pinned()


@pytest.mark.parametrize("name", pinned())
def test_nothing_that_is_installed_puts_the_whole_under_its_own_licence(name: str) -> None:
    """A licence that would take the product along (GPL, AGPL) stands only beside another that may be chosen."""
    expression = re.sub(r"\([^()]* OR [^()]*\)", "", listed("Installed")[name])
    parts = expression.split(" AND ") if " OR " not in expression else []
    assert [part for part in parts if part.strip().startswith(("GPL", "AGPL"))] == []


@pytest.mark.parametrize("name", pinned())
def test_a_distribution_is_named_with_the_licence_that_it_states(name: str) -> None:
    try:
        about = metadata(name)
    except PackageNotFoundError:
        pytest.skip(f"{name} is for another system than this one")
    licence = listed("Installed")[name]
    if about.get("License-Expression"):
        assert licence == about.get("License-Expression")
        return
    stated = " ".join([about.get("License", ""), *(each for each in about.get_all("Classifier", []) if each.startswith("License"))])
    families = {re.split(r"[- ]", each)[0] for each in re.split(r" AND | OR ", licence)}
    assert [family for family in families if not any(word in stated for word in WORDS.get(family, (family,)))] == []
