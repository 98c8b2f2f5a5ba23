"""The clock that tests start by, how long property tests look, and whose programs are run."""

import os
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import time_machine
from hypothesis import settings

from bench.programs import prefer_dcmtk
from tests.once import one_at_a_time
from tests.patience import TIMES
from tests.postgres_server import postgres_server

__all__ = ["postgres_server"]

MOMENT = os.environ.get("TELEMED_TEST_MOMENT") or "2026-11-18T10:00"
"""When a run of tests starts, in the region's time: on a weekday morning, or when `TELEMED_TEST_MOMENT` says. From there time goes on."""

# How long one example takes is the machine's affair. The same examples each time, but for `make fuzz`, which looks for new ones.
settings.register_profile("telemed", deadline=None, max_examples=100 * TIMES, derandomize=TIMES == 1)
settings.load_profile("telemed")

prefer_dcmtk()


@pytest.fixture(scope="session")
async def region_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the SQLite file of the demo region with an empty list, made once in a run; to copy."""
    from telemed.settings import Settings
    from tests.demo_region import put_in_place  # brings the whole platform, which not every test needs

    with one_at_a_time(tmp_path_factory, "region") as folder:
        if not (folder / "ready").exists():
            await put_in_place(Settings(data_dir=folder))
            (folder / "ready").touch()
    return folder / "telemed.db"


def pytest_configure(config: pytest.Config) -> None:
    """Set this process's clock, in every process that runs tests; what they start goes by the machine's."""
    start = datetime.fromisoformat(MOMENT).replace(tzinfo=ZoneInfo("Asia/Shanghai")).astimezone(UTC)
    clock = time_machine.travel(start, tick=True)
    clock.start()
    config.add_cleanup(clock.stop)
