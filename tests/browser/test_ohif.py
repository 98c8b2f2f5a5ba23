"""OHIF behind our sign-in: a study opened from the reading page is drawn in Chromium."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiohttp
import numpy as np
import pytest
from PIL import Image
from playwright.async_api import Browser, Page, Response, expect
from pydicom.uid import generate_uid

from telemed import ohif
from telemed.demo.people import PATIENTS, DemoPatient
from telemed.web.security import SESSION_COOKIE
from tests.browser import objects_of_a_study as made
from tests.browser.conftest import Visitor
from tests.browser.platform import Platform
from tests.browser.test_reading import keep_picture
from tests.dicom_gateway.objects import ct_slice, part10_of

installed = pytest.mark.skipif(
    not ohif.installed(ohif.default_folder()), reason="OHIF is not installed here: `telemed viewer` gets it where the network allows"
)


def slice_of(number: int, accession: str, study: str, series: str) -> bytes:
    """A CT slice with shapes whose greys differ."""
    rows, columns = np.mgrid[0:128, 0:128]
    pixels = ((rows - 64) ** 2 + (columns - 64) ** 2 < 40**2) * (rows + columns + number * 10) + 1000
    slice_ = ct_slice(AccessionNumber=accession, StudyInstanceUID=study, SeriesInstanceUID=series, InstanceNumber=number)
    slice_.Rows, slice_.Columns, slice_.PixelData = 128, 128, pixels.astype("<u2").tobytes()
    slice_.PixelSpacing, slice_.SliceThickness = ["1", "1"], "5"
    slice_.ImageOrientationPatient, slice_.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, number * 5]
    slice_.FrameOfReferenceUID = series
    slice_.WindowCenter, slice_.WindowWidth = "80", "300"
    return part10_of(slice_)


async def case_with_images(platform: Platform, patient: DemoPatient) -> tuple[str, str]:
    """A new case of the patient with a study of three slices."""
    case = await platform.new_case(patient)
    study, series = str(generate_uid()), str(generate_uid())
    await platform.send([slice_of(n, case["accession_number"], study, series) for n in (1, 2, 3)])
    await platform.evidence(case["id"], "imaging.huba", 3)
    return str(case["id"]), study


async def greys(page: Page) -> int:
    """How many different greys the middle of the first viewport shows."""
    picture = await page.locator(".cornerstone-canvas").first.screenshot()
    grey = np.asarray(Image.open(io.BytesIO(picture)).convert("L"))
    return len(np.unique(grey[grey.shape[0] // 4 : -grey.shape[0] // 4, grey.shape[1] // 4 : -grey.shape[1] // 4]))


@installed
async def test_a_case_opens_in_ohif_with_its_pixels_and_its_prior(platform: Platform, sign_in: Visitor) -> None:
    _, before = await case_with_images(platform, PATIENTS[33])
    case_id, study = await case_with_images(platform, PATIENTS[33])
    reading = await sign_in("imaging.huba")
    await reading.goto(f"/read/{case_id}")
    await reading.wait_for_selector("[data-viewer] .pane-grid")  # the viewer has its keys: the page is ready before
    async with reading.expect_popup() as opening:
        await reading.keyboard.press("z")
    viewer = await opening.value
    asked = parse_qs(urlsplit(viewer.url).query)["StudyInstanceUIDs"][0].split(",")
    assert asked[0] == study
    assert before in asked
    await expect(viewer.locator(".cornerstone-canvas").first).to_be_visible(timeout=60_000)
    async with asyncio.timeout(60):
        while await greys(viewer) < 20:  # noqa: ASYNC110  the canvas is there before its pixels, and says nothing
            await asyncio.sleep(0.2)
    for menu in ("orientationMenu", "windowLevelMenu", "dataOverlayMenu-default"):  # they write styles, which the policy knows
        await viewer.locator(f"[data-cy={menu}-btn]").first.click(force=True)
        await viewer.keyboard.press("Escape")
    await viewer.close()


@installed
async def test_ohif_is_for_those_who_signed_in(platform: Platform) -> None:
    async with (
        aiohttp.ClientSession() as stranger,
        stranger.get(
            f"{platform.home}/ohif/viewer?StudyInstanceUIDs=1.2", allow_redirects=False, headers={"Accept": "text/html"}
        ) as answer,
    ):
        assert (answer.status, answer.headers["Location"].startswith("/login")) == (303, True)
    mine = {"Authorization": f"Bearer {await platform.token('imaging.huba')}"}
    async with platform.session.get(f"{platform.home}/ohif/viewer", headers=mine) as answer:
        page = await answer.text()
        assert "/ohif/app.bundle" in page
        policy = answer.headers["Content-Security-Policy"]
        assert "'unsafe-inline'" not in policy
        assert "blob:" not in policy.partition("script-src")[2].partition(";")[0]
        assert "frame-ancestors 'none'" in policy
    for path in ("/ohif/no-such.js", "/ohif/..%2f..%2fbin%2fpython.exe"):
        async with platform.session.get(platform.home + path, headers=mine) as answer:
            assert answer.status == 404, path
    async with platform.session.get(f"{platform.home}/worklist", headers=mine) as answer:
        assert "wasm" not in answer.headers["Content-Security-Policy"]


def test_an_archive_that_is_not_the_published_one_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "ohif.tgz"
    archive.write_bytes(b"something else")
    with pytest.raises(ohif.NotToBeHad, match="SHA-512"):
        ohif.install(tmp_path / "viewer", archive)
    assert [path.name for path in tmp_path.iterdir()] == ["ohif.tgz"]


@installed
async def test_ohif_lists_and_opens_every_kind_of_object(platform: Platform, browser: Browser) -> None:
    """A film is played as its stream. Now and then OHIF asks for frames of it as well, which are none; it says much on its console."""
    case = await platform.new_case(made.PATIENT)
    study, number = str(generate_uid()), case["accession_number"]
    files = [
        made.mammogram(study, number, "L", 3), made.mammogram(study, number, "R", 4), made.report(study, number), made.paper(study, number),
        made.film(study, number), slice_of(1, number, study, str(generate_uid())),
    ]  # fmt: skip
    for file in files:
        await platform.attach(case["id"], "clinic1", "object.dcm", file)
    await platform.evidence(case["id"], "imaging.huba", len(files))
    context = await browser.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN", base_url=platform.home)
    await context.add_cookies([{"name": SESSION_COOKIE, "value": await platform.token("imaging.huba"), "url": platform.home}])
    page = await context.new_page()
    failed: list[str] = []
    films: list[str] = []

    def note(answer: Response) -> None:
        if answer.status >= 400:
            failed.append(f"{answer.status} {answer.url}")
        if answer.headers.get("content-type", "").startswith("video/mp4"):
            films.append(answer.url)

    page.on("response", note)
    page.on("requestfailed", lambda asked: failed.append(f"{asked.failure} {asked.url}"))
    await page.goto(f"/ohif/viewer?StudyInstanceUIDs={study}")
    listed = page.locator("[data-cy='study-browser-thumbnail'], [data-cy='study-browser-thumbnail-no-image']")
    await expect(listed).to_have_count(len(files), timeout=90_000)
    await listed.filter(has=page.get_by_text("ES", exact=True)).dblclick()
    async with asyncio.timeout(60):
        while not films:  # noqa: ASYNC110
            await asyncio.sleep(0.2)
    await keep_picture(page, "ohif-film")
    await listed.filter(has=page.get_by_text("SR", exact=True)).dblclick()
    await expect(page.get_by_text("Biparietal Diameter")).to_be_visible()
    await keep_picture(page, "ohif-report")
    await listed.filter(has=page.get_by_text("MG", exact=True)).first.dblclick()
    async with asyncio.timeout(60):
        while await greys(page) < 20:  # noqa: ASYNC110  the canvas is there before its pixels, and says nothing
            await asyncio.sleep(0.2)
    await keep_picture(page, "ohif-mammogram")
    await context.close()
    # What the viewer gives up by itself, as another series is opened, has not failed.
    of_films = tuple(f"404 {url.removesuffix('/rendered')}/frames/" for url in films)
    assert [each for each in failed if "ERR_ABORTED" not in each and not each.startswith(of_films)] == []
