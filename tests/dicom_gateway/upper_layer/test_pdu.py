"""PDUs there and back, with pynetdicom at the other end; and bytes that are none."""

from __future__ import annotations

import contextlib
import re
from io import BytesIO
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import build_context
from pynetdicom.dimse_messages import C_ECHO_RQ, C_STORE_RQ
from pynetdicom.dimse_primitives import C_ECHO, C_STORE
from pynetdicom.dsutils import decode
from pynetdicom.pdu import A_ABORT_RQ, A_ASSOCIATE_AC, A_ASSOCIATE_RJ, A_ASSOCIATE_RQ, A_RELEASE_RP, P_DATA_TF
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    AsynchronousOperationsWindowNegotiation,
    ImplementationClassUIDNotification,
    ImplementationVersionNameNotification,
    MaximumLengthNotification,
    SCP_SCU_RoleSelectionNegotiation,
    UserIdentityNegotiation,
)

from dicom_gateway.upper_layer import commands, pdu
from dicom_gateway.upper_layer.pdu import (
    AbortReason,
    AbortSource,
    AnsweredContext,
    AssociateAccept,
    AssociateRequest,
    MalformedPDU,
    ProposedContext,
    Roles,
    UserInformation,
)

UIDS = st.builds(lambda parts: ".".join(map(str, parts))[:64].strip("."), st.lists(st.integers(0, 99999), min_size=2, max_size=12))
TITLES = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="\\"), min_size=1, max_size=16)
USERS = st.builds(
    UserInformation,
    maximum_length=st.integers(0, 2**32 - 1),
    implementation_class_uid=UIDS,
    implementation_version_name=TITLES,
    operations=st.none() | st.tuples(st.integers(0, 65535), st.integers(0, 65535)),
    roles=st.lists(st.builds(Roles, UIDS, st.booleans(), st.booleans()), max_size=3).map(tuple),
)
CONTEXTS = st.lists(st.tuples(UIDS, st.lists(UIDS, min_size=1, max_size=4)), min_size=1, max_size=8).map(
    lambda each: tuple(ProposedContext(2 * n + 1, abstract, tuple(transfer)) for n, (abstract, transfer) in enumerate(each))
)
REQUESTS = st.builds(AssociateRequest, TITLES, TITLES, CONTEXTS, USERS)


@given(REQUESTS)
def test_a_request_comes_back(request: AssociateRequest) -> None:
    encoded = request.encode()
    assert pdu.HEAD.unpack_from(encoded) == (1, len(encoded) - 6)
    assert pdu.decode_request(encoded[6:]) == request


@given(REQUESTS)
def test_pynetdicom_reads_a_request_as_it_was_meant(request: AssociateRequest) -> None:
    read = A_ASSOCIATE_RQ()
    read.decode(request.encode())
    assert (read.calling_ae_title, read.called_ae_title) == (request.calling, request.called)
    contexts = [(c.context_id, c.abstract_syntax, tuple(c.transfer_syntax)) for c in read.presentation_context]
    assert contexts == [(c.id, c.abstract_syntax, c.transfer_syntaxes) for c in request.contexts]
    assert read.user_information.maximum_length == request.user.maximum_length
    assert read.encode() == request.encode()


@given(st.lists(st.tuples(UIDS, st.integers(0, 4)), min_size=1, max_size=8), USERS)
def test_an_accept_comes_back_and_pynetdicom_reads_it(answers: list[tuple[str, int]], user: UserInformation) -> None:
    contexts = tuple(AnsweredContext(2 * n + 1, result, syntax) for n, (syntax, result) in enumerate(answers))
    accept = AssociateAccept("HERE", "THERE", contexts, user)
    assert pdu.decode_accept(accept.encode()[6:]) == accept
    read = A_ASSOCIATE_AC()
    read.decode(accept.encode())
    found = [(c.context_id, c.result, c.transfer_syntax) for c in read.presentation_context]
    assert [(c, r, s) for c, r, s in found if not r] == [(c.id, c.result, c.transfer_syntax) for c in contexts if not c.result]
    assert len(found) == len(contexts)


def pynetdicom_request() -> A_ASSOCIATE:
    primitive = A_ASSOCIATE()
    primitive.application_context_name = "1.2.840.10008.3.1.1.1"
    primitive.calling_ae_title, primitive.called_ae_title = "CALLING", "CALLED"
    context = build_context(CTImageStorage, [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
    context.context_id = 1
    primitive.presentation_context_definition_list = [context]
    length, class_uid, name = MaximumLengthNotification(), ImplementationClassUIDNotification(), ImplementationVersionNameNotification()
    length.maximum_length_received, class_uid.implementation_class_uid, name.implementation_version_name = 16382, "1.2.3.4", "V1"
    window, role, identity = AsynchronousOperationsWindowNegotiation(), SCP_SCU_RoleSelectionNegotiation(), UserIdentityNegotiation()
    window.maximum_number_operations_invoked, window.maximum_number_operations_performed = 5, 3
    role.sop_class_uid, role.scu_role, role.scp_role = CTImageStorage, False, True
    identity.user_identity_type, identity.primary_field, identity.secondary_field = 2, b"somebody", b"secret"
    primitive.user_information = [length, class_uid, name, window, role, identity]
    return primitive


def test_what_pynetdicom_asks_for_is_understood() -> None:
    asked = A_ASSOCIATE_RQ()
    asked.from_primitive(pynetdicom_request())
    assert pdu.decode_request(asked.encode()[6:]) == AssociateRequest(
        "CALLED",
        "CALLING",
        (ProposedContext(1, str(CTImageStorage), (str(ExplicitVRLittleEndian), str(ImplicitVRLittleEndian))),),
        UserInformation(16382, "1.2.3.4", "V1", (5, 3), (Roles(str(CTImageStorage), scu=False, scp=True),)),
    )


@given(st.data())
def test_bytes_that_are_no_request_are_refused_in_one_way(data: st.DataObject) -> None:
    """Changed, cut off, or made of nothing: a request, or `MalformedPDU`."""
    body = bytearray(data.draw(REQUESTS).encode()[6:])
    for place in data.draw(st.lists(st.integers(0, len(body) - 1), max_size=8)):
        body[place] = data.draw(st.integers(0, 255))
    body = body[: data.draw(st.integers(0, len(body)))] + data.draw(st.binary(max_size=20))
    for decode_any in (pdu.decode_request, pdu.decode_accept):
        with contextlib.suppress(MalformedPDU):
            decode_any(bytes(body))


@pytest.mark.parametrize(
    "contexts",
    [
        (ProposedContext(1, "1.2", ("1.3",)), ProposedContext(1, "1.4", ("1.3",))),
        (ProposedContext(2, "1.2", ("1.3",)),),
        (ProposedContext(1, "1." * 33, ("1.3",)),),
        (ProposedContext(1, "1.2", ("1.3",) * 513),),
    ],
    ids=["ID twice", "even ID", "UID too long", "too many transfer syntaxes"],
)
def test_contexts_that_break_the_rules_are_refused(contexts: tuple[ProposedContext, ...]) -> None:
    with pytest.raises(MalformedPDU):
        pdu.decode_request(AssociateRequest("A", "B", contexts).encode()[6:])


def test_the_short_ones_are_those_of_pynetdicom() -> None:
    rejected = A_ASSOCIATE_RJ()
    rejected.decode(pdu.reject(1, 1, 7))
    assert (rejected.result, rejected.source, rejected.reason_diagnostic) == (1, 1, 7)
    aborted = A_ABORT_RQ()
    aborted.decode(pdu.abort(AbortSource.PROVIDER, AbortReason.UNEXPECTED_PDU))
    assert (aborted.source, aborted.reason_diagnostic) == (2, 2)
    assert A_RELEASE_RP().encode() == pdu.RELEASE_RP


def primitive_store(uid: str, message_id: int) -> C_STORE:
    primitive = C_STORE()
    primitive.MessageID, primitive.Priority = message_id, 2
    primitive.AffectedSOPClassUID, primitive.AffectedSOPInstanceUID = CTImageStorage, uid
    primitive.MoveOriginatorApplicationEntityTitle, primitive.MoveOriginatorMessageID = "MOVER", 9
    primitive.DataSet = BytesIO(b"\x08\x00\x05\x00\x00\x00\x00\x00")
    return primitive


def command_bytes(primitive: Any, message: Any) -> bytes:
    """The command set as pynetdicom would send it."""
    message.primitive_to_message(primitive)
    first = next(iter(message.encode_msg(1, 16382)))
    content: bytes = first.presentation_data_value_list[0][1]
    return content[1:]


@given(UIDS.filter(lambda uid: all(part == "0" or not part.startswith("0") for part in uid.split("."))), st.integers(0, 65535))
def test_commands_of_pynetdicom_are_understood(uid: str, message_id: int) -> None:
    stored = commands.decode_command(command_bytes(primitive_store(uid, message_id), C_STORE_RQ()))
    assert stored == commands.Command(
        commands.C_STORE_RQ, message_id, has_data_set=True, sop_class_uid=CTImageStorage, sop_instance_uid=uid
    )
    echo = C_ECHO()
    echo.MessageID, echo.AffectedSOPClassUID = message_id, "1.2.840.10008.1.1"
    found = commands.decode_command(command_bytes(echo, C_ECHO_RQ()))
    assert found == commands.Command(
        commands.C_ECHO_RQ, message_id, has_data_set=False, sop_class_uid="1.2.840.10008.1.1", sop_instance_uid=""
    )


@given(UIDS, st.integers(0, 65535), st.integers(0, 65535), st.text(max_size=100))
@example("1.2", 1, 0xC000, "\x1bA\x1b")
def test_pynetdicom_reads_our_responses(uid: str, message_id: int, status: int, comment: str) -> None:
    command = commands.Command(commands.C_STORE_RQ, message_id, has_data_set=True, sop_class_uid=CTImageStorage, sop_instance_uid=uid)
    read = P_DATA_TF()
    read.decode(commands.encode_response(3, command, status, comment))
    (item,) = read.presentation_data_value_items
    assert item.presentation_context_id == 3
    assert item.message_control_header_byte == "00000011"
    found = decode(BytesIO(item.presentation_data_value[1:]), True, True)
    assert (found.CommandField, found.MessageIDBeingRespondedTo, found.Status) == (0x8001, message_id, status)
    assert (found.AffectedSOPInstanceUID, found.CommandDataSetType) == (uid, 0x0101)
    assert re.fullmatch(r"[ -\[\]-~]{0,64}", found.get("ErrorComment", ""))
    length = len(item.presentation_data_value[1:]) - 12
    assert found.CommandGroupLength == length


@given(st.binary(max_size=200))
def test_bytes_that_are_no_command_are_refused_in_one_way(content: bytes) -> None:
    with contextlib.suppress(MalformedPDU):
        commands.decode_command(content)
