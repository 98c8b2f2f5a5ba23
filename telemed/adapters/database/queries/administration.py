"""Accounts, installation and audit chain as the administrators see them."""

from __future__ import annotations

import asyncio
import platform
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from storage.space import UNGUARDED, Room, SpaceGuard
from telemed import VERSION
from telemed.adapters.audit import chain as audit_chain
from telemed.adapters.clock import utc_now
from telemed.adapters.database import tables as t
from telemed.adapters.database.queries.accounts import AccountQueries
from telemed.adapters.jobs import queue as jobs
from telemed.adapters.object_sweep import MAX_UNNAMED
from telemed.domain.audit import AuditRecord
from telemed.domain.certificate import Certificate
from telemed.domain.errors import NotFound
from telemed.domain.people import Person
from telemed.domain.policy import Action, require
from telemed.domain.sign_in import LIMITS, Limit, Scope
from telemed.service.administration import (
    EVERYBODY,
    Account,
    AccountFilter,
    AccountPage,
    BackupState,
    ChainState,
    Disk,
    Installation,
    QueuedJob,
    StoreWalk,
)

FAILING = 100
ERROR_LENGTH = 160
NEW, ROUND = "new", "round"


class SqlAdministration:
    """Implements `telemed.service.administration.Administration`. `store`, `data_dir` and `certificates` are shown, not
    used."""

    def __init__(
        self,
        engine: AsyncEngine,
        store: str,
        data_dir: Path,
        space: SpaceGuard = UNGUARDED,
        certificates: Callable[[], Sequence[Certificate]] = tuple,
        limits: Mapping[Scope, Limit] = LIMITS,
    ) -> None:
        self._engine, self._store, self._data_dir, self._space, self._certificates = engine, store, data_dir, space, certificates
        self._limits = limits

    async def _rows(self, query: sa.Executable) -> Sequence[sa.RowMapping]:
        async with self._engine.connect() as bare:
            connection = await bare.execution_options(reading=True)
            return (await connection.execute(query)).mappings().all()

    async def accounts(self, person: Person, wanted: AccountFilter = EVERYBODY, skip: int = 0, limit: int = 200) -> AccountPage:
        require(person, Action.ACCOUNT_READ)
        async with self._engine.connect() as bare:
            connection = await bare.execution_options(reading=True)
            return await AccountQueries(connection, utc_now(), self._limits).page(wanted, skip, limit)

    async def account(self, person: Person, username: str) -> Account:
        require(person, Action.ACCOUNT_READ)
        async with self._engine.connect() as bare:
            connection = await bare.execution_options(reading=True)
            return await AccountQueries(connection, utc_now(), self._limits).one(username)

    async def installation(self, person: Person) -> Installation:
        require(person, Action.SYSTEM_READ)
        j = t.job.c
        open_job = j.done_at.is_(None)
        sqlite = self._engine.dialect.name == "sqlite"
        version = sa.text("SELECT sqlite_version() AS v" if sqlite else "SHOW server_version")
        due = sa.select(sa.func.count().label("n"), sa.func.min(j.run_after).label("oldest")).where(open_job, j.run_after <= utc_now())
        waiting = (await self._rows(due))[0]
        failing = await self._rows(sa.select(t.job).where(open_job, j.error != "").order_by(j.id).limit(FAILING))
        sessions = (await self._rows(sa.select(sa.func.count().label("n")).select_from(t.session)))[0]["n"]
        disk = await asyncio.to_thread(_disk, self._data_dir)
        return Installation(
            version=VERSION,
            python=platform.python_version(),
            database="SQLite" if sqlite else "PostgreSQL",
            database_version=next(iter((await self._rows(version))[0].values())),
            store=self._store,
            sessions=sessions,
            jobs_waiting=waiting["n"],
            jobs_oldest_at=waiting["oldest"],
            disk_free=disk[0] if disk else None,
            disk_total=disk[1] if disk else None,
            failing=[_queued(row) for row in failing],
            walk=await self.store_walk(),
            backup=(backup := await self.backup_state()),
            backup_late=backup.is_late(utc_now()),
            certificates=await asyncio.to_thread(self._certificates),
        )

    async def backup_state(self) -> BackupState:
        r = t.backup_run.c
        made = await self._rows(sa.select(t.backup_run).where(r.error == "").order_by(r.id.desc()).limit(1))
        newest = await self._rows(sa.select(t.backup_run).order_by(r.id.desc()).limit(1))
        failed = newest[0] if newest and newest[0]["error"] else None
        error, failed_at = (failed["error"], failed["started_at"]) if failed else ("", None)
        if not made:
            return BackupState("", "", None, 0, 0, error, failed_at)
        last = made[0]
        return BackupState(last["target"], last["snapshot"], last["started_at"], last["bytes"], last["faults"], error, failed_at)

    async def store_walk(self) -> StoreWalk | None:
        w = t.object_sweep.c
        ended = await self._rows(sa.select(t.object_sweep).where(w.ended_at.is_not(None)).order_by(w.started_at.desc()).limit(1))
        if not ended:
            return None
        unnamed = (await self._rows(sa.select(sa.func.count().label("n")).select_from(t.unnamed_object)))[0]["n"]
        last = ended[0]
        return StoreWalk(last["ended_at"], last["objects"], last["unattributed"], last["example"], unnamed, unnamed > MAX_UNNAMED)

    async def disks(self) -> list[Disk]:
        found = await asyncio.to_thread(self._space.look)
        disks = [Disk(name, d.total, d.free, d.reserve, d.room is not Room.AMPLE, d.room is Room.RESERVED) for name, d in found.items()]
        return sorted(disks, key=lambda disk: disk.free - disk.reserve)

    async def retry_job(self, person: Person, job_id: int) -> None:
        require(person, Action.JOB_RETRY)
        j = t.job.c
        async with self._engine.begin() as connection:
            again = sa.update(t.job).where(j.id == job_id, j.done_at.is_(None), j.error != "")
            done = await connection.execute(again.values(run_after=utc_now(), attempts=0, taken_until=None))
            if not done.rowcount:
                raise NotFound("job", str(job_id))
            record = AuditRecord(utc_now(), Action.JOB_RETRY.value, person.username, person.institution, f"job/{job_id}", "success", {})
            await audit_chain.append(connection, [record])

    async def chain_state(self, person: Person) -> ChainState:
        require(person, Action.AUDIT_READ)
        walks = {row["walk"]: row for row in await self._rows(sa.select(t.audit_check))}
        records = (await self._rows(sa.select(sa.func.coalesce(sa.func.max(t.audit.c.position), 0).label("n"))))[0]["n"]
        new, again = walks.get(NEW), walks.get(ROUND)
        fault = (new["fault"] if new else "") or (again["fault"] if again else "")
        return ChainState(
            new["position"] if new else 0, new["checked_at"] if new else None, again["whole_at"] if again else None, fault, records
        )


def _queued(row: sa.RowMapping) -> QueuedJob:
    error = row["error"].replace("\\n", "\n").splitlines()[0][:ERROR_LENGTH]
    given_up = row["attempts"] >= jobs.GIVE_UP
    return QueuedJob(row["id"], row["kind"], row["created_at"], row["attempts"], None if given_up else row["run_after"], error)


def _disk(folder: Path) -> tuple[int, int] | None:
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return None
    return usage.free, usage.total
