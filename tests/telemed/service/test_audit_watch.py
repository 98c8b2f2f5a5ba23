"""The audit trail is recomputed while the installation runs; the auditor sees what was done, and not the words."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from telemed.adapters.audit import watch as audit_watch
from telemed.adapters.audit.watch import ROUND_EVERY, AuditWatch
from telemed.adapters.database import tables as t
from telemed.adapters.database.queries.administration import SqlAdministration
from telemed.domain.errors import Forbidden
from telemed.domain.people import Role
from telemed.service import case_request as case_request
from telemed.service import criticals
from telemed.service.administration import ChainState
from telemed.service.audit_trail import read_trail
from tests.telemed.harness import Harness

pytestmark = pytest.mark.database


async def chain(harness: Harness) -> ChainState:
    return await SqlAdministration(harness.application.engine, "", Path()).chain_state(harness.people["auditor"])


async def tamper(harness: Harness, position: int) -> None:
    """What somebody with the database's own password could do."""
    async with harness.application.engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            await connection.execute(sa.text("ALTER TABLE audit DISABLE TRIGGER ALL"))
        else:
            names = await connection.execute(sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'"))
            for name in names.scalars().all():
                await connection.execute(sa.text(f'DROP TRIGGER "{name}"'))
        await connection.execute(sa.update(t.audit).where(t.audit.c.position == position).values(actor="nobody"))


async def test_a_whole_chain_is_verified_to_its_end(harness: Harness) -> None:
    await harness.signed()
    watch = AuditWatch(harness.application.engine)
    await watch(harness.clock())
    state = await chain(harness)
    assert (state.position, state.fault) == (state.records, "")
    assert state.whole_at == harness.clock.now
    await harness.draft()
    await watch(harness.clock.forward(seconds=5))
    state = await chain(harness)
    assert (state.position, state.checked_at) == (state.records, harness.clock.now)


async def test_a_changed_new_record_is_found_at_once(harness: Harness) -> None:
    await harness.draft()
    await tamper(harness, 1)
    await AuditWatch(harness.application.engine)(harness.clock())
    assert (await chain(harness)).fault == "1: was changed"


async def test_a_change_to_an_old_record_is_found_on_the_next_round_and_stays_on_record(harness: Harness) -> None:
    await harness.signed()
    watch = AuditWatch(harness.application.engine)
    await watch(harness.clock())
    await tamper(harness, 2)
    await watch(harness.clock.forward(minutes=1))
    assert (await chain(harness)).fault == ""
    for _ in range(2):
        await watch(harness.clock.forward(seconds=ROUND_EVERY.total_seconds()))
        assert (await chain(harness)).fault == "2: was changed"


async def test_a_long_trail_is_walked_in_pieces(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_watch, "PIECE", 3)
    await harness.signed()
    watch = AuditWatch(harness.application.engine)
    await watch(harness.clock())
    first = await chain(harness)
    assert (first.position, first.whole_at) == (3, None)
    for _ in range(first.records // 3 + 1):
        await watch(harness.clock.forward(seconds=5))
    assert (await chain(harness)).position == first.records
    assert (await chain(harness)).whole_at is not None


async def test_words_that_people_wrote_stay_hidden_and_reading_is_recorded(harness: Harness) -> None:
    case = await harness.claimed()
    await harness.do("imaging.huba", criticals.declare_critical, case.id, "急性颅内出血")
    other = await harness.requested()
    await harness.do("clinic1", case_request.cancel_case, other.id, "患者转院")
    lines = await read_trail(harness.application, harness.people["auditor"], {}, None, 100)
    assert "出血" not in str(lines)
    assert "转院" not in str(lines)
    assert {line.action: line.hidden for line in lines}["case:cancel"] == ("reason",)
    assert {line.action: line.detail for line in lines}["case:submit"] == {"hub": "HUBA"}
    assert (await harness.audited("audit:read"))[-1][:2] == ("audit:read", "auditor")


async def test_only_the_auditor_reads_the_trail(harness: Harness) -> None:
    for person in harness.people.values():
        if not person.has(Role.AUDITOR):
            with pytest.raises(Forbidden):
                await read_trail(harness.application, person, {}, None, 1)
