"""What the browser loads: addressed by content, compressed, closed; third-party code as it was published."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from telemed.web.appearance import CASE_STATES, PRIORITIES, REPORT_STATES
from telemed.web.assets import STATIC_FOLDER, Assets
from telemed.web.templating import TEMPLATE_FOLDER

Client = TestClient[web.Request, web.Application]
VENDOR = STATIC_FOLDER / "vendor"
COMPONENTS = json.loads((VENDOR / "vendor.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def assets() -> Assets:
    """The product's static files."""
    return Assets(STATIC_FOLDER)


@pytest.fixture
async def client(assets: Assets) -> AsyncIterator[Client]:
    """An application that serves only them."""
    app = web.Application()
    assets.add_routes(app)
    async with TestClient(TestServer(app), auto_decompress=False) as opened:
        yield opened


async def test_a_file_may_be_kept_for_ever_and_comes_compressed(client: Client, assets: Assets) -> None:
    answer = await client.get(assets.url("telemed.css"), headers={"Accept-Encoding": "gzip"})
    assert answer.status == 200
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["Content-Type"].startswith("text/css")
    assert gzip.decompress(await answer.read()) == (STATIC_FOLDER / "telemed.css").read_bytes()  # one small file
    plain = await client.get(assets.url("telemed.css"), headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers


async def test_a_page_from_before_an_update_still_gets_its_files(client: Client) -> None:
    answer = await client.get("/static/0123456789ab/js/app.js")
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["Content-Type"].startswith("text/javascript")


@pytest.mark.parametrize("path", ["../i18n.py", "..%2fi18n.py", "js/../../i18n.py", "none.js", "js", "%00"])
async def test_nothing_else_is_served(client: Client, assets: Assets, path: str) -> None:
    answer = await client.get(f"/static/{assets.digest}/{path}")
    assert answer.status == 404


def test_other_content_has_another_address(tmp_path: Path) -> None:
    file = tmp_path / "a.js"
    file.write_text("1")
    before = Assets(tmp_path).url("a.js")
    file.write_text("2")
    assert Assets(tmp_path).url("a.js") != before
    with pytest.raises(KeyError):
        Assets(tmp_path).url("b.js")


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda component: component["name"])
def test_third_party_code_is_named_licensed_and_unchanged(component: dict[str, Any]) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", component["version"])
    assert (VENDOR / component["licence_file"]).read_text("utf-8").strip()
    assert component["integrity"].startswith("sha512-")
    for name, digest in component["files"].items():
        found = base64.b64encode(hashlib.sha256((VENDOR / name).read_bytes()).digest()).decode()
        assert digest == f"sha256-{found}"


def test_every_third_party_file_is_in_the_table() -> None:
    listed = {name for component in COMPONENTS for name in (*component["files"], component["licence_file"])}
    found = {path.relative_to(VENDOR).as_posix() for path in VENDOR.rglob("*") if path.is_file()}
    assert found - {"vendor.json"} == listed


def test_what_the_browser_loads_stays_small() -> None:
    assert sum(path.stat().st_size for path in STATIC_FOLDER.rglob("*") if path.is_file()) < 1_500_000


def icons_used() -> set[str]:
    """Names of icons in templates, modules and tables."""
    templates = "\n".join(path.read_text("utf-8") for path in TEMPLATE_FOLDER.rglob("*.html"))
    modules = "\n".join(path.read_text("utf-8") for path in (STATIC_FOLDER / "js").rglob("*.js"))
    names = set(re.findall(r'icon\("([a-z0-9-]+)"', templates + modules))
    looks = [*CASE_STATES.values(), *REPORT_STATES.values(), *PRIORITIES.values()]
    return names | {look.icon for look in looks if look.icon}


def test_every_icon_that_is_used_is_in_the_sprite() -> None:
    symbols = set(re.findall(r'<symbol id="([^"]+)"', (STATIC_FOLDER / "icons.svg").read_text("utf-8")))
    assert len(icons_used()) > 15
    assert icons_used() <= symbols


@pytest.mark.parametrize("path", sorted(TEMPLATE_FOLDER.rglob("*.html")), ids=lambda path: path.name)
def test_templates_keep_the_content_security_policy(path: Path) -> None:
    source = path.read_text("utf-8")
    assert not re.search(r"\sstyle=", source)
    assert not re.search(r"\son[a-z]+=\"", source)
    assert not re.search(r"<script(?![^>]*(\ssrc=|application/json))", source)
    assert "<style" not in source
