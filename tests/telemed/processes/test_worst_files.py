"""The worst files at every door: no process takes much more memory than it had, and everybody else is served meanwhile."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import aiohttp
import pytest
from pydicom.uid import CTImageStorage, DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, JPEG2000Lossless

import ecg
from bench.dicom_sender import read_pdu, status_of
from dicom_gateway.scanner import read_meta
from dicom_gateway.upper_layer.commands import C_STORE_RQ, data_pdu, encode_request
from dicom_gateway.upper_layer.pdu import HEAD, AssociateRequest, PDUType, ProposedContext, UserInformation, decode_accept
from ecg.synthesis import resting
from telemed.demo.region import PASSWORD
from tests import worst_files as worst
from tests.installation import Installation
from tests.memory_watch import MemoryWatch

MEGABYTE = 1 << 20
MOST = 256 * MEGABYTE
"""Bytes beyond what it has anyway that a process may take for one file."""
WITHIN = 240.0
"""Seconds within which a file is answered, on a machine that has other work: as generous as it is to say that it ends at all."""
ALIVE_WITHIN = 20.0
"""Seconds within which `/healthz` answers meanwhile, likewise."""
CLOSED = 0
"""Stands for a line that was closed before all was sent."""

FORM = {"Content-Type": "multipart/form-data; boundary=b"}
PART = b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n'
DICOM_PART = b"--b\r\nContent-Type: application/dicom\r\n\r\n\r\n"
END = b"--b--\r\n"
TUS = {"Tus-Resumable": "1.0.0"}
MEDIA_STORAGE_INSTANCE = 0x00020003


@dataclass
class House:
    """An installation, a case of imaging, and every door as a function that sends bytes and gives statuses."""

    installation: Installation
    http: aiohttp.ClientSession
    imaging: str = ""
    watch: MemoryWatch = field(init=False)

    def __post_init__(self) -> None:
        self.watch = MemoryWatch(self.installation.pid)

    async def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None, user: str = "clinic1"
    ) -> tuple[int, bytes]:
        """Status and content. Nothing of the body is sent faster than it is taken."""

        async def pieces() -> AsyncIterator[bytes]:
            for start in range(0, len(body), 1 << 18):
                yield body[start : start + (1 << 18)]

        sent = dict(headers or {})
        if user:
            if user not in self.installation.tokens:
                self.installation.tokens[user] = await self.installation.sign_in(user)
            sent["Authorization"] = f"Bearer {self.installation.tokens[user]}"
        try:
            async with self.http.request(method, path, data=pieces() if body else None, headers=sent, allow_redirects=False) as answer:
                return answer.status, await answer.read()
        except (aiohttp.ClientError, ConnectionError):
            return CLOSED, b""

    async def new_case(self, centre: str, **request: str) -> str:
        patient = {"name": "张伟", "sex": "male", "birth_date": "1961-03-05"}
        body = {"centre": centre, "patient": patient, "request": {"reason": "头痛三天"} | request}
        status, content = await self.json(json.dumps(body).encode())
        assert status == 201, content
        return str(json.loads(content)["id"])

    async def c_store(self, part10: bytes, syntax: str = ExplicitVRLittleEndian) -> int:
        """The status of C-STORE."""
        return await asyncio.to_thread(self._c_store, part10, syntax)

    def _c_store(self, part10: bytes, syntax: str) -> int:
        meta, start = read_meta(memoryview(part10))
        data_set, instance = part10[start:], meta[MEDIA_STORAGE_INSTANCE].rstrip(b"\0").decode()
        with self._associated(syntax) as connection:
            try:
                connection.sendall(encode_request(1, C_STORE_RQ, 1, CTImageStorage, instance, has_data_set=True))
                for start in range(0, len(data_set), 1 << 16):
                    connection.sendall(data_pdu(1, data_set[start : start + (1 << 16)], last=start + (1 << 16) >= len(data_set)))
                kind, body = read_pdu(connection)
            except OSError:
                return CLOSED
            return status_of(body) if kind == PDUType.P_DATA_TF else CLOSED

    def _associated(self, syntax: str) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.installation.dicom_port), WITHIN)
        context = ProposedContext(1, CTImageStorage, (str(syntax),))
        connection.sendall(AssociateRequest("TELEMED", "CLINIC1", (context,), UserInformation(131072, "2.25.1")).encode())
        accept = decode_accept(read_pdu(connection)[1])
        assert accept.contexts[0].result == 0
        return connection

    async def huge_pdu(self, kind: PDUType) -> int:
        """A PDU that says it has four gigabytes, of which two hundred megabytes come."""

        def send() -> int:
            with self._associated(ExplicitVRLittleEndian) as connection:
                try:
                    connection.sendall(HEAD.pack(kind, 0xFFFFFFFF))
                    for _ in range(200):
                        connection.sendall(bytes(MEGABYTE))
                    return read_pdu(connection)[0]
                except OSError:
                    return CLOSED

        return await asyncio.to_thread(send)

    async def stow(self, part10: bytes) -> int:
        status, _ = await self.ask("POST", "/dicomweb/studies", part10, {"Content-Type": "application/dicom"})
        return status

    async def stow_parts(self, body: bytes, kind: str = "application/dicom") -> int:
        headers = {"Content-Type": f'multipart/related; type="{kind}"; boundary=b', "Accept": "application/dicom+json"}
        return (await self.ask("POST", "/dicomweb/studies", body, headers))[0]

    async def form(self, body: bytes) -> int:
        """Multipart upload, the body as it is."""
        return (await self.ask("POST", f"/api/v1/cases/{self.imaging}/files", body, FORM))[0]

    async def upload(self, content: bytes, case: str = "") -> tuple[int, Any]:
        """Multipart upload of one file."""
        head = b'--b\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n'
        status, answer = await self.ask("POST", f"/api/v1/cases/{case or self.imaging}/files", head + content + b"\r\n" + END, FORM)
        return status, json.loads(answer) if answer else None

    async def tus(self, content: bytes, announced: int = 0) -> int:
        case = base64.b64encode(self.imaging.encode()).decode()
        about = TUS | {"Upload-Length": str(announced or len(content)), "Upload-Metadata": f"case {case},filename {case}"}
        sent = {"Authorization": f"Bearer {self.installation.tokens['clinic1']}"}
        async with self.http.post("/api/v1/uploads", headers=sent | about) as answer:
            if answer.status != 201:
                return answer.status
            place = answer.headers["Location"]
        headers = TUS | {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
        return (await self.ask("PATCH", place, content, headers))[0]

    async def json(self, body: bytes, path: str = "/api/v1/cases", user: str = "clinic1") -> tuple[int, bytes]:
        return await self.ask("POST", path, body, {"Content-Type": "application/json"}, user=user)

    async def sign_in(self, body: bytes, kind: str = "application/x-www-form-urlencoded") -> int:
        return (await self.ask("POST", "/login", body, {"Content-Type": kind}, user=""))[0]

    async def shown(self, content: bytes, *parts: str) -> list[int]:
        """The statuses of an upload, and of what DICOMweb gives out of it then."""
        status, answer = await self.upload(content)
        if status != 201:
            return [status]
        study = answer["items"][0]["study_instance_uid"]
        _, listed = await self.ask("GET", f"/dicomweb/studies/{study}/instances", headers={"Accept": "application/dicom+json"})
        series, instance = (json.loads(listed)[0][tag]["Value"][0] for tag in ("0020000E", "00080018"))
        place = f"/dicomweb/studies/{study}/series/{series}/instances/{instance}"
        return [status, *[(await self.ask("GET", place + part, headers={"Accept": ACCEPTED[part]}))[0] for part in parts]]

    async def read(self, content: bytes) -> list[str]:
        """The kinds of the recording that an ECG file became."""
        case = await self.new_case("ecg")
        status, _ = await self.upload(content, case)
        if status != 201:
            return [str(status)]
        async with asyncio.timeout(WITHIN):
            while not (recordings := json.loads((await self.ask("GET", f"/api/v1/cases/{case}/tracings"))[1])["items"]):  # noqa: ASYNC110  # nothing of ours tells of it
                await asyncio.sleep(0.1)
        return [recording["kind"] for recording in recordings]

    async def pages(self, content: bytes) -> list[int]:
        """The statuses of a document's list of pages and of its first page."""
        status, answer = await self.upload(content)
        assert status == 201, answer
        place = f"/api/v1/cases/{self.imaging}/evidence/{answer['items'][0]['id']}/pages"
        return [(await self.ask("GET", path))[0] for path in (place, f"{place}/1")]

    async def harmless(self) -> None:
        """One request at each door with which nothing is wrong."""
        image = worst.sound_image()
        assert await self.c_store(image) == 0
        assert await self.stow(worst.sound_image()) == 200
        assert await self.tus(worst.small_pdf()) == 204
        assert await self.sign_in(f"username=clinic1&password={PASSWORD}".encode()) == 303
        assert await self.shown(worst.sound_image(), *ACCEPTED) == [201, *[200] * len(ACCEPTED)]
        assert await self.read(ecg.write(resting(seconds=10).recording, None, "aecg")) == ["resting"]
        assert await self.pages(worst.small_pdf()) == [200, 200]
        assert (await self.upload(worst.huge_png(64, 64)))[0] == 201

    @asynccontextmanager
    async def alive(self) -> AsyncIterator[list[float]]:
        """The seconds in which `/healthz` answered, asked again and again until the end of the block."""
        answered: list[float] = []

        async def ask() -> None:
            while True:
                begun = monotonic()
                async with self.http.get("/healthz", timeout=aiohttp.ClientTimeout(ALIVE_WITHIN)) as answer:
                    assert answer.status == 200
                answered.append(monotonic() - begun)
                await asyncio.sleep(0.2)

        asking = asyncio.create_task(ask())
        try:
            yield answered
        finally:
            asking.cancel()
            result = await asyncio.gather(asking, return_exceptions=True)
            assert isinstance(result[0], asyncio.CancelledError), result


ACCEPTED = {
    "/rendered": "image/png",
    "/frames/1": 'multipart/related; type="application/octet-stream"',
    "/frames/1/rendered": "image/jpeg",
    "/thumbnail": "image/jpeg",
    "/metadata": "application/dicom+json",
}
"""What DICOMweb gives out of an instance, and in which form."""

Sent = Callable[[House], Awaitable[object]]


@dataclass(frozen=True)
class Worst:
    """What is sent, and the answer that is right. `most` is another bound than `MOST`, for the reason in `why`."""

    name: str
    send: Sent
    answer: object
    most: int = MOST
    why: str = ""


def request_of(reason: bytes) -> bytes:
    """A new case as JSON, its form with this for a reason."""
    return b'{"centre":"imaging","patient":{"name":"a"},"request":{"reason":' + reason + b"}}"


async def _statuses(*sent: Awaitable[tuple[int, Any]]) -> list[int]:
    return [(await each)[0] for each in sent]


DEFLATED, JPEG_2000 = DeflatedExplicitVRLittleEndian, JPEG2000Lossless
UNREADABLE, STORED, ABORTED = 0xC000, 0, int(PDUType.ABORT)
NOT_DRAWN = [201, 406, 406, 406, 406, 200]
LOGIN, DICOM_JSON = "/api/v1/login", "application/dicom+json"

AT_C_STORE = (
    Worst("deflated zeros", lambda house: house.c_store(worst.deflated_zeros(), DEFLATED), UNREADABLE),
    Worst("sequences too deep", lambda house: house.c_store(worst.too_deep()), UNREADABLE),
    Worst("a stream that lies", lambda house: house.c_store(worst.lying_stream(), JPEG_2000), STORED),
    Worst("data of 4 GB in one PDU", lambda house: house.huge_pdu(PDUType.P_DATA_TF), ABORTED),
    Worst("association of 4 GB", lambda house: house.huge_pdu(PDUType.ASSOCIATE_RQ), ABORTED),
)
AT_STOW = (
    Worst("deflated zeros", lambda house: house.stow(worst.deflated_zeros()), 409),
    Worst("sequences too deep", lambda house: house.stow(worst.too_deep()), 409),
    Worst("200,000 parts", lambda house: house.stow_parts(DICOM_PART * 200_000 + END), 413),
    Worst("400 MB of bulk data apart", lambda house: house.stow_parts(worst.bulk_apart(), DICOM_JSON), 413),
    Worst("metadata of 20 million instances", lambda house: house.stow_parts(worst.metadata_apart(20_000_000), DICOM_JSON), 413),
    Worst("metadata up to the limit", lambda house: house.stow_parts(worst.metadata_apart(1_390_000), DICOM_JSON), 400),
)
AT_UPLOAD = (
    Worst("200,000 parts", lambda house: house.form(PART * 200_000 + END), 413),
    Worst("deflated zeros", lambda house: _statuses(house.upload(worst.deflated_zeros())), [422]),
    Worst("sequences too deep", lambda house: _statuses(house.upload(worst.too_deep())), [422]),
    Worst("PNG of 30,000 by 30,000", lambda house: _statuses(house.upload(worst.huge_png(30_000, 30_000))), [422]),
)
AT_TUS = (
    Worst("deflated zeros", lambda house: house.tus(worst.deflated_zeros()), 422),
    Worst("PNG of 30,000 by 30,000", lambda house: house.tus(worst.huge_png(30_000, 30_000)), 422),
    Worst("more bytes than there are", lambda house: house.tus(b"x", 1 << 60), 400),
)
AT_API = (
    Worst("lists in lists", lambda house: _statuses(house.json(request_of(b"[" * 500_000 + b"]" * 500_000))), [400]),
    Worst("objects in objects", lambda house: _statuses(house.json(request_of(b'{"a":' * 170_000 + b"0" + b"}" * 170_000))), [400]),
    Worst("a number of a million digits", lambda house: _statuses(house.json(request_of(b"9" * 1_000_000))), [400]),
    Worst("an exponent of a million digits", lambda house: _statuses(house.json(request_of(b"1e" + b"9" * 1_000_000))), [422]),
    Worst("340,000 lists", lambda house: _statuses(house.json(request_of(b"[" + b",".join([b"[]"] * 340_000) + b"]"))), [422]),
    Worst("two megabytes", lambda house: _statuses(house.json(request_of(b"9" * 2_000_000))), [413]),
    Worst("lists in lists, of a stranger", lambda house: _statuses(house.json(b'{"username":' + b"[" * 1_000_000, LOGIN, "")), [400]),
)


async def _sequences(house: House, content: bytes) -> tuple[list[int], list[str]]:
    """The statuses of an upload and of the metadata of an object; and what a sound recording became, which is read at the same time
    as the worker describes the object."""
    shown = await house.shown(content, "/metadata")
    return shown, await house.read(ecg.write(resting(seconds=10).recording, None, "aecg"))


WITH_SEQUENCES = (
    Worst("empty items", lambda house: _sequences(house, worst.empty_items()), ([422], ["resting"])),
    Worst("nested sequences", lambda house: _sequences(house, worst.nested_sequences()), ([422], ["resting"])),
    Worst("of defined length", lambda house: _sequences(house, worst.items_of_defined_length()), ([201, 406], ["resting"])),
)
AT_SIGN_IN = (
    Worst("300,000 fields", lambda house: house.sign_in(b"a=&" * 300_000), 413),
    Worst("a password of 64 MB", lambda house: house.sign_in(b"username=a&password=" + b"a" * (64 << 20)), 413),
    Worst("200,000 parts", lambda house: house.sign_in(PART * 200_000 + END, FORM["Content-Type"]), 415),
)
AT_DICOMWEB = (
    Worst("a stream that lies", lambda house: house.shown(worst.lying_stream(), *ACCEPTED), NOT_DRAWN),
    Worst("and a header that agrees", lambda house: house.shown(worst.lying_stream(told=60_000), *ACCEPTED), NOT_DRAWN),
    Worst("both within the limit", lambda house: house.shown(worst.lying_stream(16_000, 16_000), *ACCEPTED), NOT_DRAWN),
)
AT_ECG = (
    Worst("zeros in a ZIP", lambda house: house.read(worst.zeros_in_a_zip()), ["unreadable"]),
    Worst("a million elements", lambda house: house.read(worst.many_elements()), ["unreadable"]),
)
AT_PDF = (
    Worst("pages in a ring", lambda house: house.pages(worst.pages_in_a_ring()), [422, 422]),
    Worst("360 MB of nothing on a page", lambda house: house.pages(worst.bloated_page()), [200, 422]),
    Worst("360 MB of lines on a page", lambda house: house.pages(worst.bloated_page(360, b"0 0 m 9 9 l S ")), [200, 422]),
)
DOORS = {
    "C-STORE": AT_C_STORE, "STOW-RS": AT_STOW, "upload": AT_UPLOAD, "tus": AT_TUS, "API": AT_API, "sign-in": AT_SIGN_IN,
    "DICOMweb": AT_DICOMWEB, "ECG": AT_ECG, "PDF": AT_PDF, "sequences": WITH_SEQUENCES,
}  # fmt: skip
ALL = [pytest.param(each, id=f"{door}: {each.name}") for door, files in DOORS.items() for each in files]


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[House]:
    """An installation until the end of the block, with a case of imaging."""
    installation = Installation(folder, {"TELEMED_STABLE_AFTER_SECONDS": "1"})
    await installation.start()
    try:
        async with aiohttp.ClientSession(installation.home, timeout=aiohttp.ClientTimeout(WITHIN)) as http:
            made = House(installation, http)
            made.imaging = await made.new_case("imaging", modality="CT", body_part="HEAD")
            yield made
    finally:
        await installation.stop()


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """An installation that has done one of everything, with what its processes had then."""
    async with opened(tmp_path_factory.mktemp("worst") / "data") as made:
        await made.harmless()
        made.watch.settle()
        yield made


async def held(house: House, file: Worst) -> None:
    """Send a file and see that it is refused, that nobody else waits, and that no process takes more than it may."""
    begun = monotonic()
    with house.watch.watching() as taken:
        async with house.alive(), asyncio.timeout(WITHIN):
            answer = await file.send(house)
    most = max(taken, key=lambda name: taken[name])
    print(f"{taken[most] / MEGABYTE:.0f} MB ({most}), {monotonic() - begun:.1f} s")
    assert answer == file.answer
    assert {name: size // MEGABYTE for name, size in taken.items() if size >= file.most} == {}, file.why


@pytest.mark.slow
@pytest.mark.parametrize("file", ALL)
async def test_no_file_takes_more_than_it_may(house: House, file: Worst) -> None:
    await held(house, file)


@pytest.mark.slow
async def test_afterwards_everything_is_as_before(house: House) -> None:
    """Stands behind all files, at each door."""
    await house.harmless()


@pytest.mark.slow
async def test_deflated_zeros_and_too_many_parts(tmp_path: Path) -> None:
    async with opened(tmp_path / "data") as house:

        async def usual() -> None:
            assert (await house.stow(worst.sound_image()), await house.form(PART + END)) == (200, 422)

        await usual()
        house.watch.settle()
        await held(house, Worst("deflated zeros", lambda house: house.stow(worst.deflated_zeros(200)), 409))
        await held(house, AT_UPLOAD[0])
        await usual()
