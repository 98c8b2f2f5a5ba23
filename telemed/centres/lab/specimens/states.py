"""The lives of a specimen and of a box as tables, conditions at receipt, and the reasons of HL7 table 0490."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from telemed.domain.states import StateMachine, rows

_ = str  # marks text for the translation catalogue


class SpecimenState(StrEnum):
    """`registered`: it has a number and a label; `void`: its label is not used."""

    REGISTERED = "registered"
    COLLECTED = "collected"
    BOXED = "boxed"
    SENT = "sent"
    RECEIVED = "received"
    MISSING = "missing"
    REJECTED = "rejected"
    VOID = "void"


SPECIMEN: Final = StateMachine(
    "specimen",
    rows("registered", "collect", SpecimenState.COLLECTED)
    | rows("collected", "uncollect", SpecimenState.REGISTERED)
    | rows("registered collected", "pack", SpecimenState.BOXED)
    | rows("boxed", "unpack", SpecimenState.COLLECTED)
    | rows("boxed", "send", SpecimenState.SENT)
    | rows("registered collected boxed sent received missing rejected", "receive", SpecimenState.RECEIVED)
    | rows("sent received rejected", "miss", SpecimenState.MISSING)
    | rows("sent received missing", "refuse", SpecimenState.REJECTED)
    | rows("sent received missing rejected", "unreceive", SpecimenState.SENT)
    | rows("sent", "lose", SpecimenState.MISSING)
    | rows("registered collected", "withdraw", SpecimenState.REJECTED)
    | rows("received", "reject", SpecimenState.REJECTED)
    | rows("received missing rejected", "give-back", SpecimenState.COLLECTED)
    | rows("registered collected", "void", SpecimenState.VOID),
)
"""`refuse`, `miss` and `unreceive` belong to the receipt of a box, `give-back` is `unreceive` of a tube that was not on its manifest;
`withdraw` is the sender's rejection, before the tube has left; `reject` the hub's, after it came."""


class BoxState(StrEnum):
    """`sent`: given, and not yet taken; `in-transit`: given and taken."""

    DRAFT = "draft"
    READY = "ready"
    SENT = "sent"
    IN_TRANSIT = "in-transit"
    PARTIALLY_RECEIVED = "partially-received"
    RECEIVED = "received"
    RECONCILED = "reconciled"
    CANCELLED = "cancelled"
    LOST = "lost"


ON_ARRIVAL: Final = "in-transit partially-received received lost"
"""States in which a box may stand open on the hub's bench: one that was given up as lost may turn up."""

BOX: Final = StateMachine(
    "box",
    rows("draft", "add", BoxState.DRAFT)
    | rows("draft", "remove", BoxState.DRAFT)
    | rows("draft", "ready", BoxState.READY)
    | rows("ready", "reopen", BoxState.DRAFT)
    | rows("draft ready", "cancel", BoxState.CANCELLED)
    | rows("ready", "send", BoxState.SENT)
    | rows("ready", "hand-over", BoxState.SENT)
    | rows("sent", "take-over", BoxState.IN_TRANSIT)
    | rows("in-transit", "untake", BoxState.SENT)
    | rows(ON_ARRIVAL, "receive-some", BoxState.PARTIALLY_RECEIVED)
    | rows(ON_ARRIVAL, "receive-all", BoxState.RECEIVED)
    | rows("partially-received received", "receive-none", BoxState.IN_TRANSIT)
    | rows("received", "reconcile", BoxState.RECONCILED)
    | rows("sent in-transit", "lose", BoxState.LOST),
)
"""`untake` takes a take-over back that was scanned by mistake, `receive-none` the only tube that was scanned in. A box that is partly received is not lost: what did not come is missing."""

LIVING: Final = frozenset(BoxState) - {BoxState.RECONCILED, BoxState.CANCELLED, BoxState.LOST}
"""States of a box that holds its tubes; a tube is in one such box."""

HIDDEN_FROM_THE_HUB: Final = frozenset({BoxState.DRAFT, BoxState.READY, BoxState.CANCELLED})
"""What has not left its sender is the sender's alone."""

SCANNED_IN: Final = frozenset({BoxState.SENT, BoxState.IN_TRANSIT, BoxState.PARTIALLY_RECEIVED, BoxState.RECEIVED})
"""States of a box that the hub waits for or works on."""


class Condition(StrEnum):
    """How a specimen came."""

    GOOD = "good"
    DAMAGED = "damaged"
    LEAKED = "leaked"
    MISSING = "missing"
    REJECTED = "rejected"


CONDITION_WORDS: Final[Mapping[Condition, str]] = {
    Condition.GOOD: _("Good"),
    Condition.DAMAGED: _("Damaged"),
    Condition.LEAKED: _("Leaked"),
    Condition.MISSING: _("Missing"),
    Condition.REJECTED: _("Rejected"),
}

STEP_OF_CONDITION: Final[Mapping[Condition, str]] = {
    Condition.GOOD: "receive",
    Condition.DAMAGED: "receive",
    Condition.LEAKED: "receive",
    Condition.MISSING: "miss",
    Condition.REJECTED: "refuse",
}

REJECT_REASONS: Final[Mapping[str, str]] = {
    "EX": _("Expired"),
    "QS": _("Quantity not sufficient"),
    "RA": _("Patient number missing"),
    "RB": _("Container broken"),
    "RC": _("Clotted"),
    "RD": _("Collection date missing"),
    "RE": _("Patient name missing"),
    "RH": _("Haemolysed"),
    "RI": _("Identification doubtful"),
    "RM": _("Wrongly labelled"),
    "RN": _("Contaminated"),
    "RP": _("Who collected it is missing"),
    "RR": _("Wrongly stored"),
    "RS": _("Name misspelt"),
}
"""Codes of HL7 table 0490 (specimen reject reason)."""

BOX_WORDS: Final[Mapping[BoxState, str]] = {
    BoxState.DRAFT: _("Being packed"),
    BoxState.READY: _("Ready for the courier"),
    BoxState.SENT: _("Given, not yet taken"),
    BoxState.IN_TRANSIT: _("In transit"),
    BoxState.PARTIALLY_RECEIVED: _("Partly received"),
    BoxState.RECEIVED: _("Arrived"),
    BoxState.RECONCILED: _("Reconciled"),
    BoxState.CANCELLED: _("Cancelled"),
    BoxState.LOST: _("Lost"),
}

SPECIMEN_WORDS: Final[Mapping[SpecimenState, str]] = {
    SpecimenState.REGISTERED: _("Labelled"),
    SpecimenState.COLLECTED: _("Collected"),
    SpecimenState.BOXED: _("In the box"),
    SpecimenState.SENT: _("Under way"),
    SpecimenState.RECEIVED: _("Arrived"),
    SpecimenState.MISSING: _("Missing"),
    SpecimenState.REJECTED: _("Rejected"),
    SpecimenState.VOID: _("Not used"),
}
