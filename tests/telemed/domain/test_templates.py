"""Reports written beforehand must never name a part of the body that was not asked for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from telemed import centres
from telemed.domain.centre import Centre, Template

ALL = centres.discover()


@pytest.mark.parametrize(
    ("request_data", "title"),
    [
        ({"modality": "CT", "body_part": "HEAD"}, "头颅 CT 正常"),
        ({"modality": "DX", "body_part": "HAND"}, "手正常"),
        ({"modality": "CR", "body_part": "CHEST"}, "胸片正常"),
        ({"modality": "CT", "body_part": "chest"}, "胸部 CT 正常"),
    ],
)
def test_normal_fits_the_request(request_data: dict[str, str], title: str) -> None:
    normal = ALL["imaging"].normal_for(request_data)
    assert normal is not None
    assert normal.title == title


@pytest.mark.parametrize(
    "request_data", [{}, {"modality": "CT"}, {"modality": "MR", "body_part": "HAND"}, {"modality": "US", "body_part": "HEAD"}]
)
def test_there_is_no_normal_where_none_was_written(request_data: dict[str, str]) -> None:
    assert ALL["imaging"].normal_for(request_data) is None


def test_templates_for_fewer_requests_come_first() -> None:
    general = Template("general", {"findings": "x"})
    special = Template("special", {"findings": "y"}, {"modality": frozenset({"CT"})})
    centre = replace(ALL["imaging"], templates=(general, special))
    assert centre.templates_for({"modality": "ct"}) == (special, general)
    assert centre.templates_for({"modality": "MR"}) == (general,)


@pytest.mark.parametrize("centre", ALL.values(), ids=lambda centre: centre.code)
def test_every_template_and_phrase_fits_its_form(centre: Centre) -> None:
    sections = {field.name for field in centre.report_form.fields}
    written = {field.name for field in centre.report_form.fields if not field.measured}  # values come from the tracing
    for template in centre.templates:
        assert set(template.sections) == written
        assert centre.report_form.faults(template.sections, "sections", complete=True) == []
        assert set(template.when) <= {field.name for field in centre.request_form.fields}
    assert {phrase.section for phrase in centre.phrases} <= sections
