"""Anchors of the audit trail: signed, kept in several places, proved against the trail."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import socket
import subprocess
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from aiohttp import web
from aiohttp.test_utils import TestServer
from asn1crypto import keys as asn1_keys
from asn1crypto import tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pyhanko.sign.timestamps import DummyTimeStamper

from storage import ObjectStore
from telemed.adapters.audit.anchor_key import AnchorKeyUnusable, load_signer
from telemed.adapters.audit.anchor_places import AnchorPlace, FolderPlace, StorePlace, place_fault, place_of
from telemed.adapters.audit.anchor_proof import AnchorKeys, AnchorProof, prove_anchors, read_anchors
from telemed.adapters.audit.anchors import EVERY, FOLDER, FURTHER_EVERY, NEW_KEY, AuditAnchors, thinned
from telemed.adapters.audit.time_stamps import TimeStamps
from telemed.adapters.audit.trail import walk_trail
from telemed.adapters.database import tables as t
from telemed.verification import verify_audit
from tests.s3_server import S3Server, s3_process, s3_server
from tests.telemed.adapters.test_audit_chain import remove, tamper, write
from tests.telemed.harness import Harness

__all__ = ["s3_process", "s3_server"]

pytestmark = pytest.mark.database


@pytest.fixture
def own_keys(tmp_path: Path) -> AnchorKeys:
    return AnchorKeys(tmp_path / "keys")


@pytest.fixture
def anchors(harness: Harness, store: ObjectStore, own_keys: AnchorKeys) -> AuditAnchors:
    return AuditAnchors(harness.application.engine, store, own_keys.own)


async def proof_of(harness: Harness, places: Sequence[AnchorPlace], keys: AnchorKeys) -> AnchorProof:
    read = await read_anchors(places, keys)
    trail = await walk_trail(harness.application.engine, {anchor.position for place in read for anchor in place.anchors})
    return await prove_anchors(trail, read, keys)


async def names(store: ObjectStore) -> list[str]:
    return [key.removeprefix(FOLDER) async for key in store.list(FOLDER)]


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


class TestEnd:
    async def test_a_trail_that_goes_on_is_in_order_and_all_notes_stay(
        self, harness: Harness, anchors: AuditAnchors, store: ObjectStore, own_keys: AnchorKeys
    ) -> None:
        for _ in range(4):
            await write(harness, 3)
            await anchors(harness.clock.forward(minutes=1))
        proof = await proof_of(harness, [StorePlace(store)], own_keys)
        assert proof.faults == []
        positions = [int(name.partition("-")[0]) for name in await names(store)]
        assert positions == [4, 7, 10, 13], "one record more than was written: it says with which key anchors are signed"
        assert "4 anchors" in proof.said[0]
        assert "covers records 1 to 13" in proof.said[0]
        assert [line[0] for line in await harness.audited(NEW_KEY)] == [NEW_KEY]

    async def test_it_is_noted_again_only_when_it_moved_and_it_is_time(
        self, harness: Harness, anchors: AuditAnchors, store: ObjectStore
    ) -> None:
        await write(harness, 1)
        await anchors(harness.clock.now)
        first = await names(store)
        await anchors(harness.clock.forward(hours=1))
        assert await names(store) == first
        await write(harness, 1)
        await anchors(harness.clock.now)
        await write(harness, 1)
        await anchors(harness.clock.now + EVERY / 2)
        assert [int(name.partition("-")[0]) for name in await names(store)] == [2, 3]

    async def test_an_end_that_was_cut_off_is_found(
        self, harness: Harness, anchors: AuditAnchors, store: ObjectStore, own_keys: AnchorKeys
    ) -> None:
        await write(harness)
        await anchors(harness.clock.now)
        await tamper(harness.application.engine, remove(4, 5, 6))
        assert await verify_audit(harness.application.engine) == (3, None), "the chain alone cannot tell"
        (fault,) = (await proof_of(harness, [StorePlace(store)], own_keys)).faults
        assert "the end was cut off: record 6 " in fault

    async def test_also_when_the_trail_has_grown_over_it_again(
        self, harness: Harness, anchors: AuditAnchors, store: ObjectStore, own_keys: AnchorKeys
    ) -> None:
        await write(harness)
        await anchors(harness.clock.now)
        await tamper(harness.application.engine, remove(4, 5, 6))
        await write(harness, 4)
        assert (await verify_audit(harness.application.engine))[1] is None
        before = await names(store)
        await anchors(harness.clock.forward(hours=1))
        assert await names(store) == before, "what lost its noted end is not noted again"
        (fault,) = (await proof_of(harness, [StorePlace(store)], own_keys)).faults
        assert "record 6 is not the one" in fault

    async def test_a_worker_that_begins_anew_goes_on_where_the_other_was(
        self, harness: Harness, anchors: AuditAnchors, store: ObjectStore, own_keys: AnchorKeys
    ) -> None:
        await write(harness)
        await anchors(harness.clock.now)
        await write(harness)
        await AuditAnchors(harness.application.engine, store, own_keys.own)(harness.clock.forward(minutes=2))
        assert len(await names(store)) == 2
        assert len(await harness.audited(NEW_KEY)) == 1
        assert (await proof_of(harness, [StorePlace(store)], own_keys)).faults == []

    async def test_a_note_that_was_changed_is_not_believed(
        self, harness: Harness, anchors: AuditAnchors, store: ObjectStore, own_keys: AnchorKeys
    ) -> None:
        await write(harness)
        await anchors(harness.clock.now)
        (name,) = await names(store)
        content = await store.read(FOLDER + name)
        changes = (b'"position":6', b'"position":3'), (b'"signature":"', b'"signature":"AAAA'), (content, b"{}"), (content, b"")
        for old, new in changes:
            await store.put(FOLDER + name, content.replace(old, new))
            (fault,) = (await proof_of(harness, [StorePlace(store)], own_keys)).faults
            assert "note of the trail's end" in fault

    async def test_notes_of_before_they_were_signed_still_count(
        self, harness: Harness, anchors: AuditAnchors, store: ObjectStore, own_keys: AnchorKeys
    ) -> None:
        await write(harness, 5)
        own_keys.folder.mkdir()
        own_keys.seal.write_bytes(b"k" * 32)
        async with harness.application.engine.connect() as connection:
            digest = (await connection.execute(sa.select(t.audit.c.digest).where(t.audit.c.position == 5))).scalar_one()
        sealed = msgspec.json.encode([5, digest, harness.clock.now.isoformat()])
        line = {"position": 5, "digest": digest, "at": harness.clock.now, "seal": hmac.new(b"k" * 32, sealed, hashlib.sha256).hexdigest()}
        await store.put(f"{FOLDER}{5:015d}.json", msgspec.json.encode(line))
        assert (await proof_of(harness, [StorePlace(store)], own_keys)).faults == []
        await write(harness, 1)
        await anchors(harness.clock.forward(minutes=2))
        assert (await proof_of(harness, [StorePlace(store)], own_keys)).faults == []
        await store.put(f"{FOLDER}{5:015d}.json", msgspec.json.encode(line | {"position": 4}))
        (fault,) = (await proof_of(harness, [StorePlace(store)], own_keys)).faults
        assert "does not bear the seal" in fault


class TestThinning:
    def test_a_day_whole_a_month_by_the_hour_the_rest_by_the_day(self) -> None:
        now = datetime(2026, 6, 1, 12, tzinfo=UTC)
        moments = [now - timedelta(minutes=20 * n) for n in range(3 * 24 * 60, -1, -1)]
        made = [f"{n:015d}-{moment:%Y%m%dT%H%M%SZ}.json" for n, moment in enumerate(moments)]
        gone = set(thinned(made, now))
        kept = [moment for moment, name in zip(moments, made, strict=True) if name not in gone]
        assert [moment for moment in kept if now - moment < timedelta(days=1)] == moments[-72:]
        by_hour = [moment for moment in kept if timedelta(days=1, hours=1) <= now - moment < timedelta(days=30, hours=23)]
        assert by_hour == [moment for moment in moments if moment.minute == 40 and by_hour[0] <= moment <= by_hour[-1]]
        assert len(by_hour) == 30 * 24 - 2
        by_day = [moment for moment in kept if now - moment >= timedelta(days=32)]
        assert [moment.date() for moment in by_day] == sorted({moment.date() for moment in by_day})
        assert len(by_day) == 28

    def test_thinning_again_removes_nothing_more_and_older_names_stay(self) -> None:
        now = datetime(2026, 6, 1, 12, tzinfo=UTC)
        made = [f"{n:015d}-{now - timedelta(hours=30, minutes=-n):%Y%m%dT%H%M%SZ}.json" for n in range(90)]
        left = sorted(set(made) - set(thinned(made, now)))
        assert thinned(left, now) == []
        assert thinned(["000000000000001.json", *left], now) == []


class TestKeys:
    @pytest.mark.parametrize("made", ["rsa", "curve"])
    async def test_a_key_elsewhere_signs_and_its_public_half_proves(
        self, harness: Harness, store: ObjectStore, own_keys: AnchorKeys, tmp_path: Path, made: str
    ) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048) if made == "rsa" else ec.generate_private_key(ec.SECP256R1())
        private, public = tmp_path / "elsewhere.pem", tmp_path / "public.pem"
        private.write_bytes(pem(key))
        public.write_bytes(key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
        await write(harness)
        await AuditAnchors(harness.application.engine, store, private, made=False)(harness.clock.now)
        assert not own_keys.own.exists()
        for keys in (AnchorKeys(own_keys.folder, private), AnchorKeys(own_keys.folder, None, public)):
            proof = await proof_of(harness, [StorePlace(store)], keys)
            assert proof.faults == []
            assert "outside of the data folder" in proof.said[-1]
        (fault,) = (await proof_of(harness, [StorePlace(store)], own_keys)).faults
        assert "a key that is not at hand" in fault
        self.openssl_agrees(await store.read(FOLDER + (await names(store))[0]), public, tmp_path)

    def openssl_agrees(self, anchor: bytes, public: Path, folder: Path) -> None:
        """What the documents say of the form is enough for another program."""
        kept = json.loads(anchor)
        (folder / "signature").write_bytes(base64.b64decode(kept["signature"]))
        signed = {name: kept[name] for name in ("at", "digest", "form", "position")}
        (folder / "content").write_text(json.dumps(signed, separators=(",", ":"), sort_keys=True))
        command = ["openssl", "dgst", "-sha256", "-verify", str(public), "-signature", str(folder / "signature"), str(folder / "content")]
        assert b"Verified OK" in subprocess.run(command, capture_output=True, check=False).stdout

    async def test_a_key_of_the_data_folder_does_not_stand_for_the_one_elsewhere(
        self, harness: Harness, anchors: AuditAnchors, store: ObjectStore, own_keys: AnchorKeys, tmp_path: Path
    ) -> None:
        """The one that was used before lies in the data folder still: a trail made anew with it is no proof."""
        private = tmp_path / "elsewhere.pem"
        private.write_bytes(pem(ec.generate_private_key(ec.SECP256R1())))
        keys = AnchorKeys(own_keys.folder, private)
        await write(harness)
        await anchors(harness.clock.now)
        assert any("is not signed with" in fault for fault in (await proof_of(harness, [StorePlace(store)], keys)).faults)
        await write(harness)
        await AuditAnchors(harness.application.engine, store, private, made=False)(harness.clock.forward(minutes=2))
        assert (await proof_of(harness, [StorePlace(store)], keys)).faults == []
        (newest,) = (await names(store))[-1:]
        kept = json.loads(await store.read(FOLDER + newest))
        signer = load_signer(own_keys.own, make=False)
        signed = {name: kept[name] for name in ("at", "digest", "form", "position")}
        signature = signer.sign(json.dumps(signed, separators=(",", ":"), sort_keys=True).encode())
        forged = kept | {"key": signer.fingerprint, "signature": base64.b64encode(signature).decode()}
        await store.put(FOLDER + newest, msgspec.json.encode(forged))
        faults = (await proof_of(harness, [StorePlace(store)], keys)).faults
        assert any("is signed with another key than the trail names" in fault for fault in faults)

    @pytest.mark.parametrize(
        "content",
        [
            b"no key",
            pem(rsa.generate_private_key(public_exponent=65537, key_size=1024)),  # noqa: S505 - it is refused
            pem(ed25519.Ed25519PrivateKey.generate()),
            None,
        ],
        ids=["text", "short", "another kind", "missing"],
    )
    @pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
    def test_a_key_that_is_none_is_one_plain_sentence(
        self, harness: Harness, store: ObjectStore, tmp_path: Path, content: bytes | None
    ) -> None:
        file = tmp_path / "key.pem"
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(AnchorKeyUnusable, match="key"):
            AuditAnchors(harness.application.engine, store, file, made=False)


class TestPlaces:
    async def test_a_folder_elsewhere_contradicts_a_trail_that_lost_its_end_and_its_anchors(
        self, harness: Harness, store: ObjectStore, own_keys: AnchorKeys, tmp_path: Path
    ) -> None:
        folder = tmp_path / "elsewhere"
        folder.mkdir()
        places = [StorePlace(store), FolderPlace(folder)]
        noting = AuditAnchors(harness.application.engine, store, own_keys.own, further=places[1:])
        await write(harness)
        await noting(harness.clock.now)
        proof = await proof_of(harness, places, own_keys)
        assert proof.faults == []
        assert f"anchors lie in {folder} as well" in proof.said[-1]
        assert [file.stat().st_mode & 0o777 for file in folder.iterdir()] == [0o444]
        (kept,) = folder.iterdir()
        assert await store.read(FOLDER + kept.name) == kept.read_bytes()

        await tamper(harness.application.engine, remove(4, 5, 6))
        await store.delete(FOLDER + kept.name)
        faults = (await proof_of(harness, places, own_keys)).faults
        assert any(fault.startswith(f"{folder}: the end was cut off: record 6") for fault in faults)

    async def test_further_places_take_fewer_and_lose_none(
        self, harness: Harness, store: ObjectStore, own_keys: AnchorKeys, tmp_path: Path
    ) -> None:
        noting = AuditAnchors(harness.application.engine, store, own_keys.own, further=[FolderPlace(tmp_path / "later")])
        for minute in range(4):
            await write(harness, 1)
            await noting(harness.clock.forward(minutes=1))
            if minute == 1:
                assert len(await names(store)) == 2, "a place that does not answer keeps nothing back"
                (tmp_path / "later").mkdir()
        assert len(list((tmp_path / "later").iterdir())) == 1
        await write(harness, 1)
        await noting(harness.clock.forward(seconds=FURTHER_EVERY.total_seconds()))
        assert len(list((tmp_path / "later").iterdir())) == 2
        assert len(await names(store)) == 5

    async def test_a_bucket(self, harness: Harness, store: ObjectStore, own_keys: AnchorKeys, s3_server: S3Server) -> None:
        bucket = s3_server.new_bucket()
        place = place_of(s3_server.url(bucket), {})
        await write(harness)
        await AuditAnchors(harness.application.engine, store, own_keys.own, further=[place])(harness.clock.now)
        assert s3_server.files(bucket) == [FOLDER + name for name in await names(store)]
        proof = await proof_of(harness, [StorePlace(store), place], own_keys)
        await place.close()
        assert proof.faults == []
        assert f"s3://{bucket}" in proof.said[-1]
        assert "secret" not in place.label

    async def test_a_collector_of_logs(self, harness: Harness, store: ObjectStore, own_keys: AnchorKeys) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as collector:
            collector.bind(("127.0.0.1", 0))
            collector.settimeout(10)
            place = place_of(f"syslog://127.0.0.1:{collector.getsockname()[1]}", {})
            await write(harness)
            await AuditAnchors(harness.application.engine, store, own_keys.own, further=[place])(harness.clock.now)
            message = await asyncio.to_thread(collector.recv, 65536)
        (name,) = await names(store)
        assert message.rstrip(b"\0").endswith(b"telemed: audit-anchor " + await store.read(FOLDER + name))
        assert (await proof_of(harness, [StorePlace(store), place], own_keys)).faults == []

    async def test_a_collector_that_is_not_there_is_said_and_stops_nothing(
        self, harness: Harness, store: ObjectStore, own_keys: AnchorKeys
    ) -> None:
        place = place_of("syslog+tcp://127.0.0.1:1", {})
        await write(harness)
        await AuditAnchors(harness.application.engine, store, own_keys.own, further=[place])(harness.clock.now)
        assert len(await names(store)) == 1

    @pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
    async def test_a_place_that_cannot_be_read_is_a_fault(
        self, harness: Harness, store: ObjectStore, own_keys: AnchorKeys, tmp_path: Path
    ) -> None:
        await write(harness)
        await AuditAnchors(harness.application.engine, store, own_keys.own)(harness.clock.now)
        for place, said in ((FolderPlace(tmp_path / "gone"), "cannot be read"), (FolderPlace(tmp_path), "there is no anchor in")):
            (fault,) = (await proof_of(harness, [StorePlace(store), place], own_keys)).faults
            assert said in fault

    @pytest.mark.parametrize(
        ("url", "right"),
        [
            ("file:///mnt/anchors", True),
            ("s3://bucket?endpoint=http://127.0.0.1:9000", True),
            ("syslog://collector:514", True),
            ("syslog:///dev/log", True),
            ("syslog+tcp://collector:601", True),
            ("file://host/anchors", False),
            ("/var/anchors", False),
            ("ftp://host/x", False),
            ("", False),
        ],
    )
    def test_places_by_url(self, url: str, right: bool) -> None:
        assert (place_fault(url) == "") is right


@pytest.fixture(scope="module")
def authority() -> tuple[bytes, bytes]:
    """Certificate and key of a time stamp authority, DER."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Time Stamps of the Test")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(7)
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
    der = serialization.Encoding.DER
    private = key.private_bytes(der, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return builder.sign(key, hashes.SHA256()).public_bytes(der), private


@pytest.fixture
async def authority_url(authority: tuple[bytes, bytes]) -> AsyncIterator[str]:
    """A time stamp authority that answers over HTTP."""
    certificate, key = asn1_x509.Certificate.load(authority[0]), asn1_keys.PrivateKeyInfo.load(authority[1])
    stamper = DummyTimeStamper(certificate, key)

    async def answer(request: web.Request) -> web.Response:
        asked = tsp.TimeStampReq.load(await request.read())
        return web.Response(body=stamper.request_tsa_response(asked).dump(), content_type="application/timestamp-reply")

    app = web.Application()
    app.router.add_post("/", answer)
    server = TestServer(app)
    await server.start_server()
    yield str(server.make_url("/"))
    await server.close()


class TestTimeStamps:
    async def test_an_authority_says_when_the_trail_was_there(
        self, harness: Harness, store: ObjectStore, own_keys: AnchorKeys, authority_url: str
    ) -> None:
        noting = AuditAnchors(harness.application.engine, store, own_keys.own, time_stamps=TimeStamps(authority_url))
        for _ in range(3):
            await write(harness, 1)
            await noting(harness.clock.forward(minutes=1))
        stamped = [name for name in await names(store) if json.loads(await store.read(FOLDER + name))["time_stamp"]]
        assert len(stamped) == 1, "once an hour"
        proof = await proof_of(harness, [StorePlace(store)], own_keys)
        assert proof.faults == []
        assert "records 1 to 2 were there at" in proof.said[-1]
        assert "Time Stamps of the Test" in proof.said[-1]

    async def test_a_stamp_of_something_else_is_a_fault(
        self, harness: Harness, store: ObjectStore, own_keys: AnchorKeys, authority_url: str
    ) -> None:
        await write(harness, 1)
        await AuditAnchors(harness.application.engine, store, own_keys.own)(harness.clock.now)
        (name,) = await names(store)
        kept = json.loads(await store.read(FOLDER + name))
        for token in (await TimeStamps(authority_url).stamp(b"something else"), b"no token"):
            await store.put(FOLDER + name, msgspec.json.encode(kept | {"time_stamp": base64.b64encode(token).decode()}))
            (fault,) = (await proof_of(harness, [StorePlace(store)], own_keys)).faults
            assert "the time stamp" in fault

    async def test_an_authority_that_does_not_answer_stops_nothing(
        self, harness: Harness, store: ObjectStore, own_keys: AnchorKeys
    ) -> None:
        await write(harness, 1)
        stamps = TimeStamps("http://127.0.0.1:1/")
        await AuditAnchors(harness.application.engine, store, own_keys.own, time_stamps=stamps)(harness.clock.now)
        assert len(await names(store)) == 1
        assert (await proof_of(harness, [StorePlace(store)], own_keys)).faults == []
