"""Addresses of the lists: people keep them, send them on and change them by hand."""

from __future__ import annotations

import pytest

from telemed.service.queries import View
from tests.demo_region import DemoRegion

LISTS = {
    "imaging.huba": ("/worklist", "/worklist/rows", "/worklist/more", "/worklist/counts"),
    "clinic1": ("/cases", "/cases/rows", "/cases/more", "/cases/counts"),
}


@pytest.mark.parametrize("view", [each.value for each in View])
async def test_a_view_of_another_list_is_left_to_that(region: DemoRegion, view: str) -> None:
    for user, addresses in LISTS.items():
        for address in addresses:
            for more in ("", "&q=CLINIC1", "&ids=0a1b"):
                answer = await region.call("GET", f"{address}?view={view}{more}", user=user)
                assert answer.status == 200, (address, more, answer.body)


async def test_a_view_that_nobody_has_is_refused(region: DemoRegion) -> None:
    for user, addresses in LISTS.items():
        for address in addresses:
            assert (await region.call("GET", f"{address}?view=elsewhere", user=user)).status == 422
