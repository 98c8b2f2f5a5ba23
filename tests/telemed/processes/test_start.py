"""Starting: what is wrong is said in one plain sentence."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from telemed.setup_command import example_file
from telemed.supervisor import CANNOT_START
from tests.demo_region import free_port
from tests.installation import ROOT

pytestmark = pytest.mark.slow


def telemed(folder: Path, *arguments: str, within: float = 120, **settings: str) -> tuple[int, list[str], str]:
    """Run the command to its end. Returns the exit status, the sentences to the user, and all of standard error."""
    ports = {name: str(free_port()) for name in ("TELEMED_HTTP_PORT", "TELEMED_DICOM_PORT", "TELEMED_MLLP_PORT")}
    environment = os.environ | ports | {"TELEMED_DATA_DIR": str(folder), "PYTHONPATH": str(ROOT), "COLUMNS": "500"} | settings
    command = [sys.executable, "-m", "telemed", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=within, check=False)
    return done.returncode, [line for line in done.stderr.splitlines() if line.startswith("telemed:")], done.stderr


def set_up(folder: Path) -> None:
    """Put the example's region and its first people in place: who has none does not start."""
    example = folder / "region.toml"
    example.write_text(example_file(), encoding="utf-8")
    status, _, said = telemed(folder, "setup", "--file", str(example), "--one-time")
    assert status == 0, said


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody else listens."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield int(listening.getsockname()[1])


WRONG: list[tuple[dict[str, str], str]] = [
    ({"TELEMED_DATA_DIR": "{folder}/a-file/data"}, "TELEMED_DATA_DIR"),
    ({"TELEMED_DATABASE_URL": "postgresql://telemed:secret@127.0.0.1:1/telemed"}, "database"),
    ({"TELEMED_DATABASE_URL": "mysql://telemed:secret@127.0.0.1/telemed"}, "postgresql://"),
    ({"TELEMED_DATABASE_URL": "sqlite:///{folder}/a-file/x.db"}, "database"),
    ({"TELEMED_STORAGE_URL": "s3://key:secret@bucket?endpoint=http://127.0.0.1:1"}, "127.0.0.1:1"),
    ({"TELEMED_STORAGE_URL": "ftp://telemed:secret@nowhere"}, "s3://"),
    ({"TELEMED_STORAGE_URL": "file://{folder}/a-file/objects"}, "a-file"),
    ({"TELEMED_HTTP_PORT": "http"}, "TELEMED_HTTP_PORT"),
    ({"TELEMED_TIME_ZONE": "Middle/Earth"}, "TELEMED_TIME_ZONE"),
    ({"TELEMED_TRUSTED_PROXIES": "127.0.0.1, everybody"}, "TELEMED_TRUSTED_PROXIES"),
    ({"TELEMED_LOG_LEVEL": "loud"}, "TELEMED_LOG_LEVEL"),
    ({"TELEMED_DICOM_TLS": "{folder}/a-file"}, "TELEMED_DICOM_TLS"),
    ({"TELEMED_CONFIG": "{folder}/none.toml"}, "none.toml"),
    ({"TELEMED_CONFIG": "{folder}/a-file"}, "a-file"),
]


@pytest.mark.parametrize(("settings", "named"), WRONG, ids=[f"{next(iter(s))}={next(iter(s.values()))[:20]}" for s, _ in WRONG])
def test_what_cannot_be_had_is_one_plain_sentence(tmp_path: Path, settings: dict[str, str], named: str) -> None:
    (tmp_path / "a-file").write_text("this is = not [ toml")
    filled = {name: value.format(folder=tmp_path) for name, value in settings.items()}
    status, sentences, said = telemed(tmp_path / "data", "serve", **filled)
    assert status == CANNOT_START, said
    assert len(sentences) == 1, said
    assert named in sentences[0]
    assert "Traceback" not in said
    assert "secret" not in said


@pytest.mark.parametrize("setting", ["TELEMED_HTTP_PORT", "TELEMED_DICOM_PORT"])
def test_a_port_in_use_stops_all_roles_with_its_name(tmp_path: Path, taken: int, setting: str) -> None:
    set_up(tmp_path)
    status, sentences, said = telemed(tmp_path, "serve", **{setting: str(taken)})
    assert status == CANNOT_START, said
    assert len(sentences) == 1, said
    assert str(taken) in sentences[0]
    assert setting in sentences[0]
    assert "Traceback" not in said


@pytest.mark.parametrize(("setting", "processes"), [("DICOM_PORT", "DICOM_PROCESSES"), ("HTTP_PORT", "WEB_PROCESSES")])
def test_a_port_is_shared_with_no_stranger(tmp_path: Path, setting: str, processes: str) -> None:
    set_up(tmp_path)
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as stranger:
        port = str(stranger.getsockname()[1])
        status, sentences, said = telemed(tmp_path, "serve", **{f"TELEMED_{setting}": port, f"TELEMED_{processes}": "2"})
    assert status == CANNOT_START, said
    assert len(sentences) == 1, said
    assert port in sentences[0]
    assert f"TELEMED_{setting}" in sentences[0]


def test_a_store_that_never_answers_is_said_within_a_breath(tmp_path: Path, taken: int) -> None:
    url = f"s3://key:secret@bucket?endpoint=http://127.0.0.1:{taken}"
    status, sentences, said = telemed(tmp_path, "serve", within=40, TELEMED_STORAGE_URL=url)
    assert status == CANNOT_START, said
    assert len(sentences) == 1, said
    assert f"127.0.0.1:{taken}" in sentences[0]
    assert "secret" not in said


def test_a_role_that_is_none_and_a_database_of_no_version(tmp_path: Path) -> None:
    status, sentences, _ = telemed(tmp_path, "serve", "kitchen")
    assert (status, len(sentences)) == (CANNOT_START, 1)
    assert "web" in sentences[0]
    for command in (("verify",), ("serve", "worker")):
        status, sentences, said = telemed(tmp_path, *command)
        assert (status, len(sentences)) == (CANNOT_START, 1), said
        assert "telemed migrate" in sentences[0]


def test_settings_come_from_a_file_and_the_environment_wins(tmp_path: Path) -> None:
    file = tmp_path / "telemed.toml"
    file.write_text(f'data_dir = "{tmp_path}/from-file"\nhttp_port = 99999\n')
    status, sentences, _ = telemed(tmp_path, "migrate", TELEMED_CONFIG=str(file), TELEMED_HTTP_PORT="99998")
    assert status == CANNOT_START
    assert "TELEMED_HTTP_PORT" in sentences[0]
    file.write_text(f'database_url = "sqlite:///{tmp_path}/from-file.db"\n')
    assert telemed(tmp_path, "migrate", TELEMED_CONFIG=str(file))[0] == 0
    assert (tmp_path / "from-file.db").exists()
    file.write_text("colour = 1\n")
    status, sentences, _ = telemed(tmp_path, "migrate", TELEMED_CONFIG=str(file))
    assert status == CANNOT_START
    assert "TELEMED_COLOUR" in sentences[0]


def test_nobody_starts_where_nobody_can_sign_in(tmp_path: Path) -> None:
    status, sentences, said = telemed(tmp_path, "serve")
    assert status == CANNOT_START, said
    assert len(sentences) == 1, said
    assert "telemed setup" in sentences[0]
    assert "telemed demo" in sentences[0]
