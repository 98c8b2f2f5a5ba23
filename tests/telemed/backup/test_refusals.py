"""What cannot be done is said in one sentence, and nothing that was there is changed."""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from unittest.mock import patch

import pytest

from storage.errors import StorageError
from telemed.adapters.backup.layout import BackupRefused
from telemed.adapters.backup.object_copy import at_once
from telemed.settings import Settings
from tests.s3_server import S3Server
from tests.telemed.attacks import Copy
from tests.telemed.backup.copies import Backups, files_of


async def refusal(backups: Backups) -> str:
    with pytest.raises((BackupRefused, StorageError)) as refused:
        await backups.make()
    return str(refused.value)


async def test_a_folder_with_other_things_is_left_alone(backups: Backups) -> None:
    await asyncio.to_thread(shutil.copytree, backups.settings.data_dir / "keys", backups.place)
    before = files_of(Path(backups.place))
    assert "is not empty and holds no backup" in await refusal(backups)
    assert files_of(Path(backups.place)) == before


async def test_a_bucket_with_other_things_is_left_alone(whole: Copy, s3_server: S3Server) -> None:
    bucket = s3_server.new_bucket()
    (s3_server.folder / bucket / "letters.txt").write_text("not ours")
    assert "is not empty and holds no backup" in await refusal(Backups(whole.settings, s3_server.url(bucket)))
    assert s3_server.files(bucket) == ["letters.txt"]


async def test_another_installations_backup_is_left_alone(whole: Copy, backups: Backups) -> None:
    await backups.make()
    before = files_of(Path(backups.place))
    (whole.keys / "identity.key").write_bytes(b"x" * 64)
    assert "backups of another installation" in await refusal(backups)
    assert files_of(Path(backups.place)) == before


async def test_within_the_installation_it_would_be_lost_with_it(whole: Copy) -> None:
    for place in (whole.settings.data_dir, whole.settings.data_dir / "backups", whole.settings.data_dir / "objects" / "deep"):
        assert "lies within the installation" in await refusal(Backups(whole.settings, str(place)))


async def test_a_server_that_is_gone_changes_nothing(whole: Copy, s3_server: S3Server) -> None:
    bucket = s3_server.new_bucket()
    backups = Backups(whole.settings, s3_server.url(bucket))
    await backups.make()
    away = Backups(whole.settings, s3_server.url(bucket, endpoint="127.0.0.1:9"))
    words = await refusal(away)
    assert "127.0.0.1:9" in words
    assert s3_server.secret_key not in words
    assert (await backups.check())[0] == 0


async def test_a_full_folder_leaves_the_last_one_as_it_was(backups: Backups, tmp_path: Path) -> None:
    """The system call fails as it does on a full disk, at every write in turn."""
    first = await backups.make()
    before = files_of(Path(backups.place))
    write, fails = os.write, 0

    def full(descriptor: int, content: bytes) -> int:
        nonlocal fails
        if str(Path(f"/proc/self/fd/{descriptor}").readlink()).startswith(backups.place):
            fails += 1
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, content)

    with patch("os.write", full):
        words = await refusal(backups)
    assert fails
    assert "No space left" in words or "full" in words
    assert files_of(Path(backups.place)) == before
    status, words = await backups.restore(tmp_path / "again", at=first.snapshot)
    assert status == 0, words


async def test_of_errors_that_come_together_one_is_raised_and_none_is_printed() -> None:
    """On a full disk all writes under way fail at once; asyncio prints, with its trace, every error that nobody took."""
    printed: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: printed.append(context))

    async def numbers(count: int) -> AsyncIterator[int]:
        for number in range(count):
            yield number

    async def fails(number: int) -> None:
        await asyncio.sleep(0)
        raise OSError(number)

    try:
        for count in (3, 8, 9, 20):
            with pytest.raises(OSError, match=r"\d"):
                await at_once(numbers(count), fails)
            gc.collect()
            await asyncio.sleep(0)
    finally:
        loop.set_exception_handler(None)
    assert printed == []


async def test_two_at_once_are_one(backups: Backups) -> None:
    first, second = await asyncio.gather(backups.make(), backups.make(), return_exceptions=True)
    refused = first if isinstance(first, BaseException) else second
    assert isinstance(refused, BackupRefused)
    assert "is under way" in str(refused)
    assert (await backups.check())[0] == 0


async def test_a_living_installation_is_not_overwritten(whole: Copy, backups: Backups, tmp_path: Path) -> None:
    await backups.make()
    before = files_of(whole.settings.data_dir)
    with pytest.raises(BackupRefused, match=r"There is a database already .* empty installation only"):
        await backups.restore(whole.settings.data_dir)
    (whole.settings.data_dir / "telemed.db").rename(tmp_path / "moved.db")
    with pytest.raises(BackupRefused, match="The object store is not empty"):
        await backups.restore(whole.settings.data_dir)
    (tmp_path / "moved.db").rename(whole.settings.data_dir / "telemed.db")
    assert files_of(whole.settings.data_dir) == before


async def test_another_kind_of_database_is_no_place_for_it(backups: Backups, tmp_path: Path) -> None:
    await backups.make()
    with pytest.raises(BackupRefused, match=r"The backup is of an embedded database \(SQLite\), and the settings name PostgreSQL"):
        await backups.restore(tmp_path / "again", database_url="postgresql://127.0.0.1:9/none")
    assert not (tmp_path / "again").exists()


async def test_a_wrong_key_is_said_before_anything_is_written(backups: Backups, tmp_path: Path) -> None:
    await backups.make()
    keys = tmp_path / "again" / "keys"
    keys.mkdir(parents=True)
    (keys / "identity.key").write_bytes(b"x" * 64)
    with pytest.raises(BackupRefused, match=r"identity\.key is not the key that this backup was made with"):
        await backups.restore(tmp_path / "again")
    assert files_of(tmp_path / "again") == {"keys/identity.key": b"x" * 64}


async def test_keys_under_a_passphrase(whole: Copy, backups: Backups, tmp_path: Path) -> None:
    secret, wrong = tmp_path / "secret", tmp_path / "wrong"
    secret.write_text("correct horse battery staple\n")
    wrong.write_text("incorrect\n")
    backups.more = {"passphrase_file": secret}
    report = await backups.make()
    assert report.keys == "sealed"
    for content in files_of(Path(backups.place)).values():
        for key in files_of(whole.keys).values():
            assert key not in content
    for given, said in (({}, "give the passphrase"), ({"passphrase_file": wrong}, "The passphrase does not open the keys")):
        with pytest.raises(BackupRefused, match=said):
            await Backups(backups.settings, backups.place, given).restore(tmp_path / "again")
    assert not (tmp_path / "again").exists()
    status, words = await backups.restore(tmp_path / "again")
    assert status == 0, words
    assert files_of(tmp_path / "again" / "keys") == files_of(whole.keys)


async def test_keys_in_a_place_of_their_own(whole: Copy, backups: Backups, tmp_path: Path) -> None:
    backups.more = {"keys": str(tmp_path / "safe")}
    report = await backups.make()
    assert report.keys == "apart"
    assert not (Path(backups.place) / "objects" / "keys").exists()
    with pytest.raises(BackupRefused, match=r"they were kept apart\. Name their place with --keys"):
        await Backups(backups.settings, backups.place).restore(tmp_path / "again")
    status, words = await backups.restore(tmp_path / "again")
    assert status == 0, words
    assert files_of(tmp_path / "again" / "keys") == files_of(whole.keys)


async def test_no_secret_is_in_the_configuration(whole: Copy, tmp_path: Path) -> None:
    secrets = {"s3_secret_key": "se-cret", "s3_access_key": "ac-cess", "model_token": "to-ken", "backup_passphrase": "pass-phrase"}
    place = "s3://ke-y:hid-den@bucket?endpoint=https://s3.example"
    settings = Settings(data_dir=whole.settings.data_dir, audit_places=f"file://{tmp_path}/a {place}", backup=place, **secrets)
    backups = Backups(settings, str(tmp_path / "backups"))
    await backups.make()
    content = b"".join(files_of(tmp_path / "backups" / "objects" / "snapshots").values())
    for secret in (*secrets.values(), "ke-y", "hid-den"):
        assert secret.encode() not in content
    assert b"s3.example" in content


async def test_the_platform_does_not_start_in_what_is_half_restored(whole: Copy) -> None:
    (whole.settings.data_dir / "restoring").write_text("20261118T020119Z\n")
    environment = os.environ | {"TELEMED_DATA_DIR": str(whole.settings.data_dir)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "telemed", "migrate", env=environment, stderr=asyncio.subprocess.PIPE
    )
    _, words = await process.communicate()
    assert process.returncode == 78
    assert b"A restore into" in words
