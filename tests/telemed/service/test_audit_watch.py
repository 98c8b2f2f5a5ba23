"""The audit trail is recomputed while the installation runs; the auditor sees what was done, and not the words."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from telemed.adapters import audit_watch
from telemed.adapters import tables as t
from telemed.adapters.administration import SqlAdministration
from telemed.adapters.audit_watch import ROUND_EVERY, AuditWatch
from telemed.domain.errors import Forbidden
from telemed.domain.people import Role
from telemed.service import casework, criticals
from telemed.service.administration import ChainState
from telemed.service.audit_trail import read_trail
from tests.telemed.desk import Desk


async def chain(desk: Desk) -> ChainState:
    return await SqlAdministration(desk.office.engine, "", Path()).chain_state(desk.people["auditor"])


async def tamper(desk: Desk, position: int) -> None:
    """What somebody with the database's own password could do."""
    async with desk.office.engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            await connection.execute(sa.text("ALTER TABLE audit DISABLE TRIGGER ALL"))
        else:
            names = await connection.execute(sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'"))
            for name in names.scalars().all():
                await connection.execute(sa.text(f'DROP TRIGGER "{name}"'))
        await connection.execute(sa.update(t.audit).where(t.audit.c.position == position).values(actor="nobody"))


async def test_a_whole_chain_is_verified_to_its_end(desk: Desk) -> None:
    await desk.signed()
    watch = AuditWatch(desk.office.engine)
    await watch(desk.clock())
    state = await chain(desk)
    assert (state.position, state.fault) == (state.records, "")
    assert state.whole_at == desk.clock.now
    await desk.draft()
    await watch(desk.clock.forward(seconds=5))
    state = await chain(desk)
    assert (state.position, state.checked_at) == (state.records, desk.clock.now)


async def test_a_changed_new_record_is_found_at_once(desk: Desk) -> None:
    await desk.draft()
    await tamper(desk, 1)
    await AuditWatch(desk.office.engine)(desk.clock())
    assert (await chain(desk)).fault == "1: was changed"


async def test_a_change_to_an_old_record_is_found_on_the_next_round_and_stays_on_record(desk: Desk) -> None:
    await desk.signed()
    watch = AuditWatch(desk.office.engine)
    await watch(desk.clock())
    await tamper(desk, 2)
    await watch(desk.clock.forward(minutes=1))
    assert (await chain(desk)).fault == ""
    for _ in range(2):
        await watch(desk.clock.forward(seconds=ROUND_EVERY.total_seconds()))
        assert (await chain(desk)).fault == "2: was changed"


async def test_a_long_trail_is_walked_in_pieces(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_watch, "PIECE", 3)
    await desk.signed()
    watch = AuditWatch(desk.office.engine)
    await watch(desk.clock())
    first = await chain(desk)
    assert (first.position, first.whole_at) == (3, None)
    for _ in range(first.records // 3 + 1):
        await watch(desk.clock.forward(seconds=5))
    assert (await chain(desk)).position == first.records
    assert (await chain(desk)).whole_at is not None


async def test_words_that_people_wrote_stay_hidden_and_reading_is_recorded(desk: Desk) -> None:
    case = await desk.claimed()
    await desk.do("imaging.huba", criticals.declare_critical, case.id, "急性颅内出血")
    other = await desk.requested()
    await desk.do("clinic1", casework.cancel_case, other.id, "患者转院")
    lines = await read_trail(desk.office, desk.people["auditor"], {}, None, 100)
    assert "出血" not in str(lines)
    assert "转院" not in str(lines)
    assert {line.action: line.hidden for line in lines}["case:cancel"] == ("reason",)
    assert {line.action: line.detail for line in lines}["case:submit"] == {"hub": "HUBA"}
    assert (await desk.audited("audit:read"))[-1][:2] == ("audit:read", "auditor")


async def test_only_the_auditor_reads_the_trail(desk: Desk) -> None:
    for person in desk.people.values():
        if not person.has(Role.AUDITOR):
            with pytest.raises(Forbidden):
                await read_trail(desk.office, person, {}, None, 1)
