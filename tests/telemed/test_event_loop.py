"""Which role runs on which loop."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from telemed.event_loop import loop_of


@pytest.mark.parametrize("role", ["gateway", "worker", "nothing"])
def test_other_roles_keep_the_loop_of_python(role: str) -> None:
    assert loop_of(role) is None


def test_the_web_role_takes_uvloop_where_it_is_installed() -> None:
    made = loop_of("web")
    assert (made is not None) == (find_spec("uvloop") is not None)
    if made is not None:
        loop = made()
        assert type(loop).__module__.startswith("uvloop")
        loop.close()
