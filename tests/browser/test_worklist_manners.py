"""The list: clocks that run, keys that work, changes that come by themselves and never move what the hand is over."""

from __future__ import annotations

from datetime import timedelta

from playwright.async_api import Page, expect

from tests.browser.site import State, make_row

ROW = "tbody [data-row]"
SELECTED = "tbody [aria-selected=true]"


async def open_list(page: Page, state: State) -> None:
    """The list, connected to the feed, with the pointer away from it."""
    await page.mouse.move(700, 20)
    await page.goto("/worklist?lang=en")
    await page.wait_for_selector("html[data-ready]")
    await connected(page, state)


async def connected(page: Page, state: State) -> None:
    """Wait until the page listens to the events."""
    for _ in range(100):
        if state.listeners:
            return
        await page.wait_for_timeout(20)
    raise AssertionError("the page never asked for events")


async def test_clocks_run_and_say_when_they_are_late(page: Page, state: State) -> None:
    await open_list(page, state)
    calm = page.locator("#case-20 [data-clock-text]")
    before = await calm.inner_text()
    await expect(calm).not_to_have_text(before)
    assert await page.locator("#case-20 .clock").get_attribute("data-tone") == "calm"
    await expect(page.locator("#case-2 [data-clock-text]")).to_contain_text("only 0:02:")
    await expect(page.locator("#case-1 [data-clock-text]")).to_contain_text("late 0:04:")
    seconds = await page.locator("#case-1 [data-clock-text]").inner_text()
    await expect(page.locator("#case-1 [data-clock-text]")).not_to_have_text(seconds)
    assert await page.locator("#case-1 [data-clock-text]").inner_text() > seconds  # upward


async def test_clocks_follow_the_server_and_not_this_machine(page: Page, state: State) -> None:
    await page.clock.install(time="2020-01-01T00:00:00Z")
    await page.goto("/worklist?lang=en")
    await expect(page.locator("#case-2 [data-clock-text]")).to_contain_text("only 0:02:")


async def test_keys_move_open_and_press(page: Page, state: State) -> None:
    await open_list(page, state)
    await page.keyboard.press("j")
    await expect(page.locator(SELECTED)).to_have_attribute("id", "case-1")
    await page.keyboard.press("j")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("k")
    await expect(page.locator(SELECTED)).to_have_attribute("id", "case-2")
    await expect(page.locator(SELECTED)).to_be_focused()
    await page.evaluate(
        "document.addEventListener('click', event => { window.claimed = event.target.closest('[data-claims]')?.dataset.claims; })"
    )
    await page.keyboard.press("c")
    assert await page.evaluate("window.claimed") == "2"
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/case/2")


async def test_letters_typed_into_a_field_stay_letters(page: Page, state: State) -> None:
    await open_list(page, state)
    await page.keyboard.press("/")
    search = page.locator("input[type=search]")
    await expect(search).to_be_focused()
    await page.keyboard.type("j?c")
    await expect(search).to_have_value("j?c")
    assert await page.locator(SELECTED).count() == 0
    await page.keyboard.press("Escape")
    await page.keyboard.press("j")
    assert await page.locator(SELECTED).count() == 1


async def test_keys_work_while_a_chinese_input_method_is_on(page: Page, state: State) -> None:
    await open_list(page, state)
    await page.evaluate(
        "document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'Process', code: 'KeyJ', keyCode: 229, bubbles: true}))"
    )
    await expect(page.locator(SELECTED)).to_have_attribute("id", "case-1")


async def test_a_question_mark_lists_the_keys(page: Page, state: State) -> None:
    await open_list(page, state)
    await page.keyboard.press("?")
    sheet = page.locator("dialog[open]")
    for label in ("Next and previous row", "Open the selected row", "Claim", "Search"):
        await expect(sheet).to_contain_text(label)
    await page.keyboard.press("j")  # keys of the page rest while the sheet is open
    assert await page.locator(SELECTED).count() == 0
    await page.keyboard.press("Escape")
    await expect(sheet).to_have_count(0)


async def test_a_new_case_slides_in_at_its_place_and_the_figures_follow(page: Page, state: State) -> None:
    await open_list(page, state)
    state.rows["99"] = make_row(99, 10)
    state.announce(42, "case", {"case_id": "99"})
    await expect(page.locator("#case-99")).to_be_visible()
    orders = await page.eval_on_selector_all(ROW, "rows => rows.map(row => row.dataset.order)")
    assert orders == sorted(orders)
    await expect(page.locator(".tabs [data-count]")).to_have_text("13")


async def test_rows_change_where_they_stand_and_leave_when_they_are_gone(page: Page, state: State) -> None:
    await open_list(page, state)
    state.rows["3"]["status"] = "accepted"
    del state.rows["4"]
    state.announce(42, "case", {"case_id": "3"})
    state.announce(43, "case", {"case_id": "4"})
    await expect(page.locator("#case-3 .state")).to_have_text("Claimed")
    await expect(page.locator("#case-4")).to_have_count(0)


async def test_nothing_moves_under_the_hand(page: Page, state: State) -> None:
    await open_list(page, state)
    target = page.locator("#case-10")
    await target.hover()
    before = await target.bounding_box()
    state.rows["99"] = make_row(99, -30, "stat")
    del state.rows["5"]
    state.announce(42, "case", {"case_id": "99"})
    state.announce(43, "case", {"case_id": "5"})
    await expect(page.get_by_role("button", name="2 changes wait: show them")).to_be_visible()
    assert await target.bounding_box() == before
    assert await page.locator("#case-99").count() == 0
    await expect(page.locator("#case-5")).to_have_class("row-gone")
    await page.mouse.move(700, 20)
    await expect(page.locator("#case-99")).to_be_visible()
    await expect(page.locator("#case-5")).to_have_count(0)


async def test_held_changes_come_at_a_press(page: Page, state: State) -> None:
    await open_list(page, state)
    await page.locator("#case-10").hover()
    state.rows["99"] = make_row(99, -30, "stat")
    state.announce(42, "case", {"case_id": "99"})
    button = page.get_by_role("button", name="1 change waits: show it")
    await button.click()
    await expect(page.locator("#case-99")).to_be_visible()
    await expect(button).to_have_count(0)


async def test_the_selection_stays_with_its_case(page: Page, state: State) -> None:
    await open_list(page, state)
    await page.keyboard.press("j")
    state.rows["1"]["status"] = "accepted"
    state.announce(42, "case", {"case_id": "1"})
    await expect(page.locator("#case-1 .state")).to_have_text("Claimed")
    await expect(page.locator(SELECTED)).to_have_attribute("id", "case-1")
    await expect(page.locator(SELECTED)).to_be_focused()


async def test_a_page_resumes_where_it_was_drawn(page: Page, state: State) -> None:
    await open_list(page, state)
    assert state.asked_last_id == ["41"]


async def test_a_row_that_moves_keeps_its_place_in_the_order(page: Page, state: State) -> None:
    await open_list(page, state)
    row = make_row(30, 0)
    row["due"] -= timedelta(hours=1)
    row["order"] = f"1-{row['due'].isoformat(timespec='seconds')}"
    state.rows["30"] = row
    state.announce(42, "case", {"case_id": "30"})
    await expect(page.locator(ROW).nth(1)).to_have_attribute("id", "case-30")
