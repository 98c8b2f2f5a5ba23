"""Requests to store that are not as they should be: a sentence and 400, never 500; and what is meant is stored."""

from __future__ import annotations

import json

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import real_files
from tests.dicom_gateway.conftest import Gateway, value_of
from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.dicom_gateway.test_doors import qido

RELATED = 'multipart/related; type="application/dicom"; boundary=B'
HEAD = b"--B\r\nContent-Type: application/dicom\r\n"
END = b"\r\n--B--\r\n"


async def post(http: aiohttp.ClientSession, gateway: Gateway, body: bytes, content_type: str = RELATED) -> tuple[int, dict[str, object]]:
    headers = {**gateway.headers("CLINIC1"), "Content-Type": content_type}
    async with http.post(gateway.url + "/studies", data=body, headers=headers) as answer:
        return answer.status, json.loads(await answer.read())


@pytest.mark.parametrize("length", [b"0", b"5", b"100000000", b"-1", b"many", b""])
async def test_a_part_ends_at_its_boundary_whatever_length_it_states(length: bytes, gateway: Gateway, http: aiohttp.ClientSession) -> None:
    slices = [ct_slice(), ct_slice()]
    body = b"".join(HEAD + b"Content-Length: " + length + b"\r\n\r\n" + part10_of(each) + b"\r\n" for each in slices) + END[2:]
    status, said = await post(http, gateway, body)
    assert status == 200, said
    for each in slices:
        (found,) = await qido(http, gateway, f"/instances?SOPInstanceUID={each.SOPInstanceUID}")
        assert value_of(found, "00080018") == each.SOPInstanceUID


BROKEN = {
    "no colon": HEAD + b"nocolon\r\n\r\nx" + END,
    "a name of nothing": HEAD + b": x\r\n\r\nx" + END,
    "a name with a blank": HEAD + b"A b: x\r\n\r\nx" + END,
    "a long header": HEAD + b"X: " + b"x" * 20_000 + b"\r\n\r\nx" + END,
    "many headers": HEAD + b"X: x\r\n" * 500 + b"\r\nx" + END,
    "two lengths": HEAD + b"Content-Length: 5\r\nContent-Length: 7\r\n\r\nx" + END,
    "no type": b"--B\r\n\r\nx" + END,
    "a type of nothing": b"--B\r\nContent-Type:\r\n\r\nx" + END,
    "a NUL in a header": HEAD + b"X: \0\r\n\r\nx" + END,
    "bytes that are no text": HEAD + b"X\xff: \xff\xfe\r\n\r\nx" + END,
    "no end": HEAD + b"\r\nx",
    "no end of the headers": HEAD,
    "no boundary": b"x" * 1000,
    "nothing": b"",
    "parts in a part": b"--B\r\nContent-Type: multipart/mixed; boundary=C\r\n\r\n--C\r\n\r\nx\r\n--C--" + END,
    "parts without a boundary in a part": b"--B\r\nContent-Type: multipart/mixed\r\n\r\nx" + END,
    "something behind the part": HEAD + b"\r\nx\r\n--Bx\r\n",
}


@pytest.mark.parametrize("of", ["application/dicom", "application/dicom+json", "application/dicom+xml"])
@pytest.mark.parametrize("what", BROKEN)
async def test_a_body_that_is_no_multipart_content_is_a_bad_request(
    what: str, of: str, gateway: Gateway, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    status, said = await post(http, gateway, BROKEN[what], f'multipart/related; type="{of}"; boundary=B')
    assert status in (400, 409, 413, 415), (status, said)
    assert said.get("detail") or said.get("00081198"), said
    assert "\n" not in str(said.get("detail", ""))
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("content_type", ["multipart/related", "multipart/related; boundary=", f"multipart/related; boundary={'b' * 71}"])
async def test_a_boundary_that_is_none_is_a_bad_request(content_type: str, gateway: Gateway, http: aiohttp.ClientSession) -> None:
    status, said = await post(http, gateway, HEAD + b"\r\nx" + END, content_type)
    assert (status, bool(said["detail"])) == (400, True)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(head=st.binary(max_size=60), body=st.binary(max_size=60), cut=st.integers(0, 140))
async def test_whatever_comes_as_parts_is_answered(
    head: bytes, body: bytes, cut: int, gateway: Gateway, http: aiohttp.ClientSession
) -> None:
    status, _ = await post(http, gateway, (HEAD + head + b"\r\n\r\n" + body + END)[:cut])
    assert status in (400, 409, 413, 415)


@pytest.mark.parametrize("name", ["stow_part_bad_header.http", "stow_part_content_length.http"])
async def test_bodies_that_were_answered_500(name: str, gateway: Gateway, http: aiohttp.ClientSession) -> None:
    found = real_files.files(f"dicom-cases/{name}")
    if not found:
        pytest.skip(real_files.absent(f"dicom-cases/{name}"))
    status, _ = await post(http, gateway, found[0].read_bytes())
    assert status == (400 if "header" in name else 200)


async def test_an_empty_object_is_a_bad_request(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    status, said = await post(http, gateway, b"", "application/dicom")
    assert (status, "empty" in str(said["detail"])) == (400, True)

    async def nothing() -> object:
        if gateway is None:
            yield b""

    headers = {**gateway.headers("CLINIC1"), "Content-Type": "application/dicom"}
    async with http.post(gateway.url + "/studies", data=nothing(), headers=headers) as answer:  # chunked: no length is known
        assert answer.status == 400
    status, _ = await post(http, gateway, part10_of(ct_slice()), "application/dicom")
    assert status == 200
