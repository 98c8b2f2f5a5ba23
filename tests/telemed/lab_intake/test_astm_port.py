"""Analysers that speak ASTM: each frame is answered, the last one when all is durable."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import sqlalchemy as sa

from telemed.adapters.application import SqlApplication
from telemed.adapters.database.tables import application_entity
from telemed.centres.lab.adapters.astm_server import AstmServer
from telemed.centres.lab.adapters.message_intake import MessageIntake
from telemed.centres.lab.adapters.tables import lab_message
from telemed.centres.lab.domain import Result

Shown = Callable[..., Awaitable[list[Result]]]

ENQ, EOT, ACK, NAK = b"\x05", b"\x04", b"\x06", b"\x15"
RECORDS = ("H|\\^&|||CLINIC1^X1", "P|1|P9", "O|1|T9||^^^2823-3", "R|1|^^^2823-3|7.4|mmol/L||||F", "L|1|N")


def frame(number: int, text: str, wrong: int = 0) -> bytes:
    core = f"{number % 8}{text}\r".encode() + b"\x03"
    return b"\x02" + core + f"{(sum(core) + wrong) % 256:02X}".encode() + b"\r\n"


@pytest.fixture
async def port(application: SqlApplication) -> AsyncIterator[int]:
    intake = MessageIntake(application)
    server = AstmServer(application, intake, 60)
    yield await server.listen("127.0.0.1", 0)
    await server.close()
    await intake.close()


class Analyser:
    """One connection; every sending waits for its answer."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __aenter__(self) -> Analyser:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def send(self, data: bytes) -> bytes:
        self._writer.write(data)
        async with asyncio.timeout(30):
            return await self._reader.read(1)

    async def transmit(self, *records: str) -> list[bytes]:
        answers = [await self.send(ENQ)]
        answers += [await self.send(frame(number, record)) for number, record in enumerate(records, 1)]
        self._writer.write(EOT)
        await self._writer.drain()
        return answers


async def only(application: SqlApplication, *institutions: str) -> None:
    """Let these alone call from this machine."""
    async with application.engine.begin() as connection:
        others = application_entity.c.institution.not_in(institutions)
        await connection.execute(sa.update(application_entity).where(others).values(calls_from=frozenset({"192.0.2.0/24"})))
    await application.refresh()


@pytest.mark.database
async def test_a_transmission_is_taken_once_and_its_last_frame_is_acknowledged_when_it_is_durable(
    port: int, application: SqlApplication, results: Shown
) -> None:
    await only(application, "CLINIC1")
    async with Analyser(port) as analyser:
        assert await analyser.transmit(*RECORDS[:-1]) == [ACK] * 5
        assert await analyser.transmit(*RECORDS) == [ACK] * 6
        (result,) = await results("P9")
        assert (result.value.number, result.value.flag, result.order_number, result.version) == (7.4, "HH", "T9", 1)
        assert await analyser.transmit(*RECORDS) == [ACK] * 6
    assert [each.version for each in await results("P9")] == [1]


async def test_a_damaged_frame_is_asked_for_again(port: int, application: SqlApplication, results: Shown) -> None:
    await only(application, "CLINIC1")
    async with Analyser(port) as analyser:
        assert await analyser.send(ENQ) == ACK
        assert await analyser.send(frame(1, RECORDS[0])) == ACK
        assert await analyser.send(frame(2, RECORDS[1], wrong=1)) == NAK
        for number, record in enumerate(RECORDS[1:], 2):
            assert await analyser.send(frame(number, record)) == ACK
    assert len(await results("P9")) == 1


async def test_where_several_call_from_one_address_the_header_says_who_it_is(
    port: int, application: SqlApplication, results: Shown
) -> None:
    async with Analyser(port) as analyser:
        assert await analyser.transmit(*RECORDS) == [ACK] * 6
        assert await analyser.transmit("H|\\^&|||NOBODY9", *RECORDS[1:]) == [ACK] * 5 + [NAK]
    assert len(await results("P9")) == 1


async def test_a_stranger_is_not_listened_to(port: int, application: SqlApplication) -> None:
    await only(application)
    async with Analyser(port) as analyser:
        assert await analyser.send(ENQ) == NAK


async def test_controls_give_no_patients_results(port: int, application: SqlApplication, results: Shown) -> None:
    control = [record.replace("O|1|T9||^^^2823-3", "O|1|T9||^^^2823-3|||||||Q") for record in RECORDS]
    async with Analyser(port) as analyser:
        assert await analyser.transmit(*control) == [ACK] * 6
    assert await results("P9") == []


async def test_records_that_cannot_be_read_lie_aside(port: int, application: SqlApplication) -> None:
    async with Analyser(port) as analyser:
        await only(application, "CLINIC1")
        assert await analyser.transmit("X|no header", "L|1|N") == [ACK] * 3
    async with application.engine.connect() as connection:
        (kept,) = (await connection.execute(sa.select(lab_message))).mappings().all()
    assert (kept["state"], kept["type"], kept["sender"]) == ("quarantined", "ASTM", "CLINIC1")
    assert "header" in kept["reason"]


async def test_a_database_that_is_away_acknowledges_nothing(port: int, application: SqlApplication, results: Shown) -> None:
    async with application.engine.begin() as connection:
        await connection.execute(sa.text("ALTER TABLE lab_message RENAME TO lab_message_away"))
    async with Analyser(port) as analyser:
        assert await analyser.transmit(*RECORDS) == [ACK] * 5 + [NAK]
        async with application.engine.begin() as connection:
            await connection.execute(sa.text("ALTER TABLE lab_message_away RENAME TO lab_message"))
        assert await analyser.transmit(*RECORDS) == [ACK] * 6
    assert len(await results("P9")) == 1
