"""What can go wrong with what a sender sent: one family, each error with a reason in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from lab.hl7.header import Header

SEGMENT_SEQUENCE: Final = "100"
REQUIRED_FIELD: Final = "101"
DATA_TYPE: Final = "102"
UNSUPPORTED_TYPE: Final = "200"
UNSUPPORTED_EVENT: Final = "201"
UNSUPPORTED_VERSION: Final = "203"
DUPLICATE_KEY: Final = "205"
INTERNAL: Final = "207"

CONDITIONS: Final = {
    "0": "Message accepted",
    SEGMENT_SEQUENCE: "Segment sequence error",
    REQUIRED_FIELD: "Required field missing",
    DATA_TYPE: "Data type error",
    "103": "Table value not found",
    UNSUPPORTED_TYPE: "Unsupported message type",
    UNSUPPORTED_EVENT: "Unsupported event code",
    "202": "Unsupported processing id",
    UNSUPPORTED_VERSION: "Unsupported version id",
    "204": "Unknown key identifier",
    DUPLICATE_KEY: "Duplicate key identifier",
    "206": "Application record locked",
    INTERNAL: "Application internal error",
}
"""HL7 table 0357, message error condition codes: what ERR-3 of an acknowledgement may hold."""


class LabError(ValueError):
    """Anything of this library that cannot be done with what was given. `reason` says what, where and what to do."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UnreadableMessage(LabError):
    """The bytes are no HL7 v2 message that can be read.

    `condition` is the code of HL7 table 0357 for ERR-3 of the answer, `segment` and `field` say where where that is known,
    and `header` is what could be read of MSH, so that a refusal can name the message it refuses.
    """

    def __init__(self, reason: str, condition: str = SEGMENT_SEQUENCE, *, segment: str = "", field: int = 0) -> None:
        super().__init__(reason)
        self.condition, self.segment, self.field = condition, segment, field
        self.header: Header | None = None


class WrongCharacters(UnreadableMessage):
    """MSH-18 names no character set that is known, or the bytes do not fit the one it names."""


class UnsupportedMessage(UnreadableMessage):
    """A message whose type, event or version is not read here."""


class TooLarge(UnreadableMessage):
    """A message beyond one of `lab.limits`."""


class BadPath(LabError):
    """A path that is not of the form `OBX[2]-5[1].1.1`."""


class UnreadableTransmission(LabError):
    """The bytes are no ASTM transmission: `offset` is the byte where reading stopped."""

    def __init__(self, reason: str, offset: int = 0) -> None:
        super().__init__(f"byte {offset}: {reason}")
        self.args = (reason, offset)  # the arguments as they are: the error is pickled by them
        self.offset = offset

    def __str__(self) -> str:
        return self.reason


class UnreadableSheet(LabError):
    """A file of results that is no table, or a mapping that does not fit it."""


class UnreadableLog(LabError):
    """A file that is no temperature log."""


class NotConvertible(LabError):
    """Two units that are not of one kind, or a kind that needs a molar mass that is not known."""


class BadTable(LabError):
    """A data table (units, ranges, catalogue, profiles) with a row that cannot be used."""
