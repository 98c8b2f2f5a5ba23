"""What is not one process': the disks, the queue, what was set aside, who is silent, certificates. Asked for when somebody looks."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Sequence

import sqlalchemy as sa
import structlog
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from dicom_gateway.index.tables import dicom_conflict, dicom_quarantine
from storage.errors import StorageError
from telemed.adapters.application import SqlApplication
from telemed.adapters.database import tables as t
from telemed.adapters.jobs.queue import GIVE_UP
from telemed.adapters.metrics.processes import ProcessMetrics
from telemed.domain.certificate import Certificate
from telemed.domain.network import Level
from telemed.domain.people import Person, Role
from telemed.service.administration import Administration
from telemed.service.overview import Standing, standing

log = structlog.get_logger()

WATCHER = Person("metrics", "", "", frozenset({Role.OPERATOR}))
"""Who asks when each institution was last heard of: the operator's question, answered with times alone."""


class InstallationMetrics:
    """Implements `telemed.service.metrics.Metrics`."""

    def __init__(
        self,
        processes: ProcessMetrics,
        application: SqlApplication,
        administration: Administration,
        certificates: Callable[[], Sequence[Certificate]],
    ) -> None:
        self._processes, self._application, self._administration = processes, application, administration
        self._certificates = certificates

    async def exposition(self) -> bytes:
        common = await self._common()
        return await asyncio.to_thread(self._text, common)

    def _text(self, common: list[Metric]) -> bytes:
        registry = CollectorRegistry()
        registry.register(_Found([*common, *self._processes.families()]))
        return generate_latest(registry)

    async def _common(self) -> list[Metric]:
        found = [*await asyncio.to_thread(self._of_certificates), *await self._of_disks()]
        try:
            found += [*await self._of_store(), *await self._of_rows(), *await self._of_members()]
        except (SQLAlchemyError, StorageError, OSError) as error:
            log.warning("metrics.incomplete", error=str(error))
            return [*found, _gauge("telemed_database_up", "1 where the database answers", 0)]
        return [*found, _gauge("telemed_database_up", "1 where the database answers", 1)]

    def _of_certificates(self) -> Iterable[Metric]:
        ends = GaugeMetricFamily(
            "telemed_certificate_expires_timestamp_seconds", "When the certificate ends that a setting names", labels=["setting"]
        )
        for certificate in self._certificates():
            ends.add_metric([certificate.setting], certificate.ends_at.timestamp())
        yield ends

    async def _of_disks(self) -> list[Metric]:
        disk = ["disk"]
        free = GaugeMetricFamily("telemed_disk_free_bytes", "Free bytes of the disk of objects or database", labels=disk)
        reserve = GaugeMetricFamily("telemed_disk_reserve_bytes", "Free bytes below which no images and files are taken", labels=disk)
        scarce = GaugeMetricFamily("telemed_disk_scarce", "1 where room should be made: at the reserve images are refused", labels=disk)
        for each in await self._administration.disks():
            free.add_metric([each.name], each.free)
            reserve.add_metric([each.name], each.reserve)
            scarce.add_metric([each.name], each.scarce)
        return [free, reserve, scarce]

    async def _of_store(self) -> list[Metric]:
        walk = await self._administration.store_walk()
        counts = (walk.unnamed, walk.unattributed) if walk else (None, None)
        made_at = (await self._administration.backup_state()).made_at
        age = (self._application.now() - made_at).total_seconds() if made_at is not None else math.nan
        return [
            _gauge("telemed_backup_age_seconds", "Seconds since the last backup was begun that was made; NaN where there is none", age),
            _gauge("telemed_objects_unnamed", "Objects in the store that no record names, and that are still there", counts[0]),
            _gauge("telemed_objects_unattributed", "Objects in the store whose keys belong to no kind of object", counts[1]),
        ]

    async def _of_rows(self) -> list[Metric]:
        j = t.job.c
        is_open = (sa.select(sa.func.count()).select_from(t.job)).where(j.done_at.is_(None))
        counts = {
            "telemed_jobs_waiting": (is_open, "Jobs that are to be done, now or later"),
            "telemed_jobs_failing": (is_open.where(j.error != ""), "Of these, jobs that failed at least once"),
            "telemed_jobs_given_up": (is_open.where(j.attempts >= GIVE_UP), "Of these, jobs that are tried no more"),
            "telemed_quarantine_objects": (sa.select(sa.func.count()).select_from(dicom_quarantine), "DICOM objects set aside unread"),
            "telemed_conflict_objects": (
                sa.select(sa.func.count()).select_from(dicom_conflict), "DICOM objects set aside, since their UID is taken",
            ),
        }  # fmt: skip
        asked = sa.select(*(count.scalar_subquery().label(name) for name, (count, _) in counts.items()))
        async with self._application.engine.connect() as bare:
            row = (await (await bare.execution_options(reading=True)).execute(asked)).mappings().one()
        return [_gauge(name, words, row[name]) for name, (_, words) in counts.items()]

    async def _of_members(self) -> list[Metric]:
        member = ["institution"]
        heard = GaugeMetricFamily("telemed_member_heard_timestamp_seconds", "When a member last sent a case or data", labels=member)
        silent = GaugeMetricFamily("telemed_member_silent", "1 where a member used to send and has not for days", labels=member)
        network, now = self._application.region.network, self._application.now()
        for connection in await self._application.overview.connections(WATCHER, 1):
            if network.institutions[connection.code].level is not Level.MEMBER or connection.last_at is None:
                continue
            heard.add_metric([connection.code], connection.last_at.timestamp())
            silent.add_metric([connection.code], standing(connection, now, network.zone) is Standing.SILENT)
        return [heard, silent]


class _Found(Collector):
    """Metrics that were found before, as a collector."""

    def __init__(self, found: Sequence[Metric]) -> None:
        self._found = found

    def collect(self) -> Iterable[Metric]:
        return self._found


def _gauge(name: str, words: str, value: float | None) -> Metric:
    return GaugeMetricFamily(name, words, value)
