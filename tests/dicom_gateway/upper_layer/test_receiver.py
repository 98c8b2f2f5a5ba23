"""The port: who is let in, how much of it one peer gets, and who serves what."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage
from pynetdicom import build_role, evt
from sqlalchemy.ext.asyncio import AsyncEngine

from dicom_gateway import DimseServer, Index, Intake, Refusal, RefusalReason, Scope, start_dimse
from dicom_gateway.dimse.association_socket import RequestingEntity
from dicom_gateway.index import dicom_study
from dicom_gateway.index_barrier import IndexBarrier
from dicom_gateway.upper_layer import pdu
from dicom_gateway.upper_layer.limits import Limits
from storage.protocol import ObjectStore
from tests.dicom_gateway.certificates import Authority, client_context, server_context
from tests.dicom_gateway.conftest import OWNERS, scope_for
from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.dicom_gateway.peer import Peer, connected, request, store_request

FIND, GET = "1.2.840.10008.5.1.4.1.2.2.1", "1.2.840.10008.5.1.4.1.2.2.3"
Serve = Callable[..., AbstractAsyncContextManager[DimseServer]]


@pytest.fixture
def serve(engine: AsyncEngine, store: ObjectStore) -> Serve:
    """Start a server with other limits or under TLS."""

    async def policy(calling: str, called: str, address: str, certificate: bytes) -> Scope | Refusal:
        assert address == "127.0.0.1"
        if calling == "BROKEN":
            raise LookupError("the host's own fault")
        if called != "TELEMED":
            return Refusal(RefusalReason.CALLED_AE_TITLE_NOT_RECOGNIZED)
        if calling == "READER":
            return Scope(dicom_study.c.owner == "CLINIC1", None)
        return scope_for(calling) if calling in OWNERS else Refusal(RefusalReason.CALLING_AE_TITLE_NOT_RECOGNIZED)

    @asynccontextmanager
    async def start(limits: Limits | None = None, tls: ssl.SSLContext | None = None) -> AsyncIterator[DimseServer]:
        intake = Intake(engine, store)
        server = await start_dimse(Index(engine, IndexBarrier(store)), store, intake, policy, port=0, limits=limits, tls=tls)
        yield server
        await server.close()
        await intake.close()

    return start


async def rejected(peer: Peer) -> tuple[int, int, int]:
    """Result, source and reason of the A-ASSOCIATE-RJ that comes next."""
    kind, body = await peer.pdu()
    assert kind == pdu.PDUType.ASSOCIATE_RJ, kind
    return body[1], body[2], body[3]


REFUSED = {
    "unknown caller": (request(calling="NOBODY"), (1, 1, 3)),
    "unknown called title": (request(called="ELSEWHERE"), (1, 1, 7)),
    "another application": (pdu.AssociateRequest("TELEMED", "CLINIC1", request().contexts, application_context="1.2.3"), (1, 1, 2)),
    "another protocol": (pdu.AssociateRequest("TELEMED", "CLINIC1", request().contexts, protocol_version=2), (1, 2, 2)),
    "the policy fails": (request(calling="BROKEN"), (2, 3, 1)),
}


async def test_who_may_not_associate_is_told_why(serve: Serve) -> None:
    async with serve() as server:
        for asked, reason in REFUSED.values():
            async with connected(server.port) as peer:
                await peer.send(asked.encode())
                assert await rejected(peer) == reason


async def test_who_may_only_read_may_not_store(serve: Serve) -> None:
    async with serve() as server, connected(server.port) as peer:
        await peer.associate("READER")
        assert (await peer.store(ct_slice())).Status == 0x0124
        assert (await peer.echo()).Status == 0


@pytest.mark.parametrize("limits", [Limits(associations=2), Limits(associations_per_address=2), Limits(associations_per_title=2)])
async def test_more_associations_than_allowed_are_put_off(serve: Serve, limits: Limits) -> None:
    async with serve(limits) as server, connected(server.port) as first, connected(server.port) as second:
        await first.associate()
        await second.associate()
        async with connected(server.port) as third:
            await third.send(request().encode())
            assert await rejected(third) == RefusalReason.LOCAL_LIMIT_EXCEEDED.value
        await first.send(pdu.RELEASE_RQ)
        await first.pdu()
        first.writer.close()
        async with asyncio.timeout(30):
            while True:  # until the server has seen it go
                async with connected(server.port) as third:
                    await third.send(request().encode())
                    if (await third.pdu())[0] == pdu.PDUType.ASSOCIATE_AC:
                        break


async def test_one_title_does_not_take_the_place_of_another(serve: Serve) -> None:
    async with serve(Limits(associations_per_title=1)) as server, connected(server.port) as first, connected(server.port) as second:
        await first.associate("CLINIC1")
        await second.associate("CLINIC2")


async def test_connections_that_ask_for_nothing_are_few(serve: Serve) -> None:
    async with serve(Limits(associations_per_address=3)) as server:
        silent = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(6)]
        ends = [asyncio.create_task(reader.read(1)) for reader, _ in silent]
        done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED, timeout=30)
        assert done
        for each in ends:
            each.cancel()
        for _, writer in silent:
            writer.transport.abort()
        async with asyncio.timeout(30):
            while True:
                try:
                    async with connected(server.port) as peer:
                        await peer.associate()
                        break
                except (asyncio.IncompleteReadError, ConnectionError):
                    continue


SHORT = Limits(request=0.3, idle=0.5, stalled=0.5, slowest=1 << 20)


async def test_associations_that_stay_idle_or_stall_are_ended(serve: Serve) -> None:
    """No request, no operation, an object that stops coming; and a release whose sender stays."""
    async with serve(SHORT) as server, connected(server.port) as silent, connected(server.port) as half:
        await half.send(request().encode()[:50])
        assert await silent.ended()
        assert await half.ended()
        async with connected(server.port) as idle, connected(server.port) as stalled, connected(server.port) as released:
            for peer in (idle, stalled, released):
                await peer.associate()
            await stalled.send(store_request(ct_slice(), fragment=300)[:900])
            await released.send(pdu.RELEASE_RQ)
            await released.pdu()
            assert await idle.aborted() == (0, 0)
            assert await stalled.aborted() == (0, 0)
            assert await released.ended()


async def test_an_object_that_comes_too_slowly_ends_its_association(serve: Serve) -> None:
    async with serve(SHORT) as server, connected(server.port) as peer:
        await peer.associate()

        async def drip() -> None:
            for byte in store_request(ct_slice(), fragment=100):
                await peer.send(bytes([byte]))
                await asyncio.sleep(0.01)

        dripping = asyncio.create_task(drip())
        assert await peer.aborted() == (0, 0)
        dripping.cancel()


async def test_time_does_not_run_while_we_are_the_slow_one(serve: Serve) -> None:
    """Held back by its rate, an owner waits, and nobody ends its association for that."""
    async with serve(Limits(idle=0.2, stalled=0.2, rate=0.8)) as server, connected(server.port) as peer:
        await peer.associate()
        for _ in range(3):
            assert (await peer.store(ct_slice())).Status == 0


async def test_closing_tells_the_peers(serve: Serve) -> None:
    async with serve() as server, connected(server.port) as peer:
        await peer.associate()
        await server.close()
        assert await peer.aborted() == (0, 0)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", server.port)


async def test_a_taken_port_is_an_error(serve: Serve, engine: AsyncEngine, store: ObjectStore) -> None:
    async with serve() as server:
        with pytest.raises(OSError, match="in use"):
            await start_dimse(Index(engine), store, Intake(engine, store), _nobody, port=server.port)


async def _nobody(calling: str, called: str, address: str, certificate: bytes) -> Refusal:
    return Refusal(RefusalReason.CALLING_AE_TITLE_NOT_RECOGNIZED)


def find_and_get(port: int, slice_: Dataset, tls: ssl.SSLContext | None = None) -> tuple[int, list[bytes]]:
    """Through pynetdicom: how many studies C-FIND names, and what C-GET brings."""
    query, got = Dataset(), []
    query.QueryRetrieveLevel, query.StudyInstanceUID = "STUDY", slice_.StudyInstanceUID
    ae = RequestingEntity(ae_title="CLINIC1")
    for model in (FIND, GET, CTImageStorage):
        ae.add_requested_context(model)
    keep = [(evt.EVT_C_STORE, lambda event: got.append(event.request.DataSet.getvalue()) or 0)]
    role = [build_role(CTImageStorage, scp_role=True)]
    arguments = (tls, "localhost") if tls is not None else None
    association = ae.associate("127.0.0.1", port, ae_title="TELEMED", ext_neg=role, evt_handlers=keep, tls_args=arguments)
    assert association.is_established
    found = [each for status, each in association.send_c_find(query, FIND) if each is not None]
    statuses = [status.Status for status, _ in association.send_c_get(query, GET)]
    association.release()
    assert statuses[-1] == 0
    return len(found), got


async def test_queries_on_the_same_port_are_handed_off(serve: Serve) -> None:
    slice_ = ct_slice()
    async with serve() as server:
        async with connected(server.port) as peer:
            await peer.associate()
            assert (await peer.store(slice_)).Status == 0
        found, got = await asyncio.to_thread(find_and_get, server.port, slice_)
    assert (found, len(got)) == (1, 1)


async def test_responses_of_handed_off_associations_are_sent_at_once(serve: Serve) -> None:
    """A C-GET whose small packets wait for acknowledgements brings eleven instances a second."""
    async with serve() as server, connected(server.port) as peer:
        await peer.associate(contexts=[pdu.ProposedContext(1, FIND, ("1.2.840.10008.1.2",))])
        (association,) = server._threads.active_associations
        assert association.dul.socket.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_a_request_in_pieces_is_seen_whole(serve: Serve) -> None:
    """It is left on the socket until whoever serves it is known."""
    asked = request(contexts=[pdu.ProposedContext(1, FIND, ("1.2.840.10008.1.2",))]).encode()
    async with serve() as server:
        for cut in (3, 20, len(asked) - 1):
            async with connected(server.port) as peer:
                await peer.send(asked[:cut])
                await asyncio.sleep(0.05)
                await peer.send(asked[cut:])
                assert (await peer.pdu())[0] == pdu.PDUType.ASSOCIATE_AC


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


async def test_under_tls_all_is_served(serve: Serve, authority: Authority) -> None:
    """Storage here, queries through the relay; larger than any buffer on the way."""
    slice_ = ct_slice(Rows=1024, Columns=1024, PixelData=bytes(2 << 20))
    client = client_context(authority.file)
    async with serve(tls=server_context(authority.issue("server"))) as server:
        async with connected(server.port, client) as peer:
            await peer.associate()
            assert (await peer.store(slice_, fragment=60_000)).Status == 0
        found, got = await asyncio.to_thread(find_and_get, server.port, slice_, client)
        assert found == 1
        assert [len(each) > 2 << 20 for each in got] == [True]


async def test_under_mutual_tls_a_peer_shows_its_certificate(serve: Serve, authority: Authority, tmp_path: Path) -> None:
    stranger = Authority(tmp_path, "stranger")
    async with serve(tls=server_context(authority.issue("server"), authority.file)) as server:
        async with connected(server.port, client_context(authority.file, authority.issue("clinic1"))) as peer:
            await peer.associate()
            assert (await peer.store(ct_slice())).Status == 0
        for certificate in (None, stranger.issue("other")):
            with pytest.raises((ssl.SSLError, OSError, asyncio.IncompleteReadError)):
                async with connected(server.port, client_context(authority.file, certificate)) as peer:
                    await peer.associate()


async def test_plain_bytes_on_a_tls_port_end_the_connection(serve: Serve, authority: Authority) -> None:
    async with serve(tls=server_context(authority.issue("server"))) as server, connected(server.port) as peer:
        await peer.send(request().encode())
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await peer.associate()


@pytest.mark.skipif(shutil.which("storescu") is None, reason="dcmtk is not installed")
async def test_dcmtk_under_tls_and_out_of_order(serve: Serve, authority: Authority, tmp_path: Path) -> None:
    file, certificate = tmp_path / "slice.dcm", authority.issue("clinic1")
    file.write_bytes(part10_of(ct_slice()))
    async with serve(tls=server_context(authority.issue("server"), authority.file)) as server:
        peer = ("-aet", "CLINIC1", "-aec", "TELEMED", "127.0.0.1", str(server.port))
        tls = ("+tls", str(certificate), str(certificate), "+cf", str(authority.file))
        sent = await asyncio.to_thread(subprocess.run, ["storescu", *tls, *peer, str(file)], capture_output=True, text=True, check=False)
        assert sent.returncode == 0, sent.stderr
    async with serve() as server:
        peer = ("-aet", "CLINIC1", "-aec", "TELEMED", "127.0.0.1", str(server.port))
        ended = await asyncio.to_thread(subprocess.run, ["termscu", *peer], capture_output=True, text=True, check=False)
        assert ended.returncode != 0 or "refused" in ended.stderr.lower() or not ended.stderr  # nobody may switch us off
        echoed = await asyncio.to_thread(subprocess.run, ["echoscu", *peer], capture_output=True, text=True, check=False)
        assert echoed.returncode == 0, echoed.stderr


async def test_many_at_once_are_all_served(serve: Serve) -> None:
    """Sixty associations together, each with its own instances, none mixed up with another's."""

    async def one() -> None:
        async with connected(server.port) as peer:
            await peer.associate()
            for _ in range(3):
                slice_ = ct_slice()
                answer = await peer.store(slice_, fragment=333)
                assert (answer.Status, answer.AffectedSOPInstanceUID) == (0, slice_.SOPInstanceUID)

    async with serve() as server:
        await asyncio.gather(*(one() for _ in range(60)))


async def test_a_connection_reset_at_any_moment_does_no_harm(serve: Serve) -> None:
    whole = request().encode() + store_request(ct_slice())
    async with serve() as server:
        for end in range(0, len(whole), 37):
            with socket.create_connection(("127.0.0.1", server.port), 30) as rude:
                rude.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # close with a reset
                rude.sendall(whole[:end])
            await asyncio.sleep(0)
        async with connected(server.port) as peer:
            await peer.associate()
            assert (await peer.store(ct_slice())).Status == 0
