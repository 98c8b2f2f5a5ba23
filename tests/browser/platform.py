"""The whole platform in the test's own process: pages, API, DICOM gateway and worker on a real database and a real store."""

from __future__ import annotations

import asyncio
import io
import shutil
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp.test_utils import TestServer
from pydicom import dcmread

from dicom_gateway.dimse.association_socket import RequestingEntity
from telemed import bootstrap
from telemed.adapters.database.repositories.region import add_person
from telemed.demo.people import DemoPatient
from telemed.demo.region import PASSWORD
from telemed.domain.people import Person, Role
from telemed.roles.gateway import dicom_gateway
from telemed.roles.web import web_application
from telemed.settings import Settings
from tests.demo_region import PASSWORDS

COLLEAGUE = Person("imaging3.huba", "周一鸣", "HUBA", frozenset({Role.SPECIALIST}), frozenset({"imaging"}), "主治医师")
"""A second reader at the same hub, so that two can want one case."""


@dataclass
class Platform:
    """The running platform, and people who use its API."""

    home: str
    dicom_port: int
    session: aiohttp.ClientSession
    settings: Settings
    tokens: dict[str, str] = field(default_factory=dict)

    async def token(self, username: str) -> str:
        """The person's session, begun when it is first asked for, and anew where it has ended: tests of other files may turn the clock of
        this process on, and the platform's worker then removes what nobody used for so long."""
        known = self.tokens.get(username)
        if known is None or not await self._is_alive(known):
            async with self.session.post(f"{self.home}/api/v1/login", json={"username": username, "password": PASSWORD}) as answer:
                self.tokens[username] = (await answer.json())["token"]
        return self.tokens[username]

    async def _is_alive(self, token: str) -> bool:
        async with self.session.get(f"{self.home}/api/v1/me", headers={"Authorization": f"Bearer {token}"}) as answer:
            return answer.status == 200

    async def call(self, method: str, path: str, username: str, body: Any = None, **headers: str) -> Any:
        """The decoded answer of an API call that must succeed."""
        sent = {
            "Authorization": f"Bearer {await self.token(username)}",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        async with self.session.request(method, f"{self.home}/api/v1{path}", json=body, headers=sent) as answer:
            content = await answer.json() if answer.content_type.endswith("json") else await answer.read()
            assert answer.ok, (method, path, answer.status, content)
            return content

    async def new_case(
        self, patient: DemoPatient, *, member: str = "CLINIC1", priority: str = "routine", centre: str = "imaging", **request: str
    ) -> dict[str, Any]:
        """A case that the member has sent."""
        asked = {"reason": "头痛三天"} | ({"modality": "CT", "body_part": "HEAD"} if centre == "imaging" else {}) | request
        numbers = [{"system": "resident-id", "value": patient.resident_id}, {"system": member, "value": patient.number}]
        card = {"name": patient.name, "sex": patient.sex, "birth_date": patient.birth_date.isoformat(), "identifiers": numbers}
        body = {"centre": centre, "priority": priority, "patient": card, "request": asked}
        made = await self.call("POST", "/cases", member.lower(), body)
        sent: dict[str, Any] = await self.call("POST", f"/cases/{made['id']}/submit", member.lower(), {})
        return sent

    async def attach(self, case_id: str, username: str, name: str, content: bytes) -> None:
        """A file uploaded in one piece."""
        form = aiohttp.FormData()
        form.add_field("file", io.BytesIO(content), filename=name, content_type="application/octet-stream")
        headers = {"Authorization": f"Bearer {await self.token(username)}"}
        async with self.session.post(f"{self.home}/api/v1/cases/{case_id}/files", data=form, headers=headers) as answer:
            assert answer.status == 201, await answer.text()

    async def write(self, case_id: str, username: str, findings: str, impression: str) -> None:
        """Claim the case and write, as a reader with another program would."""
        await self.call("POST", f"/cases/{case_id}/claim", username, {})
        sections = {"findings": findings, "impression": impression}
        await self.call("PUT", f"/cases/{case_id}/report", username, {"sections": sections}, If_Match="*")

    async def sign(self, case_id: str, username: str) -> None:
        await self.call("POST", f"/cases/{case_id}/report/sign", username, {"password": PASSWORD})

    async def send(self, files: Iterable[bytes], calling: str = "CLINIC1") -> None:
        """A PACS sends by C-STORE."""
        await asyncio.to_thread(self._store, list(files), calling)

    def _store(self, files: list[bytes], calling: str) -> None:
        datasets = [dcmread(io.BytesIO(content)) for content in files]
        sender = RequestingEntity(ae_title=calling)
        for pair in {(each.SOPClassUID, each.file_meta.TransferSyntaxUID) for each in datasets}:
            sender.add_requested_context(*pair)
        association = sender.associate("127.0.0.1", self.dicom_port, ae_title="TELEMED")
        assert association.is_established
        assert all(association.send_c_store(each).Status == 0 for each in datasets)
        association.release()

    async def evidence(self, case_id: str, username: str, instances: int) -> list[dict[str, Any]]:
        """The evidence of a case once it has that many images."""
        while True:
            items: list[dict[str, Any]] = (await self.call("GET", f"/cases/{case_id}/evidence", username))["items"]
            if sum(each["instances"] for each in items) >= instances:
                return items
            await asyncio.sleep(0.1)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def running_platform(folder: Path, database: Path) -> AsyncIterator[Platform]:
    """The demo region, a copy of `database`, with an empty list and one more reader."""
    settings = Settings(data_dir=folder, http_port=free_port(), dicom_port=free_port())
    shutil.copyfile(database, folder / "telemed.db")
    async with bootstrap.open_parts(settings) as parts, aiohttp.ClientSession() as session:
        async with parts.application.engine.begin() as connection:
            await add_person(connection, COLLEAGUE, await PASSWORDS.hash(PASSWORD))
        server = TestServer(web_application(parts), host="127.0.0.1", port=settings.http_port)
        await server.start_server(shutdown_timeout=0.1)
        gateway = await dicom_gateway(parts)
        async with bootstrap.background(parts) as workers:
            working = [asyncio.create_task(run()) for run in workers]
            yield Platform(str(server.make_url("")).rstrip("/"), settings.dicom_port, session, settings)
            for task in working:
                task.cancel()
            await asyncio.gather(*working, return_exceptions=True)
        await gateway.close()
        await parts.intake.close()
        await server.close()
