"""An installation with one of everything, copies of it, and what somebody with every right on database and store could do to a copy."""

from __future__ import annotations

import io
import json
import shutil
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from rich.console import Console

from dicom_gateway import Intake
from storage import ObjectStore, open_store
from telemed.adapters.audit.anchors import FOLDER, AuditAnchors
from telemed.adapters.audit.chain import GENESIS, digest_of
from telemed.adapters.audit.watch import AuditWatch
from telemed.adapters.database import tables as t
from telemed.adapters.database.engine import make_engine
from telemed.adapters.dicom.study_intake import DicomStudyIntake
from telemed.domain.case import Case
from telemed.domain.consent import ConsentGiver
from telemed.service import case_request, criticals
from telemed.service.files import attach_file
from telemed.settings import Settings
from telemed.verification import verify_installation
from tests.postgres_server import PostgresServer
from tests.telemed.adapters.test_object_sweep import content
from tests.telemed.harness import Harness

GUARDS = {
    "sqlite": tuple(f"DROP TRIGGER IF EXISTS audit_{name}" for name in ("no_update", "no_delete", "at_end")),
    "postgresql": ("ALTER TABLE audit DISABLE TRIGGER ALL",),
}


async def one_of_everything(harness: Harness, store: ObjectStore, keys: Path) -> Case:
    """A released report with consent, a critical value that was acted on, a file; and the end of the trail noted."""
    application = harness.application
    case = await harness.written()
    await harness.save(case.id, "imaging.huba", {"findings": "左侧基底节区见团块状高密度影。", "impression": "左侧基底节区脑出血。"})
    await harness.do("clinic1", case_request.record_consent, case.id, ConsentGiver.PATIENT, "张伟", None)
    studies = DicomStudyIntake(Intake(application.engine, store), application.engine)
    await attach_file(application, studies, harness.people["clinic1"], case.id, "letter.pdf", content())
    value = await harness.do("imaging.huba", criticals.declare_critical, case.id, "急性颅内出血")
    await harness.do("imaging.huba", criticals.notify_critical, case.id, value.id, "陶小满", "电话", True)
    await harness.do("clinic1", criticals.acknowledge_critical, case.id, value.id)
    await harness.do("clinic1", criticals.act_on_critical, case.id, value.id, "已转上级医院")
    await harness.sign(case.id, "imaging.huba")
    await AuditAnchors(application.engine, store, keys / "audit.pem")(harness.clock())
    await AuditWatch(application.engine)(harness.clock())
    return case


@dataclass(frozen=True)
class Copy:
    """A copy of an installation, its folder and its database."""

    settings: Settings

    @property
    def objects(self) -> Path:
        return self.settings.data_dir / "objects" / "objects"

    @property
    def keys(self) -> Path:
        return self.settings.data_dir / "keys"

    async def sql(self, *statements: str | sa.Executable) -> None:
        """Carry out, the guards of the trail taken away first."""
        engine = make_engine(self.settings.database)
        try:
            async with engine.begin() as connection:
                for guard in GUARDS[engine.dialect.name]:
                    await connection.exec_driver_sql(guard)
                for statement in statements:
                    await connection.execute(sa.text(statement) if isinstance(statement, str) else statement)
        finally:
            await engine.dispose()

    async def rows(self, *wanted: sa.Table | sa.Column[Any]) -> Sequence[Any]:
        engine = make_engine(self.settings.database)
        try:
            async with engine.connect() as connection:
                return (await connection.execute(sa.select(*wanted))).mappings().all()
        finally:
            await engine.dispose()

    async def make_trail_anew(self, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
        """The trail as `change` wants it, every digest computed again: its chain is whole."""
        wanted, previous, made = change([dict(row) for row in await self.rows(t.audit)]), GENESIS, []
        for position, row in enumerate(wanted, 1):
            digest = digest_of(position, previous, row)
            made.append(row | {"position": position, "previous": previous, "digest": digest})
            previous = digest
        await self.sql("DELETE FROM audit", *([sa.insert(t.audit).values(made)] if made else []))

    async def verify(self) -> tuple[int, str]:
        """Exit status and words of the proof."""
        words = io.StringIO()
        status = await verify_installation(self.settings, Console(file=words, width=1000))
        return status, words.getvalue()

    async def note_end_anew(self) -> None:
        """As the worker would, with the keys of this copy."""
        engine, store = make_engine(self.settings.database), open_store(self.settings.storage)
        row = (await self.rows(t.audit))[-1]
        await AuditAnchors(engine, store, self.keys / "audit.pem")(row["at"])
        await engine.dispose()
        await store.close()


def copied(source: Path, url: str, folder: Path, server: Callable[[], PostgresServer], **settings: Any) -> Copy:
    """Copy objects, keys and database. Whoever copies a PostgreSQL database has let go of it."""
    shutil.copytree(source / "objects", folder / "objects")
    shutil.copytree(source / "keys", folder / "keys")
    if url.startswith("sqlite"):
        with sqlite3.connect(source / "telemed.db") as one, sqlite3.connect(folder / "telemed.db") as other:
            one.backup(other)
        one.close()
        other.close()
        return Copy(Settings(data_dir=folder, **settings))
    return Copy(Settings(data_dir=folder, database_url=server().new_database(like=url), **settings))


Attack = Callable[[Copy], Awaitable[None]]


def by_sql(*statements: str) -> Attack:
    async def attack(copy: Copy) -> None:
        await copy.sql(*statements)

    return attack


def by_files(pattern: str, change: Callable[[Path], object]) -> Attack:
    async def attack(copy: Copy) -> None:
        files = [file for file in copy.objects.glob(pattern) if file.is_file()]
        assert files, pattern
        for file in files:
            change(file)

    return attack


def flip(file: Path) -> None:
    """Change one bit in the middle."""
    bytes_ = bytearray(file.read_bytes())
    bytes_[len(bytes_) // 2] ^= 1
    file.chmod(0o600)
    file.write_bytes(bytes_)


def anew(change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> Attack:
    async def attack(copy: Copy) -> None:
        await copy.make_trail_anew(change)

    return attack


def renamed(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    rows[3]["actor"] = "nobody"
    return rows


def undigested(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row | {"attested": None} for row in rows]


async def without_anchors_and_key(copy: Copy) -> None:
    """Whatever lies in store and data folder to prove the end by is taken out."""
    for file in (*copy.objects.glob(f"{FOLDER}*"), copy.keys / "audit.pem"):
        file.unlink()


async def date_anchor_back(copy: Copy) -> None:
    (anchor,) = copy.objects.glob(f"{FOLDER}*")
    kept = json.loads(anchor.read_bytes())
    anchor.write_text(json.dumps(kept | {"position": kept["position"] - 3}))


ONE_MORE_CONSENT = """INSERT INTO consent (case_id, giver, signed_name, evidence_id, recorded_by, recorded_at)
    SELECT case_id, giver, '李四', evidence_id, recorded_by, recorded_at FROM consent"""

PUT_REPORT_IN = """INSERT INTO report (case_id, version, kind, status, revision, sections, result, acknowledged, reason, hub, author, reviewer, review_note,
    created_at, updated_at, signed_at, reviewed_at, released_at, verification_code, pdf_key, pdf_sha256)
    SELECT case_id, 2, kind, status, revision, sections, result, acknowledged, reason, hub, author, reviewer, review_note,
    created_at, updated_at, signed_at, reviewed_at, released_at, verification_code, pdf_key, pdf_sha256 FROM report"""

ATTACKS: dict[str, tuple[Attack, str]] = {
    "text of a report": (by_sql("""UPDATE report SET sections = '{"findings": "无", "impression": "无"}'"""), "released report CASE, version 1, was changed"),
    "result of a report": (by_sql("UPDATE report SET result = 'negative'"), "released report CASE, version 1, was changed"),
    "author of a report": (by_sql("UPDATE report SET author = 'imaging.hubb'"), "released report CASE, version 1, was changed"),
    "status of a report": (by_sql("UPDATE report SET status = 'amended'"), "released report CASE, version 1, was changed"),
    "report that is no longer released": (by_sql("UPDATE report SET released_at = NULL"), "released report CASE, version 1, is missing"),
    "report taken out": (by_sql("DELETE FROM report"), "released report CASE, version 1, is missing"),
    "report put in": (by_sql(PUT_REPORT_IN), "released report CASE, version 2, is on no record of the trail"),
    "name at release": (by_sql("UPDATE \"case\" SET patient_name = '李四'"), "patient at release of case CASE was changed"),
    "birth date at release": (by_sql("UPDATE \"case\" SET patient_birth_date = '1950-01-01'"), "patient at release of case CASE was changed"),
    "patient of a case": (by_sql("UPDATE \"case\" SET patient_id = 'x'"), "patient at release of case CASE was changed"),
    "name of a patient": (by_sql("UPDATE patient SET name = '李四'"), "record of patient PATIENT was changed"),
    "telephone of a patient": (by_sql("UPDATE patient SET phone = 'x'"), "record of patient PATIENT was changed"),
    "number of a patient": (by_sql("UPDATE patient_identifier SET value = 'x' WHERE system = 'CLINIC1'"), "record of patient PATIENT was changed"),
    "number taken out": (by_sql("DELETE FROM patient_identifier WHERE system = 'CLINIC1'"), "record of patient PATIENT was changed"),
    "patient taken out": (by_sql("DELETE FROM patient_identifier", "DELETE FROM patient"), "record of patient PATIENT is missing"),
    "consent": (by_sql("UPDATE consent SET signed_name = '李四'"), "consent 1 of case CASE was changed"),
    "consent taken out": (by_sql("DELETE FROM consent"), "consent 1 is missing"),
    "consent put in": (by_sql(ONE_MORE_CONSENT), "consent 2 of case CASE is on no record of the trail"),
    "critical value": (by_sql("UPDATE critical_value SET action = '未处理'"), "critical value CRITICAL of case CASE was changed"),
    "critical value taken out": (by_sql("DELETE FROM critical_value"), "critical value CRITICAL is missing"),
    "file taken out": (by_sql("DELETE FROM evidence"), "entry of file EVIDENCE is missing"),
    "digest of a file": (by_sql("UPDATE evidence SET sha256 = 'x'"), "entry of file EVIDENCE of case CASE was changed"),
    "record changed": (by_sql("UPDATE audit SET actor = 'nobody' WHERE position = 3"), "record 3 was changed"),
    "record taken out": (by_sql("DELETE FROM audit WHERE position = 3"), "record 3 is missing"),
    "end cut off": (by_sql("DELETE FROM audit WHERE position > 6"), "the end was cut off: record END was there at"),
    "end cut off, by how far the worker was": (by_sql("DELETE FROM audit WHERE position > 6"), "the trail ends with 6"),
    "trail emptied": (by_sql("DELETE FROM audit"), "the end was cut off: record END was there at"),
    "trail made anew": (anew(renamed), "record END is not the one that was there at"),
    "trail without its digests": (anew(undigested), "record END is not the one that was there at"),
    "anchors taken out": (by_files(f"{FOLDER}*", Path.unlink), "there is no anchor in the object store, although record"),
    "anchors and key taken out": (without_anchors_and_key, "there is no anchor in the object store, although record"),
    "anchor dated back": (date_anchor_back, "does not bear a signature of this installation"),
    "anchor that is none": (by_files(f"{FOLDER}*", lambda file: file.write_bytes(b"{}")), "the note of the trail's end"),
    "print of a report": (by_files("reports/*/*", flip), ".pdf was changed: its digest is"),
    "print taken out": (by_files("reports/*/*", Path.unlink), ".pdf is missing"),
    "bytes of a file": (by_files("evidence/*/*", flip), "was changed: its digest is"),
    "bytes of a file taken out": (by_files("evidence/*/*", Path.unlink), "is missing"),
}  # fmt: skip
"""What is done to a copy, and what the proof says of it."""
