"""How many small objects a store takes in a second.

    python bench/storage_puts.py file:///tmp/bench-store --objects 3000 --size 30000 --at-once 16

The objects go to folders of 100, as the images of a series do. Prints objects/s, and the slowest percent's time.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import time

from storage import open_store


async def measure(url: str, objects: int, size: int, at_once: int) -> str:
    """Put `objects` objects of `size` bytes with `at_once` tasks; a line of figures."""
    store = open_store(url)
    content = os.urandom(size)
    run = secrets.token_hex(4)
    numbers = iter(range(objects))
    durations = []

    async def work() -> None:
        for number in numbers:
            begin = time.perf_counter()
            await store.put(f"bench/{run}/{number // 100}/{number}", content)
            durations.append(time.perf_counter() - begin)

    begin = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(at_once)))
    seconds = time.perf_counter() - begin
    await asyncio.gather(*[store.delete(key) async for key in store.list(f"bench/{run}/")])
    await store.close()
    slow = sorted(durations)[int(len(durations) * 0.99)]
    return f"{objects / seconds:.0f} objects/s of {size} bytes, {at_once} at once, p99 {slow * 1000:.1f} ms"


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--objects", type=int, default=3000)
    parser.add_argument("--size", type=int, default=30_000)
    parser.add_argument("--at-once", type=int, default=16)
    given = parser.parse_args()
    print(asyncio.run(measure(given.url, given.objects, given.size, given.at_once)))


if __name__ == "__main__":
    main()
