"""`telemed verify` holds laboratory messages to the audit trail: what was changed, added or taken away is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from storage import ObjectStore
from telemed.adapters.application import SqlApplication
from telemed.bootstrap import stored_objects
from telemed.centres import extensions
from telemed.centres.lab.adapters.message_proof import prove_messages
from telemed.centres.lab.adapters.tables import lab_message, lab_result, lab_result_version
from telemed.settings import Settings
from telemed.verification import verify
from tests.telemed.lab_intake.senders import Sender, report

pytestmark = pytest.mark.database


async def test_messages_that_are_as_they_were_taken_have_no_fault(sender: Sender, application: SqlApplication) -> None:
    await sender.send(*(report(f"K{n}") for n in range(5)))
    await sender.send(report("K9", sender="NOBODY9"), b"GET / HTTP/1.1")
    found = await prove_messages(application.engine)
    assert found.faults == []
    assert found.said == ["7 messages, each as the trail says"]


Change = Callable[[sa.Connection], object]
DAMAGE: dict[str, tuple[Change, str]] = {
    "content": (
        lambda c: c.execute(sa.update(lab_message).where(lab_message.c.control_id == "K1").values(raw=b"MSH|^~\\&|other")),
        "was changed",
    ),
    "content and its digest": (
        lambda c: c.execute(
            sa.update(lab_message)
            .where(lab_message.c.control_id == "K1")
            .values(raw=b"x", sha256="2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881")
        ),
        "changed, added or removed",
    ),
    "one taken away": (lambda c: c.execute(sa.delete(lab_message).where(lab_message.c.control_id == "K1")), ""),
    "all taken away": (lambda c: c.execute(sa.delete(lab_message)), "are missing"),
    "one added": (
        lambda c: c.execute(sa.insert(lab_message).from_select(*_copy_of("K1"))),
        "",
    ),
}


def _copy_of(control_id: str) -> tuple[list[str], sa.Select[tuple[object, ...]]]:
    columns = list(lab_message.c)
    changed = {"id": sa.literal("f" * 32), "control_id": sa.literal("K99")}
    values = [changed.get(column.name, column) for column in columns]
    return [column.name for column in columns], sa.select(*values).where(lab_message.c.control_id == control_id)


@pytest.mark.parametrize("named", DAMAGE)
async def test_damage_is_named(named: str, sender: Sender, application: SqlApplication) -> None:
    await sender.send(*(report(f"K{n}") for n in range(3)))
    change, words = DAMAGE[named]
    async with application.engine.begin() as connection:
        await connection.execute(sa.delete(lab_result_version))
        await connection.execute(sa.delete(lab_result))
        await connection.run_sync(change)
    found = await prove_messages(application.engine)
    assert found.faults
    assert words in " ".join(found.faults)


async def test_messages_from_before_the_record_of_commits_are_counted(sender: Sender, application: SqlApplication) -> None:
    await sender.send(report("K1"))
    async with application.engine.begin() as connection:
        await connection.execute(sa.update(lab_message).values(batch=""))
    found = await prove_messages(application.engine)
    assert found.faults == []
    assert "older than the record of commits" in found.said[1]


async def test_the_proof_of_an_installation_has_the_messages(
    sender: Sender, application: SqlApplication, database_url: str, store: ObjectStore, tmp_path: Path
) -> None:
    await sender.send(report("K1"))
    settings = Settings(data_dir=tmp_path, database_url=database_url, storage_url=(tmp_path / "objects").as_uri())
    found = await verify(settings, stored_objects(extensions()))
    (part,) = [part for part in found.parts if part.name == "laboratory messages"]
    assert part.said == ["1 messages, each as the trail says"]
    async with application.engine.begin() as connection:
        await connection.execute(sa.update(lab_message).values(raw=b"x"))
    (part,) = [part for part in (await verify(settings, stored_objects(extensions()))).parts if part.name == "laboratory messages"]
    assert part.fault_count == 2
