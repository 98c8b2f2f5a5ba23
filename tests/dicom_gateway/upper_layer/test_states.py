"""Every pair of state and event, beside pynetdicom's table."""

from __future__ import annotations

import itertools

import pytest
from pynetdicom.fsm import TRANSITION_TABLE

from dicom_gateway.upper_layer.states import TABLE, Action, Event, State

# PS3.8 table 9-10 tells A-ASSOCIATE-AC from -RJ; an acceptor that gets either does the same.
EVENTS = {
    Event.REQUEST: ("Evt6",),
    Event.ACCEPT_OR_REJECT: ("Evt3", "Evt4"),
    Event.DATA: ("Evt10",),
    Event.RELEASE_REQUEST: ("Evt12",),
    Event.RELEASE_RESPONSE: ("Evt13",),
    Event.ABORT: ("Evt16",),
    Event.INVALID: ("Evt19",),
    Event.CLOSED: ("Evt17",),
    Event.TIMER: ("Evt18",),
    Event.WE_ACCEPT: ("Evt7",),
    Event.WE_REJECT: ("Evt8",),
    Event.WE_ABORT: ("Evt15",),
}
# Where each action leads to (PS3.8 9.2.3); AR-4 ends what AR-2 began.
NEXT = {
    "AE-6": State.DECIDING,
    "AE-7": State.ESTABLISHED,
    "AE-8": State.AWAITING_CLOSE,
    "DT-2": State.ESTABLISHED,
    "AR-2": State.AWAITING_CLOSE,
    "AR-5": State.IDLE,
    "AA-1": State.AWAITING_CLOSE,
    "AA-2": State.IDLE,
    "AA-3": State.IDLE,
    "AA-4": State.IDLE,
    "AA-5": State.IDLE,
    "AA-6": State.AWAITING_CLOSE,
    "AA-7": State.AWAITING_CLOSE,
    "AA-8": State.AWAITING_CLOSE,
}


@pytest.mark.parametrize(("state", "event"), list(itertools.product(State, Event)), ids=lambda each: each.name.lower())
def test_the_table_is_that_of_the_standard(state: State, event: Event) -> None:
    action, following = TABLE[state, event]
    expected = {TRANSITION_TABLE.get((number, state.value)) for number in EVENTS[event]}
    (name,) = expected
    if name is None:
        assert (action, following) == (Action.NOTHING, state)
    else:
        assert name in action.value.split(", ")
        assert following is NEXT[name]
