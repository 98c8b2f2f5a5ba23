"""What the laboratory's pages ask of either database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from telemed.adapters.application import SqlApplication
from telemed.centres.lab.adapters.message_intake import MessageIntake
from telemed.centres.lab.domain import MessageState
from telemed.centres.lab.intake import Caller
from telemed.centres.lab.operation import Standing, orders_page, set_aside, traffic_of, waiting_orders
from telemed.centres.lab.patient_results import patient_results, result_history
from telemed.domain.errors import NotFound
from tests.telemed.harness import Harness, patient_card
from tests.telemed.lab_pages.messages import CREATININE, POTASSIUM, oru
from tests.telemed.moments import Clock

pytestmark = pytest.mark.database


async def send(application: SqlApplication, *messages: bytes, address: str = "127.0.0.1") -> None:
    intake = MessageIntake(application)
    for message in messages:
        await intake.take(message, Caller(address))
    await intake.close()


async def test_traffic_counts_by_sender_and_time(application: SqlApplication, harness: Harness, clock: Clock) -> None:
    at = application.now()
    await send(application, oru("CLINIC1", "P1", [(POTASSIUM, "4.1", "mmol/L", "")], at=at))
    await send(application, oru("CLINIC1", "P1", [("K^钾^LN", "4.1", "", "")], at=at).decode().encode("gb18030"))
    await send(application, oru("CLINIC2", "P2", [(POTASSIUM, "4.1", "mmol/L", "")], at=at), address="10.9.9.9")
    operator = harness.people["operator"]
    async with application.reading() as work:
        by_sender = {each.sender: each for each in await traffic_of(work, operator)}
        assert await waiting_orders(work, operator) == 1
    one, two = by_sender["CLINIC1"], by_sender["CLINIC2"]
    assert (one.hour, one.day, one.week, one.aside, one.refused) == (2, 2, 2, 1, 0)
    assert (two.aside, two.refused) == (0, 1)
    assert by_sender["CLINIC3"].standing(at) is Standing.NEVER
    clock.forward(hours=25)
    async with application.reading() as work:
        later = {each.sender: each for each in await traffic_of(work, operator)}
        quarantined, following = await set_aside(work, operator, "", MessageState.QUARANTINED, "")
        refused, _ = await set_aside(work, operator, "CLINIC2", MessageState.REFUSED, "")
        own, _ = await set_aside(work, harness.people["clinic2"], "CLINIC1", MessageState.QUARANTINED, "")
    assert (later["CLINIC1"].hour, later["CLINIC1"].day, later["CLINIC1"].week) == (0, 0, 2)
    assert later["CLINIC2"].refused == 0
    assert later["CLINIC1"].standing(application.now()) is Standing.SILENT
    assert [message.sender for message in quarantined] == ["CLINIC1"]
    assert following is None
    assert [message.sender for message in refused] == ["CLINIC2"]
    assert own == []


async def test_orders_and_patients_are_found_by_either_number(application: SqlApplication, harness: Harness) -> None:
    at = application.now()
    case = await harness.draft("lab", patient=patient_card(7))
    await send(
        application,
        oru("CLINIC1", "P00007", [(POTASSIUM, "4.1", "mmol/L", "3.5-5.3")], at=at - timedelta(hours=2), order="A1"),
        oru("CLINIC1", "P00007", [(CREATININE, "80", "umol/L", "57-97")], at=at - timedelta(hours=1), order="A2"),
    )
    clinic = harness.people["clinic1"]
    async with application.reading() as work:
        newest = await orders_page(work, clinic, "", None)
        by_order = await orders_page(work, clinic, "A1", None)
        by_patient = await orders_page(work, clinic, "P00007", None)
        found = await patient_results(work, clinic, case.patient.id)
        history = await result_history(work, clinic, found.results[0].id)
        with pytest.raises(NotFound):
            await patient_results(work, harness.people["clinic2"], case.patient.id)
    assert [order.number for order in newest.orders] == ["A2", "A1"]
    assert newest.records["P00007"].id == case.patient.id
    assert [order.number for order in by_order.orders] == ["A1"]
    assert [order.number for order in by_patient.orders] == ["A2", "A1"]
    assert [result.order_number for result in found.results] == ["A2", "A1"]
    assert [version.version for version in history.versions] == [1]
    assert next(iter(history.messages.values())).sender == "CLINIC1"
