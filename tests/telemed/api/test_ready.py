"""Ready is who can take a case from the file to the signed report; a damaged file ends nothing but itself."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from telemed.adapters.readiness import Readiness
from telemed.service.application import Unready
from tests.demo_region import DemoRegion, new_case, running_region
from tests.telemed.api.stories import Story, done, file_form
from tests.telemed.harness import PASSWORD

DAMAGED = {
    "a.xml": b'<?xml version="1.0"?><AnnotatedECG xmlns="urn:hl7-org:v3"></AnnotatedECG>',
    "a.pdf": b"%PDF-1.7\n%%EOF\n",
    "a.dat": b"SCPECG",
}


@pytest.fixture
async def own(tmp_path: Path, region_database: Path) -> AsyncIterator[DemoRegion]:
    """A region of its own, whose parts may be broken."""
    async with running_region(tmp_path, region_database) as running:
        yield running


async def ready(region: DemoRegion) -> tuple[int, str]:
    answer = await region.call("GET", "/readyz")
    return answer.status, answer.body.get("detail", "")


async def becomes_ready(region: DemoRegion) -> None:
    """A process takes its time to start on a busy machine."""
    for _ in range(60):
        if (await ready(region))[0] == 200:
            return
        await asyncio.sleep(0.5)
    raise AssertionError(await ready(region))


async def sign(region: DemoRegion) -> int:
    story = Story(region, await new_case(region))
    await story.step("clinic1", "submit")
    await story.step("imaging.huba", "claim")
    await story.write("imaging.huba")
    return (await region.step(story.case_id, "report/sign", {"password": PASSWORD}, user="imaging.huba")).status


async def test_who_cannot_sign_is_not_ready(own: DemoRegion) -> None:
    keys = own.parts.settings.data_dir / "keys" / "signing"
    keys.mkdir(parents=True, exist_ok=True)
    (keys / "authority.pem").write_bytes(b"no key")
    said = set()
    for _ in range(60):
        status, detail = await ready(own)
        assert status == 503
        said.add(detail)
    assert "printing" in said  # a busy machine may have been slow to answer for another part as well
    (keys / "authority.pem").unlink()
    await becomes_ready(own)
    assert await sign(own) == 200


async def test_who_cannot_print_is_not_ready(own: DemoRegion) -> None:
    own.parts.pool.shutdown(cancel_futures=True)
    assert await ready(own) == (503, "printing")
    assert (await own.call("GET", "/healthz")).status == 200


async def test_a_printer_that_was_killed_is_replaced(own: DemoRegion) -> None:
    await becomes_ready(own)
    os.kill(own.parts.pool.submit(os.getpid).result(30), signal.SIGKILL)
    await becomes_ready(own)
    assert await sign(own) in (200, 503), "what shared the process with the one that died may be asked for again"
    assert await sign(own) == 200


async def test_a_damaged_file_ends_nothing_but_itself(own: DemoRegion) -> None:
    """Whatever of it is asked for is refused or shown, none of it with an error of ours; and everybody can still sign."""
    case_id = await new_case(own, "ecg")
    url = f"/api/v1/cases/{case_id}"
    for name, content in DAMAGED.items():
        answer = await own.call("POST", f"{url}/files", data=file_form(content, name), user="clinic1")
        assert answer.status in (201, 415, 422), answer.body
    await own.work()
    asked: dict[str, int] = {}
    for item in (await done(await own.call("GET", f"{url}/evidence", user="clinic1")))["items"]:
        for part in ("", "/content", "/pages", "/pages/1"):
            answer = await own.call("GET", f"{url}/evidence/{item['id']}{part}", user="clinic1")
            asked[f"{item['name']}{part}"] = answer.status
    assert asked["a.pdf/pages"] == asked["a.pdf/pages/1"] == 422
    for tracing in (await done(await own.call("GET", f"{url}/tracings", user="clinic1")))["items"]:
        assert tracing["kind"] == "unreadable"
        for part in ("", "/samples", "/beats"):
            asked[f"tracing{part}"] = (await own.call("GET", f"{url}/tracings/{tracing['id']}{part}", user="clinic1")).status
    assert {status for status in asked.values() if status >= 500} == set(), asked
    assert await sign(own) == 200
    await becomes_ready(own)


class TestReadiness:
    """A part is asked once for all who ask, and not waited for longer than a few seconds."""

    @pytest.fixture(autouse=True)
    def hasty(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("telemed.adapters.readiness.PATIENCE_SECONDS", 0.05)

    def part(self, **options: float) -> tuple[Readiness, asyncio.Queue[BaseException | None], list[int]]:
        """A part that answers what is put into the queue, and how often it was asked."""
        answers: asyncio.Queue[BaseException | None] = asyncio.Queue()
        asked: list[int] = []

        async def ask() -> None:
            asked.append(1)
            if error := await answers.get():
                raise error

        return Readiness("store", ask, **options), answers, asked

    async def test_many_at_once_ask_once(self) -> None:
        ready, answers, asked = self.part(good_for=60)
        answers.put_nowait(None)
        await asyncio.gather(*(ready.check() for _ in range(50)))
        await ready.check()
        assert len(asked) == 1

    async def test_silence_is_no_answer_and_is_not_asked_again_meanwhile(self) -> None:
        ready, answers, asked = self.part()
        for _ in range(3):
            with pytest.raises(Unready) as refused:
                await ready.check()
            assert refused.value.part == "store"
        assert len(asked) == 1
        answers.put_nowait(None)
        await ready.check()

    async def test_who_answered_before_may_be_busy(self) -> None:
        ready, answers, _ = self.part(busy_for=60)
        answers.put_nowait(None)
        await ready.check()
        await ready.check()

    async def test_an_error_is_not_kept(self) -> None:
        ready, answers, _ = self.part(good_for=60)
        answers.put_nowait(OSError("gone"))
        with pytest.raises(Unready):
            await ready.check()
        answers.put_nowait(None)
        await ready.check()
