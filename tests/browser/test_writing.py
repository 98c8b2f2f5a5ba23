"""Writing a report: saved by itself, kept when the line is down, never silently overwritten, signed in place."""

from __future__ import annotations

import re

from playwright.async_api import Page, expect

from tests.browser.site import State

FINDINGS = "textarea[name='sections.findings']"
SAVED = "[data-save-state]"


async def open_report(page: Page) -> None:
    """The reading page in English."""
    await page.goto("/read?lang=en")
    await page.wait_for_selector("html[data-ready]")


async def saved(page: Page) -> None:
    """Wait until the page says that all is saved."""
    await expect(page.locator(SAVED)).to_have_text(re.compile(r"Saved \d\d:\d\d:\d\d"))


async def test_the_draft_saves_itself_and_says_when(page: Page, state: State) -> None:
    await open_report(page)
    await page.fill(FINDINGS, "颅内未见异常。")
    await saved(page)
    assert state.sections == {"findings": "颅内未见异常。", "impression": ""}
    async with page.expect_response("**/api/v1/report"):
        await page.fill(FINDINGS, "颅内未见异常。骨质完整。")
    await saved(page)
    assert [save["findings"] for save in state.saves] == ["颅内未见异常。", "颅内未见异常。骨质完整。"]


async def test_many_keys_are_few_saves(page: Page, state: State) -> None:
    await open_report(page)
    await page.locator(FINDINGS).press_sequentially("A long sentence, typed without a pause.", delay=5)
    await saved(page)
    assert len(state.saves) == 1


async def test_text_outlives_a_lost_line(page: Page, state: State) -> None:
    await open_report(page)
    await page.context.set_offline(True)
    await page.fill(FINDINGS, "Written without a line.")
    await expect(page.locator(SAVED)).to_contain_text("No connection: the text is kept in this browser")
    assert state.saves == []
    await page.context.set_offline(False)
    await saved(page)
    assert state.sections["findings"] == "Written without a line."
    assert await page.evaluate("Object.keys(localStorage).filter(key => key.startsWith('telemed.draft.'))") == []


async def test_text_outlives_a_closed_window(page: Page, state: State) -> None:
    """No save can succeed before the text is back: Chromium puts a closing window's line back, and its last save may get through."""
    await open_report(page)
    state.saving = False
    await page.fill(FINDINGS, "Written, then the machine was switched off.")
    await page.close()
    again = await page.context.new_page()
    await open_report(again)
    await expect(again.locator(FINDINGS)).to_have_value("Written, then the machine was switched off.")
    assert state.saves == []
    state.saving = True
    await saved(again)
    assert state.sections["findings"] == "Written, then the machine was switched off."


async def conflict(page: Page, state: State) -> None:
    """Somebody else saves while one writes."""
    await open_report(page)
    state.sections = {"findings": "Theirs.", "impression": "Their impression."}
    state.revision += 1
    await page.fill(FINDINGS, "Mine.")
    await expect(page.locator("dialog[open]")).to_contain_text("The report was saved elsewhere meanwhile")
    await expect(page.locator("dialog[open] pre").first).to_have_text("Mine.")
    assert state.sections["findings"] == "Theirs."


async def test_a_conflict_shows_both_texts_and_keeps_mine_if_i_say_so(page: Page, state: State) -> None:
    await conflict(page, state)
    await page.get_by_role("button", name="Keep my text").click()
    await saved(page)
    assert state.sections["findings"] == "Mine."


async def test_a_conflict_takes_theirs_if_i_say_so(page: Page, state: State) -> None:
    await conflict(page, state)
    await page.get_by_role("button", name="Take the saved text").click()
    await expect(page.locator(FINDINGS)).to_have_value("Theirs.")
    await saved(page)
    assert state.sections == {"findings": "Theirs.", "impression": "Their impression."}


async def test_escape_from_a_conflict_loses_no_word(page: Page, state: State) -> None:
    await conflict(page, state)
    await page.keyboard.press("Escape")
    await saved(page)
    assert state.sections["findings"] == "Mine.\n\nTheirs."


async def test_an_untouched_field_follows_the_other_writer(page: Page, state: State) -> None:
    """Only what I changed is in question: an impression that I did not touch is theirs."""
    await conflict(page, state)
    await page.get_by_role("button", name="Keep my text").click()
    await saved(page)
    assert state.sections == {"findings": "Mine.", "impression": "Their impression."}


async def test_text_kept_from_before_is_not_laid_over_what_others_saved(page: Page, state: State) -> None:
    await open_report(page)
    await page.context.set_offline(True)
    await page.fill(FINDINGS, "Mine, from yesterday.")
    await page.close()
    state.sections = {"findings": "Theirs, from today.", "impression": ""}
    state.revision += 1
    again = await page.context.new_page()
    await again.context.set_offline(False)
    await open_report(again)
    await expect(again.locator("dialog[open] pre")).to_have_text(["Mine, from yesterday.", "Theirs, from today."])
    await again.get_by_role("button", name="Take the saved text").click()
    await saved(again)
    assert state.sections["findings"] == "Theirs, from today."
    assert await again.evaluate("Object.keys(localStorage).filter(key => key.startsWith('telemed.draft.'))") == []


async def test_phrases_open_by_two_slashes(page: Page, state: State) -> None:
    await open_report(page)
    await page.fill(FINDINGS, "")
    await page.locator(FINDINGS).press_sequentially("Skull intact. //hea")
    await expect(page.locator("[role=listbox].phrases")).to_contain_text("No abnormal density.")
    await page.keyboard.press("Enter")
    await expect(page.locator(FINDINGS)).to_have_value("Skull intact. No abnormal density.")
    await page.locator(FINDINGS).press_sequentially(" //zzz")
    await expect(page.locator(".phrases")).to_contain_text("No phrase fits")
    await page.keyboard.press("Escape")
    await expect(page.locator(".phrases")).to_have_count(0)
    await saved(page)


async def test_signing_asks_for_the_password_in_place_and_opens_the_next(page: Page, state: State) -> None:
    await open_report(page)
    await page.fill(FINDINGS, "Signed at once, before the draft saved itself.")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#pw")).to_be_focused()
    await page.keyboard.type("wrong")
    await page.keyboard.press("Enter")
    await expect(page.locator("[data-confirm-problem]")).to_have_text("Wrong password.")
    await expect(page.locator("#pw")).to_have_value("")
    assert state.signed == []
    await page.keyboard.type("right")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/worklist")
    assert state.signed == [{"findings": "Signed at once, before the draft saved itself.", "impression": ""}]


async def test_nothing_is_signed_that_is_not_saved(page: Page, state: State) -> None:
    await open_report(page)
    await page.context.set_offline(True)
    await page.fill(FINDINGS, "Not with the server.")
    await page.keyboard.press("Control+Enter")
    await page.keyboard.type("right")
    await page.keyboard.press("Enter")
    await expect(page.locator("[data-confirm-problem]")).to_contain_text("The draft is not saved yet")
    await page.context.set_offline(False)
    await saved(page)
    assert state.signed == []


async def test_a_step_can_be_taken_back(page: Page, state: State) -> None:
    await open_report(page)
    await page.keyboard.press("p")
    await page.get_by_role("button", name="Undo").click()
    await expect(page.locator(".message")).to_contain_text("Undone.")
    assert state.undone == 1
    await page.keyboard.press("p")
    await expect(page.get_by_role("button", name="Undo")).to_be_visible()
    async with page.expect_response("**/api/v1/undo"):
        await page.keyboard.press("z")
    assert state.undone == 2


async def test_resident_numbers_are_checked_as_they_are_typed(page: Page) -> None:
    await page.goto("/new?lang=en")
    number = page.locator("#rid")
    error = page.locator("[data-field=id] .field-error")
    await number.press_sequentially("11010519491231002")
    await expect(error).to_be_hidden()  # not finished yet
    await number.press_sequentially("1")
    await expect(error).to_contain_text("check digit")
    await number.press("Backspace")
    await number.press_sequentially("x")
    await expect(error).to_be_hidden()
    await expect(number).to_have_value("11010519491231002X")
    await expect(page.locator("[name=birth]")).to_have_value("1949-12-31")
    await expect(page.locator("[name=sex]")).to_have_value("female")
    await number.fill("110")
    await number.blur()
    await expect(error).to_contain_text("18 characters")
