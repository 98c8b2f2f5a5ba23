"""The documentation is complete and names what is there: settings, audit actions, events, jobs, calls, attributes of pages, files."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from telemed.centres import extensions
from telemed.domain.events import EventKind
from telemed.domain.jobs import JobType
from telemed.domain.notices import NOTICES
from telemed.domain.policy import Action
from telemed.settings import Settings
from telemed.web.i18n import translations
from telemed.web.labels.case import case_labels
from tests.operations import OPERATIONS

ROOT = Path(__file__).parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]


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


AUDITING = {
    "audit": 0,
    "step": 3,
    "record_look": 2,
    "AuditRecord": 1,
    "check_password": 3,
    "refuse_again": 2,
    "record": 2,
    "_audit": 2,
    "_end": 4,
}
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


@pytest.mark.parametrize(("heading", "base"), [("Case events", EventKind), ("Jobs", JobType)])
def test_every_event_and_every_job_is_listed(heading: str, base: type[EventKind] | type[JobType]) -> None:
    """Those of the platform and of every centre, each once and with its meaning."""
    rows = table_of("vocabulary.md", heading)
    kinds = [kind for kind in base.__subclasses__() if kind.__module__.startswith("telemed.")]
    assert sorted(row[0].strip("`") for row in rows) == sorted(member.value for kind in kinds for member in kind)
    assert all(all(row[:4]) for row in rows)


def test_events_are_listed_with_the_words_that_a_reader_sees() -> None:
    labels = case_labels([extension.web for extension in extensions()]).events
    chinese = translations("zh-CN").gettext
    listed = {row[0].strip("`"): row[1] for row in table_of("vocabulary.md", "Case events")}
    assert listed == {str(event): f"{chinese(label)} · {label}" for event, label in labels.items()}


def test_events_are_listed_with_those_who_are_told() -> None:
    listed = {row[0].strip("`"): set(re.findall("member|readers|operator", row[5])) for row in table_of("vocabulary.md", "Case events")}
    told = {rule.action.value: {audience.value for audience in rule.audience} for rule in NOTICES}
    assert {event: audience for event, audience in listed.items() if audience} == told


def test_every_data_attribute_of_the_templates_is_explained() -> None:
    """With the modules that read it: by its name in a selector, or by that of its property of `dataset`."""
    sources = [re.sub(r"\{#.*?#\}", "", page.read_text(), flags=re.DOTALL) for page in ROOT.glob("telemed/**/templates/**/*.html")]
    used = {name for source in sources for name in re.findall(r"(?<![\w-])data-[a-z][a-z-]*[a-z]", source)}
    rows = table_of("pages.md", "Attributes")
    assert sorted(row[0].strip("`") for row in rows) == sorted(used)
    for name, readers, meaning in rows:
        assert meaning
        attribute = name.strip("`")
        property_name = re.sub(r"-([a-z])", lambda found: found[1].upper(), attribute.removeprefix("data-"))
        for reader in re.findall(r"`([^`]+)`", readers):
            (module,) = ROOT.glob(f"telemed/**/static/js/{reader}")
            assert re.search(rf"{attribute}\b|\b{property_name}\b", module.read_text()), f"{reader} reads no {attribute}"


NAMED_ROOMS = "telemed|storage|dicom_gateway|ecg|lab|pathology|tests|bench|docs"
A_PATH = re.compile(
    rf"(?:{NAMED_ROOMS})/[\w./-]*|[\w-]+(?:/[\w-]+)*/[\w-]+\.(?:py|js|css|html)|[\w-]+\.(?:toml|lock|cfg)|Makefile|NOTICE|LICENSE"
)
A_MODULE = re.compile(rf"(?:{NAMED_ROOMS})(?:\.\w+)+(?:\(\))?")
BASES = [
    "", "telemed/", "telemed/centres/ecg/", "tests/centres/made_up/", "telemed/web/static/js/", "telemed/centres/ecg/web/static/js/",
    "telemed/centres/lab/web/static/js/",
]  # fmt: skip
"""A page may name a file from the folder that it speaks of."""


def module_is_there(name: str) -> bool:
    """A module or package, or one that has the rest of the name."""
    parts = name.removesuffix("()").split(".")
    for length in range(len(parts), 0, -1):
        path = ROOT / "/".join(parts[:length])
        module = next((each for each in (path.with_suffix(".py"), path / "__init__.py") if each.exists()), None)
        if module is not None:
            return length == len(parts) or re.search(rf"\b{parts[length]}\b", module.read_text()) is not None
    return False


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_and_modules_that_a_page_names_are_there(page: Path) -> None:
    quoted = re.findall(r"`([^`\n]+)`", page.read_text())
    paths = [name for name in quoted if A_PATH.fullmatch(name)]
    modules = [name for name in quoted if A_MODULE.fullmatch(name) and name not in paths]
    absent = [name for name in paths if not any((ROOT / base / name).exists() for base in BASES)]
    assert absent + [name for name in modules if not module_is_there(name)] == []


A_TEST = re.compile(r"`(tests/[\w/]+\.py)::([^`]+)`")


def functions_of(path: Path) -> set[str]:
    """The names of the functions of a file, those of its classes among them; none where there is no such file."""
    tree = ast.parse(path.read_text() if path.exists() else "")
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_tests_that_hold_an_attack_off_are_there() -> None:
    page = (ROOT / "docs" / "security.md").read_text()
    named = A_TEST.findall(page)
    assert len(named) == len(re.findall(r"`tests/[^`]*::", page)) > 0
    assert [(path, name) for path, name in named if not name.startswith("test_") or name not in functions_of(ROOT / path)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()) if "://" not in link]
    assert [link for link in links if not (page.parent / link.partition("#")[0]).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_targets_of_make_that_a_page_names_are_there(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:`|^)make ([a-z-]+)", page.read_text(), re.MULTILINE)) <= targets
