"""What every store does, whatever its backend."""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage import BadKey, ObjectMissing, ObjectStore, StorageError, StoredObject, StoreUnavailable, fingerprint
from tests.storage.conftest import Place

MEGABYTE = 1024 * 1024


async def pieces(content: bytes, size: int) -> AsyncIterator[bytes]:
    for begin in range(0, len(content), size):
        yield content[begin : begin + size]


async def keys_of(store: ObjectStore, prefix: str = "") -> list[str]:
    return [key async for key in store.list(prefix)]


def described(key: str, content: bytes) -> StoredObject:
    return StoredObject(key, len(content), hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize("size", [0, 1, 30_000, MEGABYTE + 1])
async def test_what_was_put_comes_back(store: ObjectStore, size: int) -> None:
    content = os.urandom(size)
    assert await store.put("a/b.bin", content, media_type="application/dicom") == described("a/b.bin", content)
    assert await store.read("a/b.bin") == content
    assert await store.size("a/b.bin") == size
    assert b"".join([piece async for piece in store.stream("a/b.bin")]) == content
    assert await fingerprint(store, "a/b.bin") == described("a/b.bin", content)


async def test_a_long_flow_comes_back_in_small_pieces(store: ObjectStore, place: Place) -> None:
    content = os.urandom(20 * MEGABYTE + 12_345)
    assert await store.put("long", pieces(content, 700_000)) == described("long", content)
    found = [piece async for piece in store.stream("long", chunk=100_000)]
    assert max(map(len, found)) <= 100_000
    assert b"".join(found) == content
    assert await store.read("long", offset=17 * MEGABYTE, length=1000) == content[17 * MEGABYTE :][:1000]
    assert len(place.files()) == 1


async def test_long_bytes_come_back(store: ObjectStore) -> None:
    content = os.urandom(18 * MEGABYTE)
    assert await store.put("long", content) == described("long", content)
    assert await store.read("long") == content


async def test_an_empty_flow_is_an_empty_object(store: ObjectStore) -> None:
    assert await store.put("empty", pieces(b"", 1)) == described("empty", b"")
    assert await store.read("empty") == b""
    assert [piece async for piece in store.stream("empty")] == []
    assert await store.read("empty", offset=0, length=10) == b""


@pytest.mark.parametrize(
    ("offset", "length"),
    [
        (0, 1),
        (0, 10),
        (0, 11),
        (0, 0),
        (3, 4),
        (3, None),
        (9, 1),
        (9, 5),
        (9, None),
        (10, 1),
        (10, None),
        (99, 1),
        (5, 0),
    ],
)
async def test_ranges(store: ObjectStore, offset: int, length: int | None) -> None:
    content = b"0123456789"
    await store.put("ten", content)
    end = None if length is None else offset + length
    assert await store.read("ten", offset=offset, length=length) == content[offset:end]


@pytest.mark.parametrize(("offset", "length"), [(-1, None), (0, -1), (-5, 3)])
async def test_a_range_below_zero_is_refused(store: ObjectStore, offset: int, length: int | None) -> None:
    with pytest.raises(StorageError, match="0 or more"):
        await store.read("ten", offset=offset, length=length)


async def test_a_chunk_without_size_and_a_broken_media_type_are_refused(store: ObjectStore) -> None:
    with pytest.raises(StorageError, match="1 byte or more"):
        await anext(store.stream("ten", chunk=0))
    with pytest.raises(StorageError, match="media type"):
        await store.put("ten", b"", media_type="text/plain\r\nX-Other: 1")
    assert await keys_of(store) == []


@pytest.mark.parametrize("key", ["nothing", "folder", "there/nothing"])
async def test_what_is_missing(store: ObjectStore, key: str) -> None:
    await store.put("folder/object", b"x")
    await store.put("there", b"x")
    with pytest.raises(ObjectMissing) as caught:
        await store.read(key)
    assert caught.value.key == key
    with pytest.raises(ObjectMissing):
        await store.read(key, offset=2, length=0)
    with pytest.raises(ObjectMissing):
        await store.size(key)
    with pytest.raises(ObjectMissing):
        await anext(store.stream(key))
    with pytest.raises(ObjectMissing):
        await fingerprint(store, key)


async def test_replacing(store: ObjectStore) -> None:
    await store.put("key", b"first, and longer")
    assert await store.put("key", b"second") == described("key", b"second")
    assert await store.read("key") == b"second"
    assert await keys_of(store) == ["key"]


async def test_deleting_can_be_repeated(store: ObjectStore) -> None:
    await store.put("a/b", b"x")
    await store.delete("a/b")
    await store.delete("a/b")
    await store.delete("a/b/c")
    await store.delete("never/was")
    assert await keys_of(store) == []
    await store.put("a/b", b"y")
    assert await store.read("a/b") == b"y"


async def test_listing_is_in_key_order_and_by_prefix(store: ObjectStore) -> None:
    names = ["A", "a b/x", "a%2F+?#&=x", "a-b", "a.c", "a/\\q", "a/b", "a/b-", "a/bc/d", "a0", "b/c", "~x/.h"]
    for name in reversed(names):
        await store.put(name, name.encode())
    assert await keys_of(store) == sorted(names)
    assert await keys_of(store, "a/") == ["a/\\q", "a/b", "a/b-", "a/bc/d"]
    assert await keys_of(store, "a/b") == ["a/b", "a/b-", "a/bc/d"]
    assert await keys_of(store, "a/bc/") == ["a/bc/d"]
    assert await keys_of(store, "a-b") == ["a-b"]
    assert await keys_of(store, "~x/.") == ["~x/.h"]
    assert await keys_of(store, "none/at/all") == []
    for name in names:
        assert await store.read(name) == name.encode()


async def test_listing_more_than_one_step(store: ObjectStore) -> None:
    names = [f"many/{number:05}" for number in range(2100)]
    await asyncio.gather(*(store.put(name, b"") for name in names))
    assert await keys_of(store) == names
    assert await keys_of(store, "many/0209") == names[2090:]


async def test_listing_goes_on_behind_any_key(store: ObjectStore) -> None:
    names = ["A", "a b/x", "a-b", "a.c", "a/\\q", "a/b", "a/b-", "a/bc/d", "a/bc/e", "a0", "b/c", "b/d/e/f", "~x/.h"]
    for name in names:
        await store.put(name, b"x")
    for after in [*names, "a/", "a/bc", "a/bc/", "a/b.", "b/d/e", "b/d/e/", "0", "~~"]:
        assert [key async for key in store.list(after=after)] == [key for key in sorted(names) if key > after]
        assert [key async for key in store.list("a/", after=after)] == [
            key for key in sorted(names) if key.startswith("a/") and key > after
        ]


async def test_a_walk_that_is_cut_anywhere_meets_every_key_once(store: ObjectStore) -> None:
    names = [f"many/{number // 50:03}/{number:05}" for number in range(1300)]
    await store.put_many([(name, b"") for name in names])
    met: list[str] = []
    while True:
        walk = store.list(after=met[-1] if met else "")
        step = [key async for key, _ in _first(walk, 170)]
        met += step
        if not step:
            break
    assert met == names


async def _first(walk: AsyncIterator[str], count: int) -> AsyncIterator[tuple[str, int]]:
    number = 0
    async for key in walk:
        yield key, number
        number += 1
        if number == count:
            return


async def test_an_object_says_since_when_it_is_as_it_is(store: ObjectStore) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)  # S3 counts in whole seconds
    await store.put("a/b", b"x")
    settled = await store.settled_since("a/b")
    assert settled is not None
    assert before <= settled <= datetime.now(UTC) + timedelta(seconds=1)
    with pytest.raises(ObjectMissing):
        await store.settled_since("a/c")


@pytest.mark.parametrize(
    "key",
    [
        *["/", "/a", "a/", "a//b", ".", "..", "a/../b", "../a", "a/.", "a/..", "ä"],
        "",
        "a\n",
        "a\0b",
        "a\x7f",
        "x" * 256,
        "/".join(["y" * 102] * 5),
    ],
)
async def test_keys_of_another_form_are_refused(store: ObjectStore, place: Place, key: str) -> None:
    for call in (store.put(key, b"x"), store.read(key), store.size(key), store.delete(key), anext(store.stream(key))):
        with pytest.raises(BadKey) as caught:
            await call
        assert caught.value.key == key
    assert place.files() == []


@pytest.mark.parametrize("prefix", ["/", "a//", "../", "a/../b", "ä", "x" * 256])
async def test_prefixes_that_begin_no_key_are_refused(store: ObjectStore, prefix: str) -> None:
    with pytest.raises(BadKey):
        await keys_of(store, prefix)


_part = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="/"), min_size=1, max_size=12)
_good_keys = st.lists(_part.filter(lambda part: part not in (".", "..")), min_size=1, max_size=5).map("/".join)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=_good_keys, content=st.binary(max_size=100))
async def test_any_key_of_the_form_works(store: ObjectStore, key: str, content: bytes) -> None:
    key = secrets.token_hex(8) + "/" + key  # a place of its own: `a` and `a/b` exclude each other
    await store.put(key, content)
    assert await store.read(key) == content
    assert await keys_of(store, key) == [key]
    await store.delete(key)
    assert await keys_of(store, key[:16]) == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=st.one_of(st.text(max_size=20), st.from_regex(r"[./a]{1,12}", fullmatch=True)))
async def test_no_key_leaves_the_store(store: ObjectStore, place: Place, key: str) -> None:
    outside = sorted(path.name for path in place.folder.parent.iterdir())
    try:
        await store.put(key, b"x")
    except BadKey:
        return
    assert await store.read(key) == b"x"
    await store.delete(key)
    assert sorted(path.name for path in place.folder.parent.iterdir()) == outside


async def test_many_at_once(store: ObjectStore) -> None:
    contents = {f"study/{number % 7}/{number}": os.urandom(5000 + number) for number in range(200)}
    stored = await asyncio.gather(*(store.put(key, content) for key, content in contents.items()))
    assert stored == [described(key, content) for key, content in contents.items()]
    found = await asyncio.gather(*(store.read(key) for key in contents))
    assert list(found) == list(contents.values())


async def test_a_batch(store: ObjectStore, place: Place) -> None:
    contents = {f"study/{number % 5}/{number}": os.urandom(3000 + number) for number in range(300)}
    stored = await store.put_many(list(contents.items()), media_type="application/dicom")
    assert stored == [described(key, content) for key, content in contents.items()]
    for key in list(contents)[::37]:
        assert await store.read(key) == contents[key]
    assert await keys_of(store) == sorted(contents)
    assert len(place.files()) == len(contents)


async def test_small_batches(store: ObjectStore) -> None:
    assert await store.put_many([]) == []
    assert await store.put_many([("one", b"1")]) == [described("one", b"1")]
    assert await store.put_many([("one", b"2"), ("two", b"3")]) == [described("one", b"2"), described("two", b"3")]
    assert await store.read("one") == b"2"


async def test_a_batch_with_a_key_that_is_none_stores_nothing(store: ObjectStore, place: Place) -> None:
    with pytest.raises(BadKey):
        await store.put_many([("good", b"x"), ("also/good", b"x"), ("../bad", b"x")])
    assert place.files() == []


async def test_one_key_many_times_at_once(store: ObjectStore) -> None:
    contents = [bytes([number]) * 50_000 for number in range(20)]
    await asyncio.gather(*(store.put("same", content) for content in contents))
    assert await store.read("same") in contents


async def test_more_slow_readers_than_threads(store: ObjectStore) -> None:
    content = os.urandom(5 * MEGABYTE)
    await store.put("slide", content)
    readers = [store.stream("slide", chunk=MEGABYTE) for _ in range(40)]
    begun = [await anext(reader) for reader in readers]
    assert await store.read("slide", offset=5, length=5) == content[5:10]
    for reader, first in zip(readers, begun, strict=True):
        assert first + b"".join([piece async for piece in reader]) == content


async def test_a_reader_may_leave_early(store: ObjectStore) -> None:
    await store.put("slide", os.urandom(10 * MEGABYTE))
    reader = store.stream("slide")
    await anext(reader)
    await reader.aclose()  # type: ignore[attr-defined]  # both backends return async generators
    assert await store.size("slide") == 10 * MEGABYTE


async def test_a_slow_store_slows_its_source(store: ObjectStore) -> None:
    asked = 0

    async def source() -> AsyncIterator[bytes]:
        nonlocal asked
        for _ in range(64):
            asked += 1
            yield bytes(MEGABYTE)

    task = asyncio.create_task(store.put("flow", source()))
    await asyncio.sleep(0)  # the put begins; its first piece is on the way to a thread
    await asyncio.sleep(0)
    assert asked <= 2
    assert (await task).size == 64 * MEGABYTE


async def test_check_leaves_nothing(store: ObjectStore, place: Place) -> None:
    await store.check()
    assert await keys_of(store) == []
    assert place.files() == []


async def test_a_closed_store_says_so(store: ObjectStore) -> None:
    await store.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        await store.put("a", b"x")
    with pytest.raises(StoreUnavailable, match="closed"):
        await store.put("a", pieces(b"x", 1))
    with pytest.raises(StoreUnavailable, match="closed"):
        await store.check()
