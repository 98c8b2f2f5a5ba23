"""The acceptor's part of the upper layer's state machine, as a table (PS3.8 table 9-10).

States that only a requestor reaches are left out; Sta8 (release asked for, answer pending) is left as soon as it is entered, since
nothing here holds a release back. Where PS3.8 has no entry the event cannot happen, except for decisions of our own that
come too late, or before anything was asked: those are dropped.
"""

from __future__ import annotations

from enum import Enum


class State(Enum):
    """PS3.8 9.2.1."""

    IDLE = "Sta1"
    AWAITING_REQUEST = "Sta2"
    DECIDING = "Sta3"
    ESTABLISHED = "Sta6"
    AWAITING_CLOSE = "Sta13"


class Event(Enum):
    """PS3.8 9.2.2."""

    REQUEST = "A-ASSOCIATE-RQ"
    ACCEPT_OR_REJECT = "A-ASSOCIATE-AC or -RJ"
    DATA = "P-DATA-TF"
    RELEASE_REQUEST = "A-RELEASE-RQ"
    RELEASE_RESPONSE = "A-RELEASE-RP"
    ABORT = "A-ABORT"
    INVALID = "unrecognized or invalid PDU"
    CLOSED = "connection closed"
    TIMER = "ARTIM timer expired"
    WE_ACCEPT = "decision: accept"
    WE_REJECT = "decision: reject"
    WE_ABORT = "decision: abort"


class Action(Enum):
    """PS3.8 9.2.3; the name in the standard behind each."""

    DECIDE = "AE-6"
    SEND_ACCEPT = "AE-7"
    SEND_REJECT = "AE-8"
    TAKE_DATA = "DT-2"
    RELEASE = "AR-2, AR-4"
    SEND_ABORT = "AA-1"
    CLOSE = "AA-2"
    CLOSE_ABORTED = "AA-3"
    FORGET = "AA-4"
    STOP_TIMER = "AA-5, AR-5"
    IGNORE = "AA-6"
    SEND_ABORT_AGAIN = "AA-7"
    SEND_ABORT_UNEXPECTED = "AA-8"
    NOTHING = "no entry"


_S, _E, _A = State, Event, Action
_UNEXPECTED = (_A.SEND_ABORT_UNEXPECTED, _S.AWAITING_CLOSE)
_OURS = (_E.WE_ACCEPT, _E.WE_REJECT, _E.WE_ABORT)

TABLE: dict[tuple[State, Event], tuple[Action, State]] = {
    # Nothing can come over a connection that is gone.
    **{(_S.IDLE, event): (_A.NOTHING, _S.IDLE) for event in _E},
    **{(_S.AWAITING_REQUEST, event): (_A.SEND_ABORT, _S.AWAITING_CLOSE) for event in _E},
    (_S.AWAITING_REQUEST, _E.REQUEST): (_A.DECIDE, _S.DECIDING),
    (_S.AWAITING_REQUEST, _E.ABORT): (_A.CLOSE, _S.IDLE),
    (_S.AWAITING_REQUEST, _E.CLOSED): (_A.STOP_TIMER, _S.IDLE),
    (_S.AWAITING_REQUEST, _E.TIMER): (_A.CLOSE, _S.IDLE),
    **{(_S.AWAITING_REQUEST, event): (_A.NOTHING, _S.AWAITING_REQUEST) for event in _OURS},
    **{(_S.DECIDING, event): _UNEXPECTED for event in _E},
    (_S.DECIDING, _E.ABORT): (_A.CLOSE_ABORTED, _S.IDLE),
    (_S.DECIDING, _E.CLOSED): (_A.FORGET, _S.IDLE),
    (_S.DECIDING, _E.TIMER): (_A.NOTHING, _S.DECIDING),
    (_S.DECIDING, _E.WE_ACCEPT): (_A.SEND_ACCEPT, _S.ESTABLISHED),
    (_S.DECIDING, _E.WE_REJECT): (_A.SEND_REJECT, _S.AWAITING_CLOSE),
    (_S.DECIDING, _E.WE_ABORT): (_A.SEND_ABORT, _S.AWAITING_CLOSE),
    **{(_S.ESTABLISHED, event): _UNEXPECTED for event in _E},
    (_S.ESTABLISHED, _E.DATA): (_A.TAKE_DATA, _S.ESTABLISHED),
    (_S.ESTABLISHED, _E.RELEASE_REQUEST): (_A.RELEASE, _S.AWAITING_CLOSE),
    (_S.ESTABLISHED, _E.ABORT): (_A.CLOSE_ABORTED, _S.IDLE),
    (_S.ESTABLISHED, _E.CLOSED): (_A.FORGET, _S.IDLE),
    (_S.ESTABLISHED, _E.TIMER): (_A.NOTHING, _S.ESTABLISHED),
    (_S.ESTABLISHED, _E.WE_ACCEPT): (_A.NOTHING, _S.ESTABLISHED),
    (_S.ESTABLISHED, _E.WE_REJECT): (_A.NOTHING, _S.ESTABLISHED),
    (_S.ESTABLISHED, _E.WE_ABORT): (_A.SEND_ABORT, _S.AWAITING_CLOSE),
    **{(_S.AWAITING_CLOSE, event): (_A.IGNORE, _S.AWAITING_CLOSE) for event in _E},
    (_S.AWAITING_CLOSE, _E.REQUEST): (_A.SEND_ABORT_AGAIN, _S.AWAITING_CLOSE),
    (_S.AWAITING_CLOSE, _E.INVALID): (_A.SEND_ABORT_AGAIN, _S.AWAITING_CLOSE),
    (_S.AWAITING_CLOSE, _E.ABORT): (_A.CLOSE, _S.IDLE),
    (_S.AWAITING_CLOSE, _E.CLOSED): (_A.STOP_TIMER, _S.IDLE),
    (_S.AWAITING_CLOSE, _E.TIMER): (_A.CLOSE, _S.IDLE),
    **{(_S.AWAITING_CLOSE, event): (_A.NOTHING, _S.AWAITING_CLOSE) for event in _OURS},
}

ROWS: dict[State, dict[Event, tuple[Action, State]]] = {state: {event: TABLE[state, event] for event in Event} for state in State}
"""The same by state: what an association looks up for each PDU."""
