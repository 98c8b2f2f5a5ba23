"""Whether a page fits: nothing moves it sideways, and nothing that says what is or what can be done is cut off."""

from __future__ import annotations

from playwright.async_api import Page

DESK = (1366, 768)
ENLARGED = (683, 384)
"""The desk's screen at 200 %."""
TELEPHONE = (390, 844)

CUT = """() => {
  const words = ".btn, .state, .priority, .clock, .row-button, .bar-tabs a, .patient";
  const clips = (box) => ["hidden", "clip"].includes(getComputedStyle(box).overflowX);
  const cut = (element) => {
    const { right, width } = element.getBoundingClientRect();
    if (width < 1 || !element.checkVisibility()) return false;
    for (let box = element.parentElement; box; box = box.parentElement) {
      if (["auto", "scroll"].includes(getComputedStyle(box).overflowX)) return false;
      if (clips(box) && box.getBoundingClientRect().right < right - 1) return true;
    }
    return right > innerWidth + 1;
  };
  return [...document.querySelectorAll(words)].filter(cut).map((element) => element.textContent.trim().slice(0, 40));
}"""


async def misfits(page: Page) -> list[str]:
    """Return what does not fit on a desk's screen, on that at 200 %, and on a telephone; the page is left on the desk's."""
    found = []
    for width, height in (TELEPHONE, ENLARGED, DESK):
        await page.set_viewport_size({"width": width, "height": height})
        wide = await page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            found.append(f"{width}: {wide} wide")
        found += [f"{width}: {text}" for text in await page.evaluate(CUT)]
    return found
