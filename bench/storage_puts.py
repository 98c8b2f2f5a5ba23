"""How many small objects a store takes in a second.

    python bench/storage_puts.py file:///tmp/bench-store --objects 3000 --size 30000 --at-once 16

The objects go to folders of 100, as the images of a series do, and stay there: ext4 gives inodes freed in
the last half minute again only with effort, so runs that tidy up slow each other down.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import time
from itertools import islice

from storage import open_store


async def measure(url: str, objects: int, size: int, at_once: int, batch: int) -> str:
    """Put `objects` objects of `size` bytes with `at_once` tasks, `batch` in one call; a line of figures."""
    store = open_store(url)
    content = os.urandom(size)
    run = secrets.token_hex(4)
    numbers = iter(range(objects))
    durations = []

    async def work() -> None:
        while taken := list(islice(numbers, batch)):
            begin = time.perf_counter()
            keys = [f"bench/{run}/{number // 100}/{number}" for number in taken]
            if batch == 1:
                await store.put(keys[0], content)
            else:
                await store.put_many([(key, content) for key in keys])
            durations.append(time.perf_counter() - begin)

    cpu = time.process_time()
    begin = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(at_once)))
    cpu = time.process_time() - cpu
    seconds = time.perf_counter() - begin
    await store.close()
    slow = sorted(durations)[int(len(durations) * 0.99)]
    return (
        f"{objects / seconds:.0f} objects/s of {size} bytes, {at_once} calls at once, {batch} in a call; "
        f"p99 of a call {slow * 1000:.1f} ms, CPU {cpu / objects * 1e6:.0f} us an object"
    )


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--objects", type=int, default=3000)
    parser.add_argument("--size", type=int, default=30_000)
    parser.add_argument("--at-once", type=int, default=16)
    parser.add_argument("--batch", type=int, default=1, help="objects in one put_many; 1 means put")
    given = parser.parse_args()
    print(asyncio.run(measure(given.url, given.objects, given.size, given.at_once, given.batch)))


if __name__ == "__main__":
    main()
