"""Composite data types of HL7 v2 that results and orders are made of."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Final, NamedTuple

from lab.errors import DATA_TYPE, UnreadableMessage

_MAIN_TYPES: Final = {"AP": "application", "AU": "audio", "FT": "text", "IM": "image", "SD": "image", "SI": "image", "TX": "text"}
"""Short codes of HL7 table 0191, as types of the internet."""


class Code(NamedTuple):
    """CE, CWE or CNE: a code, its alternative, and the text that a person wrote."""

    code: str = ""
    text: str = ""
    system: str = ""
    alternative_code: str = ""
    alternative_text: str = ""
    alternative_system: str = ""
    original: str = ""

    @property
    def name(self) -> str:
        """What a person reads: the text, else the original or the alternative one, else the code."""
        return self.text or self.original or self.alternative_text or self.code or self.alternative_code

    @property
    def unit(self) -> str:
        """What is meant by a coded unit (OBX-6): its code, else its text, else the alternative."""
        return self.code or self.text or self.alternative_code

    def __bool__(self) -> bool:
        return any(self)


class Identifier(NamedTuple):
    """CX or EI: an identifier, who gave it, and of what type (HL7 table 0203) it is."""

    id: str = ""
    authority: str = ""
    type: str = ""

    def __bool__(self) -> bool:
        return bool(self.id)


NO_CODE: Final = Code()
NO_IDENTIFIER: Final = Identifier()


class Document(NamedTuple):
    """ED: a document that travels in the message, still encoded."""

    media_type: str
    encoding: str
    encoded: str

    def content(self) -> bytes:
        """Return the bytes of the document. Raises UnreadableMessage where they are not encoded as declared."""
        try:
            match self.encoding.strip().upper():
                case "BASE64":
                    return base64.b64decode("".join(self.encoded.split()), validate=True)
                case "HEX":
                    return bytes.fromhex(self.encoded)
                case "" | "A":
                    return self.encoded.encode()
        except (binascii.Error, ValueError) as error:
            raise UnreadableMessage(f"the document is not {self.encoding}: {error}", DATA_TYPE, segment="OBX", field=5) from None
        raise UnreadableMessage(f"the document's encoding {self.encoding!r} is none of A, Hex, Base64", "103", segment="OBX", field=5)


def _at(parts: Sequence[str], number: int) -> str:
    return parts[number - 1].strip() if number <= len(parts) else ""


_CODE_PARTS: Final = [""] * 9
"""Components of CWE up to the original text."""


def code_of(parts: list[str]) -> Code:
    """Return the code that components hold."""
    count = len(parts)
    if count == 3:
        return Code(parts[0].strip(), parts[1].strip(), parts[2].strip())
    if count < len(_CODE_PARTS):
        parts = parts + _CODE_PARTS[count:]
    return Code._make(map(str.strip, (*parts[:6], parts[8])))


def identifier_of(parts: Sequence[str], subcomponent: str = "&") -> Identifier:
    """Return the identifier of a CX: identifier, assigning authority (its first sub-component), type."""
    return Identifier(_at(parts, 1), _at(parts, 4).split(subcomponent or "&")[0], _at(parts, 5))


def entity_of(parts: Sequence[str]) -> Identifier:
    """Return the identifier of an EI: identifier and name space."""
    return Identifier(_at(parts, 1), _at(parts, 2))


def document_of(parts: Sequence[str]) -> Document:
    """Return the document of an ED: source, type, subtype, encoding, data."""
    main, sub = _at(parts, 2), _at(parts, 3)
    main = _MAIN_TYPES.get(main.upper(), main.lower()) or "application"
    if sub.upper() == "PDF":
        main = "application"
    return Document(f"{main}/{sub.lower() or 'octet-stream'}", _at(parts, 4), parts[4] if len(parts) > 4 else "")
