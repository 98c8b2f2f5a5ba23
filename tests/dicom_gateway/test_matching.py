"""Attribute matching over data sets (PS3.4 C.2.2.2)."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from dicom_gateway.dimse.matching import answered, check, matches
from dicom_gateway.index import BadQuery
from dicom_gateway.index.wildcards import like
from tests.dicom_gateway.devices import keys_of

LETTERS = st.text("ab*?^=王", max_size=12)


def item(**attributes: Any) -> Dataset:
    step = keys_of(
        ScheduledStationAETitle=["CT1", "CLINIC1"],
        ScheduledProcedureStepStartDate="20261118",
        ScheduledProcedureStepStartTime="093000",
        Modality="CT",
    )
    base = {"PatientName": "Wang^Xiaodong=王^小东", "PatientID": "P1", "AccessionNumber": "A1", "StudyInstanceUID": "1.2.3"}
    return keys_of(**(base | {"ScheduledProcedureStepSequence": [step]} | attributes))


def step_key(**attributes: Any) -> Dataset:
    return keys_of(ScheduledProcedureStepSequence=[keys_of(**attributes)])


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        (keys_of(PatientName=""), True),
        (keys_of(PatientName="*"), True),
        (keys_of(PatientName="wang*"), True),
        (keys_of(PatientName="WANG^XIAODONG"), True),
        (keys_of(PatientName="王^小东"), True),
        (keys_of(PatientName="王*"), True),
        (keys_of(PatientName="=王*"), True),
        (keys_of(PatientName="=Wang*"), False),
        (keys_of(PatientName="Wang^Xiaodong^*"), True),
        (keys_of(PatientName="Wang^Xiaodong^*^*=王^*"), True),
        (keys_of(PatientName="Wang^*=李*"), False),
        (keys_of(PatientName="W?ng*=王*"), True),
        (keys_of(PatientName="Li*"), False),
        (keys_of(PatientID="P1"), True),
        (keys_of(PatientID="p1"), False),
        (keys_of(PatientID="P?"), True),
        (keys_of(StudyInstanceUID=["1.2.9", "1.2.3"]), True),
        (keys_of(StudyInstanceUID="1.2.9"), False),
        (keys_of(Allergies="nuts"), False),
        (keys_of(Allergies=""), True),
        (step_key(Modality="CT"), True),
        (step_key(Modality="MR"), False),
        (step_key(ScheduledStationAETitle="CT1"), True),
        (step_key(ScheduledStationAETitle="CT2"), False),
        (step_key(ScheduledProcedureStepStartDate="20261118"), True),
        (step_key(ScheduledProcedureStepStartDate="20261117-20261119"), True),
        (step_key(ScheduledProcedureStepStartDate="-20261117"), False),
        (step_key(ScheduledProcedureStepStartDate="20261118-"), True),
        (step_key(ScheduledProcedureStepStartTime="09"), True),
        (step_key(ScheduledProcedureStepStartTime="0931-"), False),
        (step_key(ScheduledProcedureStepStartTime="08-0930"), True),
        (step_key(ScheduledProcedureStepStartDate="20261117-20261119", ScheduledProcedureStepStartTime="1000-1100"), True),
        (step_key(ScheduledProcedureStepStartDate="20261118-20261119", ScheduledProcedureStepStartTime="1000-1100"), False),
        (step_key(Modality="CT", ScheduledStationAETitle="CT2"), False),
        (keys_of(ScheduledProcedureStepSequence=[]), True),
    ],
)
def test_keys_match_as_the_standard_says(keys: Dataset, found: bool) -> None:
    assert matches(item(), keys) is found


def test_an_item_without_the_sequence_matches_only_what_asks_nothing_of_it() -> None:
    bare = item(ScheduledProcedureStepSequence=[])
    assert matches(bare, step_key(Modality=""))
    assert not matches(bare, step_key(Modality="CT"))


@pytest.mark.parametrize("keys", [step_key(ScheduledProcedureStepStartDate="x"), keys_of(PatientID="*" * 5000)])
def test_what_cannot_be_understood_is_said(keys: Dataset) -> None:
    with pytest.raises(BadQuery):
        check(keys)


def test_the_answer_holds_what_was_asked_and_nothing_else() -> None:
    keys = keys_of(PatientName="", Allergies="", ScheduledProcedureStepSequence=[keys_of(Modality="")])
    answer = answered(item(), keys)
    assert [element.keyword for element in answer] == ["PatientName", "Allergies", "ScheduledProcedureStepSequence"]
    assert [element.keyword for element in answer.ScheduledProcedureStepSequence[0]] == ["Modality"]
    whole = answered(item(), keys_of(ScheduledProcedureStepSequence=[]))
    assert whole.ScheduledProcedureStepSequence[0] == item().ScheduledProcedureStepSequence[0]


@given(LETTERS, LETTERS)
def test_wildcards_match_as_a_regular_expression_would(pattern: str, text: str) -> None:
    shape = "".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in re.sub(r"\*+", "*", pattern))
    assert like(pattern, text) is (re.fullmatch(shape, text, re.DOTALL) is not None)


@given(st.text("ab*", min_size=1, max_size=30))
def test_every_text_matches_itself_and_the_star(text: str) -> None:
    assert like(text.replace("*", "?"), text)
    assert like("*", text)


def test_a_hostile_pattern_ends() -> None:
    begun = time.process_time()
    assert not like("*a" * 500 + "b", "a" * 1000)
    assert time.process_time() - begun < 60  # a backtracking matcher would not live to see it
