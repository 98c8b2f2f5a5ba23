"""The documentation is complete: every setting, every audit action, every call of the API."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import SecretStr

from telemed.centres import extensions
from telemed.domain.policy import Action
from telemed.settings import Settings
from tests.operations import OPERATIONS

ROOT = Path(__file__).parents[1]


def table_of(page: str, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, without its head."""
    section = (ROOT / "docs" / page).read_text().split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows]


def test_the_table_of_settings_is_the_settings() -> None:
    """Name, default and meaning of each, in the order of the classes, those of the centres last. Whoever adds one adds a row."""
    expected = []
    groups = [Settings, *(extension.settings for extension in extensions() if extension.settings)]
    for name, field in ((name, field) for group in groups for name, field in group.model_fields.items()):
        value = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
        shown = str(value).lower() if isinstance(value, bool) else str(value)
        expected.append([f"`TELEMED_{name.upper()}`", f"`{shown}`" if shown else "", field.description])
    assert table_of("running.md", "Settings") == expected


AUDITING = {"audit": 0, "step": 3, "record_look": 2, "AuditRecord": 1, "check_password": 3, "refuse_sign_in": 2}
"""Calls that write to the audit trail, and which argument names the action."""


def audited() -> Iterator[str]:
    """Every action that the sources write to the audit trail."""
    for file in (ROOT / "telemed").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in AUDITING and len(node.args) > AUDITING[name]:
                yield from actions_in(node.args[AUDITING[name]])


def actions_in(argument: ast.expr) -> Iterator[str]:
    """Literal actions and members of Action in an argument; a variable is named where it was given."""
    for node in ast.walk(argument):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"[a-z]+:[a-z-]*", node.value):
            yield "access:*" if node.value.startswith("access:") else node.value
        if isinstance(node, ast.Attribute) and node.attr in Action.__members__:
            yield Action[node.attr].value


def test_every_action_of_the_audit_trail_is_listed() -> None:
    listed = [row[0].split("`")[1] for row in table_of("audit-events.md", "Events")]
    assert len(listed) == len(set(listed))
    # Signing and reviewing hand their action on by a variable.
    assert set(audited()) | {Action.REPORT_SIGN.value, Action.REPORT_REVIEW.value} == set(listed)


def test_every_call_of_the_api_is_in_the_guide() -> None:
    calls = {(row.method, row.path): row.summary for row in OPERATIONS.rows}
    listed = {tuple(row[0].strip("`").split()): row[1] for row in table_of("api.md", "Every call")}
    assert listed.pop(("POST", "/login"))
    assert listed == calls
