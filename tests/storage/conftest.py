"""Both backends, each a fresh and empty store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from storage import ObjectStore, open_store
from tests.machine_time import machine_time
from tests.s3_server import S3Server, s3_process, s3_server

__all__ = ["s3_process", "s3_server"]


@dataclass(frozen=True)
class Place:
    """An empty store's URL and the folder in which all its files lie, unfinished ones too."""

    url: str
    folder: Path

    def files(self) -> list[str]:
        """Names of the files, so that a test can prove that nothing was left behind."""
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())


@pytest.fixture(autouse=True)
def by_the_machine() -> Iterator[None]:
    """Stores compare times of files, and sign requests, by the machine's clock; no hour means anything to them."""
    with machine_time():
        yield


@pytest.fixture(params=["local", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty place of each kind."""
    if request.param == "local":
        return Place(f"file://{tmp_path}/store", tmp_path / "store")
    server: S3Server = request.getfixturevalue("s3_server")
    bucket = server.new_bucket()
    return Place(server.url(bucket), server.folder / bucket)


@pytest.fixture
async def store(place: Place) -> AsyncIterator[ObjectStore]:
    """An empty store of each kind."""
    opened = open_store(place.url)
    yield opened
    await opened.close()
