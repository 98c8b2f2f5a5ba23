"""Packs: many objects in one file, durable with one sync, and what a crash or a full disk leaves of them."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage import BadKey, ObjectMissing, StorageError
from storage.local import LocalStore
from storage.pack_writer import Entry, PackWriter
from storage.packs import ALIGNMENT, MAX_META, head, packed_key, read_record, records, split_key
from storage.watermark import Watermark, WatermarkReader
from tests.storage.test_failure import small_disk


def entry(content: bytes, meta: bytes = b"note") -> Entry:
    return Entry(meta, content, hashlib.sha256(content).digest())


def entries(count: int, size: int = 3000) -> list[Entry]:
    return [entry(os.urandom(size + number)) for number in range(count)]


async def keys_of(store: LocalStore, prefix: str = "") -> list[str]:
    return [key async for key in store.list(prefix)]


def found_again(store: LocalStore) -> dict[str, bytes]:
    """Content by key of what a writer that ended did not note; nothing is settled."""
    return {key: content for pack in store.unsettled_packs() for key, record, content in pack.objects() if record.holds(content)}


@pytest.fixture
async def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path)


@pytest.fixture
def writer(store: LocalStore) -> Iterator[PackWriter]:
    made = store.pack_writer("images/packs")
    yield made
    made.close()


async def test_packed_objects_are_objects_like_others(store: LocalStore, writer: PackWriter) -> None:
    batch = [*entries(20), entry(b""), entry(b"x", meta=bytes(MAX_META))]
    keys = writer.write(batch[:10]) + writer.write(batch[10:])
    await store.put("images/single", b"alone")
    assert await keys_of(store) == [*sorted(keys), "images/single"]
    for key, each in zip(keys, batch, strict=True):
        assert await store.read(key) == each.content
        assert await store.size(key) == len(each.content)
        assert await store.read(key, offset=2, length=5) == bytes(each.content)[2:7]
        assert b"".join([piece async for piece in store.stream(key, chunk=700)]) == each.content
    pack = split_key(keys[0])
    assert pack is not None
    assert await keys_of(store, pack[0]) == sorted(key for key in keys if key.startswith(pack[0]))
    assert await keys_of(store, keys[3]) == [keys[3]]


async def test_a_walk_goes_on_within_a_pack_and_behind_it(store: LocalStore, writer: PackWriter) -> None:
    keys = sorted(writer.write(entries(8)))
    names = sorted([*keys, "images/single", "images/pack", "images/packs/0", "images/packs/z"])
    for name in set(names) - set(keys):
        await store.put(name, b"x")
    for after in [*names, keys[0].rpartition("/")[0], "images/packs"]:
        assert [key async for key in store.list(after=after)] == [key for key in names if key > after]


async def test_an_object_is_unsettled_until_its_writer_has_noted_all_of_the_pack(store: LocalStore) -> None:
    """Until then it may be known nowhere else, though it was promised: its age says nothing."""
    writer = store.pack_writer("images/packs")
    first, second = writer.write(entries(2))
    writer.note([first])
    assert await store.settled_since(first) is None
    writer.close()
    assert await store.settled_since(first) is None, "the writer ended before it had noted the second"
    for pack in store.unsettled_packs():
        assert [key for key, _record, _content in pack.objects()] == [first, second]
        pack.settle()
    assert await store.settled_since(first) is not None
    await store.delete(second)
    with pytest.raises(ObjectMissing):
        await store.settled_since(second)


async def test_a_deleted_object_is_gone_and_its_blocks_with_it(store: LocalStore, writer: PackWriter, tmp_path: Path) -> None:
    kept, large = writer.write([entry(b"kept"), entry(os.urandom(400_000))])
    pack = tmp_path / "objects" / kept.rpartition("/")[0]
    before = pack.stat().st_blocks
    await store.delete(large)
    await store.delete(large)  # once more is no harm
    assert await keys_of(store) == [kept]
    assert await store.read(kept) == b"kept"
    with pytest.raises(ObjectMissing):
        await store.read(large)
    assert pack.stat().st_blocks < before or os.pread(os.open(pack, os.O_RDONLY), 100, 8192) == bytes(100)


@pytest.mark.parametrize("key", ["images/packs/x.pack", "images/x.pack/00001000"])
async def test_names_of_packs_are_reserved(store: LocalStore, key: str) -> None:
    with pytest.raises(BadKey):
        await store.put(key, b"")
    with pytest.raises(BadKey):
        await store.put_many([(key, b"")])


@pytest.mark.parametrize("offset", [0, 1, ALIGNMENT, 1 << 40])
async def test_a_key_that_points_beside_every_record_is_of_nothing(store: LocalStore, writer: PackWriter, offset: int) -> None:
    (key,) = writer.write([entry(b"one")])
    pack = split_key(key)
    assert pack is not None
    if offset != pack[1]:
        with pytest.raises(ObjectMissing):
            await store.read(packed_key(pack[0], offset))


async def test_objects_larger_than_a_pack_and_more_than_one_pack(store: LocalStore, writer: PackWriter) -> None:
    batches = [entries(40, 30_000) for _ in range(6)] + [[entry(os.urandom(9 << 20))], entries(3)]
    written = {key: bytes(each.content) for batch in batches for key, each in zip(writer.write(batch), batch, strict=True)}
    assert len({key.rpartition("/")[0] for key in written}) > 2
    for key, content in written.items():
        assert await store.read(key) == content


async def test_what_was_not_noted_is_found_after_the_end_and_only_that(store: LocalStore) -> None:
    writer = store.pack_writer("p")
    noted, unnoted = entries(5), entries(5)
    early = writer.write(noted)
    late = dict(zip(writer.write(unnoted), unnoted, strict=True))
    assert found_again(store) == {}  # its writer lives
    writer.note(early)
    await store.delete(next(iter(late)))
    writer.close()
    again = found_again(store)
    assert set(late) - set(again) == {next(iter(late))}
    assert all(again[key] == late[key].content for key in again if key in late)
    for pack in store.unsettled_packs():
        list(pack.objects())
        pack.settle()
    assert found_again(store) == {}
    assert await store.read(early[0]) == noted[0].content


async def test_a_writer_that_noted_everything_leaves_nothing_to_look_through(store: LocalStore, tmp_path: Path) -> None:
    writer = store.pack_writer("p")
    for _ in range(8):
        writer.note(writer.write(entries(20, 40_000)))
    writer.close()
    assert list(store.unsettled_packs()) == []
    packs = list((tmp_path / "objects").rglob("*.pack"))
    assert packs
    for pack in packs:  # cut to what they hold
        with pack.open("rb") as file:
            assert list(records(file.fileno()))[-1].end == pack.stat().st_size


def _write_and_wait(folder: Path, said: Connection) -> None:
    writer = LocalStore(folder).pack_writer("p")
    batch = [entry(b"promised %d" % number) for number in range(7)]
    said.send(writer.write(batch))
    said.recv()


async def test_another_process_takes_up_what_a_killed_one_left(store: LocalStore, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_write_and_wait, args=(tmp_path, there))
    process.start()
    keys = here.recv()
    assert found_again(store) == {}
    (reader,) = [WatermarkReader(path) for path in store.watermarks()]
    assert (reader.promised, reader.noted) == (7, 0)
    process.kill()
    process.join()
    assert (reader.promised, reader.noted) == (7, 0)  # whoever asks now still has to wait
    assert found_again(store) == {key: b"promised %d" % number for number, key in enumerate(keys)}
    assert (reader.promised, reader.noted) == (0, 0)
    reader.close()
    writer = store.pack_writer("p")  # does not write where something waits to be taken up
    writer.note(writer.write([entry(b"new")]))
    writer.close()
    assert set(found_again(store)) == set(keys)


@given(cut=st.integers(0, 60_000), change=st.none() | st.tuples(st.integers(0, 59_999), st.integers(0, 255)))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_torn_pack_gives_whole_objects_or_none(tmp_path: Path, cut: int, change: tuple[int, int] | None) -> None:
    """Cut off or damaged anywhere: every object that is given is one that was written."""
    contents = [bytes([number]) * (number * 900) for number in range(1, 10)]
    body = bytearray()
    for content in contents:
        body += head(b"meta", len(content), hashlib.sha256(content).digest()) + b"meta" + content
        body += bytes(-len(body) % ALIGNMENT)
    body = body[:cut].ljust(60_000, b"\0")
    if change is not None:
        body[change[0]] = change[1]
    place = tmp_path / "torn.pack"
    place.write_bytes(body)
    with place.open("rb") as file:
        for record in records(file.fileno()):
            content = os.pread(file.fileno(), record.size, record.content_offset)
            assert not record.holds(content) or content in contents


def test_a_head_says_how_long_its_note_may_be() -> None:
    with pytest.raises(ValueError, match="65536"):
        head(bytes(MAX_META + 1), 1, bytes(32))


def test_a_record_needs_a_whole_head(tmp_path: Path) -> None:
    place = tmp_path / "short"
    place.write_bytes(head(b"", 0, bytes(32))[:-1])
    with place.open("rb") as file:
        assert read_record(file.fileno(), 0) is None


async def test_a_full_disk_refuses_and_keeps_what_it_promised(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small"):
        store = LocalStore(tmp_path / "small")
        writer = store.pack_writer("p")
        kept: dict[str, bytes] = {}

        def fill() -> None:
            for _ in range(100):
                batch = entries(10, 20_000)
                kept.update((key, bytes(each.content)) for key, each in zip(writer.write(batch), batch, strict=True))

        with pytest.raises(StorageError):
            fill()
        assert kept
        for key, content in kept.items():
            assert await store.read(key) == content
        writer.note(kept)
        for key in kept:
            await store.delete(key)
        again = entries(5, 20_000)
        assert await store.read(writer.write(again)[4]) == again[4].content
        writer.close()
        await store.close()


def test_a_watermark_has_one_writer(tmp_path: Path) -> None:
    first = Watermark(tmp_path / "mark")
    with pytest.raises(BlockingIOError):
        Watermark(tmp_path / "mark")
    reader = WatermarkReader(tmp_path / "mark")
    first.promise(5)
    first.note(2)
    assert (reader.promised, reader.noted, first.lag) == (5, 2, 3)
    first.close()
    second = Watermark(tmp_path / "mark")
    assert (reader.promised, reader.noted) == (5, 2)
    second.begin()
    assert (reader.promised, reader.noted) == (0, 0)
    second.close()
    reader.close()


async def test_a_reader_never_takes_what_was_wiped_for_content(store: LocalStore, writer: PackWriter) -> None:
    (key,) = writer.write([entry(b"x" * 100_000)])
    stream = store.stream(key, chunk=10_000)
    assert await anext(stream) == b"x" * 10_000
    await store.delete(key)
    with pytest.raises(ObjectMissing):
        await anext(stream)
