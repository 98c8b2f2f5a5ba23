"""Rules for workitems: their states and changes as a table (PS3.4 section CC.1.1), and the attributes they must have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

SOP_CLASS = "1.2.840.10008.5.1.4.34.6.1"  # Unified Procedure Step - Push
SOP_CLASS_UID, SOP_INSTANCE_UID = "00080016", "00080018"
STATE, TRANSACTION_UID = "00741000", "00081195"
PERFORMED = "00741216"

Item = Mapping[str, Any]  # a data set in DICOM JSON


class State(Enum):
    """Procedure Step State (0074,1000)."""

    SCHEDULED = "SCHEDULED"
    IN_PROGRESS = "IN PROGRESS"
    COMPLETED = "COMPLETED"
    CANCELED = "CANCELED"


class Refused(Exception):
    """A request that the standard forbids: its HTTP status, the DIMSE status, and the sentence for the Warning header."""

    def __init__(self, status: int, code: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.code = code

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how it is made again in another process."""
        return type(self), (self.status, self.code, str(self))


@dataclass(frozen=True, slots=True)
class Workitem:
    """One workitem as it is kept."""

    uid: str
    state: State
    transaction_uid: str | None
    content: Item
    version: int = 0

    def shown(self) -> dict[str, Any]:
        """Return the attributes that others see: everything but the Transaction UID, which is its owner's key (PS3.4 CC.2.7)."""
        shown = {tag: element for tag, element in self.content.items() if tag != TRANSACTION_UID}
        shown[SOP_CLASS_UID] = {"vr": "UI", "Value": [SOP_CLASS]}
        shown[SOP_INSTANCE_UID] = {"vr": "UI", "Value": [self.uid]}
        shown[STATE] = {"vr": "CS", "Value": [self.state.value]}
        return dict(sorted(shown.items()))


class Change(Enum):
    """The meaning of a requested change of state."""

    ALLOWED = "allowed"
    ALREADY = "already so"


_NO_LONGER = (0xC300, "The UPS may no longer be updated.")
_NOT_TO_SCHEDULED = (0xC303, "The UPS may only become SCHEDULED via N-CREATE, not N-SET or N-ACTION.")
_NOT_YET = (0xC310, 'The UPS is not yet in the "IN PROGRESS" state.')

# PS3.4 table CC.1.1-2: (state, requested state) -> what happens, or the status and its sentence.
CHANGES: Mapping[tuple[State, State], Change | tuple[int, str]] = {
    (State.SCHEDULED, State.SCHEDULED): _NOT_TO_SCHEDULED,
    (State.SCHEDULED, State.IN_PROGRESS): Change.ALLOWED,
    (State.SCHEDULED, State.COMPLETED): _NOT_YET,
    (State.SCHEDULED, State.CANCELED): _NOT_YET,
    (State.IN_PROGRESS, State.SCHEDULED): _NOT_TO_SCHEDULED,
    (State.IN_PROGRESS, State.IN_PROGRESS): (0xC302, "The UPS is already IN PROGRESS."),
    (State.IN_PROGRESS, State.COMPLETED): Change.ALLOWED,
    (State.IN_PROGRESS, State.CANCELED): Change.ALLOWED,
    (State.COMPLETED, State.SCHEDULED): _NOT_TO_SCHEDULED,
    (State.COMPLETED, State.IN_PROGRESS): _NO_LONGER,
    (State.COMPLETED, State.COMPLETED): Change.ALREADY,
    (State.COMPLETED, State.CANCELED): _NO_LONGER,
    (State.CANCELED, State.SCHEDULED): _NOT_TO_SCHEDULED,
    (State.CANCELED, State.IN_PROGRESS): _NO_LONGER,
    (State.CANCELED, State.COMPLETED): _NO_LONGER,
    (State.CANCELED, State.CANCELED): Change.ALREADY,
}

# Attributes that must have a value when a workitem is made (type 1 for the SCU in PS3.4 table CC.2.5-3).
REQUIRED = {
    "00741200": "Scheduled Procedure Step Priority",
    "00741204": "Procedure Step Label",
    "00404041": "Input Readiness State",
    "00404005": "Scheduled Procedure Step Start DateTime",
    STATE: "Procedure Step State",
}
# What the performed procedure of a completed workitem must say (type R in PS3.4 table CC.2.5-3).
REQUIRED_AT_THE_END = {"00404050": "Performed Procedure Step Start DateTime", "00404051": "Performed Procedure Step End DateTime"}
# Attributes that no update may touch (PS3.4 table CC.2.5-3, column N-SET: not allowed).
FIXED = frozenset({SOP_CLASS_UID, SOP_INSTANCE_UID, STATE, TRANSACTION_UID})


def value_of(item: Item, tag: str) -> Any:
    """First value, or None."""
    element = item.get(tag)
    values = element.get("Value") if isinstance(element, Mapping) else None
    return values[0] if isinstance(values, list) and values else None


def new_workitem(uid: str, item: Item) -> Workitem:
    """A workitem to be kept. Raises `Refused`."""
    missing = [name for tag, name in REQUIRED.items() if value_of(item, tag) in (None, "")]
    if missing:
        raise Refused(400, 0x0121, f"{', '.join(missing)}: a value is missing.")
    if value_of(item, STATE) != State.SCHEDULED.value:
        raise Refused(400, 0xC309, 'The provided value of UPS State was not "SCHEDULED".')
    if value_of(item, TRANSACTION_UID):
        raise Refused(400, 0x0106, "The Transaction UID must be empty.")
    return Workitem(uid, State.SCHEDULED, None, {tag: element for tag, element in item.items() if tag not in FIXED})


def updated(workitem: Workitem, item: Item, transaction_uid: str | None) -> Workitem:
    """The workitem with `item` written over it (PS3.4 CC.2.6). Raises `Refused`."""
    if workitem.state in (State.COMPLETED, State.CANCELED):
        raise Refused(409, *_NO_LONGER)
    if workitem.state is State.IN_PROGRESS:
        check_key(workitem, transaction_uid)
    touched = sorted(FIXED & item.keys())
    if touched:
        raise Refused(400, 0x0106, f"{', '.join(touched)}: may not be updated.")
    return Workitem(workitem.uid, workitem.state, workitem.transaction_uid, {**workitem.content, **item}, workitem.version)


def changed(workitem: Workitem, requested: State, transaction_uid: str) -> Workitem | None:
    """The workitem in the requested state; None where it is in it for good already. Raises `Refused`."""
    found = CHANGES[workitem.state, requested]
    if found is Change.ALREADY:
        return None
    if found is not Change.ALLOWED:
        assert isinstance(found, tuple)
        raise Refused(409, *found)
    if workitem.state is State.IN_PROGRESS:
        check_key(workitem, transaction_uid)
    if requested is State.COMPLETED:
        performed = value_of(workitem.content, PERFORMED)
        missing = [name for tag, name in REQUIRED_AT_THE_END.items() if not isinstance(performed, Mapping) or not value_of(performed, tag)]
        if missing:
            raise Refused(409, 0xC304, f"The UPS has not met final state requirements: {', '.join(missing)}.")
    return Workitem(workitem.uid, requested, transaction_uid, workitem.content, workitem.version)


def cancelled_on_request(workitem: Workitem) -> Workitem | None:
    """The workitem after somebody else asked to cancel it; None where it is already. Raises `Refused` (PS3.4 CC.2.2)."""
    if workitem.state is State.CANCELED:
        return None
    if workitem.state is State.COMPLETED:
        raise Refused(409, 0xC311, "The UPS is already COMPLETED.")
    if workitem.state is State.IN_PROGRESS:
        raise Refused(409, 0xC312, "The performer cannot be contacted.")
    return Workitem(workitem.uid, State.CANCELED, None, workitem.content, workitem.version)


def check_key(workitem: Workitem, transaction_uid: str | None) -> None:
    """Only who took the workitem may change it."""
    if not transaction_uid:
        raise Refused(400, 0xC301, "The Transaction UID is missing.")
    if transaction_uid != workitem.transaction_uid:
        raise Refused(409, 0xC301, "The Transaction UID is incorrect.")
