"""QIDO-RS: dates and times of a key are one range of moments (PS3.18 8.3.4.1.1, PS3.4 C.2.2.2), whoever keeps them: the index or the object."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Final

import aiohttp
import pytest
from pydicom.uid import generate_uid

from tests.dicom_gateway.conftest import Gateway, value_of
from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.dicom_gateway.test_doors import get, qido, stow

pytestmark = pytest.mark.database

MOMENTS: Final = {
    "late": ("20251231", "233000"),
    "early": ("20260101", "003000"),
    "noon": ("20260102", "120000.123456"),
    "whole second": ("20260102", "120001"),
    "hour": ("20260103", "12"),
    "no time": ("20260103", ""),
    "no date": ("", "000000"),
}
"""Date and time of a study, of its series and of its performed procedure step, by a short name."""

PAIRS: Final = {
    "studies": ("StudyDate", "StudyTime"),
    "studies, by a step": ("PerformedProcedureStepStartDate", "PerformedProcedureStepStartTime"),
    "series": ("SeriesDate", "SeriesTime"),
    "instances": ("AcquisitionDate", "AcquisitionTime"),
    "birth": ("PatientBirthDate", "PatientBirthTime"),
}
"""Attributes that the index keeps, and such as are read from the objects; of the last pair the index keeps one."""

ASKED: Final = {
    ("20251231-20260101", "2300-0100"): "early late",
    ("20260101-20260103", "0000-0100"): "early no time noon whole second",
    ("20260102-20260103", "1200-"): "hour no time noon whole second",
    ("20251231-", "233000-"): "early hour late no time noon whole second",
    ("20251231-", "233001-"): "early hour no time noon whole second",
    ("-20260101", "-0030"): "early late",
    ("-20260101", "-0029"): "late",
    ("20260102-20260102", "120000-120000"): "noon",
    ("20260102-20260102", "120000-120001"): "noon whole second",
    ("20260102-20260102", "120000.2-120001"): "whole second",
    ("20260103-20260103", "120000-1300"): "hour",
    ("20260102", "120000"): "noon",
    ("20260102", "120000.123456"): "noon",
    ("20260102", "120001.000"): "whole second",
    ("20260102", "12"): "noon whole second",
    ("20260103", "1200"): "hour",
    ("20260102-20260103", "12"): "hour noon whole second",
    ("20260102-20260103", ""): "hour no time noon whole second",
    ("", "0000-0100"): "early no date",
}
"""What a key of dates and one of times find together."""


async def stored(gateway: Gateway, http: aiohttp.ClientSession) -> dict[str, str]:
    """Studies at all the moments; short names by Study Instance UID."""
    names, objects = {}, []
    for name, (date, moment) in MOMENTS.items():
        slice_ = ct_slice(StudyInstanceUID=generate_uid())
        for day, time in PAIRS.values():
            setattr(slice_, day, date)
            setattr(slice_, time, moment)
        names[slice_.StudyInstanceUID] = name
        objects.append(part10_of(slice_))
    assert (await stow(http, gateway, objects))[0] == 200
    return names


@pytest.mark.parametrize("of", PAIRS)
async def test_a_range_of_dates_and_one_of_times_are_one_range_of_moments(of: str, gateway: Gateway, http: aiohttp.ClientSession) -> None:
    names = await stored(gateway, http)
    date, time = PAIRS[of]
    level = {"series": "series", "instances": "instances"}.get(of, "studies")
    for (days, times), expected in ASKED.items():
        found = await qido(http, gateway, f"/{level}?{date}={days}&{time}={times}")
        assert " ".join(sorted(names[value_of(each, "0020000D")] for each in found)) == expected, (days, times)


@pytest.mark.parametrize("hours", [0, 1, 23, 24, 25, 47])
async def test_a_range_finds_what_lies_in_it_wherever_midnight_is(hours: int, gateway: Gateway, http: aiohttp.ClientSession) -> None:
    moments = [datetime(2024, 2, 28, 22) + timedelta(hours=7 * n, seconds=n) for n in range(12)]
    made = [ct_slice(StudyInstanceUID=generate_uid(), StudyDate=f"{at:%Y%m%d}", StudyTime=f"{at:%H%M%S}") for at in moments]
    assert (await stow(http, gateway, [part10_of(each) for each in made]))[0] == 200
    for first in moments:
        last = first + timedelta(hours=hours)
        keys = f"StudyDate={first:%Y%m%d}-{last:%Y%m%d}&StudyTime={first:%H%M%S}-{last:%H%M%S}"
        assert len(await qido(http, gateway, f"/studies?{keys}")) == sum(first <= at <= last for at in moments), keys


@pytest.mark.parametrize(
    "keys",
    [
        "StudyDate=20260101-x&StudyTime=00-01", "StudyDate=20260101-20260102&StudyTime=00-x", "SeriesDate=2026", "SeriesTime=1",
        "AcquisitionDate=20260101-2&AcquisitionTime=00-01", "AcquisitionDateTime=noon", "PatientAge=&NumberOfTemporalPositions=many",
        "TimezoneOffsetFromUTC=8", "TimezoneOffsetFromUTC=%2B2500",
    ],
)  # fmt: skip
async def test_a_value_that_is_none_of_its_kind_is_a_bad_query(keys: str, gateway: Gateway, http: aiohttp.ClientSession) -> None:
    await stored(gateway, http)
    status, body, _ = await get(http, gateway, f"/studies?{keys}")
    assert status == 400
    named = {part.split("=")[0] for part in keys.split("&")}
    assert any(name in json.loads(body)["detail"] for name in named)


async def test_a_date_and_time_in_one_attribute_goes_by_its_offset(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    made = {"here": "20260101003000+0800", "in UTC": "20251231163000.5+0000", "unsaid": "20260101003000"}
    objects = [part10_of(ct_slice(StudyInstanceUID=generate_uid(), StudyID=name, AcquisitionDateTime=at)) for name, at in made.items()]
    assert (await stow(http, gateway, objects))[0] == 200
    for key, expected in {
        "20260101": "here unsaid", "202512311630%2B0000": "here in UTC", "20251231-0500": "here in UTC",
        "20260101003000%2B0800-20260101003000%2B0800": "here in UTC unsaid", "20260101003001%2B0800-": "", "2024-2025": "in UTC",
        "-20251231": "in UTC", "20260101-": "here unsaid",
    }.items():  # fmt: skip
        found = await qido(http, gateway, f"/instances?AcquisitionDateTime={key}&includefield=StudyID")
        assert " ".join(sorted(value_of(each, "00200010") for each in found)) == expected, key


@pytest.mark.parametrize("offset", ["%2B0800", "-0500", ""])
async def test_the_offset_of_a_request_is_no_key(offset: str, gateway: Gateway, http: aiohttp.ClientSession) -> None:
    for slice_ in (ct_slice(), ct_slice(TimezoneOffsetFromUTC="+0800"), ct_slice(TimezoneOffsetFromUTC="-0500")):
        assert (await stow(http, gateway, [part10_of(slice_)]))[0] == 200
    status, body, headers = await get(http, gateway, f"/studies?TimezoneOffsetFromUTC={offset}&PatientID=P0001")
    assert (status, len(json.loads(body))) == (200, 3)
    assert ("TimezoneOffsetFromUTC" in headers.get("Warning", "")) == bool(offset)
