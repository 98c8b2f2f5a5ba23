"""The HL7 listener's manners: blocks in pieces, answers as they are asked for, limits, TLS, a port that processes share."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from hashlib import sha256
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydantic import ValidationError

from telemed.adapters.application import SqlApplication
from telemed.adapters.database.tables import application_entity
from telemed.centres.lab.adapters.message_intake import MessageIntake
from telemed.centres.lab.adapters.mllp_server import Limits, MllpServer
from telemed.centres.lab.domain import Result
from telemed.centres.lab.settings import LabSettings
from telemed.settings import Settings
from telemed.supervisor import Supervisor, shared_ports
from tests.dicom_gateway.certificates import Authority, client_context
from tests.telemed.lab_intake.senders import END, START, Sender, report, said

Shown = Callable[..., Awaitable[list[Result]]]
Listen = Callable[..., Awaitable[int]]


@pytest.fixture
async def listen(application: SqlApplication) -> AsyncIterator[Listen]:
    """Open a listener with these limits."""
    opened: list[MllpServer] = []
    intake = MessageIntake(application)

    async def begin(
        largest: int = 1 << 20, idle: float = 60, tls: ssl.SSLContext | None = None, port: int = 0, shared: bool = False
    ) -> int:
        server = MllpServer(intake, Limits(largest, idle))
        await server.listen("127.0.0.1", port, tls, shared=shared)
        opened.append(server)
        return server.port

    yield begin
    for server in opened:
        await server.close()
    await intake.close()


async def test_a_block_in_pieces_several_at_once_and_noise_between(sender: Sender) -> None:
    for byte in START + report("K1") + END:
        sender.writer.write(bytes([byte]))
        await sender.writer.drain()
    assert said(await sender.take()) == ["AA K1"]
    assert said(await sender.send(*(report(f"K{n}") for n in range(2, 12)))) == [f"AA K{n}" for n in range(2, 12)]
    sender.writer.write(b"\0\0\r\nnoise " + START + b"\xef\xbb\xbf" + report("K12") + END)
    assert said(await sender.take()) == ["AA K12"]


async def test_more_messages_than_may_wait_are_all_answered_in_order(sender: Sender) -> None:
    assert said(await sender.send(*(report(f"K{n}") for n in range(300)))) == [f"AA K{n}" for n in range(300)]


ASKED = {
    ("", ""): ["AA"],
    ("2", ""): ["AA"],
    ("", "2"): ["AA"],
    ("AL", "NE"): ["CA"],
    ("AL", ""): ["CA"],
    ("AL", "AL"): ["CA", "AA"],
    ("AL", "SU"): ["CA", "AA"],
    ("AL", "ER"): ["CA"],
    ("ER", "AL"): ["AA"],
    ("NE", "AL"): ["AA"],
    ("NE", "NE"): [],
    ("ER", "NE"): [],
    ("SU", "NE"): ["CA"],
}


@pytest.mark.parametrize(("accept", "applying"), list(ASKED))
async def test_a_message_that_is_taken_has_the_answers_that_it_asks_for(accept: str, applying: str, sender: Sender, results: Shown) -> None:
    wanted = ASKED[accept, applying]
    sender.writer.write(START + report("K1", accept=accept, application=applying) + END)
    answers = [said(await sender.take()) for _ in wanted]
    assert answers == [[f"{code} K1"] for code in wanted]
    assert said(await sender.send(report("K2"))) == ["AA K2"]  # and no more than those
    assert len(await results()) == 1


REFUSED = {
    ("AL", "AL"): ["CE"],
    ("ER", "AL"): ["CE"],
    ("NE", "AL"): ["AE"],
    ("NE", "ER"): ["AE"],
    ("NE", "SU"): [],
    ("SU", "NE"): [],
}


@pytest.mark.parametrize(("accept", "applying"), list(REFUSED))
async def test_a_message_that_is_not_taken_has_the_answers_that_it_asks_for(accept: str, applying: str, sender: Sender) -> None:
    wrong = report("K1", accept=accept, application=applying).decode().encode("gbk")
    sender.writer.write(START + wrong + END)
    wanted = REFUSED[accept, applying]
    assert [said(await sender.take()) for _ in wanted] == [[f"{code} K1"] for code in wanted]
    assert said(await sender.send(report("K2"))) == ["AA K2"]


async def test_a_batch_that_asks_for_both_has_two_blocks(sender: Sender) -> None:
    inner = b"".join(report(f"B{n}", accept="AL", application="AL") for n in (1, 2))
    assert said(await sender.send(b"BHS|^~\\&|LIS|CLINIC1\r" + inner + b"BTS|2\r")) == ["CA B1", "CA B2"]
    assert said(await sender.take()) == ["AA B1", "AA B2"]


async def test_a_message_beyond_the_limit_is_refused_and_ends_the_connection(listen: Listen) -> None:
    port = await listen(largest=1 << 16)
    sender = await Sender.to(port)
    sender.writer.write(START + report("K1")[:-1] + b"|" + b"A" * (1 << 17))
    assert said(await sender.take()) == ["AR K1"]
    assert await sender.ended()
    after = await Sender.to(port)
    assert said(await after.send(report("K2"))) == ["AA K2"]
    await after.close()


async def test_a_silent_connection_is_closed_and_one_that_speaks_is_not(listen: Listen) -> None:
    port = await listen(idle=0.5)
    silent, unfinished = await Sender.to(port), await Sender.to(port)
    unfinished.writer.write(START + report("K1")[:100])
    assert await silent.ended()
    assert await unfinished.ended()


async def test_a_peer_that_closes_its_half_hears_what_is_due(listener: int) -> None:
    sender = await Sender.to(listener)
    sender.writer.write(START + report("K1") + END)
    sender.writer.write_eof()
    assert said(await sender.take()) == ["AA K1"]
    assert await sender.ended()


async def test_a_block_without_its_end_is_not_taken(listener: int, results: Shown) -> None:
    sender = await Sender.to(listener)
    sender.writer.write(START + report("K1"))
    await sender.writer.drain()
    await sender.close()
    other = await Sender.to(listener)
    await other.send(report("K2", order="O43"))
    assert [each.order_number for each in await results()] == ["O43"]
    await other.close()


async def test_two_listeners_share_a_port(listen: Listen) -> None:
    port = await listen(shared=True)
    assert await listen(port=port, shared=True) == port
    with pytest.raises(OSError, match="in use"):
        await listen(port=port)
    sender = await Sender.to(port)
    assert said(await sender.send(report("K1"))) == ["AA K1"]
    await sender.close()


def test_the_supervisor_starts_as_many_listeners_as_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEMED_MLLP_PROCESSES", "3")
    ports = shared_ports(Settings())
    assert [(port.processes, port.setting) for port in ports if port.role == "mllp"] == [(3, "TELEMED_MLLP_PORT")]
    assert [child.role for child in Supervisor(ports)._children].count("mllp") == 3


def fingerprint(pem: Path) -> str:
    """SHA-256 of a certificate."""
    text = pem.read_text()
    return sha256(ssl.PEM_cert_to_DER_cert(text[: text.index("-----END CERTIFICATE-----")] + "-----END CERTIFICATE-----\n")).hexdigest()


async def test_over_tls_a_certificate_speaks_for_the_member_that_it_was_entered_for(
    listen: Listen, application: SqlApplication, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    own, other = authority.issue("clinic1"), authority.issue("clinic2")
    settings = LabSettings(mllp_tls=str(authority.issue("listener")), mllp_tls_clients=str(authority.file))
    async with application.engine.begin() as connection:
        shown = {"calls_from": frozenset(), "certificates": frozenset({fingerprint(own)})}
        change = sa.update(application_entity).where(application_entity.c.institution == "CLINIC1").values(shown)
        await connection.execute(change)
    await application.refresh()
    port = await listen(tls=settings.mllp_tls_context)
    for certificate, answers in ((own, ["AA K1"]), (other, ["AR K1"])):
        sender = await Sender.to(port, client_context(authority.file, certificate))
        assert said(await sender.send(report("K1"))) == answers
        await sender.close()
    nameless = await Sender.to(port, client_context(authority.file))
    nameless.writer.write(START + report("K2") + END)
    assert await nameless.ended()
    plain = await Sender.to(port)
    plain.writer.write(START + report("K2") + END)
    assert await plain.ended()


def test_a_file_that_holds_no_certificate_is_said_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "wrong.pem").write_text("no certificate")
    with pytest.raises(ValidationError, match="does not hold what TLS needs"):
        LabSettings(mllp_tls=str(tmp_path / "wrong.pem"))
    started = subprocess.run(
        [sys.executable, "-m", "telemed", "migrate"],
        env=os.environ | {"TELEMED_MLLP_TLS": str(tmp_path / "wrong.pem"), "TELEMED_DATA_DIR": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert started.returncode
    assert "TELEMED_MLLP_TLS" in started.stdout + started.stderr
    assert "Traceback" not in started.stdout + started.stderr


async def test_a_store_or_a_database_that_is_away_acknowledges_nothing_and_recovers(
    sender: Sender, application: SqlApplication, results: Shown, tmp_path: Path
) -> None:
    large = report("K1") + b"OBX|2|ED|PDF||^application^pdf^Base64^" + b"QUJD" * 50_000 + b"||||||F\r"
    folder = tmp_path / "objects"
    away = tmp_path / "away"
    folder.mkdir(exist_ok=True)
    folder.rename(away)
    folder.write_text("no folder")
    answer = await sender.send(large)
    assert said(answer) == ["AE K1"]
    assert b"207" in answer
    assert said(await sender.send(report("K2", order="O43"))) == ["AA K2"]  # it needs no store
    folder.unlink()
    away.rename(folder)
    assert said(await sender.send(large)) == ["AA K1"]
    async with application.engine.begin() as connection:
        await connection.execute(sa.text("ALTER TABLE lab_message RENAME TO lab_message_away"))
    answer = await sender.send(report("K3", order="O44"))
    assert said(answer) == ["AE K3"]
    assert b"207" in answer
    async with application.engine.begin() as connection:
        await connection.execute(sa.text("ALTER TABLE lab_message_away RENAME TO lab_message"))
    assert said(await sender.send(report("K3", order="O44"))) == ["AA K3"]
    assert {each.order_number for each in await results()} == {"O42", "O43", "O44"}
