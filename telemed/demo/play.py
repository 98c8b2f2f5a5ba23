"""The story played: cases through the use cases at their own times, images and files through the doors.

The database is the memory of what was played. Each case has a fixed accession number, and its history tells which steps
are done: a story that was cut goes on from there, and one that is complete is left alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import aiohttp
import structlog
from sqlalchemy.exc import SQLAlchemyError

from dicom_gateway.index_barrier import IndexBarrier
from storage.errors import StorageError
from telemed.adapters.application import SqlApplication
from telemed.adapters.dicom.study_intake import DicomStudyIntake
from telemed.bootstrap import open_parts
from telemed.demo import region
from telemed.demo.doors import send_study, upload_files
from telemed.demo.evidence_spool import EvidenceSpool, evidence_makers, sent_name
from telemed.demo.scene import Scene, comes_late, evidence_order, in_playing_order, is_study, number_of, steps_left, stray_study_uid
from telemed.demo.steps import ACTS, goes_alone
from telemed.demo.story import STORY, STRAYS, Step, StoryCase, StrayStudy
from telemed.domain.errors import DomainError
from telemed.domain.people import Person
from telemed.service import signing
from telemed.service.files import attach_file
from telemed.settings import Settings

log = structlog.get_logger()

SPOOL = "demo-evidence"
"""Folder in the data folder."""

AT_ONCE = 6
"""Cases on stage: enough that pictures, signatures and transactions are under way together."""

FIRST_LOOK = "imaging/hand-fracture"
"""A film on the worklist as soon as can be."""

QUICK = ("ecg", "ecg-dicom", "lab", "referral")
"""Evidence that is made in no time; pictures take seconds each."""

SLOW = ("ecg-holter",)
"""Evidence that is made and sent when all else is there."""

PEOPLE: Mapping[str, Person] = {person.username: person for person in region.accounts()}

TROUBLE = (aiohttp.ClientError, OSError, SQLAlchemyError, StorageError, BrokenExecutor)
"""Errors that keep one case from being played to its end; the next start goes on with it."""


@dataclass(frozen=True, slots=True)
class Stage:
    """The means by which the story is played."""

    settings: Settings
    application: SqlApplication
    studies: DicomStudyIntake
    spool: EvidenceSpool
    settled: IndexBarrier

    async def send(self, member: str, files: Sequence[Path]) -> None:
        """The study is in the index when this returns: in the story it was there before what comes next."""
        await send_study(self.settings, member, files)
        await self.settled()


Arrived = Callable[[int, int], None]
"""Told after each case: how many have been played, of how many."""


async def play_story(
    settings: Settings, story: Sequence[StoryCase] = STORY, strays: Sequence[StrayStudy] = STRAYS, arrived: Arrived | None = None
) -> None:
    """Play what has not been played yet. All roles must be ready; the region must be in place.

    May be cancelled at any time and called again. A case that somebody has taken elsewhere meanwhile is left to them.
    """
    room = asyncio.Semaphore(AT_ONCE)
    async with evidence_makers() as makers, open_parts(settings) as parts:
        door = DicomStudyIntake(parts.intake, parts.application.engine)
        stage = Stage(settings, parts.application, door, EvidenceSpool(settings.data_dir / SPOOL, makers), IndexBarrier(parts.store))
        for extension in parts.extensions:
            if extension.demo_history is not None:
                await extension.demo_history(parts)
        programme: list[StoryCase | StrayStudy] = [*story, *strays]
        played = 0

        async def play(what: StoryCase | StrayStudy) -> None:
            nonlocal played
            await _in_room(room, stage, what)
            played += 1
            if arrived is not None:
                arrived(played, len(programme))

        async with asyncio.TaskGroup() as group:
            for what in sorted(programme, key=_turn):
                group.create_task(play(what))


def _turn(what: StoryCase | StrayStudy) -> int:
    """Return the turn of a case: the least is played first, and is what a person sees first."""
    if isinstance(what, StrayStudy):
        return 2
    if what.text_key == FIRST_LOOK or not any(step.action == "attach" for step in what.steps):
        return 0
    if what.evidence[0].partition(":")[0] in QUICK:
        return 1
    if what.evidence[0].partition(":")[0] in SLOW:
        return 4
    return 2 if comes_late(what) else 3


async def _in_room(room: asyncio.Semaphore, stage: Stage, what: StoryCase | StrayStudy) -> None:
    async with room:
        try:
            await (_play_stray(stage, what) if isinstance(what, StrayStudy) else _play_case(stage, what))
        except DomainError as refusal:
            log.info("demo.case_left", case=what.text_key, member=what.member, reason=repr(refusal))
        except TROUBLE as error:
            log.warning("demo.case_cut", case=what.text_key, member=what.member, error=str(error))


async def _play_stray(stage: Stage, stray: StrayStudy) -> None:
    async with stage.application.reading() as work:
        if await work.studies.facts(stray.member, stray_study_uid(stray)):
            return
    number = stray.accession_number
    files = await stage.spool.files(number, stray.evidence, evidence_order(number, stray, stage.application.now()))
    await stage.send(stray.member, files)
    await stage.spool.drop(number)


async def _play_case(stage: Stage, case: StoryCase) -> None:
    scene, left = await _look(stage, case)
    files: list[Path] = []
    if any(step.action == "attach" for step in left):
        files = await stage.spool.files(scene.number, case.evidence, scene.order())
        if is_study(case) and not comes_late(case):
            await stage.send(case.member, files)
    if not scene.case_id:
        scene.now = stage.application.now()
    for alone, steps in groupby(left, key=lambda step: goes_alone(scene, step)):
        if alone:
            for step in steps:
                await _play_alone(stage, scene, step, files)
        else:
            await _play_together(stage, scene, steps)
    await stage.spool.drop(scene.number)


async def _look(stage: Stage, case: StoryCase) -> tuple[Scene, tuple[Step, ...]]:
    """Return the case as it stands, and the steps that are still to be played."""
    scene = Scene(case, number_of(case), stage.application.now())
    steps = in_playing_order(case)
    async with stage.application.reading() as work:
        known = await work.cases.with_accession(case.member, scene.number)
    if not known:
        return scene, steps
    scene.case_id, scene.now = known[0].id, known[0].created_at + (scene.now - scene.moment(case.steps[0]))
    history = [line.action for line in await stage.application.queries.history(scene.case_id)]
    left = steps_left(steps, history)
    if stage.spool.holds(scene.number):
        attach = tuple(step for step in steps if step.action == "attach" and step not in left)
        left = (*attach, *left)
    return scene, left


async def _play_together(stage: Stage, scene: Scene, steps: Iterable[Step]) -> None:
    """Steps in one transaction, each at its own time: the worker's clocks never see the case half-way."""
    async with stage.application.writing() as work:
        for step in steps:
            work.now = scene.moment(step)
            await ACTS[step.action](work, PEOPLE[step.who], scene, step)


async def _play_alone(stage: Stage, scene: Scene, step: Step, files: Sequence[Path]) -> None:
    who = PEOPLE[step.who]
    then = stage.application.by_clock(lambda: scene.moment(step))
    if step.action == "sign":
        await signing.sign(then, who, scene.case_id, region.PASSWORD)
    elif step.action == "review":
        await signing.review(then, who, scene.case_id, region.PASSWORD)
    elif not comes_late(scene.case):
        for file in files:
            await attach_file(then, stage.studies, who, scene.case_id, sent_name(file), _content(file))
    elif is_study(scene.case):
        await stage.send(scene.case.member, files)
    else:
        await upload_files(stage.settings, step.who, scene.case_id, files)


async def _content(file: Path) -> AsyncIterator[bytes]:
    yield await asyncio.to_thread(file.read_bytes)
