"""Keys and certificates that cannot be used are said in one sentence at the start, with status 78; how long the others last, on the page."""

from __future__ import annotations

import contextlib
import os
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from telemed import bootstrap
from telemed.adapters.database import tables as t
from telemed.adapters.database.engine import make_engine
from telemed.adapters.database.identity_key import guard
from telemed.settings import Settings
from telemed.supervisor import CANNOT_START
from tests.demo_region import DemoRegion, free_port, put_in_place, served
from tests.dicom_gateway.certificates import Authority
from tests.installation import ROOT


def refused(folder: Path, *arguments: str, **settings: str) -> str:
    """The one sentence with which a start ends."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("TELEMED_")}
    ports = {name: str(free_port()) for name in ("TELEMED_HTTP_PORT", "TELEMED_DICOM_PORT")}
    environment = own | ports | {"TELEMED_DATA_DIR": str(folder / "data"), "PYTHONPATH": str(ROOT), "COLUMNS": "500"} | settings
    command = [sys.executable, "-m", "telemed", *(arguments or ("serve",))]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=180, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == CANNOT_START, done.stderr
    assert "Traceback" not in done.stderr
    (sentence,) = [line for line in done.stderr.splitlines() if line.startswith("telemed:")]
    return sentence


def of_two(folder: Path) -> Path:
    """One's certificate with the other's key."""
    authority = Authority(folder)
    one, other = authority.issue("one").read_text(), authority.issue("other").read_text()
    file = folder / "tls.pem"
    file.write_text(one.partition("-----BEGIN PRIVATE KEY")[0] + "-----BEGIN PRIVATE KEY" + other.partition("-----BEGIN PRIVATE KEY")[2])
    return file


def locked(folder: Path) -> Path:
    """A key with a passphrase, which nobody is there to type."""
    file = Authority(folder).issue("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"secret"))
    file.write_bytes(file.read_bytes().partition(b"-----BEGIN PRIVATE KEY")[0] + key.private_bytes(*form))
    return file


def ended(folder: Path) -> Path:
    return Authority(folder).issue("tls", datetime(2020, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("make", "words"), [(of_two, "does not fit the certificate"), (locked, "locked with a passphrase"), (ended, "ended on 2020-01-01")]
)
def test_a_certificate_that_cannot_be_used_is_said(tmp_path: Path, make: Callable[[Path], Path], words: str) -> None:
    file = make(tmp_path)
    sentence = refused(tmp_path, TELEMED_DICOM_TLS=str(file))
    assert words in sentence
    assert str(file) in sentence
    assert "TELEMED_DICOM_TLS" in sentence


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
@pytest.mark.parametrize(
    ("newest", "spoken"), [(ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True)]
)
def test_the_gateway_speaks_no_older_tls(tmp_path: Path, newest: ssl.TLSVersion, spoken: bool) -> None:
    context = Settings(data_dir=tmp_path, dicom_tls=str(Authority(tmp_path).issue("gateway"))).dicom_tls_context
    assert context is not None
    caller = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    caller.check_hostname, caller.verify_mode = False, ssl.CERT_NONE
    caller.set_ciphers("ALL:@SECLEVEL=0")  # or the caller would not say the old version either
    caller.minimum_version, caller.maximum_version = min(newest, ssl.TLSVersion.TLSv1_2), newest
    to_gateway, to_caller = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [caller.wrap_bio(to_caller, to_gateway), context.wrap_bio(to_gateway, to_caller, server_side=True)]
    try:
        for _ in range(4):
            for end in ends:
                with contextlib.suppress(ssl.SSLWantReadError):
                    end.do_handshake()
        version = ends[1].version()
    except ssl.SSLError:
        version = None
    assert (version is not None) is spoken


def test_a_key_that_is_none_is_said(tmp_path: Path) -> None:
    key = tmp_path / "data" / "keys" / "identity.key"
    key.parent.mkdir(parents=True, mode=0o700)
    key.write_bytes(b"short")
    sentence = refused(tmp_path)
    assert str(key) in sentence
    assert "5 bytes and not 64" in sentence


@pytest.mark.parametrize("missing", [True, False])
async def test_a_key_of_another_database_is_said_and_none_is_made_anew(tmp_path: Path, missing: bool) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    settings.data_dir.mkdir()
    await put_in_place(settings)
    engine = make_engine(settings.database)
    await guard(engine, settings.identity_key)
    row = {"id": "0" * 32, "master_id": "0" * 32, "local_master_id": "0" * 32, "member": "CLINIC1", "name": "张伟", "match_name": "张伟"}
    async with engine.begin() as connection:
        await connection.execute(sa.insert(t.patient).values(row | {"sex": "male", "phone": "025-12345"}))
    await engine.dispose()
    right = settings.identity_key.read_bytes()
    if missing:
        settings.identity_key.unlink()
    else:
        settings.identity_key.write_bytes(os.urandom(64))
    for arguments in (("serve",), ("serve", "web"), ("stats", "--month", "2026-10")):
        sentence = refused(tmp_path, *arguments)
        assert str(settings.identity_key) in sentence
        assert "backup of keys" in sentence
    assert settings.identity_key.exists() is not missing
    settings.identity_key.write_bytes(right)
    engine = make_engine(settings.database)
    await guard(engine, settings.identity_key)
    async with engine.connect() as connection:
        assert (await connection.execute(sa.select(t.patient.c.phone))).scalar() == "025-12345"
    await engine.dispose()


@pytest.fixture
async def open_to_others(tmp_path: Path) -> AsyncIterator[DemoRegion]:
    """A region with certificates that end in different ways, whose pages others reach without TLS."""
    now, authority = datetime.now(UTC), Authority(tmp_path)
    noon = now.replace(hour=4, minute=0)  # in Nanjing
    files = {"dicom_tls": str(authority.issue("gateway", noon + timedelta(days=9)))}
    files["https_certificate"] = str(authority.issue("browser", noon + timedelta(days=1)))
    settings = Settings(data_dir=tmp_path, http_port=free_port(), dicom_tls_clients=str(authority.file), **files)
    await put_in_place(settings)
    async with bootstrap.open_parts(settings) as parts, served(parts, aiohttp.DummyCookieJar()) as running:
        yield running


async def system_page(region: DemoRegion, language: str) -> str:
    headers = {"Accept": "text/html", "Accept-Language": language}
    return str((await region.call("GET", "/system/state", user="sysadmin", headers=headers)).body.decode())


async def test_the_system_page_and_a_metric_say_when_certificates_end(open_to_others: DemoRegion) -> None:
    page = await system_page(open_to_others, "en")
    found = [page.index(words) for words in ("ends tomorrow", "ends in 9 days", "2100-01-01")]
    assert found == sorted(found), "what ends first stands first"
    assert "明天到期" in await system_page(open_to_others, "zh-CN")
    metrics = (await open_to_others.call("GET", "/metrics")).body.decode()
    for setting in ("TELEMED_DICOM_TLS", "TELEMED_DICOM_TLS_CLIENTS", "TELEMED_HTTPS_CERTIFICATE"):
        assert f'telemed_certificate_expires_timestamp_seconds{{setting="{setting}"}}' in metrics


async def test_the_system_page_warns_where_others_come_without_tls(tmp_path: Path, region: DemoRegion) -> None:
    assert "unencrypted" not in await system_page(region, "en")
    assert "No certificate is named" in await system_page(region, "en")
    settings = Settings(data_dir=tmp_path, http_port=free_port(), http_host="0.0.0.0", public_url="http://127.0.0.1")  # noqa: S104
    settings = settings.model_copy(update={"public_url": f"http://127.0.0.1:{settings.http_port}"})
    await put_in_place(settings)
    async with bootstrap.open_parts(settings) as parts, served(parts, aiohttp.DummyCookieJar()) as running:
        assert "unencrypted" in await system_page(running, "en")
