"""What is left when a put does not come to its end."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from storage import DamagedObject, ObjectMissing, ObjectStore, StorageError, StoreFull, fingerprint, open_store
from tests.s3_server import S3Server, serve_s3
from tests.storage.conftest import Place

MEGABYTE = 1024 * 1024
PROJECT = Path(__file__).parents[2]


async def keys_of(store: ObjectStore) -> list[str]:
    return [key async for key in store.list()]


async def files_appear(server: S3Server, bucket: str, count: int) -> None:
    """Wait until the bucket has `count` files, unfinished uploads included."""
    async with asyncio.timeout(30):
        while len(server.files(bucket)) < count:  # noqa: ASYNC110 - another process writes them, and tells us nothing
            await asyncio.sleep(0.002)


async def endless(begun: asyncio.Event) -> AsyncIterator[bytes]:
    """Some pieces, then nothing more and no end."""
    for _ in range(5):
        yield bytes(MEGABYTE)
    begun.set()
    await asyncio.Event().wait()


async def cancel(task: asyncio.Task[object]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancelled_flow_leaves_nothing(store: ObjectStore, place: Place) -> None:
    begun = asyncio.Event()
    task = asyncio.create_task(store.put("a/flow", endless(begun)))
    await begun.wait()
    await cancel(task)
    assert place.files() == []
    with pytest.raises(ObjectMissing):
        await store.size("a/flow")


async def test_a_cancelled_flow_leaves_the_object_before_it(store: ObjectStore, place: Place) -> None:
    await store.put("key", b"before")
    begun = asyncio.Event()
    task = asyncio.create_task(store.put("key", endless(begun)))
    await begun.wait()
    await cancel(task)
    assert await store.read("key") == b"before"
    assert len(place.files()) == 1


async def test_puts_cancelled_at_any_moment_leave_whole_objects_or_none(store: ObjectStore, place: Place) -> None:
    contents = {f"{number % 3}/{number:03}": os.urandom(100_000 + number) for number in range(200)}
    tasks = [asyncio.create_task(store.put(key, content)) for key, content in contents.items()]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    present = await keys_of(store)
    assert len(place.files()) == len(present) < len(contents)
    for key in present:
        assert await store.read(key) == contents[key]
    assert {answer.key for answer in answers if not isinstance(answer, BaseException)} <= set(present)


async def test_a_batch_cancelled_leaves_whole_objects_or_none(store: ObjectStore, place: Place) -> None:
    batch = [(f"{number % 3}/{number:03}", os.urandom(100_000 + number)) for number in range(300)]
    task = asyncio.create_task(store.put_many(batch))
    async with asyncio.timeout(30):
        while not place.files():  # noqa: ASYNC110 - files tell nobody that they appear
            await asyncio.sleep(0.001)
    await cancel(task)
    present = await keys_of(store)
    assert len(place.files()) == len(present) < len(batch)
    for key, content in batch:
        if key in present:
            assert await store.read(key) == content


async def test_a_cancelled_multipart_upload_is_aborted_on_the_server(s3_server: S3Server) -> None:
    bucket = s3_server.new_bucket()
    store = open_store(s3_server.url(bucket))
    task = asyncio.create_task(store.put("slide", bytes(200 * MEGABYTE)))
    await files_appear(s3_server, bucket, 1)
    assert all(".rclone_temp_multipart" in name for name in s3_server.files(bucket))
    await cancel(task)
    assert s3_server.files(bucket) == []
    await store.close()


async def test_an_error_of_the_source_comes_through_and_leaves_nothing(store: ObjectStore, place: Place) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield bytes(3 * MEGABYTE)
        raise LookupError("the upload broke off")

    with pytest.raises(LookupError, match="broke off"):
        await store.put("key", broken())
    assert place.files() == []
    await store.put("key", b"before")
    with pytest.raises(LookupError):
        await store.put("key", broken())
    assert await store.read("key") == b"before"
    assert len(place.files()) == 1


_PUT_AND_HANG = """
import asyncio, sys
from storage import open_store
async def flow():
    for _ in range(5):
        yield bytes(1024 * 1024)
    print("begun", flush=True)
    await asyncio.Event().wait()
asyncio.run(open_store(sys.argv[1]).put("key", flow()))
"""

_PUT_LONG = """
import asyncio, sys
from storage import open_store
print("begun", flush=True)
asyncio.run(open_store(sys.argv[1]).put("key", bytes(400 * 1024 * 1024)))
"""


def child(program: str, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", program, *arguments], cwd=PROJECT, stdout=subprocess.PIPE)


async def test_a_killed_process_leaves_the_object_before_it(store: ObjectStore, place: Place) -> None:
    await store.put("key", b"before")
    with child(_PUT_AND_HANG, place.url) as process:
        assert process.stdout is not None
        assert await asyncio.to_thread(process.stdout.readline) == b"begun\n"
        process.kill()
    assert await store.read("key") == b"before"
    assert await keys_of(store) == ["key"]
    await store.put("key", b"after")
    assert await store.read("key") == b"after"


async def test_a_process_killed_during_a_multipart_upload_leaves_the_object_before_it(s3_server: S3Server) -> None:
    bucket = s3_server.new_bucket()
    store = open_store(s3_server.url(bucket))
    await store.put("key", b"before")
    with child(_PUT_LONG, s3_server.url(bucket)) as process:
        await files_appear(s3_server, bucket, 2)
        assert process.poll() is None
        process.kill()
    assert await store.read("key") == b"before"
    assert await keys_of(store) == ["key"]
    await store.close()


def test_what_a_crash_left_is_deleted_at_the_next_start_but_one(tmp_path: Path) -> None:
    url = f"file://{tmp_path}/store"
    with child(_PUT_AND_HANG, url) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.kill()
    (left,) = (tmp_path / "store/incoming").iterdir()
    asyncio.run(open_store(url).close())
    assert left.exists(), "a young file may be an upload of another process"
    two_days_ago = time.time() - 2 * 24 * 3600
    os.utime(left, (two_days_ago, two_days_ago))
    asyncio.run(open_store(url).close())
    assert not left.exists()


_PUT_WITH_A_LIMIT = """
import asyncio, resource, sys
from storage import StoreFull, open_store
resource.setrlimit(resource.RLIMIT_FSIZE, (1024 * 1024, 1024 * 1024))
async def flow():
    for _ in range(20):
        yield bytes(1024 * 1024)
async def main():
    store = open_store(sys.argv[1])
    for content in (bytes(20 * 1024 * 1024), flow()):
        try:
            await store.put("key", content)
        except StoreFull as error:
            print("full:", error.key)
    await store.close()
asyncio.run(main())
"""


def test_a_limit_on_the_size_of_files_is_a_full_store(tmp_path: Path) -> None:
    with child(_PUT_WITH_A_LIMIT, f"file://{tmp_path}/store") as process:
        output, _ = process.communicate()
    assert output == b"full: key\nfull: key\n"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_flow_too_large_for_the_temporary_folder_is_a_full_store(s3_server: S3Server) -> None:
    bucket = s3_server.new_bucket()
    with child(_PUT_WITH_A_LIMIT, s3_server.url(bucket)) as process:
        output, _ = process.communicate()
    assert output == b"full: key\n", "whole bytes need no temporary file and are stored; the flow is not"
    assert s3_server.files(bucket) == ["key"]


@contextmanager
def small_disk(folder: Path, size: str = "4m") -> Iterator[None]:
    """A real file system of 4 MB, or of another `size`, on `folder`."""
    folder.mkdir()
    mounting = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounting.returncode != 0:
        pytest.skip(f"mounting a small disk needs root and the right to mount: {mounting.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


async def fill_and_recover(store: ObjectStore) -> type[StorageError]:
    """Put too much, see that it did no harm; the error's type."""

    async def flow() -> AsyncIterator[bytes]:
        for _ in range(6):
            yield os.urandom(MEGABYTE)

    await store.put("key", b"before")
    with pytest.raises(StorageError) as first:
        await store.put("key", flow())
    with pytest.raises(type(first.value)):
        await store.put("other", os.urandom(6 * MEGABYTE))
    assert await store.read("key") == b"before"
    assert await keys_of(store) == ["key"]
    with pytest.raises(StorageError):
        await store.put_many([("key", os.urandom(6 * MEGABYTE)), ("key", os.urandom(6 * MEGABYTE))])
    assert await store.read("key") == b"before"
    await store.put("small", os.urandom(MEGABYTE))
    assert await keys_of(store) == ["key", "small"]
    return type(first.value)


async def test_a_full_disk(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk"):
        store = open_store(f"file://{tmp_path}/disk/store")
        assert await fill_and_recover(store) is StoreFull
        await store.close()


async def test_a_full_disk_behind_an_s3_server(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk"), serve_s3(tmp_path / "disk", tmp_path / "log") as server:
        store = open_store(server.url(server.new_bucket()))
        await fill_and_recover(store)  # rclone says 500 and no reason, so the error's type is not asserted
        await store.close()


async def test_a_damaged_object_is_noticed(s3_server: S3Server) -> None:
    bucket = s3_server.new_bucket()
    store = open_store(s3_server.url(bucket))
    content = os.urandom(5 * MEGABYTE)
    kept: dict[str, str | list[str] | tuple[str]] = {"sha256": hashlib.sha256(content).hexdigest()}
    damaged = content[:1000] + bytes([content[1000] ^ 1]) + content[1001:]
    await asyncio.to_thread(s3_server.client().put_object, bucket, "key", io.BytesIO(damaged), len(damaged), metadata=kept)
    with pytest.raises(DamagedObject, match="SHA-256") as caught:
        await store.read("key")
    assert caught.value.key == "key"
    with pytest.raises(DamagedObject, match="SHA-256"):
        await fingerprint(store, "key")
    await store.close()


async def test_the_fingerprint_of_a_damaged_file_is_another(tmp_path: Path) -> None:
    store = open_store(f"file://{tmp_path}")
    stored = await store.put("key", bytes(5000))
    (tmp_path / "objects/key").write_bytes(bytes(4999) + b"x")
    assert (await fingerprint(store, "key")).sha256 != stored.sha256
    await store.close()
