"""Audiometry as data."""

from __future__ import annotations

from datetime import timedelta

from telemed.domain.centre import Centre
from telemed.domain.deadlines import DeadlineRule
from telemed.domain.evidence import FileKind, magic
from telemed.domain.forms import Field, FieldType, Form
from tests.centres.made_up.domain import AUDIOGRAMS, HEAD

CENTRE = Centre(
    code="audiometry",
    letter="A",
    name="Audiometry",
    report_title="Audiometry report",
    icon="wave-square",
    order=6,
    request_form=Form((Field("reason", "Question", FieldType.LONG_TEXT, required=True),)),
    report_form=Form((
        Field("right", "Right ear", FieldType.NUMBER, unit="dB", measured="right"),
        Field("left", "Left ear", FieldType.NUMBER, unit="dB", measured="left"),
        Field("advice", "Advice", FieldType.LONG_TEXT, required=True),
    )),
    deadlines=(DeadlineRule(frozenset({"routine", "urgent", "asap", "stat"}), timedelta(hours=2), timedelta(minutes=30)),),
    expected=AUDIOGRAMS,
    file_kinds=(FileKind("Audiogram", AUDIOGRAMS.type, "text/x-audiogram", magic(HEAD)),),
)  # fmt: skip
