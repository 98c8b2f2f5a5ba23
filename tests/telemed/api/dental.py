"""A sixth, made-up centre: one file, as one of `telemed/centres` would be."""

from __future__ import annotations

from datetime import timedelta

from telemed.domain.centre import Centre
from telemed.domain.deadlines import DeadlineRule
from telemed.domain.evidence import DOCUMENTS
from telemed.domain.forms import Choice, Field, FieldType, Form

CENTRE = Centre(
    code="dental",
    letter="D",
    name="Dental",
    report_title="Dental report",
    icon="scan",
    order=6,
    request_form=Form((
        Field("reason", "Question", FieldType.LONG_TEXT, required=True),
        Field("tooth", "Tooth", FieldType.CHOICE, required=True, choices=(Choice("11", "11"), Choice("46", "46"))),
    )),
    report_form=Form((Field("advice", "Advice", FieldType.LONG_TEXT, required=True),)),
    deadlines=(DeadlineRule(frozenset({"routine", "urgent", "asap", "stat"}), timedelta(hours=2), timedelta(minutes=30)),),
    expected=DOCUMENTS,
    headline_fields=("tooth", "reason"),
)  # fmt: skip
