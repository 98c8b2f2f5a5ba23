"""Work passed between the loops of two threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from dicom_gateway.loop_thread import LoopThread, on


@pytest.fixture
async def other() -> AsyncIterator[LoopThread]:
    thread = LoopThread("other")
    yield thread
    if not thread.loop.is_closed():
        await thread.close()


async def test_work_is_done_there_and_its_result_comes_back(other: LoopThread) -> None:
    async def whose() -> str:
        return threading.current_thread().name

    home = asyncio.get_running_loop()

    async def asks_back() -> tuple[str, str]:
        return await whose(), await on(home, whose())

    assert await other.run(asks_back()) == ("other", threading.current_thread().name)
    assert await on(home, whose()) == threading.current_thread().name


async def test_what_fails_there_fails_here(other: LoopThread) -> None:
    async def broken() -> None:
        raise LookupError("nothing of that name")

    with pytest.raises(LookupError, match="of that name"):
        await other.run(broken())


async def test_who_stops_waiting_cancels_the_work(other: LoopThread) -> None:
    begun, cancelled = threading.Event(), threading.Event()

    async def endless() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    waiting = asyncio.create_task(other.run(endless()))
    assert await asyncio.to_thread(begun.wait, 10)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await asyncio.to_thread(cancelled.wait, 10)


async def test_closing_ends_what_still_runs_there(other: LoopThread) -> None:
    ended = threading.Event()

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def begin() -> asyncio.Task[None]:
        task = asyncio.create_task(endless())
        await asyncio.sleep(0)
        return task

    task = await other.run(begin())
    await other.close()
    assert ended.is_set()
    assert task.cancelled()
    late = endless()
    with pytest.raises(RuntimeError, match="closed"):
        await other.run(late)
    late.close()
