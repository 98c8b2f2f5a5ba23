"""The region's tables on either database: written as a whole, one after the other, and brought along from before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from telemed.adapters.database import tables as t
from telemed.adapters.database.migrate import migrate
from telemed.centres import migrations
from telemed.domain.duty import DayDuty, Holiday, period_of
from telemed.domain.errors import StaleVersion
from telemed.domain.network import Contact, InstitutionClass
from telemed.domain.region import RegionContent, ordered
from telemed.service import regions
from telemed.service.first_administrators import PeopleAreThere, make_first_administrators
from telemed.service.region_file import write_region
from tests.postgres_server import PostgresServer
from tests.telemed.adapters.test_upgrades import at_revision
from tests.telemed.harness import Harness

pytestmark = pytest.mark.database


async def content_of(harness: Harness) -> RegionContent:
    """The region as it stands."""
    found: regions.RegionInOrder = await harness.ask("operator", regions.region_in_order)
    return found.content


async def test_everything_of_a_region_is_written_and_read_again(harness: Harness) -> None:
    before = await content_of(harness)
    period = period_of("sat,sun 20:00-08:00")
    assert period is not None
    changed = replace(
        before,
        name="城东远程诊断网",
        districts=(*before.districts, "江临市 新区"),
        institutions=tuple(
            replace(each, classification=InstitutionClass.TERTIARY, contacts=(Contact("周文斌", "主任", "000-1"), Contact("吴玉梅")))
            for each in before.institutions
        ),
        hubs=tuple(replace(each, duty=(period,), reader_cap=7) for each in before.hubs),
        holidays=(Holiday(date(2027, 1, 1), DayDuty.CLOSED, "元旦", "HUBA"), Holiday(date(2027, 1, 1))),
        settings=dict(before.settings) | {"priors": {"studies": 3, "years": 2}},
    )
    await harness.do("operator", regions.take_region, changed, "*")
    assert write_region(await content_of(harness)) == write_region(ordered(changed))
    await harness.do("operator", regions.take_region, before, "*")
    assert write_region(await content_of(harness)) == write_region(before)


async def test_of_two_who_take_a_file_at_once_the_second_is_told(harness: Harness) -> None:
    found: regions.RegionInOrder = await harness.ask("operator", regions.region_in_order)
    wanted = (replace(found.content, name=name) for name in ("东", "西"))
    done = await asyncio.gather(*(harness.do("operator", regions.take_region, each, found.tag) for each in wanted), return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["StaleVersion", "list"]
    assert isinstance(next(each for each in done if not isinstance(each, list)), StaleVersion)
    assert len(await harness.audited("region:manage")) == 1


async def test_the_first_people_are_made_once(harness: Harness) -> None:
    with pytest.raises(PeopleAreThere):
        await harness.do("operator", make_first_administrators, [])


@pytest.fixture(params=["sqlite", "postgresql"])
async def at_0022(request: pytest.FixtureRequest, tmp_path: Path, postgres_server: PostgresServer) -> AsyncIterator[AsyncEngine]:
    """A database as it was before a region was one file."""
    async with at_revision("0022", request.param, tmp_path, postgres_server) as made:
        yield made


async def test_hubs_and_people_of_before_go_on(at_0022: AsyncEngine) -> None:
    old = sa.MetaData()
    async with at_0022.begin() as connection:
        await connection.run_sync(lambda sync: old.reflect(sync, only=["institution", "hub_service", "person"]))
        await connection.execute(sa.insert(old.tables["institution"]), {"code": "H", "name": "H", "level": "main-hub"})
        await connection.execute(sa.insert(old.tables["hub_service"]), {"centre": "lab", "hub": "H", "two_person": ""})
        person = {"username": "x", "name": "x", "institution": "H", "roles": "auditor", "centres": "", "password_hash": "-"}
        await connection.execute(sa.insert(old.tables["person"]), person)
    await migrate(at_0022, migrations())
    async with at_0022.connect() as connection:
        institution = (await connection.execute(sa.select(t.institution))).mappings().one()
        assert (institution["classification"], institution["contacts"]) == ("", [])
        assert (await connection.execute(sa.select(t.hub_service.c.active))).scalar_one() is True
        assert (await connection.execute(sa.select(t.person.c.must_change_password))).scalar_one() is False
        assert (await connection.execute(sa.select(t.holiday))).all() == []
