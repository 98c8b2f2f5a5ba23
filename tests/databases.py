"""Databases for tests: SQLite for every test, PostgreSQL as well where SQL, locks or races can differ, marked `database`."""

from __future__ import annotations

import pytest


def for_each_kind(metafunc: pytest.Metafunc, fixture: str) -> None:
    """Give a test that asks for the fixture each kind of database that it is tried on."""
    own = any(fixture in mark.args[0] for mark in metafunc.definition.iter_markers("parametrize"))
    if fixture in metafunc.fixturenames and not own:
        both = metafunc.definition.get_closest_marker("database") is not None
        metafunc.parametrize(fixture, ["sqlite", "postgresql"] if both else ["sqlite"], indirect=True)
