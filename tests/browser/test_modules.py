"""The rules inside the ES modules, called in a real browser through their exports."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page

from telemed.domain.patient import resident_id_facts, resident_id_fault
from tests.browser.site import make_app

MODULE_URL = "document.querySelector('script[src$=\"js/app.js\"]').src.replace('app.js', '{name}')"


@pytest.fixture(scope="module")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """One page for all: these tests call functions and leave nothing behind."""
    async with TestServer(make_app(), host="127.0.0.1") as server:
        context = await browser.new_context(base_url=str(server.make_url("")))
        opened = await context.new_page()
        await opened.goto("/login?lang=en")
        yield opened
        await context.close()


async def call(page: Page, module: str, expression: str, argument: Any = None) -> Any:
    """The value of an expression in which `m` is the module and `x` the argument."""
    address = MODULE_URL.format(name=module)
    return await page.evaluate(f"async x => {{ const m = await import({address}); return {expression}; }}", argument)


def resident_numbers(count: int) -> list[str]:
    """Made numbers: sound ones, and the same with one digit changed, cut, or with an impossible date."""
    chance = random.Random(11643)
    numbers = []
    for _ in range(count):
        body = f"320102{chance.randint(1900, 2025)}{chance.randint(0, 13):02}{chance.randint(0, 32):02}{chance.randint(0, 999):03}"
        sound = next((body + last for last in "0123456789X" if resident_id_fault(body + last) == ""), body + "0")
        broken = list(sound)
        broken[chance.randrange(18)] = chance.choice("0123456789XA")
        numbers += [sound, "".join(broken), sound[: chance.randrange(18)]]
    return numbers


async def test_resident_numbers_are_judged_as_the_server_judges_them(page: Page) -> None:
    numbers = resident_numbers(300)
    here = await call(page, "resident-id.js", "x.map(m.residentIdFault)", numbers)
    assert dict(zip(numbers, here, strict=True)) == {number: resident_id_fault(number) for number in numbers}
    sound = [number for number in numbers if resident_id_fault(number) == ""]
    assert len(sound) > 100
    facts = await call(page, "resident-id.js", "x.map(m.residentIdFacts)", sound)
    there = [{"birthDate": born.isoformat(), "sex": sex.value} for born, sex in map(resident_id_facts, sound)]
    assert facts == there


async def test_numbers_typed_with_an_input_method_are_understood(page: Page) -> None:
    assert await call(page, "resident-id.js", "m.normaliseResidentId(x)", "３２０１０２１９６１０２０３１２３ｘ ") == "32010219610203123X"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00:00"), (441, "0:07:21"), (5530, "1:32:10"), (-192, "0:03:12"), (86399, "23:59:59"), (184200, "2d 03:10")],
)
async def test_durations_cannot_be_misread(page: Page, seconds: int, text: str) -> None:
    assert await call(page, "clock.js", "m.showDuration(x)", seconds) == text


async def test_clocks_turn_amber_at_a_quarter_and_red_when_late(page: Page) -> None:
    tones = await call(page, "clock.js", "x.map(left => m.clockTone(left, 3600))", [901, 900, 0, -0.1])
    assert tones == ["calm", "near", "near", "late"]


async def test_multipart_answers_are_taken_apart(page: Page) -> None:
    whole = "--b\r\nContent-Type: a/b\r\n\r\nfirst\r\n--b-not-yet\r\n--b\r\nX: 1\r\n\r\n\r\n--b--\r\n"
    expression = "m.parts(new TextEncoder().encode(x), 'multipart/related; boundary=\"b\"').map(p => new TextDecoder().decode(p.body))"
    bodies = await call(page, "viewer/multipart.js", expression, whole)
    # RFC 2046: a line that begins with the boundary ends the part, whatever follows on the line.
    assert bodies[0] == "first"
    single = await call(page, "viewer/multipart.js", "m.parts(new Uint8Array([1, 2]), 'application/octet-stream').length")
    assert single == 1


async def test_cut_multipart_answers_are_refused_and_never_hang(page: Page) -> None:
    whole = "--b\r\nContent-Type: a/b\r\n\r\n0123456789\r\n--b--\r\n"
    expression = """x.map(text => {
        try { return m.parts(new TextEncoder().encode(text), 'multipart/related; boundary=b').map(p => p.body.length); }
        catch (error) { return error.message; }
    })"""
    results = await call(page, "viewer/multipart.js", expression, [whole[:length] for length in range(len(whole))])
    assert all(isinstance(result, str) or result in ([10], []) for result in results)
    assert isinstance(results[30], str)
    assert results[-2] == [10]


@pytest.mark.parametrize(
    ("shape", "value", "grey"),
    [
        ("LINEAR", -160.5, 0.0),  # PS3.3 C.11.2.1.2.1: x <= c - 0.5 - (w - 1) / 2 is the darkest
        ("LINEAR", 239.0, 1.0),
        ("LINEAR", 39.5, 0.5),
        ("LINEAR_EXACT", 40.0, 0.5),
        ("LINEAR_EXACT", 240.0, 1.0),
        ("SIGMOID", 40.0, 0.5),
    ],
)
async def test_windows_follow_the_standard(page: Page, shape: str, value: float, grey: float) -> None:
    found = await call(page, "viewer/window.js", "m.grey(x.value, 40, 400, x.shape)", {"value": value, "shape": shape})
    assert found == pytest.approx(grey, abs=1e-9)


async def test_the_pixel_table_is_the_window_function(page: Page) -> None:
    argument = {"bitsAllocated": 16, "bitsStored": 12, "highBit": 11, "signed": False, "slope": 1, "intercept": -1024}
    expression = """(() => {
        const values = m.valueTable(x);
        const window = {center: 40, width: 400, shape: "LINEAR"};
        const [plain, inverted] = [m.pixelTable(values, window, false), m.pixelTable(values, window, true)];
        let worst = 0;
        for (let bits = 0; bits < 65536; bits += 1) {
            const wanted = Math.round(m.grey(values[bits], 40, 400) * 255);
            worst = Math.max(worst, Math.abs((plain[bits] & 255) - wanted), Math.abs((inverted[bits] & 255) - (255 - wanted)));
        }
        return {worst, opaque: plain.every(pixel => pixel >>> 24 === 255), air: values[0xA000 + 24], bone: values[0xF000 + 2024]};
    })()"""
    found = await call(page, "viewer/window.js", expression, argument)
    assert found == {"worst": pytest.approx(0, abs=1), "opaque": True, "air": -1000, "bone": 1000}


@pytest.mark.parametrize(
    ("bits", "format_", "value"),
    [
        (0xFFFF, {"bitsStored": 16, "highBit": 15, "signed": True}, -1),
        (0x8000, {"bitsStored": 16, "highBit": 15, "signed": True}, -32768),
        (0xF800, {"bitsStored": 12, "highBit": 11, "signed": True}, -2048),
        (0xF7FF, {"bitsStored": 12, "highBit": 11, "signed": False}, 2047),
        (0xABC0, {"bitsStored": 12, "highBit": 15, "signed": False}, 0xABC),
    ],
)
async def test_stored_bits_become_values(page: Page, bits: int, format_: dict[str, Any], value: int) -> None:
    assert await call(page, "viewer/window.js", "m.storedValue(x[0], x[1])", [bits, format_]) == value


@pytest.mark.parametrize(
    ("orientation", "rotation", "flipped", "edges"),
    [
        ([1, 0, 0, 0, 1, 0], 0, False, {"left": "R", "right": "L", "top": "A", "bottom": "P"}),  # axial
        ([1, 0, 0, 0, 1, 0], 90, False, {"left": "P", "right": "A", "top": "R", "bottom": "L"}),
        ([1, 0, 0, 0, 1, 0], 180, False, {"left": "L", "right": "R", "top": "P", "bottom": "A"}),
        ([1, 0, 0, 0, 1, 0], 0, True, {"left": "L", "right": "R", "top": "A", "bottom": "P"}),
        ([0, 1, 0, 0, 0, -1], 0, False, {"left": "A", "right": "P", "top": "H", "bottom": "F"}),  # sagittal
        ([0.94, 0.34, 0, 0, 0, -1], 0, False, {"left": "RA", "right": "LP", "top": "H", "bottom": "F"}),  # oblique
    ],
)
async def test_edges_name_the_side_of_the_patient(
    page: Page, orientation: list[float], rotation: int, flipped: bool, edges: dict[str, str]
) -> None:
    assert await call(page, "viewer/geometry.js", "m.edgeLetters(...x)", [orientation, rotation, flipped]) == edges


async def test_edge_letters_agree_with_the_picture_when_it_is_turned_and_flipped(page: Page) -> None:
    """The matrix that draws and the letters that name must turn the same way, in every combination."""
    expression = """[0, 90, 180, 270].flatMap(rotation => [false, true].map(flipped => {
        const size = {width: 100, height: 100, columns: 10, rows: 10, aspect: 1, zoom: 1, panX: 0, panY: 0};
        const matrix = m.imageToScreen({...size, rotation, flipped});
        const left = matrix.transformPoint(new DOMPoint(10, 5)); // the middle of the image's right edge: the patient's left
        const sides = {right: left.x > 90, left: left.x < 10, bottom: left.y > 90, top: left.y < 10};
        const drawn = Object.keys(sides).find(side => sides[side]);
        return [drawn, m.edgeLetters([1, 0, 0, 0, 1, 0], rotation, flipped)[drawn]];
    }))"""
    found = await call(page, "viewer/geometry.js", expression)
    assert len(found) == 8
    assert all(letter == "L" for _, letter in found), found


@pytest.mark.parametrize(
    ("a", "b", "spacing", "length"),
    [((0, 0), (3, 4), None, 5), ((0, 0), (3, 4), [0.5, 0.5], 2.5), ((0, 0), (3, 4), [2, 1], (9 + 64) ** 0.5)],
)
async def test_lengths_use_the_spacing_of_rows_and_columns(
    page: Page, a: tuple[int, int], b: tuple[int, int], spacing: list[float] | None, length: float
) -> None:
    points = [{"x": x, "y": y} for x, y in (a, b)]
    assert await call(page, "viewer/measure.js", "m.distance(x[0], x[1], x[2])", [*points, spacing]) == pytest.approx(length)


async def test_angles_and_regions(page: Page) -> None:
    right = [{"x": 10, "y": 0}, {"x": 0, "y": 0}, {"x": 0, "y": 7}]
    assert await call(page, "viewer/measure.js", "m.angle(x, null)", right) == pytest.approx(90)
    diagonal = [{"x": 10, "y": 0}, {"x": 0, "y": 0}, {"x": 10, "y": 10}]
    assert await call(page, "viewer/measure.js", "m.angle(x, [2, 1])", diagonal) == pytest.approx(63.4349, abs=1e-3)
    found = await call(page, "viewer/measure.js", "m.ellipseStatistics([{x: 0, y: 0}, {x: 10, y: 10}], 10, 10, (column, row) => column)")
    assert found["mean"] == pytest.approx(4.5)
    assert found["count"] == pytest.approx(78, abs=3)  # pi * 25, as pixels whose middle lies inside
    assert await call(page, "viewer/measure.js", "m.ellipseStatistics([{x: 5, y: 5}, {x: 5, y: 5}], 10, 10, () => 1)") is None


async def test_slices_are_put_in_order(page: Page) -> None:
    """By place where all have one; the way the instance numbers run; by number where places repeat or fail."""
    expression = """x.map(list => m.inOrder(list.map(([number, z]) => ({
        instance: {number}, frame: 1, position: null, orientation: z === null ? null : [1, 0, 0, 0, 1, 0],
        origin: z === null ? null : [0, 0, z],
    }))).slices.map(slice => slice.instance.number))"""
    lists = [[[3, 10], [1, 30], [2, 20]], [[1, 10], [3, 20], [2, 30]], [[2, 5], [1, 5], [3, 6]], [[2, None], [1, 7]]]
    assert await call(page, "viewer/study.js", expression, lists) == [[1, 2, 3], [1, 3, 2], [1, 2, 3], [1, 2]]


async def test_phrases_fit_their_section_and_titles_come_first(page: Page) -> None:
    phrases = [
        {"section": "findings", "title": "肺正常", "text": "双肺清晰，头部未扫"},
        {"section": "findings", "title": "头颅正常", "text": "未见异常"},
        {"section": "impression", "title": "头颅正常", "text": "正常"},
        {"section": "", "title": "建议", "text": "复查头颅"},
    ]
    titles = await call(page, "phrases.js", "m.matching(x, 'findings', '头').map(phrase => phrase.title)", phrases)
    assert titles == ["头颅正常", "肺正常", "建议"]


async def test_texts_come_from_the_catalogue(page: Page) -> None:
    await page.goto("/login?lang=zh-CN")
    assert await call(page, "i18n.js", "m.t('Saved {time}', {time: '10:32:05'})") == "已自动保存 10:32:05"
    assert await call(page, "i18n.js", "m.tn('{n} image', '{n} images', 1)") == "1 幅"
    await page.goto("/login?lang=en")
    assert await call(page, "i18n.js", "[m.tn('{n} image', '{n} images', 1), m.tn('{n} image', '{n} images', 2)]") == [
        "1 image",
        "2 images",
    ]


async def test_dotted_names_become_the_json_of_the_api(page: Page) -> None:
    found = await call(page, "autosave.js", "m.nest(x)", {"sections.findings": "a", "sections.impression": "b", "positive": True})
    assert found == json.loads('{"sections": {"findings": "a", "impression": "b"}, "positive": true}')
