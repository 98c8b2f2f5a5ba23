"""Why who may do it otherwise may not do it here is said in the reader's words, never by the rule's code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import telemed
from telemed.domain.errors import Forbidden
from telemed.service.access import DENIED_TO_HOLDERS
from telemed.web.i18n import speaking
from telemed.web.problems import from_domain


def reasons() -> Iterator[str]:
    """Every reason that is given with a refusal."""
    yield from DENIED_TO_HOLDERS.values()
    for file in Path(telemed.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == Forbidden.__name__
            if named and len(node.args) > 1 and isinstance(node.args[1], ast.Constant):
                yield str(node.args[1].value)


@pytest.mark.parametrize("reason", sorted(set(reasons())))
def test_each_reason_has_a_sentence_in_both_languages(reason: str) -> None:
    said = []
    for language in ("zh-CN", "en"):
        with speaking(language):
            said.append(from_domain(Forbidden("some:action", reason)).document()["detail"])
    assert said[0] != said[1]
    assert not any("some:action" in sentence for sentence in said)


def test_the_reasons_are_found() -> None:
    assert {"own-account", "own-report", "reader-cap"} <= set(reasons())
