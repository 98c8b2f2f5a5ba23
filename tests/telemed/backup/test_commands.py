"""`telemed backup` and `telemed restore` as an administrator types them."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from telemed.settings import Settings
from tests.installation import ROOT
from tests.telemed.attacks import Copy


async def telemed(settings: Settings, *words: str, **more: str) -> tuple[int, str, str]:
    """Status, standard output and standard error of a command."""
    environment = os.environ | {"TELEMED_DATA_DIR": str(settings.data_dir), "PYTHONPATH": str(ROOT)} | more
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "telemed", *words, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, error = await process.communicate()
    return process.returncode or 0, out.decode(), error.decode()


async def test_from_the_first_backup_to_the_verified_restore(whole: Copy, tmp_path: Path) -> None:
    place = str(tmp_path / "backup")
    status, _, said = await telemed(whole.settings, "backup", place)
    assert status == 0, said
    assert "lie in the backup in clear" in said
    assert "A lost key cannot be replaced" in said
    status, out, said = await telemed(whole.settings, "backup", "--json", "--keep", "1", TELEMED_BACKUP=place)
    assert status == 0, said
    report = json.loads(out)
    assert report["copied_objects"] == 0
    assert len(report["removed"]) == 1
    status, _, said = await telemed(whole.settings, "backup", "--check", place)
    assert status == 0, said
    assert "checked: no fault was found" in said
    status, out, _ = await telemed(whole.settings, "backup", "--check", "--json", place)
    assert json.loads(out)["whole"]
    into = str(tmp_path / "again")
    status, _, said = await telemed(whole.settings, "restore", place, "--into", into, "--at", report["snapshot"])
    assert status == 0, said
    assert "verified: no fault was found" in said
    status, _, said = await telemed(whole.settings, "restore", place, "--into", into)
    assert status == 78
    assert "empty installation only" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("backup",), "Name a folder or s3://... for the backup, or set TELEMED_BACKUP."),
        (("backup", "--check", "nowhere"), "There is no backup in"),
        (("restore", "nowhere"), "There is no backup in"),
        (("backup", "ftp://x"), "A storage URL begins with"),
        (("backup", "place", "--passphrase-file", "none"), "The file with the passphrase, none, cannot be read"),
    ],
)
async def test_what_cannot_be_done_is_one_sentence(whole: Copy, words: tuple[str, ...], said: str) -> None:
    status, _, error = await telemed(whole.settings, *words)
    assert (status, "Traceback" in error) == (78, False), error
    assert said in error
