"""Limits on what a peer may send, each met exactly, just kept and just passed: one table for functions, one for the wire."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import generate_uid

from dicom_gateway import assembly, commitment, scanner
from dicom_gateway.dimse import identifier, retrieve
from dicom_gateway.dimse import matching as over_data_sets
from dicom_gateway.errors import UnreadableDICOM
from dicom_gateway.index import BadQuery, Match, attribute_named, paths
from dicom_gateway.index import matching as over_the_index
from dicom_gateway.native_xml import MAX_DEPTH as MAX_XML_DEPTH
from dicom_gateway.native_xml import BadModel, from_xml
from dicom_gateway.upper_layer import commands, negotiation, pdu, sender
from dicom_gateway.upper_layer.pdu import AssociateRequest, MalformedPDU, ProposedContext
from tests.dicom_gateway.conftest import Gateway
from tests.dicom_gateway.devices import StorageProvider
from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.dicom_gateway.peer import ECHO, LITTLE_ENDIAN, VERIFICATION, Peer, connected, encoded, request, store_request
from tests.dicom_gateway.test_retrieve import fill, move, study_keys


def index_key(keyword: str, values: tuple[str, ...]) -> object:
    attribute = attribute_named(keyword)
    assert attribute is not None
    return over_the_index.condition(Match(attribute, values), "sqlite")


def of_length(keyword: str, length: int) -> Dataset:
    keys = Dataset()
    setattr(keys, keyword, "a" * length)
    return keys


def nested(depth: int) -> Dataset:
    """Keys with `depth` sequences within each other."""
    keys = Dataset()
    keys.PatientID = "1"
    for _ in range(depth):
        outer = Dataset()
        outer.ScheduledProcedureStepSequence = Sequence([keys])
        keys = outer
    return keys


def asks_to_commit(instances: int) -> Dataset:
    item, information = Dataset(), Dataset()
    item.ReferencedSOPClassUID = item.ReferencedSOPInstanceUID = "1.2.3"
    information.TransactionUID, information.ReferencedSOPSequence = "1.2", Sequence([item] * instances)
    return information


def object_nested(depth: int) -> bytes:
    """A file with `depth` sequences of undefined length within each other: the others need not be looked into."""
    whole = part10_of(ct_slice())
    meta = whole[: whole.index(b"\x08\x00\x05\x00")]
    begin = struct.pack("<HH2sHI", 0x0009, 0x1001, b"SQ", 0, scanner.UNDEFINED) + struct.pack("<HHI", 0xFFFE, 0xE000, scanner.UNDEFINED)
    end = struct.pack("<HHI", 0xFFFE, 0xE00D, 0) + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    return meta + begin * depth + end * depth


def xml_nested(depth: int) -> bytes:
    """A native model with `depth` sequences within each other."""
    opened = '<DicomAttribute tag="00081110" vr="SQ"><Item number="1">' * depth
    return f'<NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM">{opened}{"</Item></DicomAttribute>" * depth}</NativeDicomModel>'.encode()


def proposes(transfer_syntaxes: int) -> bytes:
    context = ProposedContext(1, VERIFICATION, tuple(f"1.2.{number}" for number in range(transfer_syntaxes)))
    return AssociateRequest("TELEMED", "CLINIC1", (context,)).encode()[pdu.HEAD.size :]


# Limit -> (its value, what is done with a value, the error past it).
FUNCTIONS: dict[str, tuple[int, Callable[[int], object], type[Exception]]] = {
    "values of a key": (over_the_index.MAX_LIST, lambda n: index_key("SOPInstanceUID", ("1.2",) * n), BadQuery),
    "characters of a key": (over_the_index.MAX_PATTERN, lambda n: index_key("PatientID", ("a" * n,)), BadQuery),
    "steps of a path": (paths.MAX_STEPS, lambda n: paths.path_of(".".join(["00081110"] * n)), BadQuery),
    "characters of a worklist key": (over_data_sets.MAX_PATTERN, lambda n: over_data_sets.check(of_length("PatientComments", n)), BadQuery),
    "sequences of worklist keys": (over_data_sets.MAX_DEPTH, lambda n: over_data_sets.check(nested(n)), BadQuery),
    "instances to commit": (commitment.MAX_INSTANCES, lambda n: commitment.instances_of(asks_to_commit(n)), commitment.BadRequest),
    "objects of a request": (assembly.MAX_OBJECTS, lambda n: assembly.read_metadata([(f"[{','.join(['{}'] * n)}]".encode(), False)]), BadModel),
    "sequences of an object": (scanner.MAX_DEPTH, lambda n: scanner.scan(object_nested(n)), UnreadableDICOM),
    "sequences of a model": (MAX_XML_DEPTH, lambda n: from_xml(xml_nested(n)), BadModel),
    "transfer syntaxes of a context": (pdu.MAX_TRANSFER_SYNTAXES, lambda n: pdu.decode_request(proposes(n)), MalformedPDU),
    "characters of a UID": (64, lambda n: commands.is_uid("1" * n) or _refuse(), ValueError),
}  # fmt: skip


def _refuse() -> None:
    raise ValueError


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_is_given_is_taken_up_to_the_limit(name: str) -> None:
    limit, use, refusal = FUNCTIONS[name]
    use(limit - 1)
    use(limit)
    with pytest.raises(refusal):
        use(limit + 1)


@pytest.mark.parametrize("side", [-1, 0, 1])
def test_a_request_to_commit_has_instances(side: int) -> None:
    """Of none there is nothing to say."""
    if side < 1:
        with pytest.raises(commitment.BadRequest):
            commitment.instances_of(asks_to_commit(max(side, 0)))
    else:
        assert len(commitment.instances_of(asks_to_commit(side))[1]) == 1


# The wire


@pytest.fixture
async def peer(gateway: Gateway) -> AsyncIterator[Peer]:
    async with connected(gateway.dimse.port) as made:
        yield made


async def associates(peer: Peer, size: int) -> int:
    """With a request whose body has `size` bytes, filled up with items that nobody knows. The type of the answer."""
    body = request().encode()[pdu.HEAD.size :]
    while (missing := size - len(body)) > 0:
        length = min(missing, 60_000) - 4
        length -= 8 if 0 < missing - length - 4 < 4 else 0  # what is left has to hold an item's head
        body += struct.pack(">BxH", 0x99, length) + bytes(length)
    await peer.send(pdu.HEAD.pack(pdu.PDUType.ASSOCIATE_RQ, size) + body)
    return (await peer.pdu())[0]


async def sends_data(peer: Peer, size: int) -> int:
    """In a P-DATA-TF of `size` bytes, and the rest of the object in another."""
    await peer.associate()
    content = encoded(ct_slice(Rows=400, Columns=400, PixelData=bytes(320_000)))
    await peer.send(store_request(content, fragment=size - 6))
    return (await peer.pdu())[0]


async def sends_command(peer: Peer, size: int) -> int:
    """C-ECHO in a command set of `size` bytes, filled up with an element that nobody knows."""
    await peer.associate()
    command = commands.encode_request(ECHO, commands.C_ECHO_RQ, 7, VERIFICATION)[pdu.HEAD.size + 6 :]
    filled = command + struct.pack("<HHI", 0, 0x5110, size - len(command) - 8) + bytes(size - len(command) - 8)
    await peer.send(commands.data_pdu(ECHO, filled, command=True))
    return (await peer.pdu())[0]


WIRE: dict[str, tuple[int, Callable[[Peer, int], Awaitable[int]], pdu.PDUType]] = {
    "bytes of a request": (pdu.MAX_ASSOCIATE, associates, pdu.PDUType.ASSOCIATE_AC),
    "bytes of a P-DATA-TF": (negotiation.MAX_PDU, sends_data, pdu.PDUType.P_DATA_TF),
    "bytes of a command set": (commands.MAX_COMMAND, sends_command, pdu.PDUType.P_DATA_TF),
}


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("side", [-1, 0, 1])
@pytest.mark.parametrize("name", WIRE)
async def test_what_comes_is_taken_up_to_the_limit(peer: Peer, name: str, side: int) -> None:
    """Past it the association is aborted."""
    limit, send, answer = WIRE[name]
    assert await send(peer, limit + side) == (pdu.PDUType.ABORT if side > 0 else answer)


# What we send


@pytest.mark.parametrize("side", [-1, 0, 1])
def test_a_request_of_ours_has_as_many_contexts_as_one_may_have(side: int) -> None:
    """128 (PS3.8 9.3.2.2): native forms first, and what does not fit is left out."""
    kinds = [(f"1.2.{number}", LITTLE_ENDIAN) for number in range(sender.MAX_CONTEXTS + side)]
    found = sender.proposals(kinds)
    assert len(found) == sender.MAX_CONTEXTS + min(side, 0)
    assert max(context.id for context in found) <= 255


@pytest.mark.parametrize("length", [63, 64, 65])
def test_a_comment_is_cut_to_what_the_element_holds(length: int) -> None:
    assert commands.comment_of("a" * length) == "a" * min(length, 64)


@pytest.mark.parametrize("before", [30, 31, 32])
def test_so_many_keys_of_a_sequence_are_looked_at(before: int) -> None:
    """32 of one item; what stands behind them is not matched."""
    item = Dataset()
    for number in range(before):
        item.add_new(0x00090010 + number, "LO", "")
    item.RequestedProcedureID = "R1"
    keys: Any = Dataset()
    keys.QueryRetrieveLevel, keys.RequestAttributesSequence = "SERIES", Sequence([item])
    assert [match.values for match in identifier.query_of(keys).matches] == ([("R1",)] if before < 32 else [])


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("count", [2, 3, 4])
async def test_a_retrieval_has_as_many_sub_operations_as_can_be_counted(
    gateway: Gateway, destination: StorageProvider, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """Three here: with the true number, that of an unsigned short (PS3.7 9.3.3), it would take an hour."""
    assert retrieve.MAX_RETRIEVE == 0xFFFF
    monkeypatch.setattr(retrieve, "MAX_RETRIEVE", 3)
    study = generate_uid()
    await fill(gateway, "CLINIC1", study, count)
    (end, _), *_ = reversed(await move(gateway, study_keys(study)))
    assert (end.Status, len(destination.received)) == ((0, count) if count <= 3 else (0xA701, 0))
