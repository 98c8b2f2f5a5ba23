"""Tubes are packed, carried and received with a scanner, on a desk and on a telephone."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Page, expect

from telemed.demo.people import PATIENTS
from tests.browser.conftest import Visitor
from tests.browser.fit import TELEPHONE
from tests.browser.platform import Platform
from tests.browser.soundness import sound
from tests.browser.test_reading import keep_picture

READY = "html[data-page-ready]"
SAID = "[data-scan-said] b"


async def opened(page: Page, address: str) -> None:
    await page.goto(address)
    await page.wait_for_selector(READY)


async def scan(page: Page, code: str) -> None:
    """As a scanner does: letters at once, then Enter; nobody touches the field."""
    await page.keyboard.type(code)
    await page.keyboard.press("Enter")


async def labelled(platform: Platform, *kinds: str, index: int = 0) -> list[str]:
    case = await platform.new_case(PATIENTS[index], centre="lab", reason="复核血钾")
    body = {"containers": [{"kind": kind} for kind in kinds]}
    made = await platform.call("POST", f"/cases/{case['id']}/specimens", "clinic1", body)
    return [each["number"] for each in made["items"]]


async def given(platform: Platform, numbers: list[str], seal: str = "S-1") -> str:
    box: dict[str, Any] = await platform.call("POST", "/lab/boxes", "clinic1", {"to": "HUBA", "temperature": "2-8"})
    for number in numbers:
        await platform.call("POST", f"/lab/boxes/{box['id']}/specimens", "clinic1", {"number": number})
    await platform.call("POST", f"/lab/boxes/{box['id']}/ready", "clinic1", {})
    await platform.call("POST", f"/lab/boxes/{box['id']}/hand-over", "clinic1", {"courier": "李师傅", "seal": seal})
    return str(box["id"])


async def on_a_telephone(page: Page, name: str) -> None:
    await page.set_viewport_size({"width": TELEPHONE[0], "height": TELEPHONE[1]})
    await keep_picture(page, name)
    await page.set_viewport_size({"width": 1366, "height": 768})


async def test_a_member_packs_with_a_scanner_alone(platform: Platform, sign_in: Visitor) -> None:
    numbers = await labelled(platform, "EDTA", "SST")
    page = await sign_in("clinic1")
    await opened(page, "/lab/boxes")
    await expect(page.locator("[data-scan-field]")).to_be_focused()
    await keep_picture(page, "specimens-boxes-empty-hand")
    await sound(page)

    await scan(page, numbers[0])
    await expect(page.locator(SAID)).to_have_text("已采集")
    await scan(page, "NO-SUCH-CODE")
    await expect(page.locator(SAID)).to_have_text("无法识别的条码，请放在一旁")
    await page.get_by_role("button", name="新建一箱").click()
    await expect(page.get_by_role("heading", name="当前箱")).to_be_visible()
    await expect(page.locator("[data-scan-field]")).to_be_focused()
    for number in numbers:
        await scan(page, number)
    await expect(page.locator(SAID)).to_have_text("已装箱")
    await expect(page.locator("[data-scan-state] table tbody tr")).to_have_count(2)
    await scan(page, numbers[1])
    await expect(page.locator(SAID)).to_have_text("已在此箱中")
    await keep_picture(page, "specimens-boxes")
    await sound(page)
    await on_a_telephone(page, "specimens-boxes-telephone")

    await page.get_by_role("button", name="封箱").click()
    await page.locator("[data-scan-state] input[name=courier]").fill("李师傅")
    await page.locator("[data-scan-state] input[name=seal]").fill("S-77")
    await page.get_by_role("button", name="交给物流员").click()
    await expect(page.locator("#hand-head")).to_contain_text("已交出，待接收")
    await keep_picture(page, "specimens-boxes-given")


async def test_the_last_scan_is_taken_back(platform: Platform, sign_in: Visitor) -> None:
    (number,) = await labelled(platform, "EDTA", index=1)
    page = await sign_in("clinic1")
    await opened(page, "/lab/boxes")
    await scan(page, number)
    await page.get_by_role("button", name="撤回").click()
    await expect(page.locator(SAID)).to_have_text("已撤回")
    assert (await platform.call("GET", f"/lab/specimens/{number}", "clinic1"))["status"] == "registered"


async def test_a_hub_receives_a_box_and_sees_its_temperature_first(platform: Platform, sign_in: Visitor) -> None:
    numbers = await labelled(platform, "EDTA", "SST", "CITRATE", index=2)
    box = await given(platform, numbers)
    await platform.call("POST", f"/lab/boxes/{box}/take-over", "clinic1", {"courier": "李师傅", "seal": "S-2"})
    page = await sign_in("lab.huba")
    await opened(page, "/lab/receipt")
    await keep_picture(page, "specimens-receipt-empty-hand")
    await scan(page, box)
    await expect(page.locator("#hand-head")).to_contain_text(box)
    await expect(page.locator("[data-scan-state]")).to_contain_text("交接双方所述不一致")
    log = "\n".join(f"2026-11-18 08:{minute:02d} {4 + (minute - 20) * 0.4 * (20 < minute < 40):.1f}" for minute in range(0, 60, 2))
    await page.locator("input[data-scan-upload]").set_input_files({"name": "log.txt", "mimeType": "text/plain", "buffer": log.encode()})
    await expect(page.locator("[data-scan-state]")).to_contain_text("温度过高")
    await page.locator("[data-scan-field]").focus()
    await scan(page, numbers[0])
    await expect(page.locator(SAID)).to_have_text("已签收")
    await page.get_by_label("拒收").check()
    await page.locator("[data-scan-reason] select").select_option("RH")
    await page.locator("[data-scan-field]").focus()
    await scan(page, numbers[1])
    await expect(page.locator("[data-scan-state]")).to_contain_text("溶血")
    await keep_picture(page, "specimens-receipt")
    await sound(page)
    await on_a_telephone(page, "specimens-receipt-telephone")
    await scan(page, numbers[2])
    await page.get_by_role("button", name="核对完成").click()
    await expect(page.locator("#hand-head")).to_contain_text("已核对")
    seen = await platform.call("GET", f"/lab/boxes/{box}", "clinic1")
    assert {each["number"]: each["condition"] for each in seen["specimens"]} == dict(
        zip(numbers, ("good", "rejected", "good"), strict=True)
    )


async def test_ten_scans_a_second_lose_none(platform: Platform, sign_in: Visitor) -> None:
    numbers = await labelled(platform, *["EDTA"] * 30, index=3)
    box = await given(platform, numbers)
    await platform.call("POST", f"/lab/boxes/{box}/take-over", "clinic1", {"courier": "李师傅"})
    page = await sign_in("lab.huba")
    await opened(page, "/lab/receipt")
    await scan(page, box)
    for number in numbers:
        await scan(page, number)
        await page.wait_for_timeout(100)
    await expect(page.locator(".scan-progress b")).to_have_text("30 / 30")
    assert (await platform.call("GET", f"/lab/boxes/{box}", "lab.huba"))["status"] == "received"


async def test_a_courier_scans_without_a_network(platform: Platform, sign_in: Visitor) -> None:
    numbers = await labelled(platform, "EDTA", index=4)
    box = await given(platform, numbers, "S-9")
    page = await sign_in("clinic1")
    await page.set_viewport_size({"width": TELEPHONE[0], "height": TELEPHONE[1]})
    await opened(page, "/lab/courier")
    await keep_picture(page, "specimens-courier")
    await page.context.set_offline(True)
    await scan(page, "K-Li Shifu")
    await scan(page, box)
    await expect(page.locator("[data-scan-waiting]")).to_contain_text("2 条扫描等待网络")
    await keep_picture(page, "specimens-courier-offline")
    await page.context.set_offline(False)
    await expect(page.locator(SAID)).to_have_text("已接收")
    await expect(page.locator("[data-scan-waiting]")).to_be_hidden()
    assert (await platform.call("GET", f"/lab/boxes/{box}", "clinic1"))["status"] == "in-transit"
    await keep_picture(page, "specimens-courier-taken")
    await sound(page)


async def test_tubes_follow_from_tests(platform: Platform, sign_in: Visitor) -> None:
    case = await platform.new_case(PATIENTS[5], centre="lab", reason="复核血钾", tests="血常规、血钾")
    page = await sign_in("clinic1")
    await opened(page, f"/lab/tubes/{case['id']}")
    await keep_picture(page, "specimens-tubes-new")
    await page.locator("[name=items]").fill("WBC, K, nonsense")
    await page.get_by_role("button", name="标签", exact=True).click()
    await expect(page.locator("[data-problem]")).to_contain_text("不是目录中的检验项目")
    await page.locator("[name=items]").fill("WBC, K")
    await page.get_by_role("button", name="标签", exact=True).click()
    await expect(page.locator(".lines li")).to_have_count(2)
    await keep_picture(page, "specimens-tubes")
    await sound(page)


async def test_in_english(platform: Platform, sign_in: Visitor) -> None:
    numbers = await labelled(platform, "EDTA", "SST", index=6)
    box = await given(platform, numbers)
    for user, address, name in (
        ("clinic1", f"/lab/boxes?box={box}", "boxes"),
        ("lab.huba", f"/lab/receipt?box={box}", "receipt"),
        ("clinic1", "/lab/courier", "courier"),
    ):
        page = await sign_in(user, locale="en-GB")
        await opened(page, f"{address}{'&' if '?' in address else '?'}lang=en")
        await expect(page.locator(SAID)).to_have_text("Ready to scan")
        await keep_picture(page, f"specimens-{name}-en")
        await on_a_telephone(page, f"specimens-{name}-en-telephone")
        await sound(page)
