"""The same journey where the database is PostgreSQL and the store is S3; a host more is the same command again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.installation import Installation
from tests.postgres_server import PostgresServer
from tests.s3_server import S3Server, s3_process, s3_server
from tests.telemed.harness import PASSWORD, REQUESTS, SECTIONS
from tests.telemed.processes.test_kill import Journey, until_done

__all__ = ["s3_process", "s3_server"]

pytestmark = [
    pytest.mark.slow,
    # pynetdicom's client leaves a refused connection's socket to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


async def test_a_case_of_every_centre_and_a_study(tmp_path: Path, postgres_server: PostgresServer, s3_server: S3Server) -> None:
    bucket = s3_server.new_bucket()
    settings = {"TELEMED_DATABASE_URL": postgres_server.new_database(), "TELEMED_STORAGE_URL": s3_server.url(bucket)}
    installation = Installation(tmp_path / "data", settings)
    await installation.start()
    try:
        reported = [await report(installation, centre) for centre in REQUESTS]
        journey = Journey(installation)
        await until_done(journey.create, lambda: journey.is_status("draft"))
        await until_done(journey.send, journey.has_study)

        await installation.kill_all()
        await installation.start()
        for path in reported:
            status, case, _ = await installation.call("clinic1", "GET", path)
            assert (status, case["status"], case["report_status"]) == (200, "completed", "final")
            status, pdf, _ = await installation.call("clinic1", "GET", path + "/report.pdf")
            assert status == 200
            assert pdf.startswith(b"%PDF-")
        assert await journey.has_study()
        status, words = await installation.verify()
        assert status == 0, words
        assert len([name for name in s3_server.files(bucket) if name.startswith("reports/")]) == len(REQUESTS)
        assert not list((tmp_path / "data").rglob("*.db")), "nothing but keys is kept beside the two"
    finally:
        await installation.stop()


async def report(installation: Installation, centre: str) -> str:
    """A case of CLINIC1 from draft to acknowledged report; returns its path."""

    async def step(user: str, method: str, path: str, body: Any, **headers: str) -> Any:
        status, content, _ = await installation.call(user, method, path, body, headers)
        assert status in (200, 201), content
        return content

    reader = ("consult" if centre == "consultation" else centre) + ".huba"
    case = await step("clinic1", "POST", "/cases", {"centre": centre, "patient": {"name": "张伟"}, "request": REQUESTS[centre]})
    path = f"/cases/{case['id']}"
    assert (await step("clinic1", "POST", f"{path}/submit", {}))["hub"] == "HUBA"
    await step(reader, "POST", f"{path}/claim", {})
    await step(reader, "PUT", f"{path}/report", {"sections": SECTIONS[centre]}, **{"If-Match": "*"})
    assert (await step(reader, "POST", f"{path}/report/sign", {"password": PASSWORD}))["status"] == "final"
    assert (await step("clinic1", "POST", f"{path}/acknowledge", {}))["acknowledged_at"]
    return path
