"""A store with compact objects: every read gives what was sent, also while an object changes its form."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dicom_gateway.compact import CompactStore, compact, compact_key
from storage import DamagedObject, ObjectMissing, open_store
from storage.local import LocalStore
from storage.pack_writer import Entry
from tests.dicom_gateway.compact.test_form import image, smooth
from tests.dicom_gateway.objects import part10_of
from tests.s3_server import S3Server, s3_process, s3_server

__all__ = ["s3_process", "s3_server"]

KEY = "dicom/one"
CONTENT = part10_of(image(smooth(frames=3)))


@pytest.fixture(params=["local", "s3"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[CompactStore]:
    """One object, compact; of each kind of store."""
    url = f"file://{tmp_path}/store"
    if request.param == "s3":
        server: S3Server = request.getfixturevalue("s3_server")
        url = server.url(server.new_bucket())
    made = CompactStore(open_store(url))
    await made.inner.put(compact_key(KEY), compact(CONTENT, "htj2k") or b"")
    yield made
    await made.close()


async def whole(store: CompactStore, chunk: int = 256 * 1024) -> bytes:
    return b"".join([piece async for piece in store.stream(KEY, chunk=chunk)])


async def test_it_reads_as_it_was_sent(store: CompactStore) -> None:
    assert await store.read(KEY) == CONTENT
    assert await whole(store) == CONTENT
    assert await store.size(KEY) == len(CONTENT)
    pieces = [piece async for piece in store.stream(KEY, chunk=1000)]
    assert max(map(len, pieces)) <= 1000


@given(offset=st.integers(0, len(CONTENT) + 50), length=st.none() | st.integers(0, len(CONTENT) + 50))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_part_is_that_part(store: CompactStore, offset: int, length: int | None) -> None:
    end = None if length is None else offset + length
    assert await store.read(KEY, offset=offset, length=length) == CONTENT[offset:end]


async def test_what_is_kept_as_sent_is_read_from_there(store: CompactStore) -> None:
    await store.put("dicom/other", b"as it is")
    assert await store.read("dicom/other", offset=3, length=2) == b"it"
    assert await store.size("dicom/other") == 8


async def test_deleted_it_is_gone_in_both_forms(store: CompactStore) -> None:
    await store.put(KEY, CONTENT)
    await store.delete(KEY)
    for key in (KEY, compact_key(KEY), "dicom/never"):
        with pytest.raises(ObjectMissing):
            await store.read(key)
    with pytest.raises(ObjectMissing):
        await store.size("dicom/never")
    with pytest.raises(ObjectMissing):
        await anext(store.stream("dicom/never"))


@pytest.mark.parametrize("at", [2, 30, 200, -50])
async def test_damage_is_said(store: CompactStore, at: int) -> None:
    made = bytearray(compact(CONTENT, "htj2k") or b"")
    made[at:] = b""
    await store.inner.put(compact_key(KEY), bytes(made))
    with pytest.raises(DamagedObject):
        await store.read(KEY)


async def test_a_reader_goes_on_where_an_object_of_a_pack_becomes_compact_under_it(tmp_path: Path) -> None:
    inner = LocalStore(tmp_path)
    writer = inner.pack_writer("dicom/packs")
    (key,) = writer.write([Entry(b"", CONTENT, hashlib.sha256(CONTENT).digest())])
    store = CompactStore(inner)
    stream = store.stream(key, chunk=5000)
    taken = [await anext(stream), await anext(stream)]
    await inner.put(compact_key(key), compact(CONTENT, "jpeg-ls") or b"")
    await inner.delete(key)
    taken += [piece async for piece in stream]
    assert b"".join(taken) == CONTENT
    assert await store.read(key, offset=100, length=900) == CONTENT[100:1000]
    writer.close()
    await store.close()
