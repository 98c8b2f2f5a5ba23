"""Settings that are allowed and probably not meant are said when an installation starts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from telemed.settings import Settings
from tests.installation import ROOT


def started(folder: Path, **settings: str) -> str:
    """What a start says that ends at once: the role is none."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("TELEMED_")}
    environment = own | {"TELEMED_DATA_DIR": str(folder), "PYTHONPATH": str(ROOT)} | settings
    done = subprocess.run(
        [sys.executable, "-m", "telemed", "serve", "kitchen"], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    return done.stderr


def test_a_variable_that_is_no_setting_is_named(tmp_path: Path) -> None:
    said = started(
        tmp_path, TELEMED_HTTP_PORTS="2575", TELEMED_MLLP_PORT="2575", TELEMED_HTTP_PORT="8080", TELEMED_ECG_FOLDER=str(tmp_path)
    )
    odd = [line for line in said.splitlines() if "setting.unknown" in line]
    assert len(odd) == 1, said
    assert "TELEMED_HTTP_PORTS" in odd[0]


def test_a_sound_start_says_nothing(tmp_path: Path) -> None:
    assert "setting." not in started(tmp_path)


def test_an_address_beyond_this_machine_without_tls_is_warned_of(tmp_path: Path) -> None:
    assert "setting.plain_http" in started(tmp_path, TELEMED_HOST="192.0.2.7")
    assert "setting.plain_http" not in started(tmp_path, TELEMED_HOST="192.0.2.7", TELEMED_SECURE_COOKIES="true")


@pytest.mark.parametrize(
    ("host", "warned"),
    [("127.0.0.1", False), ("127.9.9.9", False), ("::1", False), ("localhost", False), ("::", True), ("192.0.2.7", True), ("telemed.example", True)],
)  # fmt: skip
def test_who_is_beyond_this_machine(host: str, warned: bool) -> None:
    assert Settings(host=host).is_reached_without_tls is warned
    assert not Settings(host=host, secure_cookies=True).is_reached_without_tls


def test_behind_a_proxy_of_this_machine_pages_are_not_reached_though_devices_are() -> None:
    settings = Settings(host="192.0.2.7", http_host="127.0.0.1", http_port=8081)
    assert not settings.is_reached_without_tls
    assert settings.address == "http://127.0.0.1:8081"
