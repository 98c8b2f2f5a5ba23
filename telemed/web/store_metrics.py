"""What the last walk over the object store met, the free space of its disks, and the age of the last backup, as metrics.

The worker walks and serves no page; the database has what it found.
"""

from __future__ import annotations

from datetime import UTC, datetime

import structlog
from prometheus_client import Gauge
from sqlalchemy.exc import SQLAlchemyError

from telemed.service.administration import Administration

log = structlog.get_logger()

unnamed_objects = Gauge("telemed_objects_unnamed", "Objects in the store that no record names, and that are still there")
unattributed_objects = Gauge("telemed_objects_unattributed", "Objects in the store whose keys belong to no kind of object")

disk_free = Gauge("telemed_disk_free_bytes", "Free bytes of the disk of objects or database", ["disk"])
disk_reserve = Gauge("telemed_disk_reserve_bytes", "Free bytes below which no images and files are taken", ["disk"])
disk_scarce = Gauge(
    "telemed_disk_scarce", "1 where room should be made soon: images and files will be refused when the reserve is reached", ["disk"]
)


backup_age = Gauge("telemed_backup_age_seconds", "Seconds since the last backup was begun that was made; NaN where there is none")
backup_age.set(float("nan"))


async def measure_disks(administration: Administration) -> None:
    """Set the gauges of the disks that are of this machine."""
    for disk in await administration.disks():
        disk_free.labels(disk.name).set(disk.free)
        disk_reserve.labels(disk.name).set(disk.reserve)
        disk_scarce.labels(disk.name).set(disk.scarce)


async def measure_store(administration: Administration) -> None:
    """Set the gauges. While the database is away they stay as they were."""
    try:
        walk, backup = await administration.store_walk(), await administration.backup_state()
    except (SQLAlchemyError, OSError) as error:
        log.warning("metrics.store", error=str(error))
        return
    if backup.made_at is not None:
        backup_age.set((datetime.now(UTC) - backup.made_at).total_seconds())
    if walk is not None:
        unnamed_objects.set(walk.unnamed)
        unattributed_objects.set(walk.unattributed)
