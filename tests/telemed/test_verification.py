"""`telemed verify`: whatever is changed in a copy of an installation, in rows or objects, is named; what is whole is said to be whole."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from storage import ObjectStore
from telemed.adapters.audit.anchor_key import load_signer
from telemed.adapters.audit.anchors import FOLDER
from telemed.adapters.database import tables as t
from telemed.service import case_request
from telemed.settings import Settings
from tests.installation import ROOT
from tests.postgres_server import PostgresServer
from tests.telemed.attacks import ATTACKS, Copy, copied, flip, one_of_everything, renamed, without_anchors_and_key
from tests.telemed.harness import Harness

pytestmark = pytest.mark.database

CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2
"""linux/capability.h: who has them writes where the permissions forbid it."""
PR_CAPBSET_DROP = 24


@pytest.fixture
async def whole(harness: Harness, store: ObjectStore, tmp_path: Path, database_url: str, server: Callable[[], PostgresServer]) -> Copy:
    """A copy with one of everything, which nobody has open."""
    source = tmp_path
    (source / "keys").mkdir(exist_ok=True)
    await one_of_everything(harness, store, source / "keys")
    await harness.application.engine.dispose()
    return copied(source, database_url, tmp_path / "whole", server)


async def test_what_is_whole_is_said_to_be_whole(whole: Copy) -> None:
    status, words = await whole.verify()
    assert status == 0, words
    assert "records, the chain is whole" in words
    assert "1 released reports, 1 patients at release, 1 consents, 1 critical values, 1 records of patients, 1 entries of files" in words
    assert "the newest is of" in words
    assert "signed with a key of the data folder" in words, "how much it is worth is said"
    assert words.rstrip().endswith("verified: no fault was found")


async def test_whatever_is_changed_is_named(whole: Copy, tmp_path: Path, server: Callable[[], PostgresServer]) -> None:
    """One change at a time, each on a copy of its own."""
    (report,) = await whole.rows(t.report)
    ids = {"CASE": report["case_id"], "END": str(len(await whole.rows(t.audit)))}
    for name, table in {"PATIENT": t.patient, "CRITICAL": t.critical_value, "EVIDENCE": t.evidence}.items():
        (ids[name],) = (row["id"] for row in await whole.rows(table.c.id))
    missed = {}
    for number, (name, (attack, expected)) in enumerate(ATTACKS.items()):
        copy = copied(whole.settings.data_dir, whole.settings.database_url or "sqlite", tmp_path / f"copy{number}", server)
        await attack(copy)
        status, words = await copy.verify()
        for word, value in ids.items():
            expected = expected.replace(word, value)
        if status != 1 or expected not in words:
            missed[name] = (status, expected, words)
        if copy.settings.database_url:
            server().drop(copy.settings.database_url)
        shutil.rmtree(copy.settings.data_dir)
    assert missed == {}


async def test_what_lies_elsewhere_contradicts_a_trail_and_anchors_that_were_made_anew(
    whole: Copy, tmp_path: Path, server: Callable[[], PostgresServer]
) -> None:
    """Who can write everywhere in the data folder makes all of it anew unseen, as the proof says; a further place tells."""
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(whole.objects / FOLDER, elsewhere)
    shutil.copyfile(whole.keys / "audit.pem", tmp_path / "kept.pem")
    await without_anchors_and_key(whole)
    await whole.make_trail_anew(renamed)
    await whole.note_end_anew()
    status, words = await whole.verify()
    assert status == 0
    assert "could make trail and anchors anew" in words
    assert "anchors are signed with another key since record" in words
    more = {"audit_places": elsewhere.as_uri()}
    guarded = Copy(Settings(data_dir=whole.settings.data_dir, database_url=whole.settings.database_url, **more))
    status, words = await guarded.verify()
    assert status == 1
    assert f"{elsewhere}: the note of the trail's end" in words, "the key that it is signed with is gone"
    public = load_signer(tmp_path / "kept.pem", make=False).key.public_key()
    (tmp_path / "kept.pub").write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    proved = Copy(guarded.settings.model_copy(update={"audit_public_keys": str(tmp_path / "kept.pub")}))
    status, words = await proved.verify()
    assert status == 1
    assert f"{elsewhere}: record " in words
    assert "is not the one that was there at" in words


async def test_all_faults_are_named_at_once(whole: Copy, capsys: pytest.CaptureFixture[str]) -> None:
    (report,) = await whole.rows(t.report)
    await whole.sql(
        "UPDATE audit SET actor = 'nobody' WHERE position IN (2, 5)",
        "DELETE FROM consent",
        "UPDATE critical_value SET finding = 'x'",
    )
    for file in whole.objects.glob("reports/*/*"):
        file.unlink()
    for file in whole.objects.glob("evidence/*/*"):
        flip(file)
    status, words = await whole.verify()
    assert status == 1
    for said in ("record 2 was changed", "record 5 was changed", "consent 1 is missing", "critical value", f"reports/{report['case_id']}"):
        assert said in words
    assert words.rstrip().endswith("verified: 6 faults: 2 of audit, 2 of record, 2 of objects")


async def test_more_faults_than_anybody_reads_are_counted(whole: Copy, harness: Harness) -> None:
    rows = [{"position": 1000 + n, "previous": "x"} for n in range(150)]
    (first, *_) = await whole.rows(t.audit)
    await whole.sql(*(sa.insert(t.audit).values(**(dict(first) | row)) for row in rows))
    status, words = await whole.verify()
    assert status == 1
    assert words.count("does not follow the record before it") + words.count("are missing") == 100
    assert "and 50 faults more" in words


def verify_as_reader(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """`telemed verify` as somebody whom permissions bind."""

    def bound() -> None:
        for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
            ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)

    environment = os.environ | {"TELEMED_DATA_DIR": str(folder), "PYTHONPATH": str(ROOT)}
    command = (sys.executable, "-m", "telemed", "verify", *words)
    return subprocess.run(command, env=environment, cwd=ROOT, preexec_fn=bound, capture_output=True, text=True, check=False)


def set_writable(folder: Path, writable: bool) -> None:
    for place, _, files in os.walk(folder):
        for name in files:
            (Path(place) / name).chmod(0o600 if writable else 0o400)
        Path(place).chmod(0o700 if writable else 0o500)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the files of PostgreSQL are its server's
@pytest.mark.parametrize("left", [(), ("-wal",), ("-wal", "-shm")], ids=["closed", "log", "log and index"])
async def test_a_copy_that_cannot_be_written_is_proved_to_its_last_transaction(
    harness: Harness, store: ObjectStore, tmp_path: Path, left: tuple[str, ...]
) -> None:
    """A copy on a medium that is written once, with what the copier found beside the database."""
    (tmp_path / "keys").mkdir(exist_ok=True)
    case = await one_of_everything(harness, store, tmp_path / "keys")
    if not left:
        await harness.application.engine.dispose()
    else:
        await harness.do("clinic1", case_request.acknowledge_report, case.id)
    folder = tmp_path / "copy"
    for part in ("objects", "keys"):
        shutil.copytree(tmp_path / part, folder / part)
    for empty in ("incoming", "unsettled"):
        shutil.rmtree(folder / "objects" / empty)
    for end in ("", *left):
        shutil.copyfile(tmp_path / f"telemed.db{end}", folder / f"telemed.db{end}")
    async with harness.application.engine.connect() as connection:
        records = (await connection.execute(sa.select(sa.func.count()).select_from(t.audit))).scalar_one()
    before = contents(folder)
    set_writable(folder, writable=False)
    try:
        proof = verify_as_reader(folder)
        told = verify_as_reader(folder, "--json")
    finally:
        set_writable(folder, writable=True)
    assert proof.returncode == 0, proof.stderr
    assert f"audit: {records} records, the chain is whole" in proof.stderr
    assert contents(folder) == before
    found = json.loads(told.stdout)
    assert (found["whole"], found["faults"], [part["name"] for part in found["parts"]]) == (
        True,
        0,
        ["audit", "record", "objects", "laboratory messages"],
    )


async def test_what_is_older_than_digests_is_counted(whole: Copy) -> None:
    """An installation that was brought to this version: its rows are on no record by digest, and no fault."""
    await whole.make_trail_anew(lambda rows: [row | {"attested": None} for row in rows if row["action"] != "audit:key"])
    for file in (*whole.objects.glob(f"{FOLDER}*"), whole.keys / "audit.pem"):
        file.unlink()
    await whole.sql("DELETE FROM audit_check")
    status, words = await whole.verify()
    assert status == 0, words
    assert "0 released reports, 0 patients at release" in words
    assert (
        "older than digests of the record, so that no more can be said: 1 released reports, 1 patients at release, 1 consents, "
        "1 critical values, 1 records of patients, 1 entries of files" in words
    )


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # PostgreSQL takes nothing that its types do not allow
async def test_a_row_that_cannot_be_read_is_named_and_the_others_proved(whole: Copy) -> None:
    await whole.sql("UPDATE critical_value SET found_at = 'never'", "UPDATE report SET sections = 'no'")
    status, words = await whole.verify()
    assert status == 1
    assert "critical value" in words
    assert words.count("cannot be read any more") == 2
    assert "1 consents" in words


async def test_a_database_of_nothing_is_whole(harness: Harness, tmp_path: Path, database_url: str) -> None:
    with suppress(FileNotFoundError):
        shutil.rmtree(tmp_path / "objects")
    status, words = await Copy(Settings(data_dir=tmp_path, database_url=database_url)).verify()
    assert status == 0, words
    assert "0 records" in words
    assert not (tmp_path / "objects").exists(), "nothing is written"
