"""Imaging: studies that modalities and PACS send by themselves, read at a hub."""

from __future__ import annotations

from datetime import timedelta

from telemed.domain.centre import Centre, Phrase, Template
from telemed.domain.deadlines import DeadlineRule
from telemed.domain.evidence import STUDIES, EvidenceType, FileKind, magic
from telemed.domain.forms import Choice, Field, FieldType, Form

_ = str  # marks text for the translation catalogue

MODALITIES = ("CT", "MR", "DX", "CR", "US", "MG", "PT", "NM", "XA", "RF", "OT")
"""Values of Modality (0008,0060), PS3.3 C.7.3.1.1.1, that the network reads."""

PLAIN_FILM = frozenset({"DX", "CR"})
SECTIONAL = frozenset({"CT", "MR"})
HEAD = frozenset({"HEAD", "BRAIN", "SKULL"})
PRESSING = frozenset({"urgent", "asap", "stat"})

# Source: a hospital's published times: plain film 2 h, CT/MR 4 working hours; urgent: film 30 min, CT/MR 1 h, head 30 min.
DEADLINES = (
    DeadlineRule(PRESSING, timedelta(minutes=30), timedelta(minutes=5), {"modality": PLAIN_FILM}),
    DeadlineRule(PRESSING, timedelta(minutes=30), timedelta(minutes=5), {"modality": SECTIONAL, "body_part": HEAD}),
    DeadlineRule(PRESSING, timedelta(hours=1), timedelta(minutes=10)),
    DeadlineRule(frozenset({"routine"}), timedelta(hours=2), timedelta(hours=1), {"modality": PLAIN_FILM}),
    DeadlineRule(frozenset({"routine"}), timedelta(hours=4), timedelta(hours=2), working=True),
)

REQUEST = Form((
    Field("modality", _("Modality"), FieldType.CHOICE, required=True, choices=tuple(Choice(m, m) for m in MODALITIES)),
    Field("body_part", _("Body part"), FieldType.CHOICE, required=True, open_choice=True, max_length=64, choices=(
        Choice("HEAD", _("Head")), Choice("NECK", _("Neck")), Choice("CHEST", _("Chest")), Choice("ABDOMEN", _("Abdomen")),
        Choice("PELVIS", _("Pelvis")), Choice("SPINE", _("Spine")), Choice("HAND", _("Hand")), Choice("KNEE", _("Knee")),
        Choice("FOOT", _("Foot")), Choice("BREAST", _("Breast")))),
    Field("reason", _("Reason for examination"), FieldType.LONG_TEXT, required=True, rows=3),
    Field("history", _("Clinical history"), FieldType.LONG_TEXT, rows=3),
    Field("question", _("Question to the reader"), FieldType.LONG_TEXT, rows=2),
    Field("accession_number", _("Accession number"), max_length=16, pattern=r"[ -~]{1,16}",
          help=_("Leave empty and one is made. A PACS that sends this number finds the case by itself.")),
))  # fmt: skip

REPORT = Form(
    (
        Field("findings", _("Findings"), FieldType.LONG_TEXT, required=True, rows=12, max_length=20000),
        Field("impression", _("Impression"), FieldType.LONG_TEXT, required=True, rows=6, max_length=8000, prominent=True),
    )
)


def _normal(title: str, modalities: frozenset[str], body_parts: frozenset[str], findings: str, impression: str) -> Template:
    when = {"modality": modalities, "body_part": body_parts}
    return Template(title, {"findings": findings, "impression": impression}, when, normal=True)


CT, MR = frozenset({"CT"}), frozenset({"MR"})
TEMPLATES = (
    _normal("头颅 CT 正常", CT, HEAD,
            "颅骨骨质完整。脑实质内未见异常密度影，灰白质分界清楚。脑室、脑池大小形态正常，脑沟不宽，中线结构居中。所示鼻窦及乳突气房清晰。",
            "颅脑 CT 平扫未见明显异常。"),
    _normal("胸部 CT 正常", CT, frozenset({"CHEST"}),
            "双肺纹理清晰，肺野内未见实变及占位。气管及主要支气管通畅。纵隔居中，未见肿大淋巴结，心影不大。双侧胸腔未见积液。",
            "胸部 CT 平扫未见明显异常。"),
    _normal("腹部 CT 正常", CT, frozenset({"ABDOMEN"}),
            "肝脏大小形态正常，实质密度均匀，肝内外胆管不扩张。胆囊、胰腺、脾脏及双肾未见明显异常。腹膜后未见肿大淋巴结，腹腔未见积液及游离气体。",
            "腹部 CT 平扫未见明显异常。"),
    _normal("头颅 MR 正常", MR, HEAD,
            "脑实质内未见异常信号，灰白质分界清楚，弥散加权像未见高信号。脑室、脑池大小形态正常，中线结构居中。",
            "颅脑 MR 平扫未见明显异常。"),
    _normal("胸片正常", PLAIN_FILM, frozenset({"CHEST"}),
            "胸廓对称，双肺纹理清晰，未见实质性病变。肺门不大，心影形态大小正常，双膈光整，肋膈角锐利。",
            "心肺膈未见明显异常。"),
    _normal("手正常", PLAIN_FILM, frozenset({"HAND"}),
            "所示各骨骨质结构完整，未见骨折及脱位征象，关节间隙正常，周围软组织未见异常。",
            "所示手部骨质未见明显异常。"),
    _normal("膝关节正常", PLAIN_FILM, frozenset({"KNEE"}),
            "膝关节诸骨骨质结构完整，未见骨折及脱位征象，关节间隙正常，髌骨位置正常，周围软组织未见肿胀。",
            "膝关节未见明显骨质异常。"),
)  # fmt: skip

CENTRE = Centre(
    code="imaging",
    letter="A",
    name=_("Imaging"),
    report_title=_("Imaging report"),
    purpose=_("CT, MR, X-ray and ultrasound read by a radiologist"),
    icon="scan",
    order=2,
    request_form=REQUEST,
    report_form=REPORT,
    deadlines=DEADLINES,
    need="modality",
    expected=STUDIES,
    headline_fields=("modality", "body_part"),
    file_kinds=(FileKind("DICOM", EvidenceType.DICOM_STUDY, "application/dicom", magic(b"DICM", offset=128)),),
    critical_findings=(_("Acute intracranial haemorrhage"), _("Tension pneumothorax"), _("Aortic dissection"),
                       _("Pulmonary embolism"), _("Free intraperitoneal air"), _("Unstable spinal fracture")),
    return_reasons=(_("Images incomplete"), _("Image quality not sufficient"), _("History missing"), _("Patient data contradict the images")),
    send_back_reasons=(_("Findings incomplete"), _("Impression does not follow from the findings"), _("Side or level to be checked")),
    templates=TEMPLATES,
    phrases=(
        Phrase("findings", "头颅正常", "颅骨骨质完整。脑实质内未见异常密度影，灰白质分界清楚。脑室、脑池大小形态正常，中线结构居中。"),
        Phrase("impression", "头颅正常", "颅脑 CT 平扫未见明显异常。"),
        Phrase("findings", "胸片正常", "胸廓对称，双肺纹理清晰，未见实质性病变。肺门不大，心影形态大小正常，双膈光整，肋膈角锐利。"),
        Phrase("impression", "胸片正常", "心肺膈未见明显异常。"),
        Phrase("findings", "手正常", "所示各骨骨质结构完整，未见骨折及脱位征象，关节间隙正常，周围软组织未见异常。"),
        Phrase("impression", "手正常", "所示手部骨质未见明显异常。"),
        Phrase("impression", "建议随访", "建议结合临床，必要时复查。"),
    ),
)  # fmt: skip
