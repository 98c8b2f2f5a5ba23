"""The worker makes backups by itself, at the times that the settings name; the system administrator and the metrics see them."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from pydantic import ValidationError

from storage import open_store
from telemed import bootstrap
from telemed.adapters.backup.schedule import BackupSchedule, last_due
from telemed.adapters.database import tables as t
from telemed.adapters.database.engine import make_engine
from telemed.service.administration import BACKUP_LATE, BackupState
from telemed.settings import Settings
from tests.demo_region import DemoRegion, put_in_place
from tests.telemed.backup.copies import Backups
from tests.telemed.harness import Harness
from tests.telemed.test_image_quality import work_until

SHANGHAI = ZoneInfo("Asia/Shanghai")
TIMES = (time(2, 30), time(14, 30))


def local(hour: int, minute: int, second: int = 0) -> datetime:
    return datetime(2026, 11, 18, hour, minute, second, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("now", "due"),
    [
        (local(2, 29, 59), local(14, 30) - timedelta(days=1)),
        (local(2, 30), local(2, 30)),
        (local(2, 30, 1), local(2, 30)),
        (local(14, 29, 59), local(2, 30)),
        (local(14, 30), local(14, 30)),
        (local(23, 59), local(14, 30)),
    ],
)
def test_the_newest_time_of_day_counts(now: datetime, due: datetime) -> None:
    assert last_due(now.astimezone(UTC), TIMES, SHANGHAI) == due


@pytest.mark.parametrize("text", ["", "25:00", "2.30", "02:30;14:30", ","])
def test_what_is_no_time_of_day_is_said_at_the_start(text: str) -> None:
    with pytest.raises(ValidationError, match="give times of day such as"):
        Settings(backup_at=text)


@pytest.mark.parametrize(
    ("age", "late"), [(BACKUP_LATE - timedelta(seconds=1), False), (BACKUP_LATE, False), (BACKUP_LATE + timedelta(seconds=1), True)]
)
def test_after_a_day_and_two_hours_it_is_late(age: timedelta, late: bool) -> None:
    now = datetime(2026, 11, 18, tzinfo=UTC)
    assert BackupState("", "", now - age, 0, 0, "", None).is_late(now) is late
    assert BackupState("", "", None, 0, 0, "", None).is_late(now)


@pytest.mark.database
async def test_it_is_asked_for_once_at_each_time(harness: Harness) -> None:
    engine = harness.application.engine
    workers = [BackupSchedule(engine, TIMES, SHANGHAI) for _ in range(3)]
    assert [await each(local(2, 31)) for each in workers] == [True, False, False]
    jobs = t.job.c
    async with engine.begin() as connection:
        waiting = (await connection.execute(sa.select(jobs.id).where(jobs.kind == "back-up"))).scalars().all()
        assert len(waiting) == 1
        await connection.execute(sa.update(t.job).where(jobs.kind == "back-up").values(done_at=local(2, 40), waiting_key=None))
        run = {
            "started_at": local(2, 31),
            "ended_at": local(2, 40),
            "target": "x",
            "snapshot": "s",
            "objects": 1,
            "bytes": 1,
            "copied_bytes": 1,
        }
        await connection.execute(sa.insert(t.backup_run).values(**run, faults=0, error=""))
    assert not await workers[0](local(14, 29))
    assert await workers[0](local(14, 30))


async def test_the_worker_makes_it_and_does_not_write_where_it_is_gone(tmp_path: Path) -> None:
    place = tmp_path / "backups"
    (tmp_path / "data").mkdir()
    settings = Settings(data_dir=tmp_path / "data", backup=str(place), backup_at="00:00")
    await put_in_place(settings)
    async with bootstrap.open_parts(settings) as parts:
        worker = bootstrap.worker(parts)
        runs = sa.select(t.backup_run).order_by(t.backup_run.c.id)

        async def made() -> bool:
            async with parts.application.engine.connect() as connection:
                return bool((await connection.execute(runs)).first())

        await work_until(worker, made)
        assert (await Backups(settings, str(place)).check())[0] == 0
        shutil.rmtree(place)
        async with parts.application.engine.begin() as connection:
            await connection.execute(sa.update(t.backup_run).values(started_at=parts.application.now() - timedelta(days=1)))

        async def failed() -> bool:
            async with parts.application.engine.connect() as connection:
                return any(row.error for row in await connection.execute(runs))

        await work_until(worker, failed)
        async with parts.application.engine.connect() as connection:
            newest = (await connection.execute(runs)).all()[-1]
        assert "is gone: is the disk mounted?" in newest.error
        store = open_store(place.as_uri(), read_only=True)
        assert [key async for key in store.list()] == []
        await store.close()


async def test_the_system_page_and_the_metrics_tell_of_it(region: DemoRegion) -> None:
    engine, now = make_engine(region.parts.settings.database), region.parts.application.now()
    look, headers = ("GET", "/system/state?lang=en"), {"Accept": "text/html"}
    page = (await region.call(*look, user="sysadmin", headers=headers)).body.decode()
    assert "No backup was made yet." in page
    assert b"telemed_backup_age_seconds NaN" in (await region.call("GET", "/metrics")).body
    run = {"target": "s3://bucket", "snapshot": "20261118T023000Z", "objects": 5, "bytes": 5_000_000, "copied_bytes": 1, "faults": 0}
    moments = {"started_at": now - timedelta(hours=25), "ended_at": now}
    async with engine.begin() as connection:
        await connection.execute(sa.insert(t.backup_run).values(**run, **moments, error=""))
    page = (await region.call(*look, user="sysadmin", headers=headers)).body.decode()
    assert "20261118T023000Z" in page
    assert "5.0 MB" in page
    assert "older than 26 hours" not in page
    async with engine.begin() as connection:
        await connection.execute(sa.update(t.backup_run).values(started_at=now - timedelta(hours=27), faults=3))
        await connection.execute(sa.insert(t.backup_run).values(**run, **moments, error="The folder is full."))
    page = (await region.call(*look, user="sysadmin", headers=headers)).body.decode()
    assert "older than 26 hours" in page
    assert "3 objects on record were missing" in page
    assert "The folder is full." in page
    metrics = (await region.call("GET", "/metrics")).body.decode()
    (age,) = (float(line.split()[1]) for line in metrics.splitlines() if line.startswith("telemed_backup_age_seconds "))
    assert age >= timedelta(hours=27).total_seconds()
    for other in ("operator", "secadmin", "auditor", "clinic1"):
        assert (await region.call(*look, user=other, headers=headers)).status == 403
    await engine.dispose()
