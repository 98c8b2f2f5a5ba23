"""The DICOM viewer in a real browser: what is drawn, measured and asked for, on images whose every value is known."""

from __future__ import annotations

import re
from typing import Any

import pytest
from aiohttp import web
from playwright.async_api import Page, expect

from tests.browser.dicom_images import COLOUR, EMPTY, FETCHED
from tests.browser.waiting import until

PANE = ".pane:not([hidden])"
VIEWER = "document.querySelector('[data-viewer]').viewer"
MODULES = "document.querySelector('script[src$=\"viewer/viewer.js\"]').src.replace('viewer.js', '')"


async def open_viewer(page: Page, study: str = "") -> None:
    """The viewer alone, with its first image drawn."""
    await page.goto(f"/viewer?lang=en{'&study=' + study if study else ''}")
    await shown(page)


async def shown(page: Page, panes: int = 1) -> None:
    """Wait until so many panes show an image."""
    await expect(page.locator(f"{PANE}[data-state=shown]")).to_have_count(panes)


async def corner(page: Page, place: str, pane: int = 0) -> str:
    """The text in a corner of a pane."""
    return await page.locator(PANE).nth(pane).locator(f".corner-{place}").inner_text()


async def grey_at(page: Page, column: float, row: float) -> list[int]:
    """Red, green, blue drawn where an image point of the active pane lies on the screen."""
    return await page.evaluate(
        f"""async ([column, row]) => {{
            await new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve)));
            const pane = {VIEWER}.active;
            const at = pane.matrix().transformPoint(new DOMPoint(column, row));
            const pixel = pane.canvas.getContext('2d').getImageData(at.x * devicePixelRatio, at.y * devicePixelRatio, 1, 1);
            return [...pixel.data.slice(0, 3)];
        }}""",
        [column, row],
    )


async def at(page: Page, column: float, row: float) -> tuple[float, float]:
    """Where an image point of the active pane lies in the window."""
    expression = f"""([column, row]) => {{
        const pane = {VIEWER}.active;
        const box = pane.element.getBoundingClientRect();
        const point = pane.matrix().transformPoint(new DOMPoint(column, row));
        return [box.left + point.x, box.top + point.y];
    }}"""
    x, y = await page.evaluate(expression, [column, row])
    return x, y


async def drag(page: Page, start: tuple[float, float], end: tuple[float, float], button: Any = "left") -> None:
    """Press at one image point, let go at another."""
    await page.mouse.move(*await at(page, *start))
    await page.mouse.down(button=button)
    await page.mouse.move(*await at(page, *end), steps=5)
    await page.mouse.up(button=button)


async def drag_screen(page: Page, dx: float, dy: float, button: Any = "left") -> None:
    """Drag in the middle of the pane by so many CSS pixels."""
    x, y = await at(page, 256, 400)
    await page.mouse.move(x, y)
    await page.mouse.down(button=button)
    await page.mouse.move(x + dx, y + dy, steps=4)
    await page.mouse.up(button=button)


async def describe(page: Page) -> list[str]:
    """What stands beside the measurements of the active pane."""
    return await page.evaluate(f"""import({MODULES} + 'measure.js').then(m => {{
        const pane = {VIEWER}.active;
        return {VIEWER}.book.of(pane.slice).flatMap(each => m.describe(each, pane.slice, pane.frame));
    }})""")


async def test_a_stack_opens_in_the_middle_with_its_own_window(page: Page) -> None:
    await open_viewer(page)
    assert "20/40" in await corner(page, "bottom-left")
    assert "W 400  L 40" in await corner(page, "bottom-right")
    assert "0.50 × 0.50 mm" in await corner(page, "bottom-right")
    disc, air = await grey_at(page, 256, 350), await grey_at(page, 20, 20)
    assert disc == [128] * 3  # 40 HU in W400 L40 is the middle, PS3.3 C.11.2.1.2.1
    assert air == [0, 0, 0]


async def test_the_corner_shows_whom_the_file_states(page: Page) -> None:
    await open_viewer(page)
    assert "张 三" in await corner(page, "top-left")
    assert "张* 男 65岁" not in await page.locator(".viewer").inner_text()


PRESETS = [
    ("2", "W 80  L 40", 128),
    ("3", "W 215  L 75", 86),
    ("4", "W 2500  L 480", 83),
    ("5", "W 1500  L -600", 236),
    ("6", "W 400  L 40", 128),
]


async def test_presets_have_keys(page: Page) -> None:
    await open_viewer(page)
    for key, window, grey in PRESETS:
        await page.keyboard.press(key)
        await expect(page.locator(".corner-bottom-right").first).to_contain_text(window)
        assert (await grey_at(page, 256, 350))[0] == pytest.approx(grey, abs=1), window
    await page.keyboard.press("2")
    await page.keyboard.press("1")
    await expect(page.locator(".corner-bottom-right").first).to_contain_text("W 400  L 40")


async def test_dragging_changes_the_window_without_asking_the_server(page: Page, app: web.Application) -> None:
    await open_viewer(page)
    await until(page, f"{VIEWER}.store.jobs.size === 0")
    asked = len(app[FETCHED])
    await drag_screen(page, 100, 50)
    text = await corner(page, "bottom-right")
    assert "W 500  L 90" in text
    assert (await grey_at(page, 256, 350))[0] == pytest.approx(102, abs=2)  # (40 - 89.5) / 499 + 0.5
    assert len(app[FETCHED]) == asked


STEPS = [("ArrowDown", 21), ("ArrowUp", 20), ("PageDown", 30), ("PageUp", 20), ("Home", 1), ("ArrowUp", 1), ("End", 40), ("ArrowDown", 40)]


async def test_keys_scroll(page: Page) -> None:
    await open_viewer(page)
    for key, number in STEPS:
        await page.keyboard.press(key)
        await expect(page.locator(".corner-bottom-left").first).to_contain_text(f"{number}/40")
        await shown(page)
        square = await grey_at(page, 200 + 2 * (number - 1) + 16, 256)
        assert square == [153] * 3, number  # the square of 80 HU moves with the slice: the picture is that of the number


async def test_the_wheel_scrolls_one_image_a_notch(page: Page) -> None:
    await open_viewer(page)
    await page.mouse.move(*await at(page, 256, 256))
    await page.mouse.wheel(0, 100)
    await expect(page.locator(".corner-bottom-left").first).to_contain_text("21/40")
    await page.mouse.wheel(0, -200)
    await expect(page.locator(".corner-bottom-left").first).to_contain_text("19/40")


async def test_neighbours_are_fetched_ahead_and_each_only_once(page: Page, app: web.Application) -> None:
    await open_viewer(page)
    await until(page, f"{VIEWER}.store.kept.size >= 40")
    for _ in range(5):
        await page.keyboard.press("PageDown")
        await page.keyboard.press("Home")
    assert sorted(set(app[FETCHED])) == sorted(app[FETCHED])
    assert len(app[FETCHED]) == 40
    near = [path.split("/")[-3].rsplit(".", 1)[1] for path in app[FETCHED][:5]]
    assert set(near) <= {str(number) for number in range(16, 26)}


async def test_memory_has_a_bound_that_spares_what_is_on_the_screen(page: Page) -> None:
    await open_viewer(page)
    kept = await page.evaluate(f"""import({MODULES} + 'frames.js').then(async m => {{
        const {{ slices }} = {VIEWER}.active.series;
        const store = new m.FrameStore(10 * 512 * 512 * 2);
        store.pinned = () => new Set([slices[0].key]);
        for (const slice of slices) await store.get(slice);
        return {{ used: store.used, numbers: slices.flatMap((slice, index) => (store.peek(slice) ? [index] : [])) }};
    }})""")
    assert kept["numbers"] == [0, *range(31, 40)]
    assert kept["used"] == 10 * 512 * 512 * 2


async def test_lengths_are_in_millimetres(page: Page) -> None:
    await open_viewer(page)
    await page.keyboard.press("l")
    await drag(page, (156, 300), (356, 300))
    texts = await describe(page)
    assert len(texts) == 1
    assert float(texts[0].removesuffix(" mm")) == pytest.approx(100.0, abs=0.5)  # 200 pixels of 0.5 mm
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowUp")
    assert await page.evaluate(f"{VIEWER}.book.of({VIEWER}.active.slice).length") == 1
    await page.keyboard.press("Delete")
    assert await page.evaluate(f"{VIEWER}.book.of({VIEWER}.active.slice).length") == 0


async def test_a_region_has_its_mean_in_hounsfield_units(page: Page) -> None:
    await open_viewer(page)
    await page.keyboard.press("e")
    await drag(page, (240, 330), (280, 370))
    mean, area, extremes = await describe(page)
    assert mean == "mean 40.0 HU ± 0.0"
    assert float(area.removesuffix(" mm²")) == pytest.approx(314, abs=6)
    assert extremes.startswith("min 40 · max 40 · n ")


async def test_an_angle_takes_three_presses(page: Page) -> None:
    await open_viewer(page)
    await page.keyboard.press("a")
    for point in ((200, 300), (256, 300), (256, 360)):
        await page.mouse.click(*await at(page, *point))
    (text,) = await describe(page)
    assert float(text.removesuffix("°")) == pytest.approx(90, abs=1.5)


async def test_a_measurement_can_be_changed_by_its_end(page: Page) -> None:
    await open_viewer(page)
    await page.keyboard.press("l")
    await drag(page, (156, 300), (256, 300))
    await page.keyboard.press("v")
    await drag(page, (256, 300), (356, 300))
    (text,) = await describe(page)
    assert float(text.removesuffix(" mm")) == pytest.approx(100, abs=0.7)


async def test_turning_flipping_and_inverting(page: Page) -> None:
    await open_viewer(page)
    edges = page.locator(PANE).first
    await expect(edges.locator(".edge-left")).to_have_text("R")
    await page.keyboard.press("h")
    await expect(edges.locator(".edge-left")).to_have_text("L")
    await page.keyboard.press("t")
    await expect(edges.locator(".edge-top")).to_have_text("L")
    await page.keyboard.press("i")
    assert await grey_at(page, 20, 20) == [255] * 3
    await page.keyboard.press("0")
    await expect(edges.locator(".edge-left")).to_have_text("R")
    assert await grey_at(page, 20, 20) == [0] * 3


async def test_zoom_keeps_the_point_under_the_pointer(page: Page) -> None:
    await open_viewer(page)
    before = await at(page, 300, 300)
    await page.mouse.move(*before)
    await page.keyboard.down("Control")
    await page.mouse.wheel(0, -300)
    await page.keyboard.up("Control")
    after = await at(page, 300, 300)
    assert after == pytest.approx(before, abs=1)
    assert await page.evaluate(f"{VIEWER}.active.zoom") > 1.3
    await drag_screen(page, 30, 20, button="middle")
    assert await at(page, 300, 300) == pytest.approx((before[0] + 30, before[1] + 20), abs=1)


async def test_a_film_is_inverted_and_measured_at_the_detector(page: Page) -> None:
    await open_viewer(page)
    await page.keyboard.press("ArrowRight")
    await expect(page.locator(".corner-top-right").first).to_contain_text("DX #2")
    await shown(page)
    left, right = await grey_at(page, 3, 150), await grey_at(page, 252, 150)
    assert left[0] > 240 > 15 > right[0]  # MONOCHROME1: low values are bright
    assert "(detector)" in await corner(page, "bottom-right")
    await page.keyboard.press("l")
    await drag(page, (50, 100), (150, 100))
    length, caution = await describe(page)
    assert float(length.removesuffix(" mm")) == pytest.approx(20, abs=0.3)
    assert caution == "at the detector, magnified"


async def test_colour_and_what_has_no_raw_values_are_drawn_by_the_server(page: Page) -> None:
    await open_viewer(page, COLOUR)
    assert await grey_at(page, 100, 100) == [200, 30, 30]
    assert "drawn by the server" in await corner(page, "bottom-right")
    await page.keyboard.press("ArrowRight")
    await expect(page.locator(".corner-top-right").first).to_contain_text("No raw values")
    await shown(page)
    assert (await grey_at(page, 256, 350))[0] == pytest.approx(127, abs=1)
    async with page.expect_response(re.compile(r"window=40,80")):
        await page.keyboard.press("2")
    await expect(page.locator(".corner-bottom-right").first).to_contain_text("W 80  L 40")


async def test_an_image_that_cannot_be_read_says_so_and_can_be_tried_again(page: Page) -> None:
    await open_viewer(page, COLOUR)
    await page.locator(".strip-card").nth(2).click()
    problem = page.locator(".pane-problem:visible")
    await expect(problem).to_contain_text("This image could not be loaded")
    await problem.get_by_role("button", name="Try again").click()
    await expect(problem).to_contain_text("This image could not be loaded")
    await page.locator(".strip-card").first.click()
    await shown(page)


async def test_a_study_without_images_is_not_a_blank(page: Page) -> None:
    await page.goto(f"/viewer?lang=en&study={EMPTY}")
    await expect(page.locator(".viewer")).to_contain_text("No images have arrived yet.")


async def test_layouts_and_series_by_key_and_by_hand(page: Page) -> None:
    await open_viewer(page)
    await page.keyboard.press("g")
    await shown(page, 2)
    assert "DX #2" in await corner(page, "top-right", pane=1)
    await page.locator(".strip-card").nth(1).drag_to(page.locator(PANE).first)
    await expect(page.locator(PANE).first.locator(".corner-top-right")).to_contain_text("DX #2")
    await page.keyboard.press("g")
    await expect(page.locator(PANE)).to_have_count(4)
    await page.locator(PANE).nth(1).dblclick()
    await expect(page.locator(PANE)).to_have_count(1)


async def test_a_prior_stands_beside_and_scrolls_along_by_place(page: Page) -> None:
    await open_viewer(page)
    await page.keyboard.press("x")
    await shown(page, 2)
    assert "Prior 2025-11-03" in await corner(page, "top-left", pane=1)
    await expect(page.get_by_role("button", name="Scroll together")).to_have_attribute("aria-pressed", "true")
    before = [await corner(page, "bottom-left", pane) for pane in (0, 1)]
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowDown")
    for _ in range(100):  # the pane beside follows a moment later
        after = [await corner(page, "bottom-left", pane) for pane in (0, 1)]
        moved = [position(b) - position(a) for a, b in zip(before, after, strict=True)]
        if moved == [10, 10]:
            break
        await page.wait_for_timeout(50)
    assert moved == [10, 10]  # two slices of 5 mm in both
    await page.keyboard.press("s")
    await page.keyboard.press("ArrowDown")
    assert await corner(page, "bottom-left", 1) == after[1]


def position(text: str) -> float:
    """The position in mm that a corner names."""
    found = re.search(r"Position (-?[\d.]+) mm", text)
    assert found, text
    return float(found[1])


async def test_cine_plays_and_stops(page: Page) -> None:
    await open_viewer(page)
    await until(page, f"{VIEWER}.store.kept.size >= 40")
    await page.keyboard.press("Space")
    await until(page, f"{VIEWER}.active.index > 22 || {VIEWER}.active.index < 19")
    await page.keyboard.press("Space")
    stopped = await page.evaluate(f"{VIEWER}.active.index")
    await page.wait_for_timeout(300)
    assert await page.evaluate(f"{VIEWER}.active.index") == stopped


async def test_full_screen_by_key(page: Page) -> None:
    await open_viewer(page)
    await page.keyboard.press("f")
    await until(page, "document.fullscreenElement?.classList.contains('viewer')")


async def test_the_keys_of_the_viewer_are_listed(page: Page) -> None:
    await open_viewer(page)
    await page.keyboard.press("?")
    for label in ("Length", "Invert", "Full screen", "Next image", "Window: Brain"):
        await expect(page.locator("dialog[open]")).to_contain_text(label)
