"""What was changed, cut or taken out of a backup is named, in place and before anything is put back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from telemed.adapters.backup.layout import BackupRefused
from tests.telemed.attacks import flip
from tests.telemed.backup.copies import Backups


def cut(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: len(content) * 2 // 3])


def files(backups: Backups, pattern: str) -> list[Path]:
    found = [path for path in (Path(backups.place) / "objects").glob(pattern) if path.is_file()]
    assert found, pattern
    return found


HARM: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "a byte of an object": ("pool/*/*", flip, "was changed: its digest is"),
    "an object cut": ("pool/*/*", cut, "was changed: its digest is"),
    "an object taken out": ("pool/*/*", Path.unlink, "is missing"),
    "a byte of a pack": ("packs/*/*", flip, "was changed or cut"),
    "a pack cut": ("packs/*/*", cut, "was changed or cut"),
    "a pack taken out": ("packs/*/*", Path.unlink, "is missing"),
    "the list": ("snapshots/*/objects.jsonl.gz", flip, "its digest is not that of the manifest"),
    "the list taken out": ("snapshots/*/objects.jsonl.gz", Path.unlink, "objects.jsonl.gz is missing"),
    "the manifest": ("snapshots/*/manifest.json", lambda file: file.write_bytes(file.read_bytes().replace(b"0.1.0", b"0.1.1")), "does not bear the signature"),
    "a manifest that is none": ("snapshots/*/manifest.json", cut, "cannot be read"),
    "the configuration": ("snapshots/*/configuration.json", flip, "configuration.json was changed"),
    "the keys": ("keys/*.json", lambda file: file.write_bytes(b"{}"), "is not the key that this backup was made with"),
}  # fmt: skip


async def test_all_harm_is_named_where_it_lies(backups: Backups) -> None:
    await backups.make()
    missed = {}
    for name, (pattern, harm, expected) in HARM.items():
        for file in files(backups, pattern):
            kept = file.read_bytes()
            harm(file)
            status, words = await backups.check()
            if status != 1 or expected not in words or (pattern[:4] in ("pool", "pack") and file.name not in words):
                missed[name, file.name] = (status, words)
            file.write_bytes(kept)
    assert missed == {}
    assert (await backups.check())[0] == 0


@pytest.mark.parametrize("name", sorted(HARM.keys() - {"the configuration"}))
async def test_nothing_harmed_becomes_an_installation(backups: Backups, tmp_path: Path, name: str) -> None:
    """Whatever the harm, there is no database afterwards that could be served; with the right backup the same command goes on."""
    await backups.make()
    pattern, harm, _ = HARM[name]
    file = files(backups, pattern)[-1]
    kept = file.read_bytes()
    harm(file)
    into = tmp_path / "again"
    if name == "the manifest":  # who has no key to prove the signature by takes what is there
        (backups.settings.data_dir / "keys" / "audit.pem").rename(tmp_path / "audit.pem")
        from telemed.settings import Settings

        proving = Settings(data_dir=into)
        (into / "keys").mkdir(parents=True)
        (tmp_path / "audit.pem").rename(into / "keys" / "audit.pem")
        assert proving.data_dir == into
    with pytest.raises(BackupRefused) as refused:
        await backups.restore(into)
    assert "Nothing was written" in str(refused.value) or "go on with the same command" in str(refused.value), str(refused.value)
    assert not (into / "telemed.db").exists()
    file.write_bytes(kept)
    status, words = await backups.restore(into)
    assert status == 0, words


async def test_what_no_snapshot_names_goes_and_what_a_damaged_one_needs_stays(backups: Backups) -> None:
    await backups.make()
    (listed,) = files(backups, "snapshots/*/objects.jsonl.gz")
    before = {path.name for path in (*files(backups, "pool/*/*"), *files(backups, "packs/*/*"))}
    flip(listed)
    second = await backups.make()
    assert any("nothing was removed" in warning for warning in second.warnings)
    assert before <= {path.name for path in (*files(backups, "pool/*/*"), *files(backups, "packs/*/*"))}
