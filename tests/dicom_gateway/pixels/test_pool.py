"""The processes for pixels: one that dies takes the work it had with it, nobody else's, and is replaced."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dicom_gateway.errors import UnreadableDICOM
from dicom_gateway.pixels import PixelPool
from dicom_gateway.pixels.errors import DecodingBusy, PixelError


@pytest.fixture
async def pool() -> AsyncIterator[PixelPool]:
    made = PixelPool(2)
    yield made
    await made.close()


def die() -> None:
    """As a codec does that reads past its memory."""
    os.kill(os.getpid(), signal.SIGKILL)


def waiting(folder: Path, name: str) -> int:
    """Say that it has begun, and go on when told to."""
    (folder / f"{name}.begun").write_text(str(os.getpid()))
    while not (folder / "go").exists():
        time.sleep(0.01)
    return os.getpid()


def unreadable() -> None:
    raise UnreadableDICOM(12, "cut off")


async def begun(folder: Path, name: str) -> int:
    """The process in which `name` runs."""
    path = folder / f"{name}.begun"
    async with asyncio.timeout(60):
        while not (path.exists() and path.read_text()):  # noqa: ASYNC110  # another process cannot set an event
            await asyncio.sleep(0.01)
    return int(path.read_text())


async def test_a_killed_process_fails_its_own_work_alone(pool: PixelPool, tmp_path: Path) -> None:
    killed = asyncio.create_task(pool.run(waiting, tmp_path, "killed"))
    beside = asyncio.create_task(pool.run(waiting, tmp_path, "beside"))
    victim, other = await begun(tmp_path, "killed"), await begun(tmp_path, "beside")
    queued = [asyncio.create_task(pool.run(os.getpid)) for _ in range(3)]
    os.kill(victim, signal.SIGKILL)
    with pytest.raises(DecodingBusy, match="died"):
        await killed
    assert len({await each for each in queued} - {victim, other}) == 1  # a new process did what waited
    (tmp_path / "go").touch()
    assert await beside == other


async def test_work_that_kills_its_process_is_followed_by_work_that_does_not(pool: PixelPool) -> None:
    for _ in range(3):
        with pytest.raises(DecodingBusy, match="died"):
            await pool.run(die)
        assert await pool.run(abs, -1) == 1


async def test_a_process_killed_while_it_has_nothing_to_do_is_replaced(pool: PixelPool) -> None:
    first = await pool.run(os.getpid)
    os.kill(first, signal.SIGKILL)
    async with asyncio.timeout(60):
        while True:  # until its death is known a request may be given to it, which fails
            try:
                assert await pool.run(os.getpid) != first
                return
            except DecodingBusy:
                continue


async def test_an_error_with_fields_comes_back_and_breaks_nothing(pool: PixelPool) -> None:
    process = await pool.run(os.getpid)
    with pytest.raises(UnreadableDICOM) as error:
        await pool.run(unreadable)
    assert (error.value.offset, error.value.reason) == (12, "cut off")
    assert await pool.run(os.getpid) == process


async def test_work_that_nobody_waits_for_any_more_keeps_its_place_until_it_ends(tmp_path: Path) -> None:
    pool = PixelPool(1)
    left = asyncio.create_task(pool.run(waiting, tmp_path, "left"))
    process = await begun(tmp_path, "left")
    left.cancel()
    with pytest.raises(asyncio.CancelledError):
        await left
    following = asyncio.create_task(pool.run(os.getpid))
    (tmp_path / "go").touch()
    assert await following == process
    await pool.close()


async def test_a_closed_pool_starts_anew(pool: PixelPool) -> None:
    first = await pool.run(os.getpid)
    await pool.close()
    assert await pool.run(os.getpid) != first


def taking(megabytes: int) -> int:
    return len(bytearray(megabytes << 20))


async def test_work_that_takes_too_much_memory_fails_alone() -> None:
    pool = PixelPool(1, memory=200 << 20)
    try:
        process = await pool.run(os.getpid)
        with pytest.raises(PixelError, match="more than the 200 MB"):
            await pool.run(taking, 4000)
        assert await pool.run(taking, 150) == 150 << 20
        assert await pool.run(os.getpid) == process
    finally:
        await pool.close()
