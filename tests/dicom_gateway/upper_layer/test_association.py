"""Associations as a peer sees them: what is answered to which bytes, however these are cut."""

from __future__ import annotations

import asyncio
import os
import struct
import zlib
from collections.abc import AsyncIterator

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.uid import CTImageStorage, DeflatedExplicitVRLittleEndian, MRImageStorage, SecondaryCaptureImageStorage

from dicom_gateway.upper_layer import commands, pdu
from dicom_gateway.upper_layer.pdu import AbortReason, ProposedContext
from tests.dicom_gateway.conftest import Gateway, parts_of
from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.dicom_gateway.peer import (
    CONTEXTS,
    CT,
    ECHO,
    LITTLE_ENDIAN,
    VERIFICATION,
    Peer,
    connected,
    data_pdus,
    encoded,
    request,
    store_request,
)
from tests.dicom_gateway.test_doors import AS_SENT, body_of, get, qido
from tests.patience import TIMES


@pytest.fixture
async def peer(gateway: Gateway) -> AsyncIterator[Peer]:
    async with connected(gateway.dimse.port) as made:
        yield made


async def kept(gateway: Gateway, http: aiohttp.ClientSession, uid: str) -> bytes:
    """The data set of the one instance `uid` that is found."""
    (found,) = await qido(http, gateway, f"/instances?SOPInstanceUID={uid}")
    study, series = found["0020000D"]["Value"][0], found["0020000E"]["Value"][0]
    status, content, headers = await get(http, gateway, f"/studies/{study}/series/{series}/instances/{uid}", **AS_SENT)
    assert status == 200
    ((_, part),) = parts_of(content, headers["Content-Type"])
    return body_of(part)


async def test_echo_store_release(gateway: Gateway, http: aiohttp.ClientSession, peer: Peer) -> None:
    accepted = await peer.associate()
    assert [(c.id, c.result) for c in accepted.contexts] == [(CT, 0), (ECHO, 0)]
    echoed = await peer.echo()
    assert (echoed.CommandField, echoed.Status, echoed.MessageIDBeingRespondedTo) == (0x8030, 0, 7)
    slice_ = ct_slice()
    stored = await peer.store(slice_)
    assert (stored.CommandField, stored.Status, stored.AffectedSOPInstanceUID) == (0x8001, 0, slice_.SOPInstanceUID)
    assert await kept(gateway, http, slice_.SOPInstanceUID) == encoded(slice_)
    await peer.send(pdu.RELEASE_RQ)
    assert await peer.pdu() == (pdu.PDUType.RELEASE_RP, bytes(4))


async def send_in_pieces(peer: Peer, content: bytes, piece: int) -> None:
    for begin in range(0, len(content), piece):
        await peer.send(content[begin : begin + piece])
        await asyncio.sleep(0)  # the gateway, on the same loop, may take it


@pytest.mark.parametrize("piece", [1, 7, 100])
async def test_bytes_may_come_in_any_pieces(gateway: Gateway, http: aiohttp.ClientSession, peer: Peer, piece: int) -> None:
    slice_ = ct_slice()
    await send_in_pieces(peer, request().encode(), piece)
    assert (await peer.pdu())[0] == pdu.PDUType.ASSOCIATE_AC
    await send_in_pieces(peer, store_request(slice_, fragment=97) + pdu.RELEASE_RQ, piece)
    assert (await peer.response()).Status == 0
    assert (await peer.pdu())[0] == pdu.PDUType.RELEASE_RP
    assert await kept(gateway, http, slice_.SOPInstanceUID) == encoded(slice_)


async def test_what_is_sent_ahead_is_answered_in_turn(gateway: Gateway, peer: Peer) -> None:
    """One operation at a time is negotiated; a peer that does not keep to it is served all the same."""
    await peer.associate()
    slices = [ct_slice() for _ in range(400)]  # far more than the buffer holds
    sending = asyncio.create_task(peer.send(b"".join(store_request(each) for each in slices)))
    uids = [(await peer.response()).AffectedSOPInstanceUID for _ in slices]
    await sending
    assert uids == [each.SOPInstanceUID for each in slices]


async def test_several_fragments_in_one_pdu(gateway: Gateway, http: aiohttp.ClientSession, peer: Peer) -> None:
    await peer.associate()
    slice_ = ct_slice()
    content = encoded(slice_)
    command = commands.encode_request(CT, commands.C_STORE_RQ, 1, CTImageStorage, slice_.SOPInstanceUID, has_data_set=True)
    values = [data_pdus(content[:100])[6:], data_pdus(content[100:])[6:]]
    first = bytearray(values[0])
    first[5] = 0  # not the last fragment
    body = bytes(command[6:]) + bytes(first) + values[1]
    await peer.send(pdu.HEAD.pack(pdu.PDUType.P_DATA_TF, len(body)) + body)
    assert (await peer.response()).Status == 0
    assert await kept(gateway, http, slice_.SOPInstanceUID) == content


STATUSES = {
    "another class than the context's": (store_request(b"x" * 20, sop_class=MRImageStorage, instance="1.2.3"), 0x0122),
    "no instance UID": (store_request(b"x" * 20, instance=" "), 0x0117),
    "not DICOM": (store_request(os.urandom(5000), instance="1.2.3"), 0xC000),
    "another instance than announced": (store_request(encoded(ct_slice()), instance="1.2.3.4"), 0xA900),
    "no study": (store_request(ct_slice(StudyInstanceUID=None)), 0xA900),
    "cut off": (store_request(encoded(ct_slice(SOPInstanceUID="1.2.9"))[:-11], instance="1.2.9"), 0xC000),
    "empty": (store_request(b"", instance="1.2.3"), 0xA900),
    "no data set": (commands.encode_request(CT, commands.C_STORE_RQ, 1, CTImageStorage, "1.2.3"), 0x0212),
    "another operation": (commands.encode_request(CT, 0x0020, 1, CTImageStorage, has_data_set=True) + data_pdus(b"x" * 8), 0x0211),
    "store where echo is agreed": (store_request(b"x" * 8, context=ECHO, sop_class=VERIFICATION, instance="1.2"), 0x0211),
}


@pytest.mark.parametrize("name", STATUSES)
async def test_what_is_refused_is_told_why_and_the_association_goes_on(gateway: Gateway, peer: Peer, name: str) -> None:
    sent, status = STATUSES[name]
    await peer.associate()
    await peer.send(sent)
    answer = await peer.response()
    assert answer.Status == status, answer
    assert answer.ErrorComment
    assert (await peer.echo()).Status == 0
    assert (await peer.store(ct_slice())).Status == 0


async def test_repeats_are_success_and_other_content_is_a_warning(gateway: Gateway, http: aiohttp.ClientSession, peer: Peer) -> None:
    await peer.associate()
    slice_ = ct_slice()
    first = encoded(slice_)
    assert [(await peer.store(slice_)).Status for _ in range(2)] == [0, 0]
    slice_.PatientName = "Other"
    assert [(await peer.store(slice_)).Status for _ in range(2)] == [0xB000, 0xB000]
    assert await kept(gateway, http, slice_.SOPInstanceUID) == first
    assert (await peer.store(slice_)).Status == 0xB000  # and now that the index knows it
    await qido(http, gateway, "/studies")
    assert [i.recorded.value for i in gateway.hooked] == ["new", "duplicate", "conflict", "repeated conflict", "repeated conflict"]
    assert len([key async for key in gateway.store.list()]) == 2


async def test_the_same_instance_over_many_associations_at_once_is_kept_once(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    slices = [ct_slice() for _ in range(5)]

    async def store_all() -> list[int]:
        async with connected(gateway.dimse.port) as one:
            await one.associate()
            return [(await one.store(each)).Status for each in slices]

    statuses = await asyncio.gather(*(store_all() for _ in range(8)))
    assert {status for each in statuses for status in each} == {0}
    assert len(await qido(http, gateway, "/instances")) == len([key async for key in gateway.store.list()]) == 5


async def test_a_large_object_flows_through(gateway: Gateway, http: aiohttp.ClientSession, peer: Peer) -> None:
    """Larger than what is gathered in memory: kept whole, the next one too."""
    await peer.associate()
    slice_ = ct_slice(Rows=2400, Columns=2400, PixelData=os.urandom(2400 * 2400 * 2))
    slice_["PixelData"].VR = "OW"
    assert (await peer.store(slice_, fragment=120_000)).Status == 0
    assert (await peer.store(ct_slice())).Status == 0
    assert await kept(gateway, http, slice_.SOPInstanceUID) == encoded(slice_)


async def test_deflated_objects_are_kept_deflated(gateway: Gateway, http: aiohttp.ClientSession, peer: Peer) -> None:
    await peer.associate(contexts=[ProposedContext(1, str(CTImageStorage), (str(DeflatedExplicitVRLittleEndian),))])
    slice_ = ct_slice()
    machine = zlib.compressobj(wbits=-15)
    content = machine.compress(encoded(slice_)) + machine.flush()
    content += b"\0" * (len(content) % 2)
    await peer.send(store_request(content, instance=slice_.SOPInstanceUID))
    assert (await peer.response()).Status == 0
    assert await kept(gateway, http, slice_.SOPInstanceUID) == content


BROKEN = {
    "no PDU type": (b"\x09\0\0\0\0\4\0\0\0\0", AbortReason.UNRECOGNIZED_PDU),
    "a PDU of 4 GB": (b"\4\0\xff\xff\xff\xff", AbortReason.INVALID_PARAMETER_VALUE),
    "a long release": (b"\5\0\0\0\0\5\0\0\0\0\0", AbortReason.INVALID_PARAMETER_VALUE),
    "a second request": (request().encode(), AbortReason.UNEXPECTED_PDU),
    "a context not agreed": (store_request(b"x", context=9, instance="1.2"), AbortReason.INVALID_PARAMETER_VALUE),
    "a value past its PDU": (b"\4\0\0\0\0\6" + struct.pack(">IBB", 100, 1, 3), AbortReason.INVALID_PARAMETER_VALUE),
    "a value of no length": (b"\4\0\0\0\0\6" + struct.pack(">IBB", 0, 1, 3), AbortReason.INVALID_PARAMETER_VALUE),
    "data without a command": (data_pdus(b"x" * 10), AbortReason.UNEXPECTED_PARAMETER),
    "two commands": (
        commands.encode_request(CT, commands.C_STORE_RQ, 1, CTImageStorage, "1.2", has_data_set=True) * 2,
        AbortReason.UNEXPECTED_PARAMETER,
    ),
    "a response": (commands.encode_request(CT, 0x8001, 1, CTImageStorage), AbortReason.UNEXPECTED_PARAMETER),
    "an endless command": (commands.data_pdu(CT, bytes(9000), command=True, last=False) * 2, AbortReason.INVALID_PARAMETER_VALUE),
    "a command that is none": (commands.data_pdu(CT, b"abc", command=True), AbortReason.INVALID_PARAMETER_VALUE),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_bytes_that_break_the_protocol_end_the_association_alone(gateway: Gateway, peer: Peer, name: str) -> None:
    sent, reason = BROKEN[name]
    await peer.associate()
    await peer.send(sent)
    source, told = await peer.aborted()
    assert (source, told) == (2, reason)
    async with connected(gateway.dimse.port) as other:
        await other.associate()
        assert (await other.echo()).Status == 0


@pytest.mark.parametrize("sent", [b"GET / HTTP/1.1\r\n\r\n", b"\4\0\0\0\0\0", b"\1\0\xff\xff\xff\xff", b"\1\0\0\0\0\4abcd"])
async def test_a_connection_without_a_request_is_ended(gateway: Gateway, peer: Peer, sent: bytes) -> None:
    await peer.send(sent)
    await peer.aborted()


async def test_an_object_broken_off_is_not_kept(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    whole, begun = ct_slice(), store_request(ct_slice())
    for ending in (b"", pdu.abort(pdu.AbortSource.USER), pdu.RELEASE_RQ):
        async with connected(gateway.dimse.port) as peer:
            await peer.associate()
            await peer.send(begun[: -len(begun) // 2] + ending)
            if not ending:
                peer.writer.write_eof()
    async with connected(gateway.dimse.port) as peer:
        await peer.associate()
        await peer.store(whole)
    assert len(await qido(http, gateway, "/instances")) == 1


async def test_a_large_object_broken_off_leaves_nothing(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    async with connected(gateway.dimse.port) as peer:
        await peer.associate()
        begin = store_request(bytes(30 << 20), fragment=120_000, instance="1.2.3")
        await peer.send(begin[: 20 << 20])
    async with connected(gateway.dimse.port) as peer:
        await peer.associate()
        assert (await peer.store(ct_slice())).Status == 0
    assert len(await qido(http, gateway, "/instances")) == 1
    assert len([key async for key in gateway.store.list()]) == 1


async def test_a_cancel_is_passed_over(gateway: Gateway, peer: Peer) -> None:
    await peer.associate()
    await peer.send(commands.encode_request(CT, commands.C_CANCEL_RQ, 1, CTImageStorage))
    assert (await peer.store(ct_slice())).Status == 0


async def test_a_class_not_agreed_with_others_agreed(gateway: Gateway, peer: Peer) -> None:
    """What is neither stored nor served is refused for itself; the rest is served."""
    print_ = ProposedContext(5, "1.2.840.10008.5.1.1.9", (LITTLE_ENDIAN,))
    capture = ProposedContext(7, str(SecondaryCaptureImageStorage), ("1.2.840.10008.1.2.4.999", LITTLE_ENDIAN))
    accepted = await peer.associate(contexts=[*CONTEXTS, print_, capture])
    assert [(c.id, c.result) for c in accepted.contexts] == [(1, 0), (3, 0), (5, 3), (7, 0)]
    assert accepted.contexts[3].transfer_syntax == "1.2.840.10008.1.2.4.999"


SESSION = store_request(ct_slice(), fragment=300) + store_request(ct_slice(), fragment=5000) + pdu.RELEASE_RQ
CHANGES = st.tuples(st.sampled_from(["byte", "cut", "double", "front"]), st.integers(0, len(SESSION)), st.integers(1, 2000))


def changed(session: bytes, change: str, begin: int, length: int) -> bytes:
    end = begin + length
    if change == "byte":
        return session[:begin] + bytes([length % 256]) + session[begin + 1 :]
    if change == "cut":
        return session[:begin] + session[end:]
    if change == "double":
        return session[:end] + session[begin:]
    return session[begin:end] + session[:begin] + session[end:]


@given(changes=st.lists(CHANGES, min_size=1, max_size=4))
@settings(max_examples=60 * TIMES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_comes_the_port_serves_the_next(gateway: Gateway, changes: list[tuple[str, int, int]]) -> None:
    """A good session with bytes changed, pieces cut out, doubled or brought forward: an end in any case, and only its own."""
    session = SESSION
    for change in changes:
        session = changed(session, *change)
    async with connected(gateway.dimse.port) as peer:
        await peer.associate()
        peer.writer.write(session)
        peer.writer.write_eof()
        async with asyncio.timeout(30):
            await _everything(peer)
    async with connected(gateway.dimse.port) as peer:
        await peer.associate()
        assert (await peer.echo()).Status == 0


async def _everything(peer: Peer) -> bytes:
    try:
        return await peer.reader.read()
    except ConnectionResetError:
        return b""


async def test_part10_files_hold_what_came(gateway: Gateway, http: aiohttp.ClientSession, peer: Peer) -> None:
    """The file meta information is ours, the data set theirs."""
    await peer.associate()
    slice_ = ct_slice()
    assert (await peer.store(slice_)).Status == 0
    assert body_of(part10_of(slice_)) == await kept(gateway, http, slice_.SOPInstanceUID)
