"""Teleconsultation: an expert's opinion on a patient's record."""

from __future__ import annotations

from datetime import timedelta

from telemed.domain.centre import Centre, Phrase
from telemed.domain.deadlines import DeadlineRule
from telemed.domain.evidence import DOCUMENTS
from telemed.domain.forms import CONTACT_PHONE, Choice, Field, FieldType, Form

_ = str  # marks text for the translation catalogue

# Routine: the agreed appointment, three working days where none was agreed (practice). Urgent: one hour to an answer (practice).
DEADLINES = (
    DeadlineRule(frozenset({"urgent", "asap", "stat"}), timedelta(hours=1), timedelta(minutes=15)),
    DeadlineRule(frozenset({"routine"}), timedelta(hours=24), timedelta(hours=8), working=True),
)

REQUEST = Form((
    Field("reason", _("Purpose of the consultation"), FieldType.LONG_TEXT, required=True, rows=3),
    Field("speciality", _("Wanted speciality"), FieldType.CHOICE, open_choice=True, max_length=64, choices=(
        Choice("CARDIOLOGY", _("Cardiology")), Choice("NEUROLOGY", _("Neurology")), Choice("RESPIRATORY", _("Respiratory medicine")),
        Choice("ONCOLOGY", _("Oncology")), Choice("PAEDIATRICS", _("Paediatrics")), Choice("SURGERY", _("General surgery")))),
    Field("title", _("Wanted title"), FieldType.CHOICE, choices=(
        Choice("chief", _("Chief physician")), Choice("associate", _("Associate chief physician")), Choice("attending", _("Attending physician")))),
    Field("wanted_at", _("Wanted time"), FieldType.DATE_TIME),
    Field("summary", _("Summary of the record"), FieldType.LONG_TEXT, rows=6, max_length=20000),
    Field("working_diagnosis", _("Working diagnosis"), FieldType.LONG_TEXT, rows=2),
    CONTACT_PHONE,
    Field("accession_number", _("Accession number"), max_length=16, pattern=r"[ -~]{1,16}"),
))  # fmt: skip

REPORT = Form(
    (
        Field("opinion", _("Opinion"), FieldType.LONG_TEXT, required=True, rows=9, max_length=20000),
        Field("recommendation", _("Recommendation"), FieldType.LONG_TEXT, required=True, rows=7, max_length=20000, prominent=True),
    )
)

CENTRE = Centre(
    code="consultation",
    letter="C",
    name=_("Teleconsultation"),
    report_title=_("Consultation report"),
    purpose=_("An expert's opinion on a difficult case, with the patient's consent"),
    icon="users",
    order=1,
    request_form=REQUEST,
    report_form=REPORT,
    deadlines=DEADLINES,
    need="speciality",
    expected=DOCUMENTS,
    consent_wanted=True,
    headline_fields=("speciality", "reason"),
    claim_idle_minutes=120,
    results=(),
    critical_findings=(_("Needs transfer at once"), _("Life-threatening condition not yet treated")),
    return_reasons=(_("Summary of the record missing"), _("Examinations or results missing"), _("Consent missing"), _("Question not clear")),
    send_back_reasons=(_("Question not answered"), _("Recommendation does not follow from the opinion"), _("Doses or contraindications to be checked")),
    phrases=(
        Phrase("opinion", "同意诊断", "同意当前诊断与处理。"),
        Phrase("recommendation", "随访", "继续目前治疗，注意观察病情变化，定期复查，不适随诊。"),
        Phrase("recommendation", "上转", "建议尽快转上级医院进一步诊治，转运途中注意生命体征。"),
    ),
)  # fmt: skip
