"""The conformance statement and the page of the centre say what the code does."""

from __future__ import annotations

import re

from lab.limits import MAX_BATCH_MESSAGES
from telemed.centres.lab.adapters.hl7_reading import RESULT_TYPES
from telemed.centres.lab.adapters.mllp_server import MAX_CONNECTIONS, MAX_WAITING
from telemed.centres.lab.settings import LabSettings
from telemed.centres.lab.ways_out import BACK_OFF, OUTCOMES, SENT_TYPES, DeliveryState
from tests.test_docs import ROOT, table_of

LAB, CONFORMANCE = "lab.md", "hl7-conformance.md"


def test_the_types_that_are_taken_are_listed() -> None:
    taken, other = table_of(CONFORMANCE, "Messages received")
    assert set(taken[0].split(", ")) == RESULT_TYPES
    assert other[1].startswith("AR 200")


def test_the_types_that_are_sent_are_listed() -> None:
    assert [row[0].split()[0] for row in table_of(CONFORMANCE, "Messages sent")] == [*SENT_TYPES, "ACK"]


def test_the_limits_are_those_of_the_listener() -> None:
    text = " ".join(" ".join(row) for row in table_of(CONFORMANCE, "Transport"))
    assert {int(number.replace(",", "")) for number in re.findall(r"(?<!AR )\b\d[\d,]*", text)} == {
        MAX_WAITING,
        MAX_CONNECTIONS,
        MAX_BATCH_MESSAGES,
    }


def test_every_state_of_a_message_on_its_way_is_explained() -> None:
    rows = {row[0].strip("`"): row[2] for row in table_of(LAB, "Ways out")}
    assert set(rows) == set(DeliveryState)
    assert set(re.findall(r"\b[AC][AER]\b", rows["waiting"])) == set(OUTCOMES)
    assert ", ".join(f"{seconds:,}" for seconds in BACK_OFF[:-1]) in (ROOT / "docs" / LAB).read_text()


def test_every_setting_of_the_centre_stands_on_one_of_its_pages() -> None:
    text = "".join((ROOT / "docs" / page).read_text() for page in (LAB, CONFORMANCE))
    assert {f"TELEMED_{name.upper()}" for name in LabSettings.model_fields} == set(re.findall(r"TELEMED_(?:MLLP|ASTM|LAB)_\w+", text))
