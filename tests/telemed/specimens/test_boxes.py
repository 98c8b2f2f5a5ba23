"""Boxes and tubes on both databases: one tube in one living box, the same again, two at once, what was scanned by mistake."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, timedelta

import pytest

from telemed.centres.lab.adapters.specimens.temperature import LibraryLogReader
from telemed.centres.lab.specimens import ages, boxes, receipt, registering, scans, temperature
from telemed.centres.lab.specimens.domain import Box, Content, Reading, Specimen
from telemed.centres.lab.specimens.receipt import Found
from telemed.centres.lab.specimens.registering import Wanted
from telemed.centres.lab.specimens.scanning import Scan, Scanned, Station
from telemed.centres.lab.specimens.states import BoxState, Condition, SpecimenState
from telemed.domain.case import Case
from telemed.domain.errors import Forbidden, Invalid, InvalidTransition, NotFound, StaleVersion
from telemed.domain.identity_of_evidence import StatedIdentity
from telemed.service.identity import new_id
from tests.telemed.harness import Harness

pytestmark = pytest.mark.database

READER = LibraryLogReader()
GOOD = Found(Condition.GOOD)


async def tubes(harness: Harness, *kinds: str, by: str = "clinic1", key: str = "", **more: object) -> tuple[Case, list[Specimen]]:
    case = await harness.requested("lab", by, **more)
    wanted = [Wanted(kind) for kind in kinds]
    return case, await harness.do(by, registering.register_specimens, case.id, wanted, None, key)


async def a_box(harness: Harness, numbers: Sequence[Specimen] = (), by: str = "clinic1", to: str = "HUBA") -> Box:
    box: Box = await harness.do(by, boxes.open_box, READER, to, "2-8")
    for tube in numbers:
        await harness.do(by, boxes.add_specimen, box.id, tube.number)
    return box


async def sent(harness: Harness, numbers: Sequence[Specimen], by: str = "clinic1", to: str = "HUBA") -> Box:
    box = await a_box(harness, numbers, by, to)
    await harness.do(by, boxes.make_ready, box.id)
    await harness.do(by, boxes.give_box, box.id, "hand-over", "李师傅", "S-1")
    return box


async def in_transit(harness: Harness, numbers: Sequence[Specimen], by: str = "clinic1", to: str = "HUBA") -> Box:
    box = await sent(harness, numbers, by, to)
    taken: Box = await harness.do(by, boxes.take_box, box.id, "李师傅", "S-1")
    return taken


async def state_of(harness: Harness, box: Box, user: str = "clinic1") -> BoxState:
    found: BoxState = (await harness.ask(user, boxes.view_box, READER, box.id)).box.state
    return found


async def tube_of(harness: Harness, number: str, user: str = "clinic1") -> Specimen:
    found: Specimen = (await harness.ask(user, registering.view_specimen, number)).specimen
    return found


async def come(harness: Harness, box: Box, tube: Specimen, found: Found = GOOD, user: str = "lab.huba") -> Content:
    content: Content = await harness.do(user, receipt.receive_specimen, box.id, tube.number, found)
    return content


async def test_the_same_request_labels_once(harness: Harness) -> None:
    case, made = await tubes(harness, "EDTA", "CITRATE", key="k-1")
    assert [tube.container for tube in made] == ["CITRATE", "EDTA"]
    again = await harness.do("clinic1", registering.register_specimens, case.id, [Wanted("EDTA"), Wanted("CITRATE")], None, "k-1")
    assert [tube.number for tube in again] == [tube.number for tube in made]
    other = await harness.do("clinic1", registering.register_specimens, case.id, [Wanted("EDTA")], None, "k-2")
    assert other[0].number not in {tube.number for tube in made}
    assert (await harness.history(case.id)).count("specimen-register") == 2


async def test_numbers_of_two_at_once_differ(harness: Harness) -> None:
    cases = [await harness.requested("lab") for _ in range(4)]
    made = await asyncio.gather(*(harness.do("clinic1", registering.register_specimens, case.id, [Wanted("EDTA")] * 3) for case in cases))
    numbers = [tube.number for found in made for tube in found]
    assert len(set(numbers)) == 12


@pytest.mark.parametrize(
    ("centre", "containers"), [("ecg", [Wanted("EDTA")]), ("lab", []), ("lab", [Wanted("JAR")]), ("lab", [Wanted("EDTA")] * 31)]
)
async def test_what_cannot_be_labelled(harness: Harness, centre: str, containers: list[Wanted]) -> None:
    case = await harness.requested(centre)
    with pytest.raises(Invalid):
        await harness.do("clinic1", registering.register_specimens, case.id, containers)


async def test_one_tube_is_in_one_living_box(harness: Harness) -> None:
    _, (tube,) = await tubes(harness, "EDTA")
    first, second = await a_box(harness), await a_box(harness)
    outcomes = await asyncio.gather(
        *(harness.do("clinic1", boxes.add_specimen, box.id, tube.number) for box in (first, second)), return_exceptions=True
    )
    assert sum(isinstance(outcome, Specimen) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, InvalidTransition) for outcome in outcomes) == 1
    holder = (await tube_of(harness, tube.number)).box_id
    await harness.do("clinic1", boxes.remove_specimen, holder, tube.number)
    await harness.do("clinic1", boxes.add_specimen, second.id, tube.number)
    assert (await tube_of(harness, tube.number)).box_id == second.id


async def test_a_cancelled_box_frees_its_tubes(harness: Harness) -> None:
    _, made = await tubes(harness, "EDTA", "SST")
    box = await a_box(harness, made)
    await harness.do("clinic1", boxes.cancel_box, box.id, "装错")
    await harness.do("clinic1", boxes.cancel_box, box.id, "装错")
    assert await state_of(harness, box) is BoxState.CANCELLED
    other = await a_box(harness, made)
    assert (await tube_of(harness, made[0].number)).box_id == other.id
    with pytest.raises(NotFound):
        await harness.ask("lab.huba", boxes.view_box, READER, box.id)


async def test_a_step_from_an_older_copy_is_refused(harness: Harness) -> None:
    _, made = await tubes(harness, "EDTA")
    box = await a_box(harness)
    await harness.do("clinic1", boxes.add_specimen, box.id, made[0].number, "1")
    with pytest.raises(StaleVersion):
        await harness.do("clinic1", boxes.make_ready, box.id, "1")
    assert (await harness.do("clinic1", boxes.make_ready, box.id, "2")).state is BoxState.READY


async def test_each_step_again_changes_nothing(harness: Harness) -> None:
    _, made = await tubes(harness, "EDTA")
    box = await a_box(harness, made)
    for _ in range(2):
        await harness.do("clinic1", boxes.make_ready, box.id)
    for _ in range(2):
        await harness.do("clinic1", boxes.give_box, box.id, "hand-over", "李师傅", "S-1")
    for _ in range(2):
        await harness.do("clinic1", boxes.take_box, box.id, "李师傅", "S-1")
    for _ in range(2):
        await come(harness, box, made[0])
    for _ in range(2):
        await harness.do("lab.huba", receipt.reconcile_box, box.id)
    view = await harness.ask("clinic1", boxes.view_box, READER, box.id)
    assert len(view.handovers) == 2
    assert view.box.version == 7
    with pytest.raises(InvalidTransition):
        await harness.do("clinic1", boxes.take_box, box.id, "王师傅", "S-1")


async def test_an_empty_box_is_not_closed_and_a_hub_must_be_one(harness: Harness) -> None:
    box = await a_box(harness)
    with pytest.raises(Invalid, match="box-empty"):
        await harness.do("clinic1", boxes.make_ready, box.id)
    for hub, band in (("CLINIC2", "2-8"), ("HUBA", "cold"), ("HUBA", "8-2"), ("NOBODY", "2-8")):
        with pytest.raises(Invalid):
            await harness.do("clinic1", boxes.open_box, READER, hub, band)


async def test_a_carrier_without_a_person_gives_a_number(harness: Harness) -> None:
    _, made = await tubes(harness, "EDTA")
    box = await a_box(harness, made)
    await harness.do("clinic1", boxes.make_ready, box.id)
    given = await harness.do("clinic1", boxes.give_box, box.id, "send", "SF1234567", "S-1")
    assert given.state is BoxState.SENT
    assert (await harness.do("lab.huba", boxes.take_box, box.id, "SF1234567", "S-1")).state is BoxState.IN_TRANSIT


async def test_a_box_is_received_tube_by_tube(harness: Harness) -> None:
    _, made = await tubes(harness, "EDTA", "SST")
    box = await in_transit(harness, made)
    await come(harness, box, made[0])
    assert await state_of(harness, box) is BoxState.PARTIALLY_RECEIVED
    await come(harness, box, made[1], Found(Condition.LEAKED))
    assert await state_of(harness, box) is BoxState.RECEIVED
    await come(harness, box, made[1], Found(Condition.REJECTED, "QS"))
    tube = await tube_of(harness, made[1].number)
    assert (tube.state, tube.reason, tube.condition) == (SpecimenState.REJECTED, "QS", Condition.REJECTED)
    await harness.do("lab.huba", receipt.take_back, box.id, made[1].number)
    assert await state_of(harness, box) is BoxState.PARTIALLY_RECEIVED
    await harness.do("lab.huba", receipt.take_back, box.id, made[0].number)
    assert await state_of(harness, box) is BoxState.IN_TRANSIT
    assert (await tube_of(harness, made[0].number)).state is SpecimenState.SENT


async def test_two_at_the_bench_receive_a_tube_once(harness: Harness) -> None:
    _, made = await tubes(harness, "EDTA")
    box = await in_transit(harness, made)
    await asyncio.gather(*(come(harness, box, made[0]) for _ in range(4)))
    received = [line for line in await harness.audited("specimen:receive") if line[2] == f"specimen/{made[0].number}"]
    assert len(received) == 1


async def test_a_tube_of_another_box_is_missing_there(harness: Harness) -> None:
    _, made = await tubes(harness, "EDTA", "SST")
    first, second = await in_transit(harness, made[:1]), await in_transit(harness, made[1:])
    content = await come(harness, first, made[1])
    assert content.unexpected
    view = await harness.ask("lab.huba", boxes.view_box, READER, second.id)
    assert [(each.condition, each.reason) for each in view.contents] == [(Condition.MISSING, first.id)]
    assert view.box.state is BoxState.RECEIVED
    assert (await tube_of(harness, made[1].number)).box_id == first.id


async def test_an_unexpected_tube_can_be_taken_back(harness: Harness) -> None:
    _, made = await tubes(harness, "EDTA")
    _, (stray,) = await tubes(harness, "SST")
    box = await in_transit(harness, made)
    await come(harness, box, stray)
    assert await state_of(harness, box) is BoxState.PARTIALLY_RECEIVED
    await harness.do("lab.huba", receipt.take_back, box.id, stray.number)
    assert await state_of(harness, box) is BoxState.IN_TRANSIT
    assert (await tube_of(harness, stray.number)).box_id == ""
    with pytest.raises(NotFound):
        await come(harness, box, stray, Found(Condition.MISSING))


async def test_a_tube_of_a_stranger_is_not_received(harness: Harness) -> None:
    """Of another sender, and of no case that the hub has: there is no such number here."""
    _, made = await tubes(harness, "EDTA")
    box = await in_transit(harness, made)
    case = await harness.draft("lab", "clinic2")
    (stray,) = await harness.do("clinic2", registering.register_specimens, case.id, [Wanted("EDTA")])
    with pytest.raises(NotFound):
        await come(harness, box, stray)


async def test_a_lost_box_says_so_and_may_turn_up(harness: Harness) -> None:
    _, made = await tubes(harness, "EDTA", "SST")
    box = await in_transit(harness, made)
    await harness.do("lab.huba", boxes.lose_box, box.id, "车辆事故")
    assert (await tube_of(harness, made[0].number)).state is SpecimenState.MISSING
    await come(harness, box, made[0])
    assert await state_of(harness, box) is BoxState.PARTIALLY_RECEIVED
    assert (await tube_of(harness, made[0].number)).state is SpecimenState.RECEIVED


async def test_who_sent_a_tube_rejects_it_only_before(harness: Harness) -> None:
    case, made = await tubes(harness, "EDTA", "SST")
    await harness.do("clinic1", receipt.reject_specimen, made[0].number, "rc")
    assert (await tube_of(harness, made[0].number)).reason == "RC"
    box = await in_transit(harness, made[1:])
    with pytest.raises(InvalidTransition):
        await harness.do("clinic1", receipt.reject_specimen, made[1].number, "RH")
    with pytest.raises(InvalidTransition):
        await harness.do("lab.huba", receipt.reject_specimen, made[1].number, "RH")
    await come(harness, box, made[1])
    with pytest.raises(Invalid):
        await harness.do("lab.huba", receipt.reject_specimen, made[1].number, "XX")
    for _ in range(2):
        await harness.do("lab.huba", receipt.reject_specimen, made[1].number, "RH")
    assert (await harness.history(case.id)).count("specimen-reject") == 2


async def test_a_tube_that_names_another_patient_is_held_until_it_is_settled(harness: Harness) -> None:
    case, made = await tubes(harness, "EDTA", "SST")
    box = await in_transit(harness, made)
    stated = StatedIdentity(name="王秀兰", sex="female", birth_date="1950-01-01")
    for tube in made:
        await come(harness, box, tube, Found(Condition.GOOD, "", stated))
    views = await harness.ask("clinic1", registering.view_case_specimens, case.id)
    assert [[hold.code for hold in view.holds] for view in views] == [["other-patient"]] * 2
    assert views[0].specimen.differs == ("name", "sex", "birth_date")
    await harness.do("lab.huba", registering.settle_label, made[0].number, True, "婚前姓名")
    await harness.do("clinic1", registering.settle_label, made[1].number, False, "装错管")
    assert (await tube_of(harness, made[0].number)).differs == ()
    assert (await tube_of(harness, made[1].number)).reason == "RI"
    with pytest.raises(InvalidTransition):
        await harness.do("lab.huba", registering.settle_label, made[0].number, True, "again")


async def test_a_label_that_names_the_patient_is_silent(harness: Harness) -> None:
    _, made = await tubes(harness, "EDTA")
    box = await in_transit(harness, made)
    await come(harness, box, made[0], Found(Condition.GOOD, "", StatedIdentity(name="ZHANG WEI", sex="M", birth_date="19610305")))
    assert (await tube_of(harness, made[0].number)).differs == ()


async def test_readings_of_a_logger_count_once(harness: Harness) -> None:
    _, made = await tubes(harness, "EDTA")
    box = await in_transit(harness, made)
    start = harness.clock().astimezone(UTC) - timedelta(hours=1)
    found = [Reading(start + timedelta(minutes=minute), 4.0 + (minute == 7) * 6) for minute in range(10)]
    assert await harness.do("clinic1", temperature.add_readings, READER, box.id, "TL-1", found) == 10
    assert await harness.do("clinic1", temperature.add_readings, READER, box.id, "TL-1", found[5:]) == 0
    view = await harness.ask("lab.huba", boxes.view_box, READER, box.id)
    assert view.assessment.readings == 10
    assert [alarm.extreme for alarm in view.assessment.alarms] == [10.0]
    assert view.box.excursion == 10.0
    later = Reading(harness.clock() + timedelta(hours=1), 4.0)
    with pytest.raises(Invalid):
        await harness.do("clinic1", temperature.add_readings, READER, box.id, "TL-1", [later])
    with pytest.raises(Invalid):
        await harness.do("clinic1", temperature.add_readings, READER, box.id, "TL-1", [Reading(start, 900.0)])


async def scanned(harness: Harness, user: str, station: Station, code: str, scan_id: str = "", **hand: str) -> Scanned:
    return await scans.scan(harness.application, harness.people[user], station, Scan(scan_id or new_id(), code, **hand))  # type: ignore[arg-type]


async def test_a_scan_is_done_once_and_taken_back_once(harness: Harness) -> None:
    _, (tube,) = await tubes(harness, "EDTA")
    box = await a_box(harness)
    scan_id = new_id()
    first = await scanned(harness, "clinic1", Station.BOXES, tube.number, scan_id, box=box.id)
    assert (first.step, first.undo) == ("packed", True)
    assert await scanned(harness, "clinic1", Station.BOXES, tube.number, scan_id, box=box.id) == first
    assert (await scanned(harness, "clinic1", Station.BOXES, tube.number, box=box.id)).step == "already-packed"
    with pytest.raises(NotFound):
        await harness.do("clinic2", scans.undo_scan, scan_id)
    for _ in range(2):
        assert (await harness.do("clinic1", scans.undo_scan, scan_id)).undone
    assert (await tube_of(harness, tube.number)).box_id == ""


async def test_a_scan_is_known_for_a_month(harness: Harness) -> None:
    _, (tube,) = await tubes(harness, "EDTA")
    scan_id = new_id()
    assert (await scanned(harness, "clinic1", Station.BOXES, tube.number, scan_id)).step == "collected"
    harness.clock.forward(days=30)
    await scanned(harness, "clinic1", Station.BOXES, "RUBBISH")
    assert (await scanned(harness, "clinic1", Station.BOXES, tube.number, scan_id)).step == "collected"
    harness.clock.forward(seconds=1)
    await scanned(harness, "clinic1", Station.BOXES, "RUBBISH")
    assert (await scanned(harness, "clinic1", Station.BOXES, tube.number, scan_id)).step == "choose-box"


async def test_what_a_scanner_is_told(harness: Harness) -> None:
    _, made = await tubes(harness, "EDTA", "SST")
    steps = []
    for station, user, code in (
        (Station.BOXES, "clinic1", "RUBBISH"),
        (Station.BOXES, "clinic2", made[0].number),
        (Station.BOXES, "clinic1", "K-Li"),
        (Station.BOXES, "clinic1", made[0].number),
        (Station.BOXES, "clinic1", made[0].number),
        (Station.RECEIPT, "lab.huba", made[0].number),
        (Station.RECEIPT, "lab.huba", "C-LEAKED"),
    ):
        steps.append((await scanned(harness, user, station, code)).step)
    assert steps == ["unknown", "not-found", "not-this-step", "collected", "choose-box", "choose-box", "condition"]
    box = await sent(harness, made)
    assert (await scanned(harness, "lab.huba", Station.RECEIPT, box.id)).step == "not-taken-over"
    assert (await scanned(harness, "lab.hubb", Station.RECEIPT, box.id)).step == "not-found"
    assert (await scanned(harness, "clinic1", Station.COURIER, box.id)).step == "choose-courier"
    taken = await scanned(harness, "clinic1", Station.COURIER, box.id, courier="李师傅", seal="S-9")
    assert taken.step == "seal-differs"
    await harness.do("clinic1", scans.undo_scan, taken.id)
    assert (await scanned(harness, "clinic1", Station.COURIER, box.id, courier="李师傅", seal="S-1")).step == "taken-over"
    assert (await scanned(harness, "clinic1", Station.COURIER, box.id, courier="李师傅")).step == "already-taken"
    assert (await scanned(harness, "lab.huba", Station.RECEIPT, made[0].number)).step == "received"
    assert (await scanned(harness, "lab.huba", Station.RECEIPT, made[0].number)).step == "already-received"
    refused = await scanned(harness, "lab.huba", Station.RECEIPT, made[1].number, condition="rejected", reason="ZZ")
    assert (refused.step, refused.facts["fault"]) == ("refused", "choice")
    rejected = await scanned(harness, "lab.huba", Station.RECEIPT, made[1].number, condition="rejected", reason="RH")
    assert (rejected.step, rejected.condition) == ("rejected", "good")
    await harness.do("lab.huba", scans.undo_scan, rejected.id)
    assert (await tube_of(harness, made[1].number)).state is SpecimenState.SENT


async def test_what_waits_by_age_and_how_long_steps_take(harness: Harness) -> None:
    _, made = await tubes(harness, "EDTA", "SST", "URINE")
    counts = {each.stage.code: each.waiting for each in await harness.ask("clinic1", ages.count_stages)}
    assert counts == dict.fromkeys(ages.STAGES, 0) | {"ordered-not-collected": 3}
    await harness.do("clinic1", registering.collect_specimen, made[2].number)
    box = await sent(harness, made[:2])
    harness.clock.forward(hours=2)
    found = {each.stage.code: (each.waiting, each.late) for each in await harness.ask("clinic1", ages.count_stages) if each.waiting}
    assert found == {"collected-not-boxed": (1, 0), "sent-not-taken": (1, 1)}
    _, lines = await harness.ask("operator", ages.waiting_at, "sent-not-taken")
    assert [(line.kind, line.name, line.member, line.hub) for line in lines] == [("box", box.id, "CLINIC1", "HUBA")]
    await harness.do("clinic1", boxes.take_box, box.id, "李师傅", "S-1")
    await come(harness, box, made[0])
    hub = {each.stage.code for each in await harness.ask("lab.huba", ages.count_stages) if each.waiting}
    assert hub == {"collected-not-boxed", "received-not-resulted"}
    assert not [each for each in await harness.ask("lab.hubb", ages.count_stages) if each.waiting]
    day = harness.clock().astimezone(UTC)
    steps = {each.step: each for each in await harness.ask("clinic1", ages.turnaround, day.year, day.month)}
    assert steps["sent-to-received"].tubes == 1
    assert round(steps["sent-to-received"].p50, 2) == round(steps["sent-to-received"].p90, 2) == 2.0
    with pytest.raises(Forbidden):
        await harness.ask("auditor", ages.count_stages)


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([1.0], 0.5, 1.0), ([3.0, 1.0, 2.0], 0.5, 2.0), ([1.0, 2.0], 0.5, 1.0), ([float(n) for n in range(1, 11)], 0.9, 9.0)],
)
async def test_the_nearest_rank(values: list[float], share: float, expected: float) -> None:
    assert ages.nearest_rank(values, share) == expected
