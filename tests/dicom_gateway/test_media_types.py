"""What a caller takes (RFC 9110 12.5.1, PS3.18 8.7): wild cards, weights and closer ranges, at every door that gives something out."""

from __future__ import annotations

import itertools

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicom_gateway.dicomweb.media_types import acceptable
from tests.dicom_gateway.conftest import Gateway
from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.dicom_gateway.test_doors import get, stow

JSON, XML, DICOM, ZIP = "application/dicom+json", "application/dicom+xml", "application/dicom", "application/zip"
OCTETS, JPEG, PNG, PARTS = "application/octet-stream", "image/jpeg", "image/png", "multipart/related"

DOORS = {
    "/studies": {JSON, f"{PARTS} {XML}"},
    "/series": {JSON, f"{PARTS} {XML}"},
    "{study}/instances": {JSON, f"{PARTS} {XML}"},
    "/workitems": {JSON, f"{PARTS} {XML}"},
    "{study}/metadata": {JSON, f"{PARTS} {XML}"},
    "{instance}/metadata": {JSON, f"{PARTS} {XML}"},
    "{study}": {f"{PARTS} {DICOM}", ZIP},
    "{instance}": {f"{PARTS} {DICOM}", ZIP, DICOM},
    "{instance}/frames/1": {f"{PARTS} {OCTETS}", OCTETS},
    "{instance}/bulkdata/7FE00010": {f"{PARTS} {OCTETS}", OCTETS},
    "{study}/bulkdata": {f"{PARTS} {OCTETS}"},
    "{instance}/rendered": {f"{PARTS} {JPEG}", f"{PARTS} {PNG}", JPEG, PNG},
    "{study}/rendered": {f"{PARTS} {JPEG}", f"{PARTS} {PNG}"},
    "{study}/thumbnail": {JPEG, PNG},
}
"""What each door gives: media types, those of parts behind `multipart/related`."""

BY_NUMBER = ("{study}/rendered", "{study}/thumbnail")
"""Doors of pictures that come alone or in parts as there are one or several of them, whichever was asked for."""

ASKED = {
    "*/*": lambda form: True,
    "*/*;q=0.5": lambda form: True,
    "text/html, */*;q=0.1": lambda form: True,
    "multipart/*": lambda form: form.startswith(PARTS),
    "multipart/related": lambda form: form.startswith(PARTS),
    "Multipart/Related;q=0.2, text/html": lambda form: form.startswith(PARTS),
    "application/*": lambda form: form.startswith("application/"),
    "image/*": lambda form: form.startswith("image/"),
    "image/png;q=0.1, image/*;q=0.9": lambda form: form in (JPEG, PNG),
    f"{JSON};q=0, */*": lambda form: form != JSON,
    f"{JSON};q=0.1, {PARTS};q=0.9": lambda form: form == JSON or form.startswith(PARTS),
    f'{PARTS}; type="{XML}";q=0, {PARTS}': lambda form: form.startswith(PARTS) and not form.endswith(XML),
    f"{OCTETS};q=0.001": lambda form: form == OCTETS,
    "text/html": lambda form: False,
    "*/*;q=0": lambda form: False,
}
"""Which of these forms an Accept header takes."""


async def objects(gateway: Gateway, http: aiohttp.ClientSession) -> dict[str, str]:
    """Addresses of a study of two instances, and of one of these."""
    slice_ = ct_slice()
    second = ct_slice(StudyInstanceUID=slice_.StudyInstanceUID, SeriesInstanceUID=slice_.SeriesInstanceUID)
    assert (await stow(http, gateway, [part10_of(slice_), part10_of(second)]))[0] == 200
    study = f"/studies/{slice_.StudyInstanceUID}"
    return {"study": study, "instance": f"{study}/series/{slice_.SeriesInstanceUID}/instances/{slice_.SOPInstanceUID}"}


def form_of(content_type: str) -> str:
    kind = content_type.split(";")[0].strip()
    of_parts = content_type.split('"')[1:2]
    return " ".join([kind, *of_parts]) if kind == PARTS else kind


def other_form(form: str) -> str:
    """The same picture in parts, or without them."""
    return form.removeprefix(PARTS).strip() if form.startswith(PARTS) else f"{PARTS} {form}"


@pytest.mark.parametrize("in_the_query", [False, True], ids=["header", "query"])
async def test_every_door_gives_what_the_caller_takes_or_says_406(
    in_the_query: bool, gateway: Gateway, http: aiohttp.ClientSession
) -> None:
    where = await objects(gateway, http)
    for (door, forms), (accept, takes) in itertools.product(DOORS.items(), ASKED.items()):
        wished = {"params": {"accept": accept}, "headers": {"Accept": "text/html"}} if in_the_query else {"headers": {"Accept": accept}}
        headers = {**gateway.headers("CLINIC1"), **wished.pop("headers")}
        async with http.get(gateway.url + door.format(**where), headers=headers, **wished) as answer:
            fitting = {form for form in forms if takes(form) or (door in BY_NUMBER and takes(other_form(form)))}
            if door == "{study}/thumbnail" and not fitting and "ultipart" in accept:
                continue  # one picture is given without parts also where parts are asked for
            assert answer.status == (200 if fitting else 406), (door, accept, (await answer.read())[:200])
            if fitting:
                assert form_of(answer.headers["Content-Type"]) in fitting, (door, accept)


@pytest.mark.parametrize(
    ("door", "accept", "form"),
    [
        ("/studies", f"{JSON};q=0.1, {PARTS};q=0.9", f"{PARTS} {XML}"),
        ("/studies", f"{JSON};q=0.1, */*;q=0.9", f"{PARTS} {XML}"),
        ("/studies", f'{PARTS}; type="{XML}";q=0.2, {JSON};q=0.4', JSON),
        ("{instance}/rendered", "image/png;q=0.1, image/*;q=0.9", JPEG),
        ("{instance}/rendered", "image/png, image/*;q=0.9", PNG),
        ("{instance}/rendered", "image/*, image/png", PNG),
        ("{instance}", f"{DICOM}, {PARTS};q=0.5", DICOM),
        ("{study}", f"{DICOM}, {PARTS};q=0.5", f"{PARTS} {DICOM}"),
        ("{study}", "application/*", ZIP),
        ("{instance}/frames/1", f"{OCTETS}, {PARTS};q=0.1", OCTETS),
        ("{instance}/bulkdata/7FE00010", f"{PARTS};q=0.1, {OCTETS}", OCTETS),
    ],
)
async def test_the_weightier_and_the_closer_range_counts(
    door: str, accept: str, form: str, gateway: Gateway, http: aiohttp.ClientSession
) -> None:
    status, _, headers = await get(http, gateway, door.format(**await objects(gateway, http)), Accept=accept)
    assert (status, form_of(headers["Content-Type"])) == (200, form)


_kinds = st.sampled_from([JSON, XML, JPEG, PNG, "application/*", "image/*", "*/*"])
_headers = st.lists(
    st.tuples(_kinds, st.sampled_from([None, "0", "0.0", "0.3", "0.700", "1", "1.000"])), min_size=1, max_size=5, unique_by=lambda r: r[0]
)


@given(ranges=_headers, kind=st.sampled_from([JSON, XML, JPEG, PNG]))
def test_the_weight_of_a_type_is_that_of_the_closest_range(ranges: list[tuple[str, str | None]], kind: str) -> None:
    header = ", ".join(name if weight is None else f"{name};q={weight}" for name, weight in ranges)
    weights = {name: 1.0 if weight is None else float(weight) for name, weight in ranges}
    closest = next((weights[name] for name in (kind, kind.split("/")[0] + "/*", "*/*") if name in weights), 0.0)
    found = max((each.quality for each in acceptable(header) if each.takes(kind)), default=0.0)
    assert found == closest
