"""Alarms ring: the metrics that rules name are there, with the failures of the worker among them."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from pynetdicom.ae import ApplicationEntity
from pynetdicom.sop_class import Verification

from tests.deploy.proxies import make_certificate
from tests.installation import ROOT, Installation

RULES: list[dict[str, Any]] = yaml.safe_load((ROOT / "deploy" / "alerts.yml").read_text())["groups"][0]["rules"]
OF_PROMETHEUS = {"up"}
"""Made by whoever asks."""
PATIENCE = 60


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    """An installation whose DICOM certificate ends soon."""
    folder = tmp_path_factory.mktemp("house")
    make_certificate(folder, days=20)
    settings = {"TELEMED_DICOM_TLS": str(folder / "tls.pem"), "TELEMED_DICOM_PROCESSES": "2"}
    installation = Installation(folder / "data", settings)
    await installation.start()
    yield installation
    await installation.stop()


def rows(house: Installation, statement: str, *values: object) -> None:
    with sqlite3.connect(Path(house.environment["TELEMED_DATA_DIR"]) / "telemed.db", timeout=30) as database:
        database.execute(statement, values)


async def samples(house: Installation) -> list[tuple[str, dict[str, str], float]]:
    """What `/metrics` says: name, labels and value."""
    async with aiohttp.ClientSession() as http, http.get(f"{house.home}/metrics") as answer:
        assert answer.status == 200
        families = text_string_to_metric_families(await answer.text())
        return [(sample.name, sample.labels, sample.value) for family in families for sample in family.samples]


async def until(house: Installation, name: str, value: float | None = None, **labels: str) -> None:
    """Wait until there is such a sample."""

    async def there() -> bool:
        return any(found == name and value in (None, number) and labels.items() <= of.items() for found, of, number in await samples(house))

    async with asyncio.timeout(PATIENCE):
        while not await there():  # noqa: ASYNC110 (another process measures)
            await asyncio.sleep(0.2)


async def families(house: Installation) -> set[str]:
    """Names of what `/metrics` describes."""
    async with aiohttp.ClientSession() as http, http.get(f"{house.home}/metrics") as answer:
        return set(re.findall(r"^# TYPE (\w+) ", await answer.text(), re.MULTILINE))


async def test_every_metric_that_a_rule_names_is_there(house: Installation) -> None:
    named = {name for rule in RULES for name in re.findall(r"\b(?:telemed|process)_\w+|\bup\b", re.sub(r"\w+=", "", rule["expr"]))}
    assert len(RULES) == len({rule["alert"] for rule in RULES})
    async with asyncio.timeout(PATIENCE):
        while named - OF_PROMETHEUS - await families(house):  # noqa: ASYNC110 (other processes write theirs every few seconds)
            await asyncio.sleep(0.5)


async def test_each_process_has_its_own_and_none_is_taken_for_another(house: Installation) -> None:
    await until(house, "process_start_time_seconds", role="gateway", process="1")
    started = [(of["role"], of["process"]) for name, of, _ in await samples(house) if name == "process_start_time_seconds"]
    assert sorted(started) == [
        ("gateway", "0"), ("gateway", "1"), ("web", "0"), ("worker", "0"),
    ]  # fmt: skip


async def test_a_job_that_fails_in_the_worker_is_counted_where_prometheus_asks(house: Installation) -> None:
    await until(house, "telemed_jobs_failed_total", 0, kind="match-study", role="worker")
    before = {of["kind"]: value for name, of, value in await samples(house) if name == "telemed_jobs_failed_total"}
    assert before["match-study"] == 0, "there before it fails: what appears with its first failure has not risen"
    rows(
        house,
        "INSERT INTO job (kind, payload, created_at, run_after) VALUES ('match-study', '{}', '2026-01-01 00:00:00', '2026-01-01 00:00:00')",
    )
    await until(house, "telemed_jobs_failed_total", 1, kind="match-study", role="worker")
    await until(house, "telemed_jobs_failing", 1)


async def test_what_a_dead_process_measured_vanishes_with_it(house: Installation) -> None:
    rows(house, "UPDATE job SET done_at = '2026-01-01 00:00:00' WHERE done_at IS NULL")
    house.kill_role("worker")
    await until(house, "telemed_jobs_failed_total", 0, kind="match-study", role="worker", process="0")


async def test_a_refused_device_is_counted_by_the_gateway(house: Installation) -> None:
    client = ssl.create_default_context(cafile=house.environment["TELEMED_DICOM_TLS"])

    def call() -> bool:
        caller = ApplicationEntity("STRANGER")
        caller.add_requested_context(Verification)
        return caller.associate("127.0.0.1", house.dicom_port, ae_title="TELEMED", tls_args=(client, "localhost")).is_rejected

    assert await asyncio.to_thread(call)
    await until(house, "telemed_associations_total", outcome="refused", role="gateway")


async def test_a_certificate_that_ends_soon_is_said_at_the_start_and_measured(house: Installation) -> None:
    said = house.log.read_text()
    assert "certificate.ending" in said
    assert "TELEMED_DICOM_TLS" in said
    await until(house, "telemed_certificate_expires_timestamp_seconds", setting="TELEMED_DICOM_TLS")
