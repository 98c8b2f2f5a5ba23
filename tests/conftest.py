"""The clock that tests start by, how long property tests look, and whose programs are run."""

import os
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
import time_machine
from hypothesis import settings

from bench.programs import prefer_dcmtk
from tests.patience import TIMES

MOMENT = os.environ.get("TELEMED_TEST_MOMENT") or "2026-11-18T10:00"
"""When a run of tests starts, in the region's time: on a weekday morning, or when `TELEMED_TEST_MOMENT` says. From there time goes on."""

# How long one example takes is the machine's affair. The same examples each time, but for `make fuzz`, which looks for new ones.
settings.register_profile("telemed", deadline=None, max_examples=100 * TIMES, derandomize=TIMES == 1)
settings.load_profile("telemed")

prefer_dcmtk()


def pytest_configure(config: pytest.Config) -> None:
    """Set this process's clock, in every process that runs tests; what they start goes by the machine's."""
    start = datetime.fromisoformat(MOMENT).replace(tzinfo=ZoneInfo("Asia/Shanghai")).astimezone(UTC)
    clock = time_machine.travel(start, tick=True)
    clock.start()
    config.add_cleanup(clock.stop)
