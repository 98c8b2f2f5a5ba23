"""A process of a pool does not outlive who started it, and one that dies is replaced. Processes are killed for real."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from pathlib import Path

import pytest

from telemed.adapters.process_pool import ProcessDied, RestartingPool
from telemed.domain.errors import Forbidden, TooDemanding

PARENT = """
import os, time
from telemed.adapters.process_pool import RestartingPool

if __name__ == "__main__":
    pool = RestartingPool(1)
    print(pool.submit(os.getpid).result(), flush=True)
    time.sleep(60)
"""


def gone(pid: int) -> bool:
    """No such process, or only its exit status is left."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def wait_until(true: Callable[[], bool], seconds: float = 60) -> None:
    patience = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < patience
        time.sleep(0.02)


def start(folder: Path) -> tuple[subprocess.Popen[str], int]:
    script = folder / "parent.py"
    script.write_text(PARENT)
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    parent = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True, env=env)
    assert parent.stdout is not None
    return parent, int(parent.stdout.readline())


def test_it_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    parent, worker = start(tmp_path)
    with parent:
        assert not gone(worker)
        parent.kill()
        parent.wait()
    wait_until(lambda: gone(worker))


def test_it_leaves_ctrl_c_to_its_parent(tmp_path: Path) -> None:
    parent, worker = start(tmp_path)
    with parent:
        os.kill(worker, signal.SIGINT)
        time.sleep(0.2)
        assert not gone(worker)
        parent.kill()


@pytest.fixture
def pool() -> Iterator[RestartingPool]:
    made = RestartingPool(1)
    yield made
    made.shutdown(cancel_futures=True)


def end_this_process() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def refuse(action: str) -> None:
    raise Forbidden(action, "not-the-author")


def say_and_wait(folder: Path, seconds: float) -> None:
    (folder / str(os.getpid())).touch()
    time.sleep(seconds)


def test_the_work_that_kills_its_process_fails_once_and_the_next_is_done(pool: RestartingPool) -> None:
    first = pool.submit(os.getpid).result(60)
    with pytest.raises(ProcessDied, match="ask for the work again"):
        pool.submit(end_this_process).result(60)
    assert pool.submit(os.getpid).result(60) != first


def test_a_process_that_is_killed_while_it_idles_is_replaced(pool: RestartingPool) -> None:
    first = pool.submit(os.getpid).result(60)
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: gone(first))
    try:
        second = pool.submit(os.getpid).result(60)
    except ProcessDied:  # the pool had not noticed yet: this work is lost, the next is not
        second = pool.submit(os.getpid).result(60)
    assert second != first


def test_a_process_that_is_killed_from_outside_at_its_work(pool: RestartingPool, tmp_path: Path) -> None:
    """As the kernel does it where memory is short."""
    working = pool.submit(say_and_wait, tmp_path, 60)
    waiting = pool.submit(os.getpid)
    wait_until(lambda: any(tmp_path.iterdir()))
    os.kill(int(next(tmp_path.iterdir()).name), signal.SIGKILL)
    for lost in (working, waiting):
        with pytest.raises(ProcessDied):
            lost.result(60)
    assert pool.submit(pow, 2, 10).result(60) == 1024


def test_many_threads_ask_a_pool_whose_processes_die(pool: RestartingPool) -> None:
    """Everybody has an answer: their own, or that a process died; the pool works afterwards."""
    answers: list[object] = []

    def ask(number: int) -> None:
        for round_ in range(4):
            try:
                answers.append(pool.submit(end_this_process).result(60) if number == round_ == 0 else pool.submit(abs, -number).result(60))
            except ProcessDied as died:
                answers.append(died)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == 8 * 4
    assert {answer for answer in answers if isinstance(answer, int)} <= set(range(8))
    assert any(isinstance(answer, ProcessDied) for answer in answers)
    assert pool.submit(abs, -9).result(60) == 9


def test_an_error_comes_out_as_it_was_raised(pool: RestartingPool) -> None:
    with pytest.raises(Forbidden) as refused:
        pool.submit(refuse, "report:sign").result(60)
    assert (refused.value.action, refused.value.reason) == ("report:sign", "not-the-author")
    assert pool.submit(abs, -1).result(60) == 1


def test_what_waits_can_be_withdrawn(pool: RestartingPool, tmp_path: Path) -> None:
    working = pool.submit(say_and_wait, tmp_path, 1)
    waiting: list[Future[int]] = [pool.submit(abs, number) for number in range(20)]
    assert waiting[-1].cancel()
    with pytest.raises(CancelledError):
        waiting[-1].result(60)
    working.result(60)
    assert waiting[0].result(60) == 0


def test_a_busy_process_is_let_go(pool: RestartingPool, tmp_path: Path) -> None:
    pool.submit(say_and_wait, tmp_path, 60)
    wait_until(lambda: any(tmp_path.iterdir()))
    busy = int(next(tmp_path.iterdir()).name)
    pool.discard()
    assert pool.submit(os.getpid).result(60) != busy
    os.kill(busy, signal.SIGKILL)


def test_nothing_is_taken_after_the_end() -> None:
    pool = RestartingPool(1)
    last = pool.submit(abs, -3)
    pool.shutdown()
    assert last.result(0) == 3
    with pytest.raises(RuntimeError, match="shut down"):
        pool.submit(abs, -1)


async def test_it_serves_an_event_loop(pool: RestartingPool) -> None:
    loop = asyncio.get_running_loop()
    with pytest.raises(ProcessDied):
        await loop.run_in_executor(pool, end_this_process)
    assert await asyncio.gather(*(loop.run_in_executor(pool, abs, -n) for n in range(5))) == list(range(5))


def taking(megabytes: int) -> int:
    return len(bytearray(megabytes << 20))


def test_work_that_takes_too_much_memory_fails_alone() -> None:
    pool = RestartingPool(1, memory=200 << 20)
    try:
        process = pool.submit(os.getpid).result()
        assert pool.submit(taking, 150).result() == 150 << 20
        with pytest.raises(TooDemanding):
            pool.submit(taking, 4000).result()
        assert pool.submit(os.getpid).result() == process
        assert pool.submit(taking, 150).result() == 150 << 20
    finally:
        pool.shutdown()
