"""Databases of earlier versions, with rows in them, brought to the newest schema."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.ext.asyncio import AsyncEngine

from dicom_gateway.index import StatedPatient, dicom_correction, dicom_study, stated_patients
from dicom_gateway.index.stated_patients import enter_stated_patients
from telemed.adapters.audit.chain import append
from telemed.adapters.audit.trail import walk_trail
from telemed.adapters.clock import utc_now
from telemed.adapters.database.engine import make_engine
from telemed.adapters.database.migrate import migrate
from telemed.adapters.database.tables import (
    application_entity,
    audit,
    case,
    case_instance,
    evidence,
    job,
    metadata,
    password_attempt,
    patient,
    report,
    session,
)
from telemed.adapters.database.tables import institution as institution_table
from telemed.adapters.jobs.queue import take
from telemed.centres import extensions, migrations
from telemed.centres.ecg.domain import EcgJob
from telemed.domain.audit import AuditRecord
from telemed.domain.jobs import JobKind
from tests.postgres_server import PostgresServer
from tests.telemed.adapters.test_schema import differences

pytestmark = pytest.mark.database

assert extensions()  # bring the tables of the centres to the described schema

TIMES = ("created_at", "seen_at")


def to_revision(connection: sa.Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(files("telemed.adapters.database") / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


@asynccontextmanager
async def at_revision(revision: str, kind: str, folder: Path, server: PostgresServer) -> AsyncIterator[AsyncEngine]:
    made = make_engine(f"sqlite:///{folder}/old.db" if kind == "sqlite" else server.new_database())
    async with made.begin() as connection:
        await connection.run_sync(to_revision, revision)
    yield made
    await made.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
async def at_0014(request: pytest.FixtureRequest, tmp_path: Path, postgres_server: PostgresServer) -> AsyncIterator[AsyncEngine]:
    """A database as it was before jobs were renamed."""
    async with at_revision("0014", request.param, tmp_path, postgres_server) as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
async def at_0016(request: pytest.FixtureRequest, tmp_path: Path, postgres_server: PostgresServer) -> AsyncIterator[AsyncEngine]:
    """A database as it was before walls, passwords, results and identities were made safe."""
    async with at_revision("0016", request.param, tmp_path, postgres_server) as made:
        yield made


async def test_jobs_that_wait_under_their_old_names_are_renamed(at_0014: AsyncEngine) -> None:
    now = utc_now()
    renamed = {
        "place-study": JobKind.MATCH_STUDY,
        "place-waiting": JobKind.MATCH_UNMATCHED,
        "place-step": JobKind.MATCH_STEP,
        "raise-found": EcgJob.OPEN_DETECTED_CRITICALS,
        "read-ecg": EcgJob.READ,
        "complete-study": JobKind.COMPLETE_STUDY,
    }
    times = {"created_at": now, "run_after": now, "attempts": 0}
    rows = [{"kind": old, "payload": {"number": n}, "waiting_key": f"{n}", **times} for n, old in enumerate(renamed)]
    async with at_0014.begin() as connection:
        await connection.execute(sa.insert(job), rows)
    await migrate(at_0014, migrations())
    taken = await take(at_0014, now, 50)
    assert [(line.kind, line.payload["number"]) for line in taken] == [(kind, n) for n, kind in enumerate(renamed.values())]


OLD_TABLES = (
    "institution", "person", "case", "evidence", "dicom_study", "dicom_series", "dicom_instance", "application_entity", "device_call",
)  # fmt: skip


def old_rows(connection: sa.Connection) -> None:
    """Two cases with one study: sent by a device and linked to the first, of which a hub's reader attached an image to the second.
    The member attached one to the first."""
    old = sa.MetaData()
    old.reflect(connection, only=OLD_TABLES)
    now = utc_now()

    def put(table: str, **values: object) -> None:
        """A row of which the test says what it is about; what else must be there is empty."""
        filled: dict[str, object] = {}
        for column in old.tables[table].columns:
            if column.name in values or column.nullable or column.server_default is not None or column.name == "id":
                continue
            kind = column.type.python_type
            filled[column.name] = now if kind is datetime else {} if kind in (object, dict) else kind()
        connection.execute(old.tables[table].insert().values(filled | values))

    for code, level in (("CLINIC1", "member"), ("HUBA", "sub-hub")):
        put("institution", code=code, name=code, level=level)
    for username, institution in (("clinic1", "CLINIC1"), ("reader", "HUBA")):
        put("person", username=username, institution=institution)
    for id_, by, facts in (("linked", "system", {"rule": "accession-number"}), ("borrowed", "reader", {"modality": "CT"})):
        put("case", id=id_, member="CLINIC1", accession_number=id_)
        put("evidence", id=id_, case_id=id_, type="dicom-study", added_by=by, study_instance_uid="1.2", instances=3, facts=facts)
    for title, calls_from, refused in (("CT1", "", ""), ("CT2", "", "network"), ("CT3", "10.0.0.0/8", ""), ("CT4", "", None)):
        put("application_entity", title=title, institution="CLINIC1", calls_from=calls_from)
        if refused is not None:
            put("device_call", title=title, address="192.0.2.7", refused=refused)
    put("device_call", title="CLINIC1", address="192.0.2.8", refused="")
    put("dicom_study", id=1, owner="CLINIC1", study_instance_uid="1.2")
    put("dicom_series", id=1, study_id=1, series_instance_uid="1.2.1")
    for uid, via, address in (("1", "dimse", "10.0.0.1"), ("2", "upload", "upload:clinic1"), ("3", "upload", "upload:reader")):
        about = {"owner": "CLINIC1", "sop_instance_uid": uid, "received_by": via, "peer_address": address, "object_key": uid}
        put("dicom_instance", id=int(uid), series_id=1, **about)


async def test_a_study_that_a_hub_attached_is_evidence_as_far_as_it_attached_it(at_0016: AsyncEngine) -> None:
    async with at_0016.begin() as connection:
        await connection.run_sync(old_rows)
    await migrate(at_0016, migrations())
    e, x = evidence.c, case_instance.c
    async with at_0016.connect() as connection:
        assert {(row.case_id, row.whole) for row in await connection.execute(sa.select(e.case_id, e.whole))} == {
            ("linked", True),
            ("borrowed", False),
        }
        received = await connection.execute(sa.select(x.case_id, x.sop_instance_uid, x.owner, x.study_instance_uid, x.alone))
        assert set(map(tuple, received)) == {("linked", "2", "CLINIC1", "1.2", True), ("borrowed", "3", "CLINIC1", "1.2", True)}


async def test_a_device_that_might_call_from_anywhere_calls_from_where_it_was_let_in_last(at_0016: AsyncEngine) -> None:
    async with at_0016.begin() as connection:
        await connection.run_sync(old_rows)
    await migrate(at_0016, migrations())
    a = application_entity.c
    async with at_0016.connect() as connection:
        rows = (await connection.execute(sa.select(a.title, a.calls_from, a.certificates))).all()
    assert {row.title: (set(row.calls_from), set(row.certificates)) for row in rows} == {
        "CT1": ({"192.0.2.7"}, set()),
        "CT2": (set(), set()),
        "CT3": ({"10.0.0.0/8"}, set()),
        "CT4": (set(), set()),
    }


async def test_failures_so_far_slow_their_accounts_and_sessions_go_on(at_0016: AsyncEngine) -> None:
    now = utc_now()
    institution = {"code": "A", "name": "A", "name_en": "A", "level": "member", "city": "", "district": "", "active": True}
    state = {"failed": (3, None), "locked": (0, now), "sound": (0, None)}
    common = {"name": "", "institution": "A", "roles": "", "centres": "", "password_hash": "x"}
    old = sa.table("person", *map(sa.column, (*common, "username", "failures")), sa.column("locked_until", sa.DateTime(timezone=True)))
    people = [common | {"username": name, "failures": failures, "locked_until": until} for name, (failures, until) in state.items()]
    begun = sa.table("session", *map(sa.column, ("token_digest", "username")), *(sa.column(c, session.c[c].type) for c in TIMES))
    async with at_0016.begin() as connection:
        await connection.execute(sa.insert(institution_table).values(institution))
        await connection.execute(sa.insert(old), people)
        await connection.execute(sa.insert(begun).values(token_digest="d", username="sound", created_at=now, seen_at=now))
    await migrate(at_0016, migrations())
    async with at_0016.connect() as connection:
        counts = (await connection.execute(sa.select(password_attempt).order_by(password_attempt.c.account))).mappings().all()
        sessions = (await connection.execute(sa.select(session))).mappings().all()
    assert [(row["scope"], row["account"], row["origin"], row["count"]) for row in counts] == [
        ("account", "failed", "", 3),
        ("account", "locked", "", 5),
    ]
    assert all(abs(row["last_at"] - utc_now()) < timedelta(minutes=10) for row in counts)
    assert [(row["username"], row["seen_at"], row["address"]) for row in sessions] == [("sound", now, "")]


async def test_records_that_shared_a_master_are_one_person_to_each_member_by_itself(at_0014: AsyncEngine) -> None:
    shared = {"a1": ("CLINIC1", "a1"), "b1": ("CLINIC1", "a1"), "c2": ("CLINIC2", "a1"), "d2": ("CLINIC2", "a1"), "e2": ("CLINIC2", "e2")}
    row = sa.text("INSERT INTO patient (id, master_id, member, name, match_name, sex) VALUES (:id, :master, :member, 'x', 'x', 'male')")
    async with at_0014.begin() as connection:
        await connection.execute(row, [{"id": id_, "master": master, "member": member} for id_, (member, master) in shared.items()])
    await migrate(at_0014, migrations())
    async with at_0014.connect() as connection:
        rows = (await connection.execute(sa.select(patient.c.id, patient.c.master_id, patient.c.local_master_id))).all()
        assert await connection.run_sync(differences) == []
    assert {id_: local for id_, _, local in rows} == {"a1": "a1", "b1": "a1", "c2": "c2", "d2": "c2", "e2": "e2"}
    assert {id_: master for id_, master, _ in rows} == {id_: master for id_, (_, master) in shared.items()}


async def test_studies_that_came_before_state_the_patient_that_they_were_received_with(at_0016: AsyncEngine) -> None:
    now = utc_now().replace(tzinfo=None) if at_0016.dialect.name == "sqlite" else utc_now()
    columns = ("patient_name", "patient_id", "patient_birth_date", "patient_sex")
    as_sent, silent, corrected = ("Zhang^Wei", "P1", "19610305", "M"), (None, None, None, None), ("Wang^Wu", "P9", "19700101", "M")
    studies = [
        {"id": number, "owner": "CLINIC1", "study_instance_uid": f"1.{number}", "first_received_at": now, "last_received_at": now}
        | dict(zip(columns, values, strict=True))
        for number, values in enumerate((as_sent, silent, corrected), 1)
    ]
    originals = [
        {"study_id": 3, "keyword": "PatientName", "original": "Li^Si", "corrected_at": now},
        {"study_id": 3, "keyword": "AccessionNumber", "original": "A1", "corrected_at": now},
    ]
    async with at_0016.begin() as connection:
        await connection.execute(sa.insert(dicom_study), studies)
        await connection.execute(sa.insert(dicom_correction), originals)
    await migrate(at_0016, migrations())
    async with at_0016.connect() as connection:
        found = [await connection.run_sync(stated_patients, number) for number in (1, 2, 3)]
    assert found == [[StatedPatient(*as_sent)], [StatedPatient(*silent)], [StatedPatient("Li^Si", "P9", "19700101", "M")]]
    async with at_0016.begin() as connection:  # an instance that comes now states nothing new
        await connection.run_sync(enter_stated_patients, [(1, StatedPatient(*as_sent))])
        assert await connection.run_sync(stated_patients, 1) == [StatedPatient(*as_sent)]


async def test_open_cases_that_were_there_before_are_compared(at_0016: AsyncEngine) -> None:
    now = utc_now().replace(tzinfo=None) if at_0016.dialect.name == "sqlite" else utc_now()
    async with at_0016.begin() as connection:
        old = await connection.run_sync(lambda sync: sa.Table("case", sa.MetaData(), autoload_with=sync))
        for number, status in enumerate(("draft", "requested", "in-progress", "completed", "cancelled")):
            row = {"id": f"{number}", "centre": "imaging", "kind": "diagnosis", "priority": "routine", "rank": 3, "status": status, "accession_number": f"{number}",
                   "member": "CLINIC1", "patient_id": "1", "patient_name": "张伟", "patient_sex": "male", "request": {}, "route": [], "created_by": "clinic1",
                   "created_at": now, "readers": []}  # fmt: skip
            await connection.execute(sa.insert(old), row)
    await migrate(at_0016, migrations())
    taken = await take(at_0016, utc_now(), 50)
    assert sorted((line.kind, line.payload["case_id"]) for line in taken) == [(JobKind.COMPARE_IDENTITIES, f"{n}") for n in range(3)]
    async with at_0016.connect() as connection:
        assert set((await connection.execute(sa.select(case.c.identity_open))).scalars()) == {False}


OLD_RECORD = sa.table(
    "audit", *map(sa.column, ["position", "at", "action", "actor", "institution", "subject", "outcome", "detail", "previous", "digest"])
)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_a_trail_of_before_it_had_digests_of_the_record_goes_on(kind: str, tmp_path: Path, postgres_server: PostgresServer) -> None:
    """Its records keep their digests, which are computed here as they were then."""
    engine = make_engine(f"sqlite:///{tmp_path}/old.db" if kind == "sqlite" else postgres_server.new_database())
    old, previous, at = [], "0" * 64, datetime(2026, 1, 31, 8, 15, tzinfo=UTC)
    for position in range(1, 4):
        fields = ["2026-01-31T08:15:00.000000+00:00", "case:read", "reader", "HUBA", "case/1", "success", {"文": [1.5, None]}]
        content = json.dumps([position, previous, *fields], ensure_ascii=False, separators=(",", ":"))
        digest = hashlib.sha256(content.encode()).hexdigest()
        named = dict(zip(("action", "actor", "institution", "subject", "outcome"), fields[1:6], strict=True))
        old.append({"position": position, "at": at, **named, "detail": fields[6], "previous": previous, "digest": digest})
        previous = digest
    typed = OLD_RECORD.insert().values({c.name: sa.bindparam(c.name, type_=audit.c[c.name].type) for c in OLD_RECORD.c})
    async with engine.begin() as connection:
        await connection.run_sync(to_revision, "0016")
        await connection.execute(typed, old)
    await migrate(engine, migrations())
    async with engine.begin() as connection:
        await append(connection, [AuditRecord(at, "case:read", "reader", "HUBA", "case/2", "success", {})], {"consent/1": "1:x"})
    trail = await walk_trail(engine)
    assert (trail.records, trail.faults, trail.attested) == (4, [], {"consent/1": "1:x"})
    await engine.dispose()


def type_of(name: str) -> sa.types.TypeEngine[object]:
    """The type of a column of reports, that of before among them."""
    return sa.Boolean() if name == "positive" else report.c[name].type


async def test_a_released_report_keeps_the_result_that_was_printed_and_a_draft_has_none(at_0016: AsyncEngine) -> None:
    now = utc_now()
    case = {"id": "c", "centre": "imaging", "kind": "diagnosis", "priority": "routine", "rank": 3, "status": "completed", "patient_id": "p",
            "patient_name": "n", "patient_sex": "male", "accession_number": "1", "member": "CLINIC1", "request": {}, "route": [],
            "created_by": "clinic1", "created_at": now, "readers": []}  # fmt: skip
    always = {"case_id": "c", "kind": "original", "revision": 1, "sections": {}, "reason": "", "hub": "HUBA", "author": "a", "review_note": "",
              "created_at": now, "updated_at": now, "verification_code": "", "pdf_key": "", "pdf_sha256": ""}  # fmt: skip
    then = (
        ("final", True, now, "positive"),
        ("final", False, now, "negative"),
        ("entered-in-error", False, now, "negative"),
        ("partial", False, None, "not-judged"),
        ("preliminary", False, None, "not-judged"),
        ("partial", True, None, "positive"),
    )
    rows = [
        always | {"version": n, "status": status, "positive": positive, "released_at": released}
        for n, (status, positive, released, _) in enumerate(then)
    ]
    async with at_0016.begin() as connection:
        await connection.execute(sa.insert(metadata.tables["case"]), case)
        old = sa.table("report", *(sa.column(name, type_of(name)) for name in rows[0]))
        await connection.execute(sa.insert(old), rows)
    await migrate(at_0016, migrations())
    async with at_0016.connect() as connection:
        found = await connection.execute(sa.select(report.c.result, report.c.acknowledged).order_by(report.c.version))
    assert [tuple(row) for row in found] == [(result, []) for *_, result in then]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_people_of_before_profiles_go_on_and_their_passwords_are_as_old_as_the_upgrade(
    kind: str, tmp_path: Path, postgres_server: PostgresServer
) -> None:
    async with at_revision("0022", kind, tmp_path, postgres_server) as engine:
        institution = {"code": "A", "name": "A", "name_en": "A", "level": "member", "city": "", "district": "", "active": True}
        values = {"username": "p", "name": "", "institution": "A", "roles": "", "centres": "", "password_hash": "x"}
        now = utc_now()
        begun = sa.table("session", *map(sa.column, ("token_digest", "username")), *(sa.column(c, session.c[c].type) for c in TIMES))
        async with engine.begin() as connection:
            await connection.execute(sa.insert(institution_table).values(institution))
            await connection.execute(sa.insert(sa.table("person", *map(sa.column, values))).values(values))
            await connection.execute(sa.insert(begun).values(token_digest="d", username="p", created_at=now, seen_at=now))
        await migrate(engine, migrations())
        async with engine.connect() as connection:
            kept = (await connection.execute(sa.select(metadata.tables["person"]))).mappings().one()
            required = (await connection.execute(sa.select(session.c.required))).scalar_one()
            assert await connection.run_sync(differences) == []
        assert (kept["must_change_password"], required) == (False, frozenset())
        assert abs(kept["password_changed_at"] - utc_now()) < timedelta(minutes=10)
