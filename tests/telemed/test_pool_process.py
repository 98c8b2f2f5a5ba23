"""A process of a pool does not outlive who started it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

PARENT = """
import multiprocessing, os, time
from concurrent.futures import ProcessPoolExecutor
from telemed.pool_process import serve_the_parent

if __name__ == "__main__":
    pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), initializer=serve_the_parent)
    print(pool.submit(os.getpid).result(), flush=True)
    time.sleep(60)
"""


def gone(pid: int) -> bool:
    """No such process, or only its exit status is left."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def start(folder: Path) -> tuple[subprocess.Popen[str], int]:
    script = folder / "parent.py"
    script.write_text(PARENT)
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    parent = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True, env=env)
    assert parent.stdout is not None
    return parent, int(parent.stdout.readline())


def test_it_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    parent, worker = start(tmp_path)
    with parent:
        assert not gone(worker)
        parent.kill()
        parent.wait()
    patience = time.monotonic() + 60
    while not gone(worker) and time.monotonic() < patience:
        time.sleep(0.02)
    assert gone(worker)


def test_it_leaves_ctrl_c_to_its_parent(tmp_path: Path) -> None:
    parent, worker = start(tmp_path)
    with parent:
        os.kill(worker, signal.SIGINT)
        time.sleep(0.2)
        assert not gone(worker)
        parent.kill()
