"""The tables of specimens and boxes: every pair of state and step, what follows from tests, limits, numbers, holds."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from telemed.centres.lab.specimens.containers import (
    CONTAINER_RULES,
    CONTAINERS,
    STABILITY,
    ItemCodes,
    Keeps,
    allowed,
    container_of,
    containers_for,
    limit_of,
)
from telemed.centres.lab.specimens.domain import Alarm, Box, Handover, Side, Specimen, farthest, handover_differs
from telemed.centres.lab.specimens.holds import RULES, WORDS, Travelled, holds
from telemed.centres.lab.specimens.numbers import Barcode, check_digit, is_sound, number_of, what_is
from telemed.centres.lab.specimens.scans import STEPS as SCAN_STEPS
from telemed.centres.lab.specimens.states import (
    BOX,
    BOX_WORDS,
    CONDITION_WORDS,
    LIVING,
    REJECT_REASONS,
    SPECIMEN,
    SPECIMEN_WORDS,
    STEP_OF_CONDITION,
    BoxState,
    Condition,
    SpecimenState,
)
from telemed.domain.errors import InvalidTransition

T0 = datetime(2026, 11, 18, 8, 0, tzinfo=UTC)

SPECIMEN_TABLE = """
            collect   uncollect  pack  unpack    send receive  miss    refuse   unreceive give-back lose    withdraw reject   void
registered  collected -          boxed -         -    received -       -        -         -         -       rejected -        void
collected   -         registered boxed -         -    received -       -        -         -         -       rejected -        void
boxed       -         -          -     collected sent received -       -        -         -         -       -        -        -
sent        -         -          -     -         -    received missing rejected sent      -         missing -        -        -
received    -         -          -     -         -    received missing rejected sent      collected -       -        rejected -
missing     -         -          -     -         -    received -       rejected sent      collected -       -        -        -
rejected    -         -          -     -         -    received missing -        sent      collected -       -        -        -
void        -         -          -     -         -    -        -       -        -         -         -       -        -        -
"""

BOX_TABLE = """
                   add   remove ready reopen cancel    send hand-over take-over  untake receive-some       receive-all receive-none reconcile  lose
draft              draft draft  ready -      cancelled -    -         -          -      -                  -           -            -          -
ready              -     -      -     draft  cancelled sent sent      -          -      -                  -           -            -          -
sent               -     -      -     -      -         -    -         in-transit -      -                  -           -            -          lost
in-transit         -     -      -     -      -         -    -         -          sent   partially-received received    -            -          lost
partially-received -     -      -     -      -         -    -         -          -      partially-received received    in-transit   -          -
received           -     -      -     -      -         -    -         -          -      partially-received received    in-transit   reconciled -
reconciled         -     -      -     -      -         -    -         -          -      -                  -           -            -          -
cancelled          -     -      -     -      -         -    -         -          -      -                  -           -            -          -
lost               -     -      -     -      -         -    -         -          -      partially-received received    -            -          -
"""  # a table is read across


def cells(table: str) -> dict[tuple[str, str], str]:
    head, *lines = table.strip("\n").splitlines()
    return {
        (line.split()[0], action): cell
        for line in lines
        for action, cell in zip(head.split(), line.split()[1:], strict=True)
        if cell != "-"
    }


@pytest.mark.parametrize(
    ("machine", "states", "table"), [(SPECIMEN, SpecimenState, SPECIMEN_TABLE), (BOX, BoxState, BOX_TABLE)], ids=["tube", "box"]
)
def test_every_state_and_step(machine: Any, states: Any, table: str) -> None:
    expected = cells(table)
    assert set(table.split()[: len(machine.actions)]) == machine.actions
    for state, action in itertools.product(states, sorted(machine.actions)):
        wanted = expected.get((state.value, action))
        assert machine.allows(state, action) is (wanted is not None), (state, action)
        if wanted is None:
            with pytest.raises(InvalidTransition):
                machine.next(state, action)
        else:
            assert machine.next(state, action) == wanted


def test_every_state_and_condition_has_its_word() -> None:
    assert set(BOX_WORDS) == set(BoxState)
    assert set(SPECIMEN_WORDS) == set(SpecimenState)
    assert set(CONDITION_WORDS) == set(STEP_OF_CONDITION) == set(Condition)
    assert set(WORDS) == set(RULES)
    assert set(REJECT_REASONS) == {"EX", "QS", "RA", "RB", "RC", "RD", "RE", "RH", "RI", "RM", "RN", "RP", "RR", "RS"}
    assert BoxState.LOST not in LIVING
    assert BoxState.RECEIVED in LIVING


@pytest.mark.parametrize(
    ("wst886", "loinc", "kind"),
    [
        ("0100101A", "6690-2", "EDTA"),
        ("0300101A", "30341-2", "ESR"),
        ("0500103A", "5902-2", "CITRATE"),
        ("1100301A", "4548-4", "EDTA"),
        ("1100104A", "1751-7", "SST"),
        ("1700104A", "14749-6", "FLUORIDE"),
        ("1700204A", "22664-7", "SST"),
        ("2300101A", "2744-1", "GAS"),
        ("", "751-8", "EDTA"),
        ("", "2336-6", "SST"),
        ("9900101A", "", "OTHER"),
        ("", "", "OTHER"),
    ],
)
def test_the_container_of_a_test(wst886: str, loinc: str, kind: str) -> None:
    assert container_of(ItemCodes(wst886, loinc)) == kind


def test_containers_follow_in_the_order_of_draw() -> None:
    asked = containers_for([ItemCodes("0100101A", ""), ItemCodes("1400605A", ""), ItemCodes("0500103A", ""), ItemCodes("0100401A", "")])
    assert asked == [("CITRATE", ("0500103A",)), ("SST", ("1400605A",)), ("EDTA", ("0100101A", "0100401A"))]
    assert set(CONTAINER_RULES.values()) <= set(CONTAINERS)


@pytest.mark.parametrize("row", STABILITY, ids=lambda row: f"{row.container}-{row.hours:g}h-{row.low:g}")
def test_a_limit_holds_at_it_and_not_beyond(row: Keeps) -> None:
    container, items, low, high = row.container, row.items or ("0",), row.low, row.high
    item = (items[0] + "00000000")[:8]
    box = Box("B1", "CLINIC1", "HUBA", f"{low:g}-{high:g}", low, high, "x", T0)
    found = limit_of(container, [item], low, high)
    assert found is not None
    for minutes, held in ((-1, False), (0, False), (1, True)):
        tube = Specimen("S1", "c", "CLINIC1", container, (item,), "x", T0, collected_at=T0)
        tube.received_at = T0 + allowed(found) + timedelta(minutes=minutes)
        assert ("stability" in [hold.code for hold in holds(Travelled(tube, [box]))]) is held
    assert limit_of(container, [item], low - 1, high) is None
    assert row.source


def test_what_nobody_knows_a_limit_of_is_not_held() -> None:
    tube = Specimen("S1", "c", "CLINIC1", "SWAB", (), "x", T0, collected_at=T0, received_at=T0 + timedelta(days=30))
    box = Box("B1", "CLINIC1", "HUBA", "2-8", 2, 8, "x", T0)
    assert holds(Travelled(tube, [box])) == []


def test_each_hold_by_itself() -> None:
    def tube(**more: object) -> Specimen:
        return Specimen("S1", "c", "CLINIC1", "EDTA", (), "x", T0, **more)  # type: ignore[arg-type]  # fields by name

    box = Box("B1", "CLINIC1", "HUBA", "2-8", 2, 8, "x", T0, excursion=9.04)
    assert holds(Travelled(tube(), [box])) == [("excursion", "9.0 ℃")]
    assert holds(Travelled(tube(condition=Condition.LEAKED), [])) == [("leaked", "")]
    assert holds(Travelled(tube(condition=Condition.DAMAGED), [])) == [("damaged", "")]
    assert holds(Travelled(tube(condition=Condition.GOOD), [])) == []
    assert holds(Travelled(tube(state=SpecimenState.REJECTED, reason="RH"), [])) == [("rejected", "RH")]
    assert holds(Travelled(tube(state=SpecimenState.MISSING), [])) == [("missing", "")]
    assert holds(Travelled(tube(differs=("name", "sex")), [])) == [("other-patient", "name sex")]


def test_the_farthest_degree_is_that_farthest_from_the_band() -> None:
    box = Box("B1", "CLINIC1", "HUBA", "2-8", 2, 8, "x", T0)
    alarms = [Alarm("a", "above", T0, T0, 9.5, 3), Alarm("a", "below", T0, T0, -1.0, 1)]
    assert farthest(box, alarms) == -1.0
    assert farthest(box, []) is None


@pytest.mark.parametrize(
    ("given", "taken", "differs"),
    [
        (("李师傅", "S-1"), ("李师傅", "S-1"), ()),
        (("李师傅", "S-1"), ("李师傅", "s-1 "), ()),
        (("李师傅", "S-1"), ("王师傅", "S-1"), ("courier",)),
        (("李师傅", "S-1"), ("李师傅", "S-2"), ("seal",)),
        (("李师傅", "S-1"), ("李师傅", ""), ()),
        (("李师傅", "S-1"), ("王师傅", "S-2"), ("courier", "seal")),
    ],
)
def test_what_giver_and_taker_say_otherwise(given: tuple[str, str], taken: tuple[str, str], differs: tuple[str, ...]) -> None:
    sides = [Handover("B1", side, *said, T0, "x", T0) for side, said in ((Side.GIVEN, given), (Side.TAKEN, taken))]
    assert handover_differs(sides) == differs
    assert handover_differs(sides[:1]) == ()


def test_the_check_digit_is_that_of_the_luhn_formula() -> None:
    assert check_digit("7992739871") == "3"  # the example of ISO/IEC 7812-1's formula in every textbook
    number = number_of(Barcode.SPECIMEN, date(2026, 11, 30), 7)
    assert number == "S2611300007" + check_digit("2611300007")
    assert is_sound(number)
    for place in range(1, len(number)):
        for digit in "0123456789":
            changed = number[:place] + digit + number[place + 1 :]
            assert is_sound(changed) is (changed == number)


def test_what_a_barcode_is() -> None:
    tube, box = number_of(Barcode.SPECIMEN, date(2026, 11, 30), 12345), number_of(Barcode.BOX, date(2026, 11, 30), 1)
    assert what_is(f" {tube.lower()} ") == (Barcode.SPECIMEN, tube)
    assert what_is(box) == (Barcode.BOX, box)
    assert what_is("K-Li Shifu") == (Barcode.COURIER, "Li Shifu")
    assert what_is("C-REJECTED-RH") == (Barcode.CONDITION, "REJECTED-RH")
    assert what_is("C-SOSO") == (Barcode.UNKNOWN, "C-SOSO")
    assert what_is(tube[:-1] + str((int(tube[-1]) + 1) % 10))[0] is Barcode.UNKNOWN
    assert what_is("")[0] is Barcode.UNKNOWN
    assert {kind for _, kind in SCAN_STEPS} == set(Barcode) - {Barcode.UNKNOWN}
