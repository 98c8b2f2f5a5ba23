"""ECG: resting and long-term tracings."""

from __future__ import annotations

from datetime import timedelta

from telemed.centres.ecg.domain import TRACINGS
from telemed.centres.ecg.ports import CRITICAL, REQUESTS
from telemed.domain.centre import Centre, Phrase, Template
from telemed.domain.contradictions import OtherThanMeasured, Severity
from telemed.domain.deadlines import DeadlineRule
from telemed.domain.evidence import FileKind
from telemed.domain.forms import CONTACT_PHONE, Choice, Field, FieldType, Form

_ = str  # marks text for the translation catalogue

# Source: a county network's published times: routine 30 min; urgent: accept in 3 min, report in 10 min.
DEADLINES = (
    DeadlineRule(frozenset({"urgent", "asap", "stat"}), timedelta(minutes=10), timedelta(minutes=3)),
    DeadlineRule(frozenset({"routine"}), timedelta(minutes=30), timedelta(minutes=15)),
)

REQUEST = Form((
    Field("reason", _("Symptoms and reason"), FieldType.LONG_TEXT, required=True, rows=3),
    Field("recording", _("Recording"), FieldType.CHOICE, choices=(
        Choice("resting", _("Resting 12-lead")), Choice("holter", _("Holter")), Choice("stress", _("Exercise test")))),
    Field("chest_pain", _("Chest pain now"), FieldType.FLAG),
    Field("pacemaker", _("Pacemaker"), FieldType.FLAG),
    Field("history", _("Clinical history and medication"), FieldType.LONG_TEXT, rows=3),
    CONTACT_PHONE,
    Field("accession_number", _("Accession number"), max_length=16, pattern=r"[ -~]{1,16}"),
))  # fmt: skip

REPORT = Form(
    (
        Field("rate", _("Heart rate"), FieldType.NUMBER, unit="/min", measured="rate"),
        Field("pr", _("PR"), FieldType.NUMBER, unit="ms", measured="pr"),
        Field("qrs", _("QRS"), FieldType.NUMBER, unit="ms", measured="qrs_duration"),
        Field("qt", _("QT"), FieldType.NUMBER, unit="ms", measured="qt"),
        Field("qtc", _("QTc"), FieldType.NUMBER, unit="ms", measured="qtc_bazett"),
        Field("axis", _("Axis"), FieldType.NUMBER, unit="°", measured="axis"),
        Field("findings", _("Findings"), FieldType.LONG_TEXT, required=True, rows=8, max_length=20000),
        Field("impression", _("Impression"), FieldType.LONG_TEXT, required=True, rows=5, max_length=8000, prominent=True),
    )
)


def _is_ecg(head: bytes) -> bool:
    from telemed.centres.ecg.adapters.recognition import is_ecg  # numpy and scipy are loaded with the first file, not with the platform

    return is_ecg(head)


def _is_xml(head: bytes) -> bool:
    return head.lstrip(b"\xef\xbb\xbf\xff\xfe \r\n\t\0").startswith(b"<")


FILE_KINDS = (
    FileKind("ECG XML (HL7 aECG, Philips, GE MUSE)", TRACINGS.type, "application/xml", lambda head: _is_xml(head) and _is_ecg(head)),
    FileKind("SCP-ECG, EDF, BDF, ISHNE, WFDB (zip)", TRACINGS.type, "application/octet-stream", _is_ecg),
)

OTHER_RHYTHMS = {
    "atrial-fibrillation": _("Atrial fibrillation"), "atrial-flutter-suspected": _("Suspected atrial flutter"),
    "svt": _("Supraventricular tachycardia"), "vt": _("Ventricular tachycardia"),
    "regular-wide-tachycardia": _("Regular wide tachycardia"), "ventricular-fibrillation-suspected": _("Suspected ventricular fibrillation"),
    "ventricular-flutter-suspected": _("Suspected ventricular flutter"),
    "polymorphic-tachycardia-suspected": _("Suspected polymorphic tachycardia"), "asystole-suspected": _("Suspected asystole"),
}  # fmt: skip
"""Statements of the analysis that are no sinus rhythm, by their codes."""

NOT_NORMAL = {
    "ventricular-ectopy": _("Ventricular ectopy"), "supraventricular-ectopy": _("Supraventricular ectopy"), "pause": _("Pause"),
    "first-degree-av-block": _("First-degree AV block"), "wide-qrs": _("Wide QRS"), "st-elevation": _("ST elevation"),
    "st-depression": _("ST depression"), "long-qtc": _("Long QT interval"), "hyperkalaemia-suspected": _("Hyperkalaemia pattern"),
}  # fmt: skip
"""Statements that may stand beside a sinus rhythm, and not in a normal ECG."""

NORMAL_ECG = r"(?<!大致)(?<!不)正常心电图|\bnormal ECG\b"
MEASURED = _("The report says %(said)s, the analysis of the tracing %(against)s")
CONTRADICTIONS = (
    OtherThanMeasured("rhythm", OTHER_RHYTHMS, rf"窦性心律|\bsinus rhythm\b|{NORMAL_ECG}", MEASURED,
                      "practice: the computer's statements are read over by a physician (AHA/ACC/HRS 2007, part I), who says why theirs differ",
                      unless=r"房颤|房扑|颤动|扑动|心动过速|停搏|\bfibrillation\b|\bflutter\b|\btachycardia\b|\basystole\b"),
    OtherThanMeasured("normal-ecg", NOT_NORMAL, NORMAL_ECG, MEASURED, "practice", severity=Severity.HINT),
)  # fmt: skip

CENTRE = Centre(
    code="ecg",
    letter="E",
    name=_("ECG"),
    report_title=_("ECG report"),
    purpose=_("Resting, Holter and exercise tracings read by a cardiologist"),
    icon="heartbeat",
    order=3,
    request_form=REQUEST,
    report_form=REPORT,
    deadlines=DEADLINES,
    expected=TRACINGS,
    headline_fields=("recording", "reason"),
    claim_idle_minutes=10,
    region_settings=(REQUESTS, CRITICAL),
    contradictions=CONTRADICTIONS,
    file_kinds=FILE_KINDS,
    critical_findings=(_("Acute ST-elevation infarction"), _("Ventricular tachycardia"), _("Pause of 3 s or more"),
                       _("Third-degree AV block"), _("QTc of 550 ms or more"), _("Hyperkalaemia pattern")),
    return_reasons=(_("Leads missing or interchanged"), _("Artefacts: please record again"), _("Recording too short"), _("History or medication missing"), _("Patient data contradict the tracing")),
    send_back_reasons=(_("Findings incomplete"), _("Impression does not follow from the findings"), _("Measurements to be checked")),
    templates=(
        Template("正常心电图", {"findings": "窦性心律，心率在正常范围，P-R 间期、QRS 时限及 QT 间期正常，ST-T 未见异常改变。", "impression": "正常心电图。"},
                 normal=True),
        Template("心房颤动", {"findings": "P 波消失，代之以大小、形态、间隔不等的 f 波，R-R 间期绝对不等，QRS 波群时限正常。", "impression": "心房颤动。"}),
    ),
    phrases=(
        Phrase("findings", "窦性心律", "窦性心律，各导联 P 波、QRS 波群及 T 波形态正常。"),
        Phrase("impression", "正常", "正常心电图。"),
        Phrase("impression", "房颤", "心房颤动。"),
        Phrase("impression", "早搏", "窦性心律，室性早搏。"),
        Phrase("impression", "ST-T", "窦性心律，ST-T 改变，请结合临床。"),
    ),
)  # fmt: skip
