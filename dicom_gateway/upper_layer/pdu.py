"""Protocol data units of the upper layer, to and from bytes (PS3.8 section 9.3). Whatever the bytes are, decoding raises
nothing but `MalformedPDU`."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum

HEAD = struct.Struct(">BxI")  # type, reserved, length of what follows
APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"
MAX_ASSOCIATE = 256 << 10  # bytes of an A-ASSOCIATE-RQ: 128 contexts with forty transfer syntaxes each stay below
MAX_TRANSFER_SYNTAXES = 512  # of one presentation context
_ITEM = struct.Struct(">BxH")
_FIXED = struct.Struct(">H2x16s16s32x")  # protocol version, called and calling AE title


class PDUType(IntEnum):
    """PS3.8 9.3.1."""

    ASSOCIATE_RQ = 1
    ASSOCIATE_AC = 2
    ASSOCIATE_RJ = 3
    P_DATA_TF = 4
    RELEASE_RQ = 5
    RELEASE_RP = 6
    ABORT = 7


class _Item(IntEnum):
    APPLICATION_CONTEXT = 0x10
    CONTEXT_RQ = 0x20
    CONTEXT_AC = 0x21
    ABSTRACT_SYNTAX = 0x30
    TRANSFER_SYNTAX = 0x40
    USER_INFORMATION = 0x50
    MAXIMUM_LENGTH = 0x51
    IMPLEMENTATION_CLASS_UID = 0x52
    ASYNCHRONOUS_OPERATIONS = 0x53
    ROLE_SELECTION = 0x54
    IMPLEMENTATION_VERSION_NAME = 0x55


class AbortSource(IntEnum):
    """PS3.8 table 9-26."""

    USER = 0
    PROVIDER = 2


class AbortReason(IntEnum):
    """PS3.8 table 9-26."""

    NOT_SPECIFIED = 0
    UNRECOGNIZED_PDU = 1
    UNEXPECTED_PDU = 2
    UNRECOGNIZED_PARAMETER = 4
    UNEXPECTED_PARAMETER = 5
    INVALID_PARAMETER_VALUE = 6


class MalformedPDU(Exception):
    """These bytes break PS3.8; `reason` goes into the A-ABORT."""

    def __init__(self, message: str, reason: AbortReason = AbortReason.INVALID_PARAMETER_VALUE) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ProposedContext:
    """A presentation context as it is asked for. One without an abstract syntax, or without a transfer syntax, is refused by itself."""

    id: int
    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AnsweredContext:
    """A presentation context as it is answered. `result` is that of PS3.8 table 9-18; 0 is acceptance."""

    id: int
    result: int
    transfer_syntax: str


@dataclass(frozen=True, slots=True)
class Roles:
    """SCP/SCU role selection (PS3.7 D.3.3.4)."""

    sop_class_uid: str
    scu: bool
    scp: bool


@dataclass(frozen=True, slots=True)
class UserInformation:
    """PS3.8 annex D and PS3.7 annex D.3.3. `maximum_length` 0 is without limit; `operations` are those invoked and
    performed in the asynchronous operations window. Unknown sub-items, user identity among them, are passed over."""

    maximum_length: int = 0
    implementation_class_uid: str = ""
    implementation_version_name: str = ""
    operations: tuple[int, int] | None = None
    roles: tuple[Roles, ...] = ()


@dataclass(frozen=True, slots=True)
class AssociateRequest:
    """A-ASSOCIATE-RQ."""

    called: str
    calling: str
    contexts: tuple[ProposedContext, ...]
    user: UserInformation = field(default_factory=UserInformation)
    application_context: str = APPLICATION_CONTEXT
    protocol_version: int = 1

    def encode(self) -> bytes:
        """The whole PDU."""
        contexts = b"".join(
            _item(
                _Item.CONTEXT_RQ,
                bytes((context.id, 0, 0, 0)),
                _uid(_Item.ABSTRACT_SYNTAX, context.abstract_syntax),
                *(_uid(_Item.TRANSFER_SYNTAX, syntax) for syntax in context.transfer_syntaxes),
            )
            for context in self.contexts
        )
        return _associate(PDUType.ASSOCIATE_RQ, self, contexts)


@dataclass(frozen=True, slots=True)
class AssociateAccept:
    """A-ASSOCIATE-AC. The AE titles repeat those of the request and say nothing (PS3.8 9.3.3)."""

    called: str
    calling: str
    contexts: tuple[AnsweredContext, ...]
    user: UserInformation = field(default_factory=UserInformation)
    application_context: str = APPLICATION_CONTEXT
    protocol_version: int = 1

    def encode(self) -> bytes:
        """The whole PDU."""
        contexts = b"".join(
            _item(
                _Item.CONTEXT_AC,
                bytes((context.id, 0, context.result, 0)),
                _uid(_Item.TRANSFER_SYNTAX, context.transfer_syntax),
            )
            for context in self.contexts
        )
        return _associate(PDUType.ASSOCIATE_AC, self, contexts)


def reject(result: int, source: int, reason: int) -> bytes:
    """A-ASSOCIATE-RJ (PS3.8 table 9-21)."""
    return HEAD.pack(PDUType.ASSOCIATE_RJ, 4) + bytes((0, result, source, reason))


def abort(source: AbortSource, reason: AbortReason = AbortReason.NOT_SPECIFIED) -> bytes:
    """A-ABORT (PS3.8 9.3.8)."""
    return HEAD.pack(PDUType.ABORT, 4) + bytes((0, 0, source, reason))


RELEASE_RQ = HEAD.pack(PDUType.RELEASE_RQ, 4) + bytes(4)
RELEASE_RP = HEAD.pack(PDUType.RELEASE_RP, 4) + bytes(4)


def decode_request(body: bytes | memoryview) -> AssociateRequest:
    """An A-ASSOCIATE-RQ without its first six bytes. Raises `MalformedPDU`."""
    version, called, calling = _fixed(body)
    context_name, user, contexts = "", UserInformation(), []
    for kind, content in _items(memoryview(body)[_FIXED.size :]):
        if kind == _Item.APPLICATION_CONTEXT:
            context_name = _read_uid(content)
        elif kind == _Item.CONTEXT_RQ:
            contexts.append(_proposed(content))
        elif kind == _Item.USER_INFORMATION:
            user = _user_information(content)
    ids = [context.id for context in contexts]
    if len(set(ids)) != len(ids) or any(number % 2 == 0 for number in ids):
        raise MalformedPDU("presentation context IDs are odd and each is used once")
    return AssociateRequest(called, calling, tuple(contexts), user, context_name, version)


def decode_accept(body: bytes | memoryview) -> AssociateAccept:
    """An A-ASSOCIATE-AC without its first six bytes. Raises `MalformedPDU`."""
    version, called, calling = _fixed(body)
    context_name, user, contexts = "", UserInformation(), []
    for kind, content in _items(memoryview(body)[_FIXED.size :]):
        if kind == _Item.APPLICATION_CONTEXT:
            context_name = _read_uid(content)
        elif kind == _Item.CONTEXT_AC:
            contexts.append(_answered(content))
        elif kind == _Item.USER_INFORMATION:
            user = _user_information(content)
    return AssociateAccept(called, calling, tuple(contexts), user, context_name, version)


def _proposed(content: memoryview) -> ProposedContext:
    if len(content) < 4:
        raise MalformedPDU("a presentation context is cut off")
    abstract, transfer = "", []
    for kind, value in _items(content[4:]):
        if kind == _Item.ABSTRACT_SYNTAX:
            abstract = _read_uid(value)
        elif kind == _Item.TRANSFER_SYNTAX:
            transfer.append(_read_uid(value))
    if len(transfer) > MAX_TRANSFER_SYNTAXES:
        raise MalformedPDU(f"a presentation context has at most {MAX_TRANSFER_SYNTAXES} transfer syntaxes")
    return ProposedContext(content[0], abstract, tuple(transfer))


def _answered(content: memoryview) -> AnsweredContext:
    if len(content) < 4:
        raise MalformedPDU("a presentation context is cut off")
    syntax = next((_read_uid(value) for kind, value in _items(content[4:]) if kind == _Item.TRANSFER_SYNTAX), "")
    return AnsweredContext(content[0], content[2], syntax)


def _user_information(content: memoryview) -> UserInformation:
    length, class_uid, version_name = 0, "", ""
    operations: tuple[int, int] | None = None
    roles = []
    for kind, value in _items(content):
        if kind == _Item.MAXIMUM_LENGTH:
            (length,) = _unpack(">I", value)
        elif kind == _Item.IMPLEMENTATION_CLASS_UID:
            class_uid = _read_uid(value)
        elif kind == _Item.IMPLEMENTATION_VERSION_NAME:
            version_name = _text(value)
        elif kind == _Item.ASYNCHRONOUS_OPERATIONS:
            operations = _unpack(">HH", value)[0], _unpack(">HH", value)[1]
        elif kind == _Item.ROLE_SELECTION:
            roles.append(_role(value))
    return UserInformation(length, class_uid, version_name, operations, tuple(roles))


def _role(value: memoryview) -> Roles:
    (length,) = _unpack(">H", value[:2])
    if len(value) != length + 4:
        raise MalformedPDU("a role selection is cut off")
    return Roles(_read_uid(value[2:-2]), bool(value[-2]), bool(value[-1]))


def _fixed(body: bytes | memoryview) -> tuple[int, str, str]:
    """Protocol version, called and calling AE title."""
    if len(body) < _FIXED.size:
        raise MalformedPDU("an A-ASSOCIATE PDU is shorter than its fixed part")
    version, called, calling = _FIXED.unpack_from(body)
    return version, _text(called), _text(calling)


def _items(content: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Type and content of each item. Raises `MalformedPDU` where one passes the end."""
    position = 0
    while position < len(content):
        if position + 4 > len(content):
            raise MalformedPDU("bytes that are no item follow the last item")
        kind, length = _ITEM.unpack_from(content, position)
        if position + 4 + length > len(content):
            raise MalformedPDU(f"an item of type {kind:02X}H and {length} bytes passes the end")
        yield kind, content[position + 4 : position + 4 + length]
        position += 4 + length


def _unpack(form: str, value: memoryview) -> tuple[int, ...]:
    try:
        return struct.unpack(form, value)
    except struct.error:
        raise MalformedPDU(f"a sub-item has {len(value)} bytes instead of {struct.calcsize(form)}") from None


def _text(value: bytes | memoryview) -> str:
    """Characters of the default repertoire; spaces around them and NULs say nothing."""
    return bytes(value).decode("latin_1").strip(" \0")


def _read_uid(value: memoryview) -> str:
    if len(value) > 65:  # 64 and the padding that does not belong here, but comes
        raise MalformedPDU(f"a UID of {len(value)} bytes; the longest has 64")
    return _text(value)


def _associate(kind: PDUType, pdu: AssociateRequest | AssociateAccept, contexts: bytes) -> bytes:
    fixed = _FIXED.pack(pdu.protocol_version, _title(pdu.called), _title(pdu.calling))
    body = fixed + _uid(_Item.APPLICATION_CONTEXT, pdu.application_context) + contexts + _encode_user(pdu.user)
    return HEAD.pack(kind, len(body)) + body


def _encode_user(user: UserInformation) -> bytes:
    parts = [_item(_Item.MAXIMUM_LENGTH, struct.pack(">I", user.maximum_length))]
    if user.implementation_class_uid:
        parts.append(_uid(_Item.IMPLEMENTATION_CLASS_UID, user.implementation_class_uid))
    if user.operations is not None:
        parts.append(_item(_Item.ASYNCHRONOUS_OPERATIONS, struct.pack(">HH", *user.operations)))
    for role in user.roles:
        uid = role.sop_class_uid.encode()
        parts.append(_item(_Item.ROLE_SELECTION, struct.pack(">H", len(uid)), uid, bytes((role.scu, role.scp))))
    if user.implementation_version_name:
        parts.append(_uid(_Item.IMPLEMENTATION_VERSION_NAME, user.implementation_version_name))
    return _item(_Item.USER_INFORMATION, *parts)


def _item(kind: _Item, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return _ITEM.pack(kind, len(content)) + content


def _uid(kind: _Item, text: str) -> bytes:
    return _item(kind, text.encode("latin_1"))


def _title(text: str) -> bytes:
    return text.encode("latin_1", "replace")[:16].ljust(16)
