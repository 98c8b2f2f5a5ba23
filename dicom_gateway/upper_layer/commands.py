"""DIMSE command sets, to and from bytes: implicit VR little endian, group 0000 (PS3.7 section 6.3 and annex E)."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from dicom_gateway.upper_layer.pdu import HEAD, MalformedPDU, PDUType

C_STORE_RQ, C_ECHO_RQ, C_CANCEL_RQ = 0x0001, 0x0030, 0x0FFF
RESPONSE = 0x8000  # added to the command field of a request
NO_DATA_SET = 0x0101
MAX_COMMAND = 16 << 10  # bytes; a C-STORE request has some 200

SUCCESS = 0x0000
INVALID_SOP_INSTANCE = 0x0117
SOP_CLASS_NOT_SUPPORTED = 0x0122
NOT_AUTHORIZED = 0x0124
UNRECOGNIZED_OPERATION = 0x0211
MISTYPED_ARGUMENT = 0x0212

_ELEMENT = struct.Struct("<HHI")
_US = struct.Struct("<HHIH")
_MAX_COMMENT = 64  # characters of Error Comment (0000,0902), a long string
_NO_COMMENT = re.compile(r"[^ -\[\]-~]")  # the default repertoire without control characters and backslash (PS3.5 table 6.2-1)
_UID = re.compile(r"[0-9A-Za-z._-]{1,64}")  # as loose as the index (dicom_gateway.header)
_COMMAND, _LAST = 0x01, 0x02  # bits of the message control header (PS3.8 annex E.2)


@dataclass(frozen=True, slots=True)
class Command:
    """A command set: a request or a response. UIDs are empty where they are absent, `status` None in a request."""

    field: int
    message_id: int
    has_data_set: bool
    sop_class_uid: str
    sop_instance_uid: str
    status: int | None = None


def decode_command(content: bytes | bytearray) -> Command:
    """A command set. Raises `MalformedPDU` where it cannot be read or lacks what every command has."""
    elements: dict[int, bytes] = {}
    position, end = 0, len(content)
    while position < end:
        if position + 8 > end:
            raise MalformedPDU("a command set is cut off")
        group, element, length = _ELEMENT.unpack_from(content, position)
        position += 8 + length
        if group or position > end:
            raise MalformedPDU("a command set holds an element of another group, or one that passes its end")
        elements[element] = bytes(content[position - length : position])
    field = _unsigned(elements, 0x0100)
    data_set_type = _unsigned(elements, 0x0800)
    if field is None or data_set_type is None:
        raise MalformedPDU("a command set lacks Command Field or Command Data Set Type")
    return Command(
        field,
        _unsigned(elements, 0x0110) or 0,
        data_set_type != NO_DATA_SET,
        _text(elements.get(0x0002) or elements.get(0x0003, b"")),
        _text(elements.get(0x1000) or elements.get(0x1001, b"")),
        _unsigned(elements, 0x0900),
    )


def comment_of(sentence: str) -> str:
    """As much of a sentence as Error Comment holds, in its characters."""
    return _NO_COMMENT.sub("?", sentence[:_MAX_COMMENT])


def encode_response(context_id: int, command: Command, status: int, comment: str = "") -> bytes:
    """A whole P-DATA-TF with the response to `command`; `comment` where the status is not success."""
    parts = []
    if command.sop_class_uid:
        parts.append(_element(0x0002, _padded(command.sop_class_uid.encode("latin_1"), b"\0")))
    parts.append(_US.pack(0, 0x0100, 2, (command.field | RESPONSE) & 0xFFFF))
    parts.append(_US.pack(0, 0x0120, 2, command.message_id))
    parts.append(_US.pack(0, 0x0800, 2, NO_DATA_SET))
    parts.append(_US.pack(0, 0x0900, 2, status))
    if comment:
        parts.append(_element(0x0902, _padded(comment_of(comment).encode("ascii"), b" ")))
    if command.sop_instance_uid:
        parts.append(_element(0x1000, _padded(command.sop_instance_uid.encode("latin_1"), b"\0")))
    return data_pdu(context_id, _grouped(b"".join(parts)), command=True)


def encode_request(
    context_id: int,
    field: int,
    message_id: int,
    sop_class_uid: str,
    sop_instance_uid: str = "",
    *,
    has_data_set: bool = False,
    originator: tuple[str, int] | None = None,
) -> bytes:
    """A whole P-DATA-TF with a request: C-ECHO, or C-STORE of medium priority. `originator` is the AE title and the message ID
    of the C-MOVE that a C-STORE belongs to."""
    parts = [_element(0x0002, _padded(sop_class_uid.encode(), b"\0")), _US.pack(0, 0x0100, 2, field), _US.pack(0, 0x0110, 2, message_id)]
    if field == C_STORE_RQ:
        parts.append(_US.pack(0, 0x0700, 2, 0))
    parts.append(_US.pack(0, 0x0800, 2, 0x0001 if has_data_set else NO_DATA_SET))
    if sop_instance_uid:
        parts.append(_element(0x1000, _padded(sop_instance_uid.encode(), b"\0")))
    if originator is not None:
        parts.append(_element(0x1030, _padded(originator[0].encode("latin_1", "replace"), b" ")))
        parts.append(_US.pack(0, 0x1031, 2, originator[1]))
    return data_pdu(context_id, _grouped(b"".join(parts)), command=True)


def data_pdu(context_id: int, fragment: bytes, *, command: bool = False, last: bool = True) -> bytes:
    """A P-DATA-TF with one presentation data value."""
    size = len(fragment) + 2
    control = (_COMMAND if command else 0) | (_LAST if last else 0)
    return HEAD.pack(PDUType.P_DATA_TF, size + 4) + struct.pack(">IBB", size, context_id, control) + fragment


def is_uid(text: str) -> bool:
    """True if `text` can name an instance."""
    return _UID.fullmatch(text) is not None


def _grouped(elements: bytes) -> bytes:
    return struct.pack("<HHII", 0, 0, 4, len(elements)) + elements


def _element(element: int, value: bytes) -> bytes:
    return _ELEMENT.pack(0, element, len(value)) + value


def _padded(value: bytes, padding: bytes) -> bytes:
    return value + padding if len(value) % 2 else value


def _unsigned(elements: dict[int, bytes], element: int) -> int | None:
    value = elements.get(element, b"")
    return int.from_bytes(value, "little") if len(value) == 2 else None


def _text(value: bytes) -> str:
    return value.decode("latin_1").strip(" \0")
