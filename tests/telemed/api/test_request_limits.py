"""Requests that would take more of the server than they are worth end early, and nobody else waits."""

from __future__ import annotations

import io
import struct
from collections.abc import AsyncIterator

import pytest
from PIL import Image

from telemed.domain.forms import MAX_LINES
from telemed.domain.pictures import MAX_PIXELS, PICTURE_HEAD
from tests.demo_region import DemoRegion, new_case
from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.telemed.api.stories import PDF, Story, asked_further_up, file_form
from tests.telemed.harness import PASSWORD, SECTIONS

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


def png(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.new("L", (4, 4)).save(out, "PNG")
    made = out.getvalue()
    return made[:16] + struct.pack(">II", width, height) + made[24:]


def jpeg(width: int, height: int, filler: int = 0) -> bytes:
    out = io.BytesIO()
    Image.new("L", (4, 5)).save(out, "JPEG")
    made = out.getvalue().replace(struct.pack(">HH", 5, 4), struct.pack(">HH", height, width), 1)
    return made[:2] + (b"\xff\xe2\xff\xff" + bytes(65533)) * filler + made[2:]


def as_part(content: bytes) -> bytes:
    return b'--b\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n' + content + b"\r\n" + END


class TestPictures:
    @pytest.mark.parametrize("made", [png(10_000, 10_000), jpeg(10_000, 10_000), jpeg(4, 5, filler=20)], ids=["PNG", "JPEG", "late"])
    async def test_up_to_the_limit_they_are_documents(self, story: Story, made: bytes) -> None:
        assert MAX_PIXELS == 10_000 * 10_000
        assert await status_of(story.region, f"{story.url}/files", as_part(made)) == 201

    @pytest.mark.parametrize(
        ("made", "words"),
        [
            (png(10_000, 10_001), "100010000 pixels, at most 100000000"),
            (png(30_000, 30_000), "pixels"),
            (png(2**31 - 1, 2**31 - 1), "pixels"),
            (jpeg(10_001, 10_000), "100010000 pixels"),
            (jpeg(60_000, 60_000, filler=20), "3600000000 pixels"),
            (jpeg(4, 5, filler=PICTURE_HEAD // 65535 + 1), "do not say how large"),
        ],
        ids=["PNG", "large PNG", "largest PNG", "JPEG", "late", "too late"],
    )
    async def test_larger_ones_are_refused(self, story: Story, made: bytes, words: str) -> None:
        body = io.BytesIO(as_part(made))
        answer = await story.region.call("POST", f"{story.url}/files", data=body, headers=FORM, user="clinic1")
        assert answer.status == 422
        assert words in answer.body["detail"]


class TestAdvice:
    """Who sends what is not taken is told what to do."""

    async def refused(self, story: Story, content: bytes) -> str:
        answer = await story.region.call(
            "POST", f"{story.url}/files", data=file_form(content), user="clinic1", headers={"Accept-Language": "en"}
        )
        assert answer.status == 415, answer.body
        return str(answer.body["detail"])

    async def test_a_table_of_contents(self, story: Story) -> None:
        directory = part10_of(ct_slice(SOPClassUID="1.2.840.10008.1.3.10"))
        assert "choose the images" in await self.refused(story, directory)

    async def test_an_archive_of_another_kind(self, story: Story) -> None:
        assert "unpack it" in await self.refused(story, b"7z\xbc\xaf\x27\x1c" + bytes(200))

    async def test_anything_else(self, story: Story) -> None:
        assert "Taken are" in await self.refused(story, b"MZ\x90\x00" + bytes(200))


class TestTexts:
    async def test_what_cannot_be_printed_is_not_saved(self, region: DemoRegion) -> None:
        case_id = await new_case(region)
        await region.step(case_id, "submit", user="clinic1")
        await region.step(case_id, "claim", user="imaging.huba")
        report = f"/api/v1/cases/{case_id}/report"

        async def saved(lines: int) -> tuple[int, list[str]]:
            sections = SECTIONS["imaging"] | {"findings": "x\n" * lines}
            answer = await region.call("PUT", report, {"sections": sections}, user="imaging.huba", headers={"If-Match": "*"})
            return answer.status, [fault["field"] for fault in answer.body.get("errors", ())]

        assert await saved(6000) == await saved(MAX_LINES + 1) == (422, ["sections.findings"])
        assert await saved(MAX_LINES) == (200, [])
        assert (await region.step(case_id, "report/sign", {"password": PASSWORD}, user="imaging.huba")).status == 200
        reason = {"reason": "x\n" * (MAX_LINES + 1)}
        assert (await region.step(case_id, "report/amend", reason, user="imaging.huba")).status == 422

    async def test_what_cannot_be_seen_is_not_kept(self, region: DemoRegion) -> None:
        case_id = await new_case(region, name="张\u200b\u202e伟", reason="头\ufeff痛\u2066三天")
        case = (await region.call("GET", f"/api/v1/cases/{case_id}", user="clinic1")).body
        assert (case["patient"]["name"], case["request"]["reason"]) == ("张伟", "头痛三天")
        patient = {"name": "\u202e\u200b", "sex": "male"}
        answer = await region.call("POST", "/api/v1/cases", {"centre": "imaging", "patient": patient}, user="clinic1")
        assert answer.status == 422
