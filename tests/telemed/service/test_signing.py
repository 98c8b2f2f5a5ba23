"""Signing as a whole: nothing changes before it, no connection is held while it prints, the time that is stated is the printed one."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Executor
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool

from storage import ObjectStore
from telemed import centres
from telemed.adapters.application import SqlApplication
from telemed.adapters.database.confidential import Sealer
from telemed.adapters.database.engine import make_engine
from telemed.adapters.passwords import Argon2Passwords
from telemed.adapters.printing.report_document import Figure, ReportDocument, Table
from telemed.adapters.printing.report_renderer import PdfReportRenderer
from telemed.adapters.process_pool import ProcessDied, RestartingPool
from telemed.domain.case import Case
from telemed.domain.report import Report, ReportStatus
from telemed.service import execution, reporting
from telemed.service.ports.unit_of_work import UnitOfWork
from telemed.web.i18n import DEFAULT_LANGUAGE, translations
from telemed.web.problems import problem_of
from tests.telemed.harness import SECTIONS, Harness
from tests.telemed.moments import Clock

SIGNERS = 12


def connections_in_use(engine: AsyncEngine) -> int:
    assert isinstance(engine.pool, QueuePool)
    return engine.pool.checkedout()


class SlowFigures:
    """A centre's figures that take until everybody who signs has come to print; notes the connections in use meanwhile."""

    def __init__(self, engine: AsyncEngine, signers: int = 1, name: str = "slow") -> None:
        self.name, self._engine = name, engine
        self.all_print = asyncio.Barrier(signers)
        self.while_collecting: list[int] = []
        self.while_drawing: list[int] = []

    async def collect(self, work: UnitOfWork, case: Case) -> str:
        self.while_collecting.append(connections_in_use(self._engine))
        return f"{self.name} {case.id}"

    async def draw(self, document: ReportDocument, collected: Any) -> tuple[list[Table], list[Figure]]:
        await self.all_print.wait()
        self.while_drawing.append(connections_in_use(self._engine))
        return [Table("Collected", ("Number",), ((collected,),))], []


Printing = Callable[..., Awaitable[Harness]]


@pytest.fixture
def with_figures(store: ObjectStore, keys: Path, printers: Executor, clock: Clock) -> Printing:
    """Makes people at work whose reports show the figures of these providers."""

    async def made(engine: AsyncEngine, *figures: SlowFigures) -> Harness:
        gettext = translations(DEFAULT_LANGUAGE).gettext
        renderer = PdfReportRenderer(store, printers, keys, "http://telemed.test", DEFAULT_LANGUAGE, gettext, figures)
        application = SqlApplication(engine, store, centres.discover(), Argon2Passwords(), renderer, "Asia/Shanghai", clock)
        await application.refresh()
        return Harness(application, clock)

    return made


@pytest.fixture
async def engine_of_one(database_url: str, keys: Path) -> AsyncIterator[AsyncEngine]:
    """An engine with one connection and no more."""
    made = make_engine(database_url, sealer=Sealer.of(keys / "identity.key"), pool_size=1, max_overflow=0)
    yield made
    await made.dispose()


async def test_a_dozen_sign_at_once_over_one_connection(engine_of_one: AsyncEngine, with_figures: Printing) -> None:
    """All of them print at the same time: whoever held the connection while printing would keep the others from coming so far."""
    figures = SlowFigures(engine_of_one, SIGNERS)
    harness = await with_figures(engine_of_one, figures)
    cases = [await harness.written() for _ in range(SIGNERS)]
    reports = await asyncio.gather(*(harness.sign(case.id, "imaging.huba") for case in cases))
    assert [report.status for report in reports] == [ReportStatus.FINAL] * SIGNERS
    assert figures.while_collecting == [1] * SIGNERS
    assert figures.while_drawing[0] == 0
    assert connections_in_use(engine_of_one) == 0


async def test_a_review_holds_no_connection_while_it_prints(engine: AsyncEngine, with_figures: Printing) -> None:
    figures = SlowFigures(engine)
    harness = await with_figures(engine, figures)
    case = await harness.at_main()
    await harness.sign(case.id, "imaging.main")
    await harness.review(case.id)
    assert figures.while_drawing == [0, 0]


async def test_what_each_provider_collected_is_printed(engine: AsyncEngine, with_figures: Printing) -> None:
    harness = await with_figures(engine, SlowFigures(engine, name="one"), SlowFigures(engine, name="two"))
    case = await harness.written()
    report = await harness.sign(case.id, "imaging.huba")
    pages = PdfReader(BytesIO(await harness.application.store.read(report.pdf_key))).pages
    text = "".join(page.extract_text() for page in pages)
    assert f"one {case.id}" in text
    assert f"two {case.id}" in text


class DeadlyFigures:
    """The first drawing ends the process that prints."""

    name = "deadly"

    def __init__(self, pool: Executor) -> None:
        self._pool, self._deadly = pool, True

    async def collect(self, work: UnitOfWork, case: Case) -> None:
        return None

    async def draw(self, document: ReportDocument, collected: None) -> tuple[list[Table], list[Figure]]:
        deadly, self._deadly = self._deadly, False
        if deadly:
            await asyncio.get_running_loop().run_in_executor(self._pool, signal.raise_signal, signal.SIGKILL)
        return [], []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_process_that_dies_stops_one_signature_and_not_the_next(
    engine: AsyncEngine, store: ObjectStore, keys: Path, clock: Clock
) -> None:
    gettext = translations(DEFAULT_LANGUAGE).gettext
    with RestartingPool(1) as pool:
        renderer = PdfReportRenderer(store, pool, keys, "http://telemed.test", DEFAULT_LANGUAGE, gettext, (DeadlyFigures(pool),))
        application = SqlApplication(engine, store, centres.discover(), Argon2Passwords(), renderer, "Asia/Shanghai", clock)
        await application.refresh()
        harness = Harness(application, clock)
        case = await harness.written()
        with pytest.raises(ProcessDied) as died:
            await harness.sign(case.id, "imaging.huba")
        assert problem_of(died.value).status == 503
        assert (await harness.case(case.id)).report_status == ReportStatus.PARTIAL
        assert (await harness.sign(case.id, "imaging.huba")).status is ReportStatus.FINAL


async def test_to_prepare_a_signature_changes_nothing(harness: Harness) -> None:
    case = await harness.written()
    before = await harness.versions(case.id)
    request = await execution.query(harness.application, reporting.prepare_signature, harness.people["imaging.huba"], case.id, ())
    assert list(request.versions) == before == await harness.versions(case.id)
    assert (request.report.status, request.report.sections) == (ReportStatus.FINAL, SECTIONS["imaging"])


async def test_to_prepare_a_review_changes_nothing(harness: Harness) -> None:
    case = await harness.at_main()
    await harness.sign(case.id, "imaging.main")
    before = await harness.versions(case.id)
    request = await execution.query(harness.application, reporting.prepare_review, harness.people["imaging2.main"], case.id, ())
    assert list(request.versions) == before == await harness.versions(case.id)
    assert (request.report.status, request.report.reviewer) == (ReportStatus.FINAL, "imaging2.main")


async def test_the_time_of_signing_is_the_printed_one_and_the_record_has_its_own(harness: Harness) -> None:
    """A report says when it was signed; the trail says when that was written down, so its clock never runs back."""
    case = await harness.written()
    person, printed_at = harness.people["imaging.huba"], harness.clock.now
    request = await execution.query(harness.application, reporting.prepare_signature, person, case.id, ())
    printed = await harness.application.renderer.print(request)
    written_at = harness.clock.forward(seconds=40)
    report: Report = await harness.do("imaging.huba", reporting.sign_report, request, printed)
    assert report.signed_at == report.released_at == (await harness.case(case.id)).completed_at == printed_at
    await _recorded_at(harness, case, "sign", "report:sign", written_at)


async def test_the_time_of_a_review_is_the_printed_one_and_the_record_has_its_own(harness: Harness) -> None:
    case = await harness.at_main()
    await harness.sign(case.id, "imaging.main")
    person, printed_at = harness.people["imaging2.main"], harness.clock.forward(minutes=5)
    request = await execution.query(harness.application, reporting.prepare_review, person, case.id, ())
    printed = await harness.application.renderer.print(request)
    written_at = harness.clock.forward(seconds=40)
    report: Report = await harness.do("imaging2.main", reporting.review_report, request, printed)
    assert report.reviewed_at == report.released_at == printed_at
    await _recorded_at(harness, case, "review", "report:review", written_at)


async def _recorded_at(harness: Harness, case: Case, event: str, action: str, moment: datetime) -> None:
    history = await harness.application.queries.history(case.id)
    assert [line.at for line in history if line.action == event] == [moment]
    assert [line.at for line in await harness.application.queries.audit({"action": action}, None, 10)] == [moment]
