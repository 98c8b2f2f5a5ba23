"""What a server may tell by accident: listings, methods that echo, files of the workshop, versions, its own secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from telemed.settings import Settings
from tests.demo_region import DemoRegion


@pytest.mark.parametrize("path", ["/static", "/static/", "/static/js/", "/static/vendor/", "/api/v1/", "/api/"])
async def test_no_folder_is_listed(region: DemoRegion, path: str) -> None:
    assert (await region.call("GET", path, user="clinic1")).status == 404


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "CONNECT"])
@pytest.mark.parametrize("path", ["/login", "/api/v1/me", "/dicomweb/studies", "/healthz", "/static/telemed.css"])
async def test_no_method_says_back_what_was_sent(region: DemoRegion, method: str, path: str) -> None:
    answer = await region.call(method, path, headers={"X-Said": "secret-of-the-caller"}, user="clinic1")
    assert answer.status in (400, 404, 405)
    assert "secret-of-the-caller" not in str(answer.body)


@pytest.mark.parametrize(
    "path", ["/.git/config", "/.git/HEAD", "/.svn/entries", "/.env", "/static/../.git/config", "/static/%2e%2e/app.py", "/pyproject.toml"]
)
async def test_nothing_of_the_workshop_is_served(region: DemoRegion, path: str) -> None:
    assert (await region.call("GET", path)).status == 404


def test_settings_that_are_secret_say_so_and_are_not_printed(tmp_path: Path) -> None:
    """What is called a key, a token or a passphrase, whoever adds it."""
    named = {name for name in Settings.model_fields if name.endswith(("_secret_key", "_token", "_passphrase", "_password"))}
    assert named == {"s3_secret_key", "metrics_token", "model_token", "backup_passphrase"}
    settings = Settings(data_dir=tmp_path, **dict.fromkeys(named, "0123456789abcdef-secret"))
    assert "0123456789abcdef" not in repr(settings)
    assert "0123456789abcdef" not in str(settings)
