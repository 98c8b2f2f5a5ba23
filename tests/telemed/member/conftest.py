"""A region with members that ask and hubs that answer."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.demo_region import DemoRegion, running_region


@pytest.fixture(scope="session")
async def region(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DemoRegion]:
    """One region for the tests of this folder; each makes cases of its own."""
    async with running_region(tmp_path_factory.mktemp("member")) as running:
        yield running
