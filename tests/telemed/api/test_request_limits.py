"""Requests that would take more of the server than they are worth end early, and nobody else waits."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.demo_region import DemoRegion
from tests.telemed.api.stories import PDF, Story, asked_further_up

PART = b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n'
FILE = b'--b\r\nContent-Disposition: form-data; name="f"; filename="a.pdf"\r\n\r\n' + PDF + b"\r\n"
END = b"--b--\r\n"
FORM = {"Content-Type": "multipart/form-data; boundary=b"}


@pytest.fixture(scope="module")
async def story(region: DemoRegion) -> Story:
    return await asked_further_up(region)


async def status_of(region: DemoRegion, path: str, body: bytes, *, user: str = "clinic1", headers: dict[str, str] = FORM) -> int:
    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 1 << 18):
            yield body[start : start + (1 << 18)]

    try:
        return (await region.call("POST", path, data=pieces(), headers=headers, user=user)).status
    except OSError:  # the line was closed before all of it was sent: as good
        return 413


class TestParts:
    async def test_fields_beside_a_file_are_taken(self, story: Story) -> None:
        assert await status_of(story.region, f"{story.url}/files", PART * 20 + FILE + END) == 201

    @pytest.mark.parametrize(
        "body",
        [PART * 221 + END, PART * 200_000 + END, PART * 220 + FILE + END, FILE * 201 + END],
        ids=["one more", "two hundred thousand", "a file behind them", "files"],
    )
    async def test_every_part_counts(self, story: Story, body: bytes) -> None:
        assert await status_of(story.region, f"{story.url}/files", body) == 413

    async def test_a_field_is_short(self, story: Story) -> None:
        head = b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n'
        assert await status_of(story.region, f"{story.url}/files", head + bytes(64 << 10) + b"\r\n" + FILE + END) == 201
        assert await status_of(story.region, f"{story.url}/files", head + bytes((64 << 10) + 1) + b"\r\n" + FILE + END) == 413

    @pytest.mark.parametrize("filler", [b"\r\n", b"x\n", b"--c\r\n"])
    async def test_lines_in_front_of_the_first_part_count(self, story: Story, filler: bytes) -> None:
        assert await status_of(story.region, f"{story.url}/files", filler * 20 + FILE + END) == 201
        assert await status_of(story.region, f"{story.url}/files", filler * 200_000 + FILE + END) == 413

    async def test_parts_inside_of_parts_are_not_taken(self, story: Story) -> None:
        inner = b"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n" + b"--c\r\n\r\n1\r\n" * 10 + b"--c--\r\n"
        assert await status_of(story.region, f"{story.url}/files", inner + FILE + END) == 400

    @pytest.mark.parametrize(
        ("kind", "part", "expected"),
        [
            ("application/dicom", b"--b\r\nContent-Type: application/dicom\r\n\r\n", 10_000),
            ("application/dicom+json", b"--b\r\nContent-Type: application/octet-stream\r\nContent-Location: a\r\n\r\n", 20_000),
        ],
    )
    async def test_parts_to_be_stored_count(self, story: Story, kind: str, part: bytes, expected: int) -> None:
        headers = {"Content-Type": f'multipart/related; type="{kind}"; boundary=b', "Accept": "application/dicom+json"}
        answer = await status_of(story.region, "/dicomweb/studies", b"\r\n" * 400_000 + part + END, headers=headers)
        assert answer == 413
        if expected > 10_000:
            assert await status_of(story.region, "/dicomweb/studies", (part + b"\r\n") * (expected + 1) + END, headers=headers) == 413

    @pytest.mark.parametrize("path", ["/login", "/unmatched/find"])
    async def test_forms_of_pages_are_no_multipart(self, region: DemoRegion, path: str) -> None:
        assert await status_of(region, path, PART * 500 + END, user="operator") == 415
