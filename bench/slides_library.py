"""The pathology library alone: opening, tiles, wrapping and its proof, focus; processor time and memory.

    python -m bench.slides_library [--side 20480] [FILE]

Without a file a slide like an SVS is made: RGB JPEG tiles of 256 px, levels of a quarter and a sixteenth, about 300 MB.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from math import ceil
from pathlib import Path

import pathology
from bench.machine import describe_machine
from tests.pathology.made_tiff import APERIO, Page, jpeg, shrunk, split_tables, strip_page, tiff, tissue


def made(side: int) -> bytes:
    """An SVS of `side` pixels squared; its tiles are drawn from a few hundred."""
    picture = tissue(1024, 1024)
    text = APERIO % (side, side, side, side)
    pool = [jpeg(picture[y : y + 256, x : x + 256], True, 93) for y in range(0, 768, 64) for x in range(0, 768, 64)]
    tables, tiles = split_tables(pool[0])[0], [split_tables(tile)[1] for tile in pool]

    def page(size: int) -> Page:
        count = ceil(size / 256) ** 2
        fields = {254: 0, 259: 7, 262: 2, 256: size, 257: size, 258: [8, 8, 8], 277: 3, 284: 1, 322: 256, 323: 256, 347: tables, 270: text}
        return Page(fields, [tiles[number * 7 % len(tiles)] for number in range(count)])

    return tiff(page(side), strip_page(shrunk(picture, 2), 7, 512, t270=text), page(side // 4), page(side // 16))


def peak() -> int:
    """Most memory of this process since its program began, MiB (VmHWM)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) >> 10


def timed(what: str, work: Callable[[], int]) -> None:
    """Print processor and wall time of some work, in all and for each of what it returns the count of."""
    wall, cpu = time.perf_counter(), time.process_time()
    count = work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{what:34} {wall:8.3f} s, CPU {cpu:7.3f} s, {cpu / count * 1e6:10.1f} CPU us each of {count}; peak {peak()} MiB")


def measure(path: Path, folder: Path) -> None:
    """All figures of one file."""
    size = path.stat().st_size

    def opened() -> int:
        for _ in range(20):
            pathology.open_slide(path).close()
        return 20

    timed("open", opened)
    with pathology.open_slide(path) as slide:
        zoom = pathology.DeepZoom(slide)
        level = zoom.level_count - 1
        columns, rows = (count - 1 for count in zoom.tiles(level))
        wanted = [(column, row) for row in range(min(rows, 20)) for column in range(min(columns, 50))]
        timed("whole tiles, finest level", lambda: sum(bool(zoom.tile(level, *each)) for each in wanted))
        timed("tiles at the edge", lambda: sum(bool(zoom.tile(level, columns, row)) for row in range(min(rows, 50))))
        timed("tiles drawn (one level coarser)", lambda: sum(bool(zoom.tile(level - 1, 1, row)) for row in range(min(rows // 2, 50))))
        timed("focus", lambda: pathology.assess(slide).sampled)
        begun = time.perf_counter()
        done = pathology.wrap(slide, folder, pathology.Identity(datetime(2026, 1, 1)))
        seconds = time.perf_counter() - begun
    written = sum(each.stat().st_size for each in done.instances) + (done.remainder.stat().st_size if done.remainder else 0)
    print(f"wrap with proof: {seconds:.2f} s, {size / seconds / 1e6:.0f} MB/s, peak {peak()} MiB")
    print(f"{done.passed_on} of {done.frames} frames as they were stored")
    print(f"space: {size} bytes became {written}, {100 * (written - size) / size:+.2f} %")


def main() -> None:
    """Make the slide in this process, measure in a fresh one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--side", type=int, default=20_480)
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.into is not None:
        measure(given.file, given.into)
        return
    print(describe_machine())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = given.file or folder / "made.svs"
        if given.file is None:
            path.write_bytes(made(given.side))
        (folder / "wrapped").mkdir()
        subprocess.run([sys.executable, "-m", "bench.slides_library", str(path), "--into", str(folder / "wrapped")], check=True)


if __name__ == "__main__":
    main()
