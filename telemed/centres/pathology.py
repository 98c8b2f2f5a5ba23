"""Pathology: slides, and frozen sections against the clock."""

from __future__ import annotations

from datetime import timedelta

from telemed.domain.centre import Centre, Phrase, Template
from telemed.domain.deadlines import DeadlineRule
from telemed.domain.evidence import EvidenceKind, EvidenceType, FileKind, magic
from telemed.domain.forms import CONTACT_PHONE, Choice, Field, FieldType, Form
from telemed.domain.retention import Basis, RetentionRule

_ = str  # marks text for the translation catalogue

WORKING_DAY = timedelta(hours=8)
PRESSING = frozenset({"urgent", "asap", "stat"})

# Source: national quality indicators: frozen section 30 min from receipt; small biopsy 3 working days, others 5.
DEADLINES = (
    DeadlineRule(PRESSING, timedelta(minutes=30), timedelta(minutes=5), {"procedure": frozenset({"FROZEN"})}),
    DeadlineRule(PRESSING, WORKING_DAY, timedelta(hours=1), working=True),
    DeadlineRule(frozenset({"routine"}), timedelta(minutes=30), timedelta(minutes=5), {"procedure": frozenset({"FROZEN"})}),
    DeadlineRule(frozenset({"routine"}), 3 * WORKING_DAY, timedelta(hours=8), {"procedure": frozenset({"BIOPSY"})}, working=True),
    DeadlineRule(frozenset({"routine"}), 5 * WORKING_DAY, timedelta(hours=24), working=True),
)

REQUEST = Form((
    Field("reason", _("Wanted answer"), FieldType.LONG_TEXT, required=True, rows=2),
    Field("procedure", _("Procedure"), FieldType.CHOICE, choices=(
        Choice("frozen", _("Frozen section")), Choice("biopsy", _("Small biopsy")), Choice("resection", _("Resection")), Choice("cytology", _("Cytology")))),
    Field("site", _("Site"), max_length=200),
    Field("history", _("Clinical history"), FieldType.LONG_TEXT, rows=3),
    Field("operation", _("Operation findings"), FieldType.LONG_TEXT, rows=3),
    Field("gross", _("Gross description"), FieldType.LONG_TEXT, rows=3),
    CONTACT_PHONE,
    Field("accession_number", _("Accession number"), max_length=16, pattern=r"[ -~]{1,16}"),
))  # fmt: skip

REPORT = Form(
    (
        Field("gross", _("Gross"), FieldType.LONG_TEXT, required=True, rows=4, max_length=8000),
        Field("microscopic", _("Microscopic"), FieldType.LONG_TEXT, required=True, rows=7, max_length=20000),
        Field("diagnosis", _("Pathological diagnosis"), FieldType.LONG_TEXT, required=True, rows=5, max_length=8000, prominent=True),
    )
)

SLIDES_KEPT = RetentionRule(
    "slides",
    _("Slides, blocks and pathology reports"),
    15,
    _("the patient's last visit"),
    "《病理科建设与管理指南（试行）》（卫办医政发〔2009〕31号）",
    Basis.UNCONFIRMED,
)

SLIDES = EvidenceKind(EvidenceType("slide"), _("Slides"), _("No slides yet"), "microscope")

CENTRE = Centre(
    code="pathology",
    letter="P",
    name=_("Pathology"),
    report_title=_("Pathology report"),
    purpose=_("Slides and frozen sections read by a pathologist"),
    icon="microscope",
    order=5,
    request_form=REQUEST,
    report_form=REPORT,
    deadlines=DEADLINES,
    expected=SLIDES,
    headline_fields=("procedure", "site"),
    file_kinds=(FileKind("TIFF slide", SLIDES.type, "image/tiff", magic(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),),
    critical_findings=(_("Unexpected malignancy"), _("Frozen and paraffin disagree"), _("No chorionic villi in curettings")),
    return_reasons=(_("Slides incomplete"), _("Slides out of focus or damaged"), _("Site or gross description missing"), _("History or operation findings missing"), _("Labels contradict the request")),
    retention=(SLIDES_KEPT,),
    send_back_reasons=(_("Description incomplete"), _("Diagnosis does not follow from the microscopy"), _("Site or margins to be checked")),
    templates=(
        Template("黏膜慢性炎", {"gross": "灰白灰红组织一块。", "microscopic": "镜下见黏膜组织，间质少量慢性炎细胞浸润，未见肿瘤。", "diagnosis": "黏膜慢性炎。"},
                 when={"procedure": frozenset({"BIOPSY"})}),
    ),
    phrases=(
        Phrase("gross", "小组织", "灰白灰红组织一块，大小约 0.3 cm，全埋。"),
        Phrase("microscopic", "慢性炎", "黏膜层见淋巴细胞、浆细胞浸润，腺体未见异型。"),
        Phrase("diagnosis", "慢性炎", "黏膜慢性炎。"),
        Phrase("diagnosis", "待石蜡", "冰冻切片诊断困难，待石蜡切片确诊。"),
    ),
)  # fmt: skip
