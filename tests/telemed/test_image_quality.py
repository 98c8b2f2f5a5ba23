"""Image quality from the intake to the reading page, the statistics and the port for models: real database, store and HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ComprehensiveSRStorage, generate_uid

from dicom_gateway import Outcome, Source
from telemed import bootstrap
from telemed.adapters.dicom.model_client import ModelFailed, read_answer
from telemed.adapters.jobs.worker import Worker
from telemed.extension import Parts
from telemed.service.image_quality import DIMENSIONS
from telemed.settings import Settings
from telemed.web.labels.image_quality import proposed_shapes, strip_of
from tests.demo_region import put_in_place
from tests.dicom_gateway.objects import ct_slice, part10_of

STUDY, SERIES = str(generate_uid()), str(generate_uid())


def slices(count: int, without: frozenset[int] = frozenset()) -> list[bytes]:
    rows, columns = np.mgrid[0:128, 0:128]
    made = []
    for number in range(1, count + 1):
        noise = np.random.default_rng(number).normal(0, 6, rows.shape)
        body = (rows - 64) ** 2 + (columns - 64) ** 2 < 45**2
        pixels = np.where(body, 1060 + 25 * np.sin(columns / 5), 40) + noise
        data_set = ct_slice(StudyInstanceUID=STUDY, SeriesInstanceUID=SERIES, InstanceNumber=number)
        data_set.Rows = data_set.Columns = 128
        data_set.PixelData = pixels.astype("<u2").tobytes()
        data_set.ImageOrientationPatient, data_set.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, number * 5]
        if number not in without:
            made.append(part10_of(data_set))
    return made


@asynccontextmanager
async def parts_of(folder: Path, model_url: str = "") -> AsyncIterator[tuple[Parts, Worker]]:
    settings = Settings(data_dir=folder, stable_after_seconds=1, model_url=model_url)
    await put_in_place(settings)
    async with bootstrap.open_parts(settings) as parts:
        yield parts, bootstrap.worker(parts)


async def arrive(parts: Parts, files: list[bytes]) -> None:
    for content in files:
        received = await parts.intake.receive(content, "CLINIC1", Source("upload"))
        assert received.outcome in (Outcome.STORED, Outcome.DUPLICATE), received.comment


async def work_until(worker: Worker, done: Callable[[], Awaitable[Any]]) -> Any:
    """Let the worker work until there is something."""
    async with asyncio.timeout(60):
        while not (found := await done()):
            if not await worker.once():
                await asyncio.sleep(0.1)
            await worker.finish()
    return found


async def test_a_complete_study_is_assessed_and_again_when_it_grows(tmp_path: Path) -> None:
    async with parts_of(tmp_path) as (parts, worker):
        kept = parts.application.image_quality
        await arrive(parts, slices(6, without=frozenset({3})))
        first = (await work_until(worker, lambda: kept.of_studies("CLINIC1", [STUDY])))[0]
        assert set(first.scores) == set(DIMENSIONS)
        assert first.scores["anatomy"] is not None
        assert first.scores["anatomy"] < 80  # a slice is missing
        assert first.scores["contrast"] == 100
        assert strip_of(first).marks[3].lines[0].label

        await arrive(parts, slices(6)[2:3])

        async def whole() -> Any:
            found = await kept.of_studies("CLINIC1", [STUDY])
            return found if found[0].scores["anatomy"] == 100 else None

        assert (await work_until(worker, whole))[0].images == 6
        today = first.assessed_at.astimezone(parts.application.region.network.zone).date()
        sums = await parts.application.statistics.image_quality(today.replace(day=1), today)
        assert [(each.institution, each.studies) for each in sums] == [("CLINIC1", 1)]
        assert await parts.application.statistics.image_quality(date(2000, 1, 1), date(2000, 1, 31)) == []
        assert await kept.of_studies("CLINIC2", [STUDY]) == []


async def model(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> TestServer:
    app = web.Application(client_max_size=64 << 20)
    app.router.add_post("/propose", handler)
    server = TestServer(app, host="127.0.0.1")
    await server.start_server()
    return server


async def test_a_model_is_shown_the_study_and_its_words_are_a_proposal(tmp_path: Path) -> None:
    seen: list[str] = []

    async def answers(request: web.Request) -> web.Response:
        content = await request.read()
        boundary = request.headers["Content-Type"].split("boundary=")[1].encode()
        objects = [part.split(b"\r\n\r\n", 1)[1][:-2] for part in content.split(b"--" + boundary)[1:-1]]
        seen.extend(dcmread(BytesIO(each)).SOPInstanceUID for each in objects)
        finding = {"text": "Nodule", "confidence": 0.83, "instance": seen[0], "box": [10, 20, 8, 6], "unknown": {"a": 1}}
        return web.json_response({"model": "Lung", "version": "2.1", "findings": [finding]})

    server = await model(answers)
    try:
        async with parts_of(tmp_path, str(server.make_url("/propose"))) as (parts, worker):
            await arrive(parts, slices(2))
            kept = parts.application.image_quality
            proposal = (await work_until(worker, lambda: kept.proposals("CLINIC1", [STUDY])))[0]
    finally:
        await server.close()
    assert (proposal.model, proposal.version, len(seen)) == ("Lung", "2.1", 2)
    assert proposal.findings[0] == {"text": "Nodule", "confidence": 0.83, "instance": seen[0], "box": [10, 20, 8, 6]}
    assert proposed_shapes([proposal])[seen[0]][0]["label"] == "Lung 2.1: Nodule"


async def test_a_model_that_fails_is_asked_again_later_and_hurts_nothing(tmp_path: Path) -> None:
    asked: list[int] = []

    async def fails(request: web.Request) -> web.Response:
        asked.append(len(await request.read()))
        return web.Response(status=500)

    server = await model(fails)
    try:
        async with parts_of(tmp_path, str(server.make_url("/propose"))) as (parts, worker):
            await arrive(parts, slices(1))
            kept = parts.application.image_quality
            await work_until(worker, lambda: kept.of_studies("CLINIC1", [STUDY]))

            async def tried() -> bool:
                return bool(asked)

            await work_until(worker, tried)
            assert await kept.proposals("CLINIC1", [STUDY]) == []
    finally:
        await server.close()


def _report() -> Dataset:
    def code(meaning: str) -> Sequence:
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = "1", "99T", meaning
        return Sequence([item])

    text, number, container = Dataset(), Dataset(), Dataset()
    text.ValueType, text.ConceptNameCodeSequence, text.TextValue = "TEXT", code("Finding"), "Small nodule"
    number.ValueType, number.ConceptNameCodeSequence = "NUM", code("Diameter")
    measured = Dataset()
    measured.NumericValue, measured.MeasurementUnitsCodeSequence = "6.5", code("millimetre")
    measured.MeasurementUnitsCodeSequence[0].CodeValue = "mm"
    number.MeasuredValueSequence = Sequence([measured])
    container.ValueType, container.ContentSequence = "CONTAINER", Sequence([text, number])
    report = ct_slice()
    for keyword in ("PixelData", "Rows", "Columns"):
        delattr(report, keyword)
    report.SOPClassUID, report.Modality = ComprehensiveSRStorage, "SR"
    report.ManufacturerModelName, report.SoftwareVersions = "Lung", "3.0"
    report.ContentSequence = Sequence([container])
    return report


def test_a_structured_report_is_read_as_findings() -> None:
    model_name, version, findings = read_answer("application/dicom", part10_of(_report()))
    assert (model_name, version) == ("Lung", "3.0")
    assert [each["text"] for each in findings] == ["Finding: Small nodule", "Diameter: 6.5 mm"]


@pytest.mark.parametrize(("kind", "content"), [
    ("text/html", b"<p>"), ("application/json", b"{"), ("application/json", b"[]"), ("application/json", b'{"model": "a"}'),
    ("application/json", json.dumps({"model": "a", "version": "1", "findings": [{"text": 3}]}).encode()),
    ("application/json", json.dumps({"model": "", "version": "1", "findings": []}).encode()),
    ("application/dicom", b"DICM"), ("application/dicom", part10_of(ct_slice())),
])  # fmt: skip
def test_what_is_not_as_agreed_is_refused_in_words(kind: str, content: bytes) -> None:
    with pytest.raises(ModelFailed):
        read_answer(kind, content)
