"""The description is the API: generated requests, sound and unsound, from several people; every answer is one that is described."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation.feedback import FeedbackSources
from schemathesis.pytest._test_builder import build_operation_test
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from telemed.web.api.openapi import describe
from telemed.web.app import VERSION
from tests.installation import Installation
from tests.operations import OPERATIONS as INSTALLED
from tests.patience import TIMES
from tests.telemed.harness import REQUESTS, SECTIONS

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
PUBLIC = {("POST", f"/api/v1/login{way}") for way in ("", "/passkey", "/passkey/options")}
PEOPLE = ("clinic1", "imaging.huba", "operator", "auditor", "secadmin")
DESCRIPTION = describe(INSTALLED, VERSION)
# An endless stream has no answer to look at, and who signs out cannot go on.
SCHEMA = schemathesis.openapi.from_dict(DESCRIPTION).exclude(path=["/api/v1/events", "/api/v1/logout"])
ENDS_SESSIONS = {
    f"{row.method} /api/v1{row.path}"
    for row in INSTALLED.rows
    if row.path.startswith("/me/") or (row.body is not None and {"password", "old"} & row.body.model_fields.keys())
}
"""What ends sessions, at once or after some wrong passwords."""
OPERATIONS = sorted((each.ok() for each in SCHEMA.get_all_operations()), key=lambda each: each.label in ENDS_SESSIONS)


@dataclass
class Scene:
    """A running installation with something in it, and a session for each of the people."""

    home: str
    sessions: dict[str, requests.Session] = field(default_factory=dict)
    known: dict[str, str] = field(default_factory=dict)

    def strangers(self) -> list[str]:
        """Whoever has no session any more: they are told nothing but 401."""
        return [name for name, session in self.sessions.items() if session.get(f"{self.home}/api/v1/me", timeout=60).status_code == 401]


@pytest.fixture(scope="session")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """A claimed case with evidence, a draft report and a critical value; ids that generated requests may use."""
    installation = Installation(tmp_path_factory.mktemp("openapi"))
    await installation.start()
    case = {"centre": "imaging", "patient": {"name": "张伟"}, "request": REQUESTS["imaging"]}
    case_id = (await installation.call("clinic1", "POST", "/cases", case))[1]["id"]
    await installation.call("clinic1", "POST", f"/cases/{case_id}/submit", {})
    await installation.call("imaging.huba", "POST", f"/cases/{case_id}/claim", {})
    await installation.call("imaging.huba", "PUT", f"/cases/{case_id}/report", {"sections": SECTIONS["imaging"]}, {"If-Match": "*"})
    value = (await installation.call("imaging.huba", "POST", f"/cases/{case_id}/criticals", {"finding": "x"}))[1]
    made = Scene(installation.home, known={"case_id": case_id, "value_id": value["id"]})
    for username in PEOPLE:
        made.sessions[username] = requests.Session()
        made.sessions[username].headers["Authorization"] = f"Bearer {await installation.sign_in(username)}"
    yield made
    for session in made.sessions.values():
        session.close()
    await installation.stop()


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_every_answer_is_described(operation: Any, scene: Scene) -> None:
    """The requests are made here, not while tests are collected: that would take seconds of every worker."""

    @settings(max_examples=2 * TIMES, deadline=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck))
    def ask(case: schemathesis.Case) -> None:
        for name, value in scene.known.items():
            if name in (case.path_parameters or {}) and len(str(case.path_parameters[name])) % 2:
                case.path_parameters[name] = value
        for session in scene.sessions.values():
            case.validate_response(case.call(base_url=scene.home, session=session, timeout=60), checks=CHECKS)

    assert operation.label in ENDS_SESSIONS or not scene.strangers()
    feedback = FeedbackSources(constants_value_source=None)
    build_operation_test(config=SCHEMA.config, operation=operation, test_func=ask, given_kwargs={}, feedback=feedback)()


def test_the_description_is_served_to_everybody(scene: Scene) -> None:
    served: Any = requests.get(f"{scene.home}/api/v1/openapi.json", timeout=60).json()
    assert served == DESCRIPTION


def test_every_operation_is_described_once() -> None:
    described = {(method.upper(), path) for path, methods in DESCRIPTION["paths"].items() for method in methods}
    assert described == {(row.method, "/api/v1" + row.path) for row in INSTALLED.rows} | PUBLIC
    names = [each["operationId"] for methods in DESCRIPTION["paths"].values() for each in methods.values()]
    assert len(names) == len(set(names))
