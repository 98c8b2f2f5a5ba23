"""The Holter page in a browser: time to the first trace, and frame times while one scrolls through the day.

    python -m bench.ecg_pages [--home URL] [--times 5] [--seconds 8]

Starts a demo of its own (or takes the running one at the given address), waits until its 24 h recording has been read,
and opens the page of that recording in headless Chromium at 1366 x 768, as the reader does: by the key `h` from the
reading page. The first trace counts from that key to the first frame after the strip was drawn. Then the strip is scrolled by
wheel, one event a frame, at a strip's width and over an hour at once; the times between frames are the browser's own.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
from playwright.async_api import Page, async_playwright

from bench.machine import describe_machine
from bench.worklist import free_port
from telemed.demo.region import PASSWORD

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update")
READERS = ("ecg.huba", "ecg.hubb", "ecg.main")
"""the case waits at a hub first and is passed on to the main hub later"""
LONGEST_WAIT = 300
"""looks, two seconds apart, until the demo's day has been generated, uploaded and read"""
FRAMES = """async ([seconds, step]) => {
  const canvas = document.querySelector('canvas.holter-waves');
  const times = [];
  let last = performance.now();
  const end = last + seconds * 1000;
  while (last < end) {
    canvas.dispatchEvent(new WheelEvent('wheel', { deltaY: step, bubbles: true, cancelable: true }));
    const now = await new Promise((resolve) => requestAnimationFrame(resolve));
    times.push(now - last);
    last = now;
  }
  return times.slice(5);
}"""


@contextlib.asynccontextmanager
async def demo() -> AsyncIterator[str]:
    """A demo in a folder of its own, on free ports."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="telemed-bench-", ignore_cleanup_errors=True) as folder:
        ports = {f"TELEMED_{name}_PORT": str(number) for name, number in (("HTTP", port), ("DICOM", free_port()), ("MLLP", free_port()))}
        environment = {**os.environ, **ports, "TELEMED_DATA_DIR": folder}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "telemed", "demo", env=environment, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            await process.wait()


async def day_of(home: str) -> tuple[str, str, str]:
    """A reader who may read the demo's long recording, its case and its tracing, once it has been read."""
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        for _ in range(LONGEST_WAIT):
            for reader in READERS:
                with contextlib.suppress(aiohttp.ClientConnectionError):
                    async with session.post(f"{home}/api/v1/login", json={"username": reader, "password": PASSWORD}) as answer:
                        session.headers["Authorization"] = f"Bearer {(await answer.json())['token']}"
                    for case in await _items(session, f"{home}/api/v1/cases?view=unclaimed&limit=200"):
                        if case["request"].get("recording") == "holter":
                            for tracing in await _items(session, f"{home}/api/v1/cases/{case['id']}/tracings"):
                                return reader, case["id"], tracing["id"]
            await asyncio.sleep(2)
    raise SystemExit(f"no long recording was read at {home} within {2 * LONGEST_WAIT} s")


async def _items(session: aiohttp.ClientSession, address: str) -> list[dict[str, Any]]:
    async with session.get(address) as answer:
        return list((await answer.json())["items"])


async def first_trace(page: Page, home: str, case: str, tracing: str) -> tuple[float, float]:
    """Milliseconds from the key to the trace, and from the page's own start to it."""
    await page.goto(f"{home}/read/{case}")
    await page.locator("[data-panel=ecg][data-ready]").wait_for()
    await page.evaluate("sessionStorage.setItem('pressed', performance.timeOrigin + performance.now())")
    await page.keyboard.press("h")
    await page.wait_for_url(f"**/holter/{tracing}*")
    times = await page.evaluate(
        """() => new Promise((resolve) => {
            const place = document.querySelector('[data-holter-page]');
            const done = () => {
              const shown = Number(place.dataset.ready);
              resolve([performance.timeOrigin + shown - Number(sessionStorage.getItem('pressed')), shown]);
            };
            if (place.dataset.ready) done(); else place.addEventListener('holter:ready', done);
        })"""
    )
    return float(times[0]), float(times[1])


def figures(values: list[float]) -> str:
    """Median, 95th percentile and longest."""
    ordered = sorted(values)
    return f"p50 {statistics.median(ordered):6.1f}  p95 {ordered[int(0.95 * (len(ordered) - 1))]:6.1f}  longest {ordered[-1]:6.1f} ms"


async def measure(home: str, times: int, seconds: float) -> None:
    """Print everything."""
    reader, case, tracing = await day_of(home)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        print(f"Chromium {browser.version}, no GPU")
        page = await browser.new_page(viewport={"width": 1366, "height": 768})
        await page.goto(f"{home}/login")
        await page.fill("input[name=username]", reader)
        await page.fill("input[name=password]", PASSWORD)
        await page.press("input[name=password]", "Enter")
        await page.wait_for_url("**/worklist*")
        shown = [await first_trace(page, home, case, tracing) for _ in range(times)]
        print(f"first trace after the key, cold        {shown[0][0]:6.1f} ms, of which the page {shown[0][1]:6.1f} ms")
        print(f"first trace after the key, {times - 1} times more {figures([each[0] for each in shown[1:]])}")
        for label, keys in (("strip", ()), ("hour", ("-",) * 10)):
            for key in keys:
                await page.keyboard.press(key)
            print(f"frames while scrolling, {label:<6} {figures(await page.evaluate(FRAMES, [seconds, 60]))}")
        await browser.close()


async def run(home: str | None, times: int, seconds: float) -> None:
    """Against a running demo or one of its own."""
    print(describe_machine())
    if home:
        await measure(home.rstrip("/"), times, seconds)
        return
    async with demo() as own:
        await measure(own, times, seconds)


def main() -> None:
    """Measure the page and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", help="address of a running demo")
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=8.0)
    arguments = parser.parse_args()
    asyncio.run(run(arguments.home, max(2, arguments.times), arguments.seconds))


if __name__ == "__main__":
    main()
