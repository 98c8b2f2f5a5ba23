"""Laboratory: results that analysers send, and the interpretation asked of a hub."""

from __future__ import annotations

from datetime import timedelta

from telemed.centres.lab.domain import RESULTS
from telemed.centres.lab.specimens.holding import HELD_SPECIMENS
from telemed.domain.centre import Centre, Phrase, Template
from telemed.domain.deadlines import DeadlineRule
from telemed.domain.evidence import FileKind
from telemed.domain.forms import CONTACT_PHONE, Choice, Field, FieldType, Form
from telemed.domain.retention import Basis, RetentionRule

_ = str  # marks text for the translation catalogue

# Deadlines differ from test to test; these are the network's defaults until a test has its own (practice, a setting).
DEADLINES = (
    DeadlineRule(frozenset({"urgent", "asap", "stat"}), timedelta(hours=1), timedelta(minutes=15)),
    DeadlineRule(frozenset({"routine"}), timedelta(hours=24), timedelta(hours=4)),
)

REQUEST = Form((
    Field("reason", _("Clinical question"), FieldType.LONG_TEXT, required=True, rows=3),
    Field("specimen", _("Specimen"), FieldType.CHOICE, open_choice=True, max_length=64, choices=(
        Choice("blood", _("Venous blood")), Choice("urine", _("Urine")), Choice("csf", _("Cerebrospinal fluid")), Choice("swab", _("Swab")))),
    Field("tests", _("Tests asked for"), max_length=1000),
    Field("collected_at", _("Collected at"), FieldType.DATE_TIME),
    Field("history", _("Clinical history"), FieldType.LONG_TEXT, rows=3),
    CONTACT_PHONE,
    Field("accession_number", _("Accession number"), max_length=16, pattern=r"[ -~]{1,16}"),
))  # fmt: skip

REPORT = Form(
    (Field("interpretation", _("Interpretation"), FieldType.LONG_TEXT, required=True, rows=12, max_length=20000, prominent=True),)
)

RESULTS_KEPT = RetentionRule(
    "results",
    _("Laboratory results and records of quality control"),
    2,
    _("the patient's last visit"),
    "《医疗机构临床实验室管理办法》（卫医发〔2006〕73号）",
    Basis.UNCONFIRMED,
)

CENTRE = Centre(
    code="lab",
    letter="L",
    name=_("Laboratory"),
    report_title=_("Laboratory report"),
    purpose=_("Results interpreted by a laboratory physician"),
    icon="flask",
    order=4,
    request_form=REQUEST,
    report_form=REPORT,
    deadlines=DEADLINES,
    expected=RESULTS,
    headline_fields=("tests", "reason"),
    file_kinds=(FileKind("HL7 v2", RESULTS.type, "x-application/hl7-v2+er7", lambda head: head.lstrip(b"\x0b\r\n").startswith(b"MSH")),),
    critical_findings=(_("Potassium critical"), _("Glucose critical"), _("Haemoglobin critical"), _("Platelets critical")),
    return_reasons=(_("Specimen haemolysed, clotted or too little"), _("Specimen or time of collection not stated"), _("Units or reference intervals missing"), _("Clinical information missing"), _("Patient data contradict the results")),
    actions_taken=(_("Specimen taken again"),),
    retention=(RESULTS_KEPT,),
    send_back_reasons=(_("Interpretation does not follow from the results"), _("Units or reference intervals to be checked"), _("Critical value not mentioned")),
    templates=(Template("正常", {"interpretation": "所送检项目结果均在参考区间内，未见明显异常。"}, normal=True),),
    phrases=(
        Phrase("interpretation", "正常", "所送检项目结果均在参考区间内，未见明显异常。"),
        Phrase("interpretation", "建议复查", "结果与临床不符时，建议重新采样复查。"),
        Phrase("interpretation", "溶血", "标本轻度溶血，血钾、乳酸脱氢酶结果可能偏高，请结合临床。"),
    ),
    contradictions=HELD_SPECIMENS,
    roles={"mllp": "telemed.centres.lab.role"},
)  # fmt: skip
