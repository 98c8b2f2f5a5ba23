"""ECG: resting and long-term tracings."""

from __future__ import annotations

from datetime import timedelta

from telemed.domain.centre import Centre, Phrase, Template
from telemed.domain.deadlines import DeadlineRule
from telemed.domain.evidence import EvidenceType, FileKind
from telemed.domain.forms import Choice, Field, FieldType, Form

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
    Field("accession_number", _("Accession number"), max_length=16, pattern=r"[ -~]{1,16}"),
))  # fmt: skip

REPORT = Form(
    (
        Field("findings", _("Findings"), FieldType.LONG_TEXT, required=True, rows=8, max_length=20000),
        Field("impression", _("Impression"), FieldType.LONG_TEXT, required=True, rows=5, max_length=8000),
    )
)


def _xml_with(*names: bytes) -> FileKind:
    return FileKind(
        "ECG XML",
        EvidenceType.ECG,
        "application/xml",
        lambda head: head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<") and any(n in head for n in names),
    )


FILE_KINDS = (
    _xml_with(b"AnnotatedECG", b"restingecgdata", b"RestingECG"),
    FileKind("SCP-ECG", EvidenceType.ECG, "application/octet-stream", lambda head: head[16:22] == b"SCPECG"),
    FileKind("EDF", EvidenceType.ECG, "application/octet-stream", lambda head: head[:8] in (b"0       ", b"\xffBIOSEMI")),
    FileKind("ISHNE Holter", EvidenceType.ECG, "application/octet-stream", lambda head: head[:8] in (b"ISHNE1.0", b"ANN  1.0")),
)

CENTRE = Centre(
    code="ecg",
    letter="E",
    name=_("ECG"),
    report_title=_("ECG report"),
    icon="heartbeat",
    order=3,
    request_form=REQUEST,
    report_form=REPORT,
    deadlines=DEADLINES,
    expected=EvidenceType.ECG,
    headline_fields=("recording", "reason"),
    claim_idle_minutes=10,
    file_kinds=FILE_KINDS,
    critical_findings=(_("Acute ST-elevation infarction"), _("Ventricular tachycardia"), _("Pause of 3 s or more"),
                       _("Third-degree AV block"), _("QTc of 550 ms or more"), _("Hyperkalaemia pattern")),
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
