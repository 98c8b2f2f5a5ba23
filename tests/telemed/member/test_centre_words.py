"""Words that belong to a centre: each reader is offered their own centre's, and each centre says what it is for."""

from __future__ import annotations

import html

import pytest

from telemed import centres
from tests.demo_region import DemoRegion, new_case
from tests.telemed.harness import REQUESTS

CENTRES = centres.discover()
READERS = {code: f"{'consult' if code == 'consultation' else code}.huba" for code in CENTRES}


@pytest.mark.parametrize("code", CENTRES)
async def test_a_hub_asks_for_more_in_the_words_of_its_centre(region: DemoRegion, code: str) -> None:
    case = await new_case(region, code, **REQUESTS[code])
    assert (await region.step(case, "submit", user="clinic1")).status == 200
    assert (await region.step(case, "claim", user=READERS[code])).status == 200
    answer = await region.call("GET", f"/read/{case}", user=READERS[code], headers={"Accept-Language": "en"})
    said = html.unescape(answer.body.decode())
    offered = {reason for centre in CENTRES.values() for reason in centre.return_reasons if f">{reason}<" in said}
    assert offered == set(CENTRES[code].return_reasons)


async def test_the_choice_of_a_centre_says_what_each_is_for(region: DemoRegion) -> None:
    answer = await region.call("GET", "/cases/new", user="clinic1", headers={"Accept-Language": "en"})
    said = html.unescape(answer.body.decode())
    assert [code for code, centre in CENTRES.items() if f">{centre.purpose}<" not in said] == []


@pytest.mark.parametrize("code", CENTRES)
def test_every_centre_has_its_words_and_a_conclusion_that_stands_out(code: str) -> None:
    centre = CENTRES[code]
    assert centre.purpose
    for reasons in (centre.return_reasons, centre.send_back_reasons):
        assert 3 <= len(reasons) == len(set(reasons))
    assert [field.required for field in centre.report_form.fields if field.prominent] == [True]


async def test_ready_words_for_what_was_done_about_a_critical_value_are_those_of_the_centre(region: DemoRegion) -> None:
    offered = {}
    for code in ("ecg", "lab"):
        case = await new_case(region, code, **REQUESTS[code])
        assert (await region.step(case, "submit", user="clinic1")).status == 200
        assert (await region.step(case, "claim", user=READERS[code])).status == 200
        found = await region.call("POST", f"/api/v1/cases/{case}/criticals", {"finding": "危急"}, user=READERS[code])
        assert found.status == 201
        address = f"/api/v1/cases/{case}/criticals/{found.body['id']}/acknowledge"
        assert (await region.call("POST", address, {}, user="clinic1")).status == 200
        page = html.unescape((await region.call("GET", f"/cases/{case}", user="clinic1", headers={"Accept-Language": "en"})).body.decode())
        assert 'data-fill="Treated at once"' in page
        offered[code] = 'data-fill="Specimen taken again"' in page
    assert offered == {"ecg": False, "lab": True}
