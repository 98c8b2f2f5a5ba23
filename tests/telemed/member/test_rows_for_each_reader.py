"""Rows of lists are drawn once for all who see the same, and not shown to whom they do not look so."""

from __future__ import annotations

import re

from tests.demo_region import DemoRegion, new_case


async def row(region: DemoRegion, case: str, user: str, language: str = "zh-CN") -> str:
    """The case's row of the list of all open cases."""
    answer = await region.call("GET", f"/worklist/rows?view=open&ids={case}&lang={language}", user=user)
    assert answer.status == 200
    return answer.body.decode()


async def test_a_row_is_shown_as_it_is_to_each_reader(region: DemoRegion) -> None:
    case = await new_case(region)
    assert (await region.step(case, "submit", user="clinic1")).status == 200
    for _ in range(2):
        assert f"/cases/{case}/claim" in await row(region, case, "imaging.huba")
        assert f"/cases/{case}/claim" in await row(region, case, "imaging.huba", "en")
        assert case not in await row(region, case, "imaging.hubb")  # rights stay in the query
    assert (await region.step(case, "claim", user="imaging.huba")).status == 200
    for _ in range(2):
        mine = await row(region, case, "imaging.huba")
        assert "row-mine" in mine
        assert "claim" not in re.sub(r'title="[^"]*"', "", mine)
        assert re.search(r"[一-鿿]", await row(region, case, "imaging.huba"))
    assert (await region.step(case, "release", user="imaging.huba")).status == 200
    assert f"/cases/{case}/claim" in await row(region, case, "imaging.huba")
