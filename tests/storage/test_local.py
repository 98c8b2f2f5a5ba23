"""What only a store in a folder does."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from storage import BadKey, ObjectMissing, StoreUnavailable, open_store


async def test_a_key_is_its_path(tmp_path: Path) -> None:
    store = open_store(f"file://{tmp_path}/not/yet/there")
    await store.put("a b/c%2F.dcm", b"content")
    assert (tmp_path / "not/yet/there/objects/a b/c%2F.dcm").read_bytes() == b"content"
    await store.close()


async def test_only_the_owner_may_read(tmp_path: Path) -> None:
    store = open_store(f"file://{tmp_path}/store")
    await store.put("a/b", b"content")
    modes = {oct(path.stat().st_mode & 0o777) for path in (tmp_path / "store").rglob("*") if path.is_file()}
    assert modes == {"0o600"}
    assert (tmp_path / "store").stat().st_mode & 0o777 == 0o700
    await store.close()


async def test_a_key_cannot_be_the_folder_of_another(tmp_path: Path) -> None:
    store = open_store(f"file://{tmp_path}")
    await store.put("a/b/c", b"content")
    for key in ("a", "a/b", "a/b/c/d", "a/b/c/d/e"):
        with pytest.raises(BadKey, match="folder of another"):
            await store.put(key, b"other")
    assert await store.read("a/b/c") == b"content"
    assert not list((tmp_path / "incoming").iterdir())
    await store.close()


async def test_a_batch_stopped_by_one_object_leaves_no_pieces(tmp_path: Path) -> None:
    store = open_store(f"file://{tmp_path}")
    await store.put("a/b", b"content")
    with pytest.raises(BadKey, match="folder of another") as caught:
        await store.put_many([("c", b"1"), ("a", b"2"), ("d", b"3")])
    assert caught.value.key == "a"
    assert not list((tmp_path / "incoming").iterdir())
    await store.close()


async def test_foreign_files_are_not_listed(tmp_path: Path) -> None:
    store = open_store(f"file://{tmp_path}")
    await store.put("a/b", b"content")
    (tmp_path / "objects/a/数据").write_bytes(b"")
    (tmp_path / "objects/link").symlink_to(tmp_path)
    assert [key async for key in store.list()] == ["a/b", "link"]
    await store.close()


async def test_folders_tidied_away_are_made_again(tmp_path: Path) -> None:
    store = open_store(f"file://{tmp_path}")
    await store.put("a/b/c", b"content")
    shutil.rmtree(tmp_path / "objects/a")
    await store.put("a/b/d", b"content")
    assert [key async for key in store.list()] == ["a/b/d"]
    await store.close()


async def test_a_store_taken_away_says_so_and_comes_back(tmp_path: Path) -> None:
    store = open_store(f"file://{tmp_path}/store")
    await store.put("a", b"content")
    (tmp_path / "store").rename(tmp_path / "elsewhere")
    with pytest.raises(StoreUnavailable, match="cannot be used now"):
        await store.check()
    with pytest.raises(StoreUnavailable, match="cannot be used now"):
        await store.put("b", b"content")
    with pytest.raises(ObjectMissing):
        await store.read("a")
    (tmp_path / "elsewhere").rename(tmp_path / "store")
    await store.check()
    assert await store.read("a") == b"content"
    await store.close()


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreUnavailable, match="cannot be used now"):
        open_store(f"file://{tmp_path}/file/store")
