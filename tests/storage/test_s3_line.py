"""S3 over lines that break, at servers that refuse."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from storage import DamagedObject, ObjectMissing, ObjectStore, StoreUnavailable, open_store
from tests.cutting_proxy import CuttingProxy, cutting_proxy
from tests.s3_server import S3Server, serve_s3

MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Line:
    """A store behind a proxy that cuts, and the names of the server's files."""

    store: ObjectStore
    proxy: CuttingProxy
    server: S3Server
    bucket: str

    def files(self) -> list[str]:
        return self.server.files(self.bucket)


@pytest.fixture
async def line(s3_server: S3Server) -> AsyncIterator[Line]:
    bucket = s3_server.new_bucket()
    async with cutting_proxy(s3_server.endpoint) as proxy:
        store = open_store(s3_server.url(bucket, endpoint=proxy.endpoint))
        yield Line(store, proxy, s3_server, bucket)
        await store.close()


async def put_past(line: Line, key: str, content: bytes) -> None:
    """Put past the proxy, so that the store under test has made no connection yet."""
    direct = open_store(line.server.url(line.bucket))
    await direct.put(key, content)
    await direct.close()


async def test_an_upload_cut_once_is_repeated(line: Line) -> None:
    content = os.urandom(3 * MEGABYTE)
    line.proxy.cuts, line.proxy.up = 1, MEGABYTE
    await line.store.put("key", content)
    assert line.proxy.cuts == 0
    assert await line.store.read("key") == content
    assert line.files() == ["key"]


async def test_a_read_cut_once_is_repeated(line: Line) -> None:
    content = os.urandom(3 * MEGABYTE)
    await put_past(line, "key", content)
    line.proxy.cuts, line.proxy.down = 1, MEGABYTE
    assert await line.store.read("key") == content
    assert line.proxy.cuts == 0


async def test_a_stream_cut_once_goes_on(line: Line) -> None:
    content = os.urandom(10 * MEGABYTE)
    await put_past(line, "key", content)
    line.proxy.cuts, line.proxy.down = 1, 5 * MEGABYTE
    assert b"".join([piece async for piece in line.store.stream("key")]) == content
    assert line.proxy.cuts == 0


async def test_a_line_cut_in_every_upload(line: Line) -> None:
    line.proxy.cuts, line.proxy.up = 1000, MEGABYTE
    with pytest.raises(StoreUnavailable, match="broke off") as caught:
        await line.store.put("key", bytes(3 * MEGABYTE))
    assert caught.value.key == "key"
    line.proxy.cuts = 0
    with pytest.raises(ObjectMissing):
        await line.store.size("key")
    async with asyncio.timeout(30):
        while line.files():  # noqa: ASYNC110 - the server clears up after a broken line in its own time
            await asyncio.sleep(0.01)


async def test_a_line_cut_in_every_download(line: Line) -> None:
    await put_past(line, "key", bytes(6 * MEGABYTE))
    line.proxy.cuts, line.proxy.down = 1000, MEGABYTE
    with pytest.raises(StoreUnavailable, match="broke off"):
        await line.store.read("key")
    with pytest.raises(StoreUnavailable, match="broke off"):
        [piece async for piece in line.store.stream("key")]
    line.proxy.cuts = 0
    assert await line.store.read("key") == bytes(6 * MEGABYTE)


async def test_an_object_replaced_while_it_is_read(line: Line) -> None:
    await line.store.put("key", bytes(20 * MEGABYTE))
    reader = line.store.stream("key", chunk=4 * MEGABYTE)
    await anext(reader)
    await line.store.put("key", os.urandom(19 * MEGABYTE))
    with pytest.raises(DamagedObject, match="replaced"):
        [piece async for piece in reader]


async def test_a_server_that_is_gone(tmp_path: Path) -> None:
    (tmp_path / "buckets").mkdir()
    with serve_s3(tmp_path / "buckets", tmp_path / "log") as server:
        store = open_store(server.url(server.new_bucket()))
        await store.put("key", b"x")
    calls = (store.put("key", b"y"), store.read("key"), store.check(), store.delete("key"), anext(store.list()))
    for answer in await asyncio.gather(*calls, return_exceptions=True):
        assert isinstance(answer, StoreUnavailable)
        assert f"The S3 server at {server.endpoint}" in str(answer)
        assert "cannot be reached" in str(answer)
    await store.close()


async def test_a_wrong_secret_is_said_plainly(s3_server: S3Server) -> None:
    url = s3_server.url(s3_server.new_bucket()).replace("%2Bkey", "%2Bother")
    store = open_store(url)
    with pytest.raises(StoreUnavailable, match="secret key does not fit") as caught:
        await store.check()
    assert "other" not in str(caught.value)
    await store.close()


async def test_an_unknown_access_key_and_an_absent_bucket_are_said_plainly(s3_server: S3Server) -> None:
    store = open_store(s3_server.url(s3_server.new_bucket()).replace("tests-access-key", "somebody-else"))
    with pytest.raises(StoreUnavailable, match="access key is unknown"):
        await store.check()
    await store.close()
    store = open_store(s3_server.url("no-such-bucket"))
    with pytest.raises(StoreUnavailable, match="bucket does not exist"):
        await store.check()
    await store.close()


async def test_stores_with_different_prefixes_share_a_bucket(s3_server: S3Server) -> None:
    bucket = s3_server.new_bucket()
    one, other, all_ = (open_store(s3_server.url(bucket, prefix=prefix)) for prefix in ("one/deep", "other", ""))
    await one.put("key", b"1")
    await other.put("key", b"2")
    assert await one.read("key") == b"1"
    assert [key async for key in one.list()] == ["key"]
    assert [key async for key in all_.list()] == ["one/deep/key", "other/key"]
    for store in (one, other, all_):
        await store.close()
