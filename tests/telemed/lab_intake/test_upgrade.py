"""A database with messages and results from before commits were on record, brought to the newest schema."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command

from telemed.adapters.clock import utc_now
from telemed.adapters.database.engine import make_engine
from telemed.adapters.database.migrate import configuration, migrate
from telemed.centres import extensions, migrations
from telemed.centres.lab.adapters.message_proof import prove_messages
from tests.postgres_server import PostgresServer
from tests.telemed.adapters.test_schema import differences

pytestmark = pytest.mark.database

assert extensions()  # bring the tables of the centres to the described schema

CONTENT = b"MSH|^~\\&|LIS|CLINIC1|||20261118||ORU^R01|K1|P|2.5.1\r"


def old_rows(connection: sa.Connection) -> None:
    """One message as the first revision kept it."""

    old = sa.MetaData()
    old.reflect(connection, only=("lab_message",))
    now = utc_now() if connection.dialect.name == "postgresql" else utc_now().replace(tzinfo=None)
    row = {
        "id": "0" * 32, "application": "LIS", "sender": "CLINIC1", "control_id": "K1", "sha256": sha256(CONTENT).hexdigest(), "type": "ORU^R01",
        "state": "accepted", "reason": "", "answer_code": "AA", "answer": b"MSA|AA|K1", "address": "192.0.2.1", "received_at": now,
        "size": len(CONTENT), "raw": CONTENT, "key": "",
    }  # fmt: skip
    connection.execute(sa.insert(old.tables["lab_message"]), row)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_rows_of_the_first_revision_stay_and_are_proved_by_themselves(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    server: PostgresServer | None = request.getfixturevalue("postgres_server") if kind == "postgresql" else None
    engine = make_engine(server.new_database() if server else f"sqlite:///{tmp_path}/old.db")
    async with engine.begin() as connection:
        await connection.run_sync(lambda c: command.upgrade(configuration(c, migrations()), "lab_0001"))
        await connection.run_sync(old_rows)
    await migrate(engine, migrations())
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    found = await prove_messages(engine)
    assert found.faults == []
    assert "older than the record of commits, so that only their own digests were seen: 1" in found.said
    await engine.dispose()
