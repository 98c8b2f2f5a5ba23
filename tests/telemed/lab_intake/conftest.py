"""The HL7 listener of one process in front of a real database, and the worker's work done on request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from telemed.adapters.application import SqlApplication
from telemed.adapters.jobs.worker import Handler, Worker
from telemed.centres.lab.adapters.jobs import AttachedReports, OrderArrivals
from telemed.centres.lab.adapters.mapped_codes import MappedCodes
from telemed.centres.lab.adapters.message_intake import MessageIntake
from telemed.centres.lab.adapters.mllp_server import Limits, MllpServer
from telemed.centres.lab.domain import LabJob, Result
from telemed.centres.lab.ports import LabResults
from tests.telemed.lab_intake.senders import Sender


@pytest.fixture
async def listener(application: SqlApplication) -> AsyncIterator[int]:
    """The port of a listener with limits of 1 MiB and a minute."""
    intake = MessageIntake(application)
    server = MllpServer(intake, Limits(1 << 20, 60))
    await server.listen("127.0.0.1", 0)
    yield server.port
    await server.close()
    await intake.close()


@pytest.fixture
async def sender(listener: int) -> AsyncIterator[Sender]:
    opened = await Sender.to(listener)
    yield opened
    await opened.close()


Work = Callable[[], Awaitable[None]]


@pytest.fixture
def work(application: SqlApplication) -> Work:
    """Do what waits for the worker."""
    handlers = {
        LabJob.RESULTS_ARRIVED: Handler(OrderArrivals(application), long=True),
        LabJob.READ_REPORT: Handler(AttachedReports(application), long=True),
        LabJob.CODE_MAPPED: Handler(MappedCodes(application), long=True),
    }

    async def done() -> None:
        worker = Worker(application, handlers)
        while await worker.once():
            await worker.finish()

    return done


@pytest.fixture
def results(application: SqlApplication) -> Callable[..., Awaitable[list[Result]]]:
    """What is shown of a member's patient."""

    async def shown(patient: str = "L00042", member: str = "CLINIC1", code: str = "") -> list[Result]:
        async with application.reading() as work:
            return await work.repository(LabResults).of_patient(member, patient, code, 100)

    return shown
