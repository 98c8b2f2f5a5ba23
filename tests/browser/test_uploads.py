"""Files: one bar each, resumed after a cut line and after a reload, retried and cancelled."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.browser.site import State

MEGABYTE = 1_000_000
#: 6 MB whose bytes tell where they belong.
CONTENT = b"".join(number.to_bytes(4, "big") for number in range(1_500_000))


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A file of 6 MB."""
    path = tmp_path / "study.dcm"
    path.write_bytes(CONTENT)
    return path


async def choose(page: Page, *paths: Path) -> None:
    """Give files to the page."""
    await page.set_input_files("[data-upload-input]", [str(path) for path in paths])


async def test_a_file_arrives_whole_with_its_name_and_case(page: Page, state: State, study: Path) -> None:
    await page.goto("/new?lang=en")
    await choose(page, study)
    await expect(page.locator(".files li")).to_contain_text("received")
    (upload,) = state.uploads.values()
    assert upload["data"] == CONTENT
    assert upload["metadata"]["filename"] == "study.dcm"
    assert upload["metadata"]["case"] == "7"


async def test_a_cut_line_is_taken_up_where_it_broke(page: Page, state: State, study: Path) -> None:
    state.upload_limit = 2 * MEGABYTE
    await page.goto("/new?lang=en")
    await choose(page, study)
    await expect(page.locator(".files li")).to_contain_text("trying again")
    state.upload_limit = None
    await expect(page.locator(".files li")).to_contain_text("received", timeout=20_000)
    (upload,) = state.uploads.values()
    assert upload["data"] == CONTENT
    assert max(upload["from"]) >= 2 * MEGABYTE  # the second try did not begin at the beginning


async def test_a_reload_goes_on_where_it_stopped(page: Page, state: State, study: Path) -> None:
    state.upload_limit = 2 * MEGABYTE
    await page.goto("/new?lang=en")
    await choose(page, study)
    await expect(page.locator(".files li")).to_contain_text("trying again")
    page.on("dialog", lambda dialog: dialog.accept())
    await page.goto("/new?lang=en")
    await expect(page.locator("[data-upload-unfinished]")).to_contain_text("study.dcm")
    state.upload_limit = None
    await choose(page, study)
    await expect(page.locator(".files li")).to_contain_text("received")
    await expect(page.locator("[data-upload-unfinished]")).to_be_hidden()
    (upload,) = state.uploads.values()
    assert upload["data"] == CONTENT
    assert max(upload["from"]) >= 2 * MEGABYTE


async def test_empty_and_too_large_files_are_named_and_left_out(page: Page, state: State, tmp_path: Path) -> None:
    empty, large = tmp_path / "empty.dcm", tmp_path / "large.svs"
    empty.touch()
    with large.open("wb") as file:
        file.truncate(25 * MEGABYTE)
    await page.goto("/new?lang=en")
    await choose(page, empty, large)
    await expect(page.locator(".messages")).to_contain_text("empty.dcm is empty and was left out.")
    await expect(page.locator(".messages")).to_contain_text("large.svs is larger than 20.0 MB.")
    await expect(page.locator(".files li")).to_have_count(0)
    assert state.uploads == {}


async def test_files_dropped_anywhere_are_taken(page: Page, state: State) -> None:
    await page.goto("/new?lang=en")
    await page.wait_for_selector("html[data-ready]")
    await page.evaluate("""() => {
        const transfer = new DataTransfer();
        transfer.items.add(new File(["tracing"], "ecg.xml", {type: "text/xml"}));
        transfer.items.add(new File(["paper"], "referral.pdf", {type: "application/pdf"}));
        for (const type of ["dragover", "drop"]) {
            document.body.dispatchEvent(new DragEvent(type, {bubbles: true, cancelable: true, dataTransfer: transfer}));
        }
    }""")
    await expect(page.locator(".files li")).to_have_count(2)
    await expect(page.locator(".files li").nth(1)).to_contain_text("received")
    assert {upload["metadata"]["filename"]: upload["data"] for upload in state.uploads.values()} == {
        "ecg.xml": b"tracing",
        "referral.pdf": b"paper",
    }


async def test_a_cancelled_upload_goes_away_and_the_others_go_on(page: Page, state: State, study: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.dcm"
    other.write_bytes(b"small")
    state.upload_limit = MEGABYTE
    await page.goto("/new?lang=en")
    await choose(page, study, other)
    await expect(page.locator(".files li", has_text="study.dcm")).to_contain_text("trying again")
    await page.get_by_role("button", name="Cancel: study.dcm").click()
    await expect(page.locator(".files li")).to_have_count(1)
    await expect(page.locator(".files li")).to_contain_text("received")
