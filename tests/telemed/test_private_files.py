"""What an installation writes is readable by the user that runs it, and by nobody else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.demo_region import free_port
from tests.installation import ROOT, Installation

WIDE = 0o022
"""The mask that a login shell gives: whatever it makes everybody may read."""


def open_to_others(folder: Path) -> dict[str, str]:
    """Return folder, files and folders below it that group or others have a right to, with their modes."""
    found = {path: path.lstat().st_mode & 0o777 for path in [folder, *folder.rglob("*")]}
    return {str(path.relative_to(folder)): oct(mode) for path, mode in found.items() if mode & 0o077}


def migrate(folder: Path, **settings: str) -> str:
    """Run `telemed migrate` under a wide mask; what it said."""
    environment = os.environ | {"TELEMED_DATA_DIR": str(folder), "PYTHONPATH": str(ROOT)} | settings
    command = [sys.executable, "-m", "telemed", "migrate"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=True, umask=WIDE)
    return done.stderr


def test_a_new_folder_and_its_database_are_its_owners(tmp_path: Path) -> None:
    migrate(tmp_path / "data")
    assert (tmp_path / "data" / "telemed.db").exists()
    assert open_to_others(tmp_path / "data") == {}


def test_a_folder_that_was_open_to_others_is_narrowed_and_that_is_said(tmp_path: Path) -> None:
    data = tmp_path / "data"
    migrate(data)
    data.chmod(0o755)
    (data / "telemed.db").chmod(0o644)
    said = migrate(data)
    assert open_to_others(data) == {}
    assert [line for line in said.splitlines() if "data.narrowed" in line and str(data / "telemed.db") in line]
    assert "data.narrowed" not in migrate(data)


def test_a_folder_with_other_peoples_things_stays_open_and_what_is_written_there_does_not(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "theirs").write_text("theirs")
    shared.chmod(0o755)
    (shared / "theirs").chmod(0o644)
    migrate(shared)
    assert set(open_to_others(shared)) == {".", "theirs"}


def test_a_database_elsewhere_is_narrowed_with_what_is_beside_it(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.db"
    url = {"TELEMED_DATABASE_URL": f"sqlite:///{elsewhere}"}
    migrate(tmp_path / "data", **url)
    assert elsewhere.stat().st_mode & 0o777 == 0o600
    elsewhere.chmod(0o664)
    migrate(tmp_path / "data", **url)
    assert elsewhere.stat().st_mode & 0o777 == 0o600


def test_the_archive_on_its_own_is_private_too(tmp_path: Path) -> None:
    data = tmp_path / "archive"
    command = [
        sys.executable,
        "-m",
        "dicom_gateway",
        "serve",
        "--data",
        str(data),
        "--port",
        str(free_port()),
        "--http-port",
        str(free_port()),
    ]
    for _ in range(2):
        with subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            umask=WIDE,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        ) as running:
            assert running.stdout is not None
            assert "DICOMweb" in running.stdout.readline()
            running.terminate()
        assert (data / "index.sqlite").exists()
        assert open_to_others(data) == {}
        data.chmod(0o755)
        (data / "index.sqlite").chmod(0o644)


@pytest.mark.slow
async def test_nothing_that_running_roles_write_is_open_to_others(tmp_path: Path) -> None:
    installation = Installation(tmp_path / "data")
    before = os.umask(WIDE)
    try:
        await installation.start()
    finally:
        os.umask(before)
    try:
        status, _, _ = await installation.call("clinic1", "GET", "/cases")
        assert status == 200
        present = {path.name for path in (tmp_path / "data").iterdir()}
        assert {"telemed.db", "telemed.db-wal", "objects", "keys"} <= present
        assert open_to_others(tmp_path / "data") == {}
    finally:
        await installation.stop()
