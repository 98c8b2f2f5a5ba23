"""The bulletin: what happened is counted once, where and when it happened, and everybody sees their own part of it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from dicom_gateway import Intake, Source
from telemed.adapters.database.repositories.volumes import VolumeRow, summed
from telemed.domain.errors import Forbidden, Invalid
from telemed.domain.network import Level
from telemed.domain.people import Role
from telemed.service import case_reading as reading
from telemed.service import case_request as case_request
from telemed.service.statistics import CentreFigures, InstitutionFigures, Month, MonthlyStatistics, bulletin, reach_of
from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.telemed.harness import Harness
from tests.telemed.moments import NOON, ZONE

pytestmark = pytest.mark.database


async def bulletin_of(harness: Harness, username: str = "operator", month: str = "") -> MonthlyStatistics:
    today = harness.clock().astimezone(ZONE).date()
    reach = reach_of(harness.application.region, harness.people[username])
    return await bulletin(harness.application.region, harness.application.statistics, reach, Month.parse(month or f"{today:%Y-%m}"), today)


def centre(found: MonthlyStatistics, code: str = "imaging") -> CentreFigures:
    return next(figures for figures in found.centres if figures.centre == code)


def institution(found: MonthlyStatistics, code: str) -> InstitutionFigures:
    return next(figures for figures in found.institutions if figures.code == code)


async def send(intake: Intake, *images: Dataset, owner: str = "CLINIC1") -> None:
    for image in images:
        assert (await intake.receive(part10_of(image), owner, Source("dimse", calling_ae=owner))).status == 0


async def test_a_case_is_counted_when_it_is_sent_and_when_it_is_answered(harness: Harness) -> None:
    await harness.draft()
    await harness.signed()
    figures = centre(await bulletin_of(harness))
    assert (figures.requests, figures.reports, figures.consultations) == (1, 1, 0)
    assert (figures.deadlines_kept, figures.deadlines_missed, figures.kept_share) == (1, 0, 1.0)
    assert figures.top == [("CLINIC1", 1)]


async def test_a_case_that_comes_back_with_an_answer_is_no_second_request(harness: Harness) -> None:
    case = await harness.claimed()
    await harness.do("imaging.huba", reading.return_case, case.id, "请补充病史")
    await harness.do("clinic1", case_request.submit_case, case.id)
    assert centre(await bulletin_of(harness)).requests == 1


async def test_a_late_report_counts_as_a_missed_deadline_and_its_time_is_the_median(harness: Harness) -> None:
    harness.clock.now = NOON
    for minutes in (10, 80):  # an ECG has 30 minutes
        case = await harness.written("ecg", "ecg.huba")
        harness.clock.forward(minutes=minutes)
        await harness.sign(case.id, "ecg.huba")
    figures = centre(await bulletin_of(harness), "ecg")
    assert (figures.deadlines_kept, figures.deadlines_missed, figures.kept_share) == (1, 1, 0.5)
    assert figures.median_answer_seconds == pytest.approx(45 * 60, abs=1)


async def test_images_count_once_and_a_study_with_its_first_image(harness: Harness, intake: Intake) -> None:
    study = generate_uid()
    first, second = ct_slice(StudyInstanceUID=study), ct_slice(StudyInstanceUID=study)
    await send(intake, first, first)
    await send(intake, second, ct_slice())
    found = await bulletin_of(harness)
    assert (centre(found).received, centre(found).images) == (2, 3)
    assert institution(found, "CLINIC1").days_with_data == 1
    assert "dicom-study" in institution(found, "CLINIC1").arrived


async def test_who_joined_and_which_districts_are_open_does_not_depend_on_the_month(harness: Harness) -> None:
    figures = centre(await bulletin_of(harness, month="2001-01"))
    assert figures.joined == {Level.MEMBER: 3, Level.SUB_HUB: 2, Level.MAIN_HUB: 1}
    assert "湖安市 青屿区" in figures.districts_open
    assert not set(figures.districts_open) & set(figures.districts_covered)


async def test_an_empty_month_is_a_bulletin_of_zeros(harness: Harness) -> None:
    found = await bulletin_of(harness, month="2001-01")
    assert found.empty
    assert len(found.centres) == 5
    assert {i.code for i in found.institutions} == {"CLINIC1", "CLINIC2", "CLINIC3", "HUBA", "HUBB", "MAIN"}
    assert centre(found).kept_share is None
    assert centre(found).median_answer_seconds is None


async def test_everybody_sees_their_own_part(harness: Harness) -> None:
    for member in ("clinic1", "clinic2", "clinic3"):
        await harness.requested(by=member)
    await harness.requested("ecg", "clinic1")
    assert centre(await bulletin_of(harness, "operator")).requests == 3
    own = await bulletin_of(harness, "clinic1")
    assert [i.code for i in own.institutions] == ["CLINIC1"]
    assert (centre(own).requests, centre(own, "ecg").requests) == (1, 1)
    hub = await bulletin_of(harness, "imaging.huba")
    assert [f.centre for f in hub.centres] == ["imaging"]
    assert {i.code for i in hub.institutions} == {"CLINIC1", "CLINIC2"}
    assert centre(hub).requests == 2
    assert institution(hub, "CLINIC1").requests == 1
    top = await bulletin_of(harness, "imaging.main")
    assert centre(top).requests == 3


async def test_administrators_see_no_bulletin(harness: Harness) -> None:
    for person in harness.people.values():
        if person.has(Role.AUDITOR, Role.SECURITY_ADMINISTRATOR, Role.SYSTEM_ADMINISTRATOR):
            with pytest.raises(Forbidden):
                reach_of(harness.application.region, person)


@pytest.mark.parametrize("text", ["", "2026", "2026-13", "2026-00", "26-01", "2026-1", "1999-12", "2026-11-01", "２０２６-11"])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        Month.parse(text)


@given(st.integers(2000, 2198), st.integers(1, 12), st.integers(-11, 11))
def test_months_follow_each_other_without_a_gap(year: int, number: int, steps: int) -> None:
    month = Month(year, number)
    assert month.last + timedelta(days=1) == month.next().first
    assert month.next(steps).next(-steps) == month
    assert Month.parse(str(month)) == month
    assert month.days_until(month.last) == month.last.day
    assert month.days_until(month.first - timedelta(days=1)) == 0


volumes = st.builds(
    VolumeRow,
    day=st.dates(date(2026, 11, 1), date(2026, 11, 3)),
    institution=st.sampled_from(["A", "B"]),
    kind=st.sampled_from(["request", "ecg"]),
    centre=st.just(""),
    hub=st.just(""),
    items=st.integers(0, 9),
    parts=st.integers(0, 9),
    last_at=st.just(NOON),
)


@given(st.lists(volumes, max_size=30))
def test_sums_lose_nothing_and_name_each_key_once(rows: list[VolumeRow]) -> None:
    found = summed(rows)
    assert [row.key for row in found] == sorted({row.key for row in rows})
    assert sum(row.items for row in found) == sum(row.items for row in rows)
    assert sum(row.parts for row in found) == sum(row.parts for row in rows)
