"""What cannot be had is said in one plain sentence, at once."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from pathlib import Path

import pytest

from tests.demo_region import free_port

ROOT = Path(__file__).resolve().parents[3]
CANNOT_START = 78


async def start(folder: Path, **settings: str) -> tuple[int, str]:
    """Exit status and words of `telemed demo --empty` with these settings."""
    ports = {f"TELEMED_{door}_PORT": str(free_port()) for door in ("HTTP", "DICOM", "MLLP")}
    environment = os.environ | ports | {"TELEMED_DATA_DIR": str(folder), "PYTHONPATH": str(ROOT)} | settings
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "telemed", "demo", "--empty", cwd=ROOT, env=environment,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, words = await asyncio.wait_for(process.communicate(), 120)
    return process.returncode or 0, words.decode()


async def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        status, words = await start(tmp_path, TELEMED_HTTP_PORT=port)
    assert status == CANNOT_START
    assert f"Port {port} on 127.0.0.1 cannot be opened" in words
    assert "Traceback" not in words


async def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    status, words = await start(tmp_path / "file" / "data")
    assert status == CANNOT_START
    assert "cannot be written" in words.replace("\n", " ")
    assert "Traceback" not in words


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("TELEMED_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none", "cannot be used"),
        ("TELEMED_STORAGE_URL", "ftp://somewhere", "begins with file:/// or s3://"),
    ],
)
async def test_a_database_or_store_that_is_not_there(tmp_path: Path, setting: str, value: str, said: str) -> None:
    status, words = await start(tmp_path, **{setting: value})
    assert status == CANNOT_START
    assert said in words.replace("\n", " ")
    assert "Traceback" not in words
