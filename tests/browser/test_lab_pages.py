"""The laboratory's pages in a real browser: the table of days and its keys, courses, the board, what lies aside, codes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import expect

from telemed import bootstrap
from telemed.centres.lab.adapters.message_intake import MessageIntake
from telemed.centres.lab.demo import HISTORIES, play_history
from telemed.centres.lab.intake import Caller
from telemed.demo.people import PATIENTS
from telemed.domain.patient import Identifier
from tests.browser.conftest import Visitor
from tests.browser.platform import Platform
from tests.browser.soundness import opened, sound
from tests.telemed.lab_pages.messages import POTASSIUM, oru


@dataclass
class Laboratory:
    """The platform with two patients' history. `patient` is the record at CLINIC1 of the one whom CLINIC2 knows too."""

    platform: Platform
    patient: str

    async def send(self, *messages: bytes) -> None:
        async with bootstrap.open_parts(self.platform.settings) as parts:
            intake = MessageIntake(parts.application)
            for message in messages:
                await intake.take(message, Caller("127.0.0.1"))
            await intake.close()

    async def send_in_gbk(self, control: str, patient: str) -> None:
        """A message in GBK that says it is UTF-8."""
        said = oru(
            "CLINIC2", patient, [(POTASSIUM, "4.1", "mmol/L", "3.5-5.3")], at=datetime.now(UTC) - timedelta(hours=2), control=control
        )
        await self.send(said.decode().encode("gb18030"))


@pytest.fixture(scope="session")
async def laboratory(platform: Platform) -> Laboratory:
    history = HISTORIES[0]
    async with bootstrap.open_parts(platform.settings) as parts:
        await play_history(parts)
        async with parts.application.reading() as work:
            number = Identifier(history.member, PATIENTS[history.patient].number)
            (record,) = await work.patients.known_to(history.member, [number])
    return Laboratory(platform, record.id)


@pytest.mark.parametrize(("theme", "locale"), [("light", "zh-CN"), ("dark", "en")])
async def test_nothing_serious_for_axe_and_everything_fits(laboratory: Laboratory, sign_in: Visitor, theme: str, locale: str) -> None:
    await laboratory.send_in_gbk(f"FIT-{theme}", "LPFIT")
    base = f"/lab/patients/{laboratory.patient}"
    member = await sign_in("clinic1", theme=theme, locale=locale)
    operator = await sign_in("operator", theme=theme, locale=locale)
    pages = [
        (member, "/lab"), (member, "/lab?q=nothing"), (member, base), (member, f"{base}?print=1"), (member, f"{base}?period=3&show=abnormal"),
        (member, f"{base}/trends?item=1400605A&item=1700404A"), (member, f"{base}/trends"), (member, "/lab/operations"),
        (operator, "/lab/operations"), (operator, "/lab/operations?view=aside"), (operator, "/lab/operations?view=codes"),
    ]  # fmt: skip
    for page, address in pages:
        await opened(page, address)
        await sound(page)
    await opened(member, base)
    await member.locator("a.lab-cell").first.click()
    await member.wait_for_url("**/lab/results/*")
    await sound(member)


async def test_tests_are_picked_by_keys_and_their_courses_drawn(laboratory: Laboratory, sign_in: Visitor) -> None:
    page = await sign_in("clinic1")
    await opened(page, f"/lab/patients/{laboratory.patient}")
    for key in ("j", "x", "j", "j", "x"):
        await page.keyboard.press(key)
    await expect(page.locator("[data-picked-count]")).to_have_text("2")
    await page.keyboard.press("t")
    await page.wait_for_url("**/trends?*")
    await expect(page.locator("svg.lab-chart")).to_have_count(2)
    await page.locator(".lab-trend summary").first.click()
    await expect(page.locator(".lab-trend table").first.locator("tbody tr").first).to_contain_text("CLINIC1")
    await page.keyboard.press("Escape")
    await page.wait_for_url(f"**/lab/patients/{laboratory.patient}")


async def test_without_a_pick_the_selected_row_is_drawn_and_arrows_walk_its_values(laboratory: Laboratory, sign_in: Visitor) -> None:
    page = await sign_in("clinic1")
    await opened(page, f"/lab/patients/{laboratory.patient}")
    await page.keyboard.press("j")
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("ArrowRight")
    second = page.locator("[data-row]").first.locator("a.lab-cell").nth(1)
    await expect(second).to_be_focused()
    await page.keyboard.press("t")
    await page.wait_for_url("**/trends?*")
    await expect(page.locator("svg.lab-chart")).to_have_count(1)


async def test_a_row_is_copied_as_text(laboratory: Laboratory, sign_in: Visitor) -> None:
    page = await sign_in("clinic1")
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await opened(page, f"/lab/patients/{laboratory.patient}")
    await page.keyboard.press("j")
    await page.keyboard.press("c")
    await expect(page.locator(".message")).to_be_visible()
    lines = (await page.evaluate("navigator.clipboard.readText()")).splitlines()
    assert lines[0] == "WBC 白细胞计数 (10*9/L)"
    assert len(lines) == 17
    assert all("CLINIC1" in line for line in lines[1:])


async def test_paper_has_all_days_by_the_button_and_says_so_without_it(laboratory: Laboratory, sign_in: Visitor) -> None:
    page = await sign_in("clinic1", locale="en")
    base = f"/lab/patients/{laboratory.patient}"
    await opened(page, base)
    await page.emulate_media(media="print")
    assert await page.locator("thead .lab-day:visible").count() == 8
    await expect(page.get_by_text("Only the newest 8 days are on this paper")).to_be_visible()
    await opened(page, f"{base}?print=1")
    assert await page.locator("thead .lab-day:visible").count() == 16
    await expect(page.locator(".filters").first).to_be_hidden()


async def test_the_board_leads_to_the_patient_by_keys(laboratory: Laboratory, sign_in: Visitor) -> None:
    page = await sign_in("clinic1")
    await opened(page, "/lab")
    await expect(page.locator(".bar-tabs [aria-current]")).to_have_attribute("href", "/lab")
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/lab/patients/*")


async def test_a_message_is_opened_with_a_reason_and_read_again_by_keys(laboratory: Laboratory, sign_in: Visitor) -> None:
    for number in range(3):
        await laboratory.send_in_gbk(f"KEYS{number}", f"LPKEY{number}")
    page = await sign_in("operator", locale="en")
    await opened(page, "/lab/operations?view=aside&sender=CLINIC2")
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await page.keyboard.type("Which character set is it?")
    await page.keyboard.press("Enter")
    await expect(page.locator(".lab-raw")).to_contain_text("张伟")
    await expect(page.locator("[data-content-sets] [aria-pressed=true]")).to_have_text("GB18030")
    await page.keyboard.press("Escape")
    await expect(page.locator("dialog[open]")).to_have_count(0)
    for key in ("x", "j", "x", "j", "x"):
        await page.keyboard.press(key)
    await page.keyboard.press("r")
    await expect(page.locator("[data-replay-progress] span")).to_contain_text("0 of 3 messages were taken")
    await page.locator("select[data-character-set]").select_option("GB 18030-2000")
    await page.locator("h1").evaluate("document.activeElement.blur()")
    await page.keyboard.press("r")
    await expect(page.locator("[data-replay-progress] span")).to_contain_text("3 of 3 messages were taken")
    await expect(page.locator("tr.row-gone")).to_have_count(3)


async def test_a_code_is_decided_by_a_number_key(laboratory: Laboratory, sign_in: Visitor) -> None:
    code = ("NA-KEY^钠离子^L", "140", "mmol/L", "137-147")
    await laboratory.send(oru("CLINIC3", "LPCODE", [code], at=datetime.now(UTC) - timedelta(hours=1)))
    page = await sign_in("operator", locale="en")
    await opened(page, "/lab/operations?view=codes")
    row = page.locator("[data-code='NA-KEY']")
    await row.locator("td").first.click()
    await expect(row.locator("[data-item]").first).to_contain_text("钠离子测定")
    await page.keyboard.press("1")
    await expect(page.locator(".message")).to_contain_text("NA-KEY: ")
    await expect(row).to_have_class("row-gone")


async def test_the_reading_page_and_the_case_lead_to_all_results(laboratory: Laboratory, sign_in: Visitor) -> None:
    case = await laboratory.platform.new_case(PATIENTS[HISTORIES[0].patient], centre="lab")
    reader = await sign_in("lab.huba", locale="en")
    await opened(reader, f"/read/{case['id']}")
    async with reader.expect_popup() as popup:
        await reader.keyboard.press("Alt+r")
    page = await popup.value
    await page.wait_for_url("**/lab/patients/*")
    await expect(page.get_by_text("all institutions, by the open case")).to_be_visible()
    await expect(page.locator("thead").first).to_contain_text("CLINIC2")
    member = await sign_in("clinic1")
    await opened(member, f"/cases/{case['id']}")
    await member.keyboard.press("Alt+r")
    await member.wait_for_url("**/lab/patients/*")
