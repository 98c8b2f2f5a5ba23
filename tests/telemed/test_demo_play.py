"""The story is played through the doors of a running platform, ends as it says, and is never played twice."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from telemed import bootstrap
from telemed.adapters.jobs.worker import Worker
from telemed.adapters.signatures.pdf_signatures import PdfSigner
from telemed.demo.evidence_spool import EvidenceSpool
from telemed.demo.play import SPOOL, play_story
from telemed.demo.region import accounts
from telemed.demo.scene import EVENTS, Scene, in_playing_order, is_study, number_of, steps_left
from telemed.demo.story import STORY, STRAYS, StoryCase
from telemed.domain.case import Case
from telemed.domain.critical import CriticalStatus, CriticalValue
from telemed.domain.evidence import Evidence
from telemed.domain.report import Report
from telemed.extension import Parts
from telemed.roles.gateway import dicom_gateway
from telemed.roles.web import web_application
from telemed.service import case_request as case_request
from telemed.service.execution import execute
from telemed.service.queries import HistoryLine
from telemed.settings import Settings
from telemed.verification import verify_installation
from tests.demo_region import put_in_place
from tests.machine_time import machine_time

pytestmark = pytest.mark.slow

PEOPLE = {person.username: person for person in accounts()}


def story_case(text_key: str, state: str) -> StoryCase:
    (case,) = [case for case in STORY if (case.text_key, case.state) == (text_key, state)]
    return case


FILM = story_case("imaging/hand-fracture", "near deadline")
DRAFT = story_case("imaging/hand-normal", "draft")
REFUSED = story_case("imaging/pet-lung", "failed")
WAITING = story_case("ecg/anterior-infarction", "requested")
CRITICAL = story_case("ecg/complete-block", "final, critical value acknowledged")
WITHDRAWN = story_case("ecg/bradycardia", "cancelled")
AMENDED = story_case("lab/kidney", "amended")
REVIEWED = story_case("consultation/diabetes-insulin", "final by two people")
SOME = (FILM, DRAFT, REFUSED, WAITING, CRITICAL, WITHDRAWN, AMENDED, REVIEWED)


@dataclass(frozen=True)
class Told:
    """All that the platform knows of a case."""

    case: Case
    history: list[HistoryLine]
    evidence: list[Evidence]
    reports: list[Report]
    criticals: list[CriticalValue]

    @property
    def actions(self) -> list[str]:
        """What people did, in order; evidence once, however many files or images it came in."""
        lines = [line.action for line in self.history if line.actor != "system" or line.action == "evidence"]
        return [action for place, action in enumerate(lines) if action != "evidence" or "evidence" not in lines[:place]]


@dataclass(frozen=True)
class Platform:
    """A platform that runs in a folder of its own."""

    settings: Settings
    parts: Parts

    async def told(self, case: StoryCase) -> Told:
        """The one case that was made of a story's case."""
        application = self.parts.application
        async with application.reading() as work:
            (known,) = await work.cases.with_accession(case.member, number_of(case))
            evidence, reports = await work.evidence.of_case(known.id), await work.reports.versions(known.id)
            criticals = await work.criticals.of_case(known.id)
        return Told(known, await application.queries.history(known.id), evidence, reports, criticals)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def running(folder: Path, *, with_worker: bool = True) -> AsyncIterator[Platform]:
    """The demo region with web, gateway and worker, which leaves evidence unread. The worker's clocks may be left standing."""
    settings = Settings(data_dir=folder, http_port=free_port(), dicom_port=free_port())
    await put_in_place(settings)
    async with bootstrap.open_parts(settings) as parts:
        runner = web.AppRunner(web_application(parts), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, settings.host, settings.http_port).start()
        gateway = await dicom_gateway(parts)
        quick = {kind: handler for kind, handler in bootstrap.handlers(parts, parts.pool).items() if not handler.long}
        worker = asyncio.create_task(Worker(parts.application, quick).run()) if with_worker else None
        try:
            yield Platform(settings, parts)
        finally:
            if worker:
                worker.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await worker
            await gateway.close()
            await parts.intake.close()
            await runner.cleanup()


@pytest.fixture(scope="module")
async def platform(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Platform]:
    """With some of the story played."""
    async with running(tmp_path_factory.mktemp("demo")) as platform:
        await play_story(platform.settings, SOME, STRAYS)
        yield platform


@pytest.mark.parametrize(
    ("case", "status", "report", "hub", "evidence"),
    [
        (FILM, "in-progress", "partial", "HUBA", ["dicom-study"]),
        (DRAFT, "draft", None, None, []),
        (REFUSED, "failed", None, None, []),
        (CRITICAL, "completed", "final", "HUBB", ["ecg"]),
        (WITHDRAWN, "cancelled", None, "HUBA", ["ecg"]),
        (AMENDED, "completed", "amended", "HUBA", ["document", "lab-report"]),
        (REVIEWED, "completed", "final", "MAIN", ["document", "document"]),
    ],
    ids=lambda value: value.state if isinstance(value, StoryCase) else "",
)
async def test_a_case_ends_as_the_story_says(
    platform: Platform, case: StoryCase, status: str, report: str | None, hub: str | None, evidence: list[str]
) -> None:
    told = await platform.told(case)
    assert (told.case.status, told.case.report_status, told.case.hub) == (status, report, hub)
    assert sorted(e.type for e in told.evidence) == evidence
    actions, played = told.actions, [EVENTS.get(step.action, step.action) for step in case.steps]
    if is_study(case) and "evidence" in played:  # it is at the gateway before the case: the worker may place it as soon as there is one
        actions.remove("evidence")
        played.remove("evidence")
    assert actions == played


async def test_every_step_stands_at_its_own_time(platform: Platform) -> None:
    for case in (FILM, CRITICAL, WITHDRAWN, AMENDED, REVIEWED):
        told = await platform.told(case)
        at = [line.at for line in told.history if line.actor != "system"]
        assert all(earlier <= later for earlier, later in pairwise(at))
        assert at[-1] - at[0] == timedelta(minutes=case.steps[0].ago - case.steps[-1].ago)
        assert timedelta(0) <= datetime.now(UTC) - at[0] - timedelta(minutes=case.steps[0].ago) < timedelta(hours=1)
        signed = [report.signed_at for report in told.reports if report.signed_at]
        assert signed == [line.at for line in told.history if line.action == "sign"]


async def test_who_waits_gets_evidence_through_the_door(platform: Platform) -> None:
    told = await platform.told(WAITING)
    assert told.case.submitted_at
    assert [line.actor for line in told.history if line.action == "evidence"] == ["clinic1"]
    assert told.evidence[0].added_at > told.case.submitted_at


async def test_the_film_came_as_a_study_of_the_member(platform: Platform) -> None:
    told = await platform.told(FILM)
    async with platform.parts.application.reading() as work:
        study = await work.studies.facts(FILM.member, told.evidence[0].study_instance_uid or "")
    assert study is not None
    assert (study.accession_number, study.modality, study.instances) == (number_of(FILM), "DX", 1)


async def test_a_study_that_nobody_asked_for_looks_for_its_case(platform: Platform) -> None:
    async with asyncio.timeout(20):
        found: list[str] = []
        while not found:
            await asyncio.sleep(0.05)  # the worker's next look
            async with platform.parts.application.reading() as work:
                found = [study.accession_number for study in await work.studies.unmatched(None, 10)]
    assert found == [stray.accession_number for stray in STRAYS]


async def test_reports_carry_valid_signatures(platform: Platform) -> None:
    signer = PdfSigner(platform.settings.data_dir / "keys" / "signing")
    for case, signatories in ((CRITICAL, ["ecg.hubb"]), (REVIEWED, ["consult.main", "consult2.main"])):
        report = (await platform.told(case)).reports[-1]
        pdf = await platform.parts.store.read(report.pdf_key)
        with machine_time():  # the process that signs goes by it
            checks = await asyncio.to_thread(signer.verify, pdf)
        assert [check.signatory_id for check in checks] == signatories
        assert all(check.valid for check in checks)
        assert checks[0].claimed_at is not None
        assert report.signed_at is not None
        assert abs(checks[0].claimed_at - report.signed_at) < timedelta(seconds=1)


async def test_a_critical_value_was_told_and_acknowledged(platform: Platform) -> None:
    (value,) = (await platform.told(CRITICAL)).criticals
    assert (value.status, value.told_whom, value.read_back) == (CriticalStatus.ACKNOWLEDGED, "江月白 全科医师", True)


async def test_the_installation_holds_together(platform: Platform) -> None:
    assert await verify_installation(platform.settings, Console(quiet=True)) == 0
    assert not (platform.settings.data_dir / SPOOL).exists()


async def test_playing_again_changes_nothing(platform: Platform) -> None:
    before = [await platform.told(case) for case in SOME]
    await play_story(platform.settings, SOME, STRAYS)
    after = [await platform.told(case) for case in SOME]
    own = [[replace_worker_lines(told) for told in tellings] for tellings in (before, after)]
    assert own[0] == own[1]


def replace_worker_lines(told: Told) -> tuple[list[str], list[Evidence], list[Report]]:
    """What the story did: the worker's clocks go on meanwhile."""
    return told.actions, told.evidence, told.reports


async def test_a_story_cut_between_two_steps_goes_on_with_the_next(tmp_path: Path) -> None:
    async with running(tmp_path, with_worker=False) as platform:
        for count in range(1, len(CRITICAL.steps) + 1):
            await play_story(platform.settings, [replace(CRITICAL, steps=CRITICAL.steps[:count])], ())
            told = await platform.told(CRITICAL)
            assert told.actions == [EVENTS.get(step.action, step.action) for step in CRITICAL.steps[:count]]
        assert told.history[-1].at - told.history[0].at == timedelta(minutes=CRITICAL.steps[0].ago - CRITICAL.steps[-1].ago)
        assert len(told.evidence) == 1


async def test_a_story_cut_anywhere_doubles_nothing(tmp_path: Path) -> None:
    story = (CRITICAL, REVIEWED, WAITING)
    async with running(tmp_path, with_worker=False) as platform:
        for cut in (1, 13):
            await play_until(platform, story, cut)
        await play_story(platform.settings, story, ())
        for case in story:
            told = await platform.told(case)
            assert told.actions == [EVENTS.get(step.action, step.action) for step in in_playing_order(case)]
            assert len(told.evidence) == len(case.evidence)
        assert not (platform.settings.data_dir / SPOOL).exists()


async def play_until(platform: Platform, story: Sequence[StoryCase], lines: int) -> None:
    """Play, and stop dead when so many lines of history are written."""
    playing = asyncio.create_task(play_story(platform.settings, story, ()))
    while not playing.done() and await platform.parts.application.queries.last_history_id() < lines:
        await asyncio.wait([playing], timeout=0.005)
    playing.cancel()
    await asyncio.wait([playing])
    assert playing.cancelled()


async def test_a_case_that_went_another_way_is_left_to_its_people(tmp_path: Path) -> None:
    async with running(tmp_path, with_worker=False) as platform:
        await play_story(platform.settings, [replace(CRITICAL, steps=CRITICAL.steps[:4])], ())
        told = await platform.told(CRITICAL)
        await execute(platform.parts.application, case_request.cancel_case, PEOPLE["clinic3"], told.case.id, "转院")
        await play_story(platform.settings, [CRITICAL], ())
        assert (await platform.told(CRITICAL)).actions == ["create", "evidence", "submit", "claim", "cancel"]


@given(st.sampled_from(STORY), st.data())
def test_history_tells_which_steps_are_left(case: StoryCase, data: st.DataObject) -> None:
    steps = in_playing_order(case)
    done = data.draw(st.integers(0, len(steps)))
    history = [EVENTS.get(step.action, step.action) for step in steps[:done]]
    assert steps_left(steps, [*history, "offer", "critical-rise"]) == steps[done:]


def test_accession_numbers_tell_the_cases_apart() -> None:
    numbers = {number_of(case) for case in STORY} | {stray.accession_number for stray in STRAYS}
    assert len(numbers) == len(STORY) + len(STRAYS)
    assert max(map(len, numbers)) <= 16  # DICOM VR SH


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[EvidenceSpool]:
    with ThreadPoolExecutor(1) as makers:
        yield EvidenceSpool(tmp_path / "spool", makers)


async def test_evidence_is_made_once_and_only_counts_when_it_is_whole(spool: EvidenceSpool, tmp_path: Path) -> None:
    begun = tmp_path / "spool" / "N-1.part"
    begun.mkdir(parents=True)
    (begun / "001-half.pdf").write_bytes(b"%PDF")
    assert not spool.holds("N-1")
    order = Scene(REVIEWED, "N-1", datetime(2026, 11, 20, 3, 0, tzinfo=UTC)).order()
    made = await spool.files("N-1", REVIEWED.evidence, order)
    assert [file.name for file in made] == ["001-referral-summary.pdf", "002-consent.pdf"]
    stamps = [file.stat().st_mtime_ns for file in made]
    assert await spool.files("N-1", REVIEWED.evidence, order) == made
    assert [file.stat().st_mtime_ns for file in made] == stamps
    await spool.drop("N-1")
    assert not spool.holds("N-1")
