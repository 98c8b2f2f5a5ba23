"""The ECG centre in a real browser: a tracing read by keyboard, a normal one in three strokes, a long one on the Holter page."""

from __future__ import annotations

import io
import re
from datetime import datetime
from typing import Any

import numpy as np
import pypdfium2
import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

import ecg
from ecg.drawing import FILTERS, filtered
from ecg.synthesis import Day, holter, resting
from telemed.demo.people import PATIENTS
from telemed.demo.region import PASSWORD
from tests.browser.conftest import Visitor
from tests.browser.platform import Platform
from tests.browser.soundness import grave_findings
from tests.browser.test_reading import go, keep_picture, sign

IMPRESSION = 'textarea[name="sections.impression"]'
STARTED = datetime(2026, 11, 20, 8, 30)


def tracing(kind: str, seed: int = 3) -> bytes:
    return ecg.write(resting(kind, seed=seed, start=STARTED).recording, None, "aecg")


async def case_with(platform: Platform, patient: int, content: bytes, **more: Any) -> str:
    case = await platform.new_case(PATIENTS[patient], centre="ecg", **more)
    await platform.attach(case["id"], "clinic1", "ecg", content)
    return str(case["id"])


async def drawn(page: Page) -> None:
    await page.locator("[data-panel=ecg][data-ready]").wait_for()


async def pressed(page: Page, name: str) -> bool:
    return await page.get_by_role("button", name=name, exact=True).get_attribute("aria-pressed") == "true"


async def dark_pixels(page: Page) -> int:
    """How much trace is on the paper."""
    return int(
        await page.evaluate(
            """() => {
                const canvas = document.querySelector('.ecg-paper canvas');
                const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
                let dark = 0;
                for (let n = 0; n < data.length; n += 4) if (data[n] < 60 && data[n + 1] < 60 && data[n + 2] < 60) dark += 1;
                return dark;
            }"""
        )
    )


async def test_a_tracing_is_read_and_signed_by_keyboard(platform: Platform, sign_in: Visitor) -> None:
    earlier = await case_with(platform, 20, tracing("sinus", 5))
    await platform.write(earlier, "ecg.huba", "窦性心律", "正常心电图")
    await platform.sign(earlier, "ecg.huba")
    case = await case_with(platform, 20, tracing("inferior-infarction"), priority="stat")
    page = await sign_in("ecg.huba")
    await go(page, f"{platform.home}/read/{case}")
    await drawn(page)
    assert await dark_pixels(page) > 2000
    await expect(page.locator(".ecg-proposal")).to_contain_text("ST 段抬高")
    await expect(page.locator(".critical-line")).to_contain_text("ST 段抬高")  # the loop was opened by the platform
    await keep_picture(page, "ecg-reading")

    await page.keyboard.press("c")
    await page.locator(IMPRESSION).wait_for()
    await page.keyboard.press("Escape")
    for key, name in (("2", "6 × 2"), ("3", "12 × 1"), ("1", "3 × 4 加节律")):
        await page.keyboard.press(key)
        assert await pressed(page, name)
    await page.keyboard.press("k")
    reading = page.locator(".ecg-bar output")
    await expect(reading).to_contain_text("1000 毫秒")
    await page.keyboard.press("Shift+ArrowRight")
    await expect(reading).to_contain_text("1004 毫秒")
    await page.keyboard.press("s")
    await expect(reading).to_contain_text("502 毫秒")  # the paper is twice as fast under the same calipers
    await page.keyboard.press("m")
    assert await pressed(page, "等距延伸")
    await page.keyboard.press("Delete")
    await page.keyboard.press("x")
    await expect(page.locator(".ecg-changes")).to_contain_text("前次")
    assert not grave_findings(await Axe().run(page))
    await keep_picture(page, "ecg-comparison")
    await page.keyboard.press("x")

    await page.keyboard.press("q")
    taken = "窦性心律。\nII、III、aVF 导联 ST 段抬高。\nI、aVL、V2、V3、V4、V5 导联 ST 段压低。"
    await expect(page.locator(IMPRESSION)).to_have_value(taken)
    await expect(page.locator('textarea[name="sections.findings"]')).to_have_value(re.compile(r"^窦性心律，.*心率 \d+ 次/分，PR \d+ 毫秒"))
    await expect(page.locator("[name=result][value=positive]")).to_be_checked()
    await page.keyboard.press("a")
    await page.keyboard.type("jxxb")
    await page.keyboard.press("Enter")
    await page.keyboard.type("165")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Escape")
    await expect(page.locator(IMPRESSION)).to_have_value(f"{taken}\n急性下壁心肌梗死。\n建议立即转上级医院。")
    await page.locator('textarea[name="sections.findings"]').fill("II、III、aVF 导联 ST 段抬高。")
    qt = page.locator('input[name="sections.qt"]')
    proposed = int(await qt.input_value())
    await qt.fill(str(proposed - 12))
    await expect(page.locator(".save-state")).to_contain_text("已自动保存")
    await sign(page)
    await page.wait_for_url("**/worklist*")

    events = (await platform.call("GET", f"/cases/{case}/events", "ecg.huba"))["items"]
    change = next(event for event in events if event["action"] == "measure")
    assert (change["detail"]["before"], change["detail"]["after"]) == (proposed, proposed - 12)
    printed = pypdfium2.PdfDocument(io.BytesIO(await platform.call("GET", f"/cases/{case}/report.pdf", "ecg.huba")))
    assert len(printed) == 2
    assert f"{proposed - 12} ms" in printed[0].get_textpage().get_text_range()
    assert "25 mm/s" in printed[1].get_textpage().get_text_range()


async def test_a_normal_tracing_takes_three_strokes_and_the_next_case_opens(platform: Platform, sign_in: Visitor) -> None:
    case = await case_with(platform, 22, tracing("sinus", 7), priority="stat")
    following = await case_with(platform, 24, tracing("sinus", 8), priority="urgent")
    page = await sign_in("ecg.huba")
    await go(page, f"{platform.home}/read/{case}?view=unclaimed")
    await drawn(page)
    await page.keyboard.press("c")
    await page.locator(IMPRESSION).wait_for()
    await page.keyboard.press("Alt+n")
    await page.keyboard.press("Control+Enter")
    await page.locator("dialog[open] input[type=password]").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/read/{following}*")
    await drawn(page)
    report = await platform.call("GET", f"/cases/{case}/report", "ecg.huba")
    assert report["status"] == "final"
    assert report["sections"]["impression"] == "正常心电图。"
    assert 60 < report["sections"]["rate"] < 90  # the numbers went along


async def test_a_proposal_is_taken_over_and_signed_in_two_strokes(platform: Platform, sign_in: Visitor) -> None:
    case = await case_with(platform, 25, tracing("sinus", 9), priority="stat")
    page = await sign_in("ecg.huba")
    await go(page, f"{platform.home}/read/{case}?view=unclaimed")
    await drawn(page)
    await page.keyboard.press("c")
    await page.locator(IMPRESSION).wait_for()
    await page.locator("[data-ecg-take]").wait_for()
    await page.keyboard.press("Alt+q")
    await page.keyboard.press("Control+Enter")
    await page.locator("dialog[open] input[type=password]").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page).not_to_have_url(re.compile(f"/read/{case}"))
    report = await platform.call("GET", f"/cases/{case}/report", "ecg.huba")
    assert (report["status"], report["result"]) == ("final", "negative")
    assert report["sections"]["impression"] == "窦性心律。"
    assert report["sections"]["findings"].startswith("窦性心律，心率 ")


@pytest.mark.parametrize("name", ["diagnostic", "baseline", "muscle"])
async def test_the_screen_filters_as_the_paper_does(platform: Platform, sign_in: Visitor, name: str) -> None:
    recording = resting("sinus", seed=4).recording
    page = await sign_in("ecg.huba")
    lead = recording.samples[1]
    found = await page.evaluate(
        """async ([samples, name, stages, rate]) => {
            const base = document.querySelector('script[type=module][src*="/js/"]').src.replace(/js\\/.*/, 'js/');
            const { filtered } = await import(base + 'ecg/filters.js');
            return [...filtered(Float32Array.from(samples), stages, rate)];
        }""",
        [lead.tolist(), name, await _stages(platform, name, recording.rate), recording.rate],
    )
    wanted = filtered(lead[None, :], recording.rate, FILTERS[name])[0]
    np.testing.assert_allclose(np.array(found), wanted, atol=2.0)  # microvolts


async def _stages(platform: Platform, name: str, rate: float) -> Any:
    from telemed.centres.ecg.adapters.tracing_reader import screen_filters

    return next(each["stages"] for each in screen_filters(rate) if each["name"] == name)


async def test_a_long_recording_on_the_holter_page(platform: Platform, sign_in: Visitor) -> None:
    made = holter(0.6, rate=125.0, day=Day(ventricular_share=0.03, pauses=((0.3, 4.6),)), start=STARTED)
    case = await case_with(platform, 26, ecg.write(made.recording, None, "edf"), recording="holter")
    await platform.call("POST", f"/cases/{case}/claim", "ecg.huba", {})
    page = await sign_in("ecg.huba")
    await go(page, f"{platform.home}/read/{case}")
    await drawn(page)
    await expect(page.locator(".holter-summary")).to_contain_text("停搏")
    await page.get_by_role("button", name="写入检查所见").click()
    await expect(page.locator('textarea[name="sections.findings"]')).to_have_value(re.compile("最长 4.60 秒"))
    await expect(page.locator(".save-state")).to_contain_text("已自动保存")

    fetched: list[int] = []
    page.on("response", lambda answer: fetched.append(int(answer.headers.get("content-length", "0"))) if "/samples" in answer.url else None)
    await page.keyboard.press("Escape")
    await page.keyboard.press("h")
    await page.locator("[data-holter-page][data-ready]").wait_for()
    assert sum(fetched) < 200_000  # the recording has 1.6 MB
    await page.keyboard.press("]")
    while await page.locator(".holter-kind[aria-pressed=true]").text_content() != "停搏1":
        await page.keyboard.press("]")
    await page.keyboard.press("j")
    await expect(page.locator(".holter-where")).to_contain_text("08:4")
    await page.keyboard.press("s")
    await expect(page.locator(".holter-strips")).to_contain_text("停搏 4.60 秒")
    await keep_picture(page, "ecg-holter")

    ventricular = page.locator(".holter-template", has=page.locator(".holter-name-V[aria-pressed=true]")).first
    await ventricular.click()
    await page.keyboard.press("Shift+S")
    await expect(page.locator(".holter-name-V[aria-pressed=true]")).to_have_count(0)
    await page.keyboard.press("z")
    await expect(page.locator(".holter-name-V[aria-pressed=true]").first).to_be_visible()
    await page.keyboard.press("2")
    await expect(page.locator(".holter-chart")).to_have_count(3)
    await page.keyboard.press("3")
    await expect(page.locator(".holter-table tbody tr")).to_have_count(1)
    assert not grave_findings(await Axe().run(page))
    await page.keyboard.press("r")
    await page.wait_for_url(f"**/read/{case}*")
    edits = (await platform.call("GET", f"/cases/{case}/tracings/{await _only(platform, case)}/edits", "ecg.huba"))["items"]
    assert [(each["kind"], each["undone_by"]) for each in edits] == [("strip", None), ("template", "ecg.huba")]


async def _only(platform: Platform, case: str) -> str:
    return str((await platform.call("GET", f"/cases/{case}/tracings", "ecg.huba"))["items"][0]["id"])
