"""What the last walk over the object store met, as metrics. The worker walks and serves no page; the database has what it found."""

from __future__ import annotations

import structlog
from prometheus_client import Gauge
from sqlalchemy.exc import SQLAlchemyError

from telemed.service.administration import Administration

log = structlog.get_logger()

unnamed_objects = Gauge("telemed_objects_unnamed", "Objects in the store that no record names, and that are still there")
unattributed_objects = Gauge("telemed_objects_unattributed", "Objects in the store whose keys belong to no kind of object")


async def measure_store(administration: Administration) -> None:
    """Set the gauges. While the database is away they stay as they were."""
    try:
        walk = await administration.store_walk()
    except (SQLAlchemyError, OSError) as error:
        log.warning("metrics.store", error=str(error))
        return
    if walk is not None:
        unnamed_objects.set(walk.unnamed)
        unattributed_objects.set(walk.unattributed)
