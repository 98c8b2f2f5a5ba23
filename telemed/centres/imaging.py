"""Imaging: studies that modalities and PACS send by themselves, read at a hub."""

from __future__ import annotations

from datetime import timedelta

from telemed.domain.centre import Centre, Phrase, Template
from telemed.domain.contradictions import OtherPart, OtherSide, PartOfBody
from telemed.domain.deadlines import DeadlineRule
from telemed.domain.evidence import STUDIES, EvidenceType, FileKind, magic
from telemed.domain.forms import CONTACT_PHONE, Choice, Field, FieldType, Form

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
    CONTACT_PHONE,
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

_HEAD = PartOfBody(
    _("Head"),
    r"颅|脑|头|基底节|额|颞|顶叶|枕|中线|鼻窦|乳突|眼|眶|brain|cerebr|intracranial|skull|head|sinus",
    r"颅|脑实质|侧脑室|基底节|\bbrain\b|intracranial",
)
PARTS = {
    "HEAD": _HEAD,
    "BRAIN": _HEAD,
    "SKULL": _HEAD,
    "NECK": PartOfBody(_("Neck"), r"颈|甲状腺|喉|咽|腮|neck|thyroid|larynx|pharynx", r"甲状腺|\bthyroid\b"),
    "CHEST": PartOfBody(
        _("Chest"),
        r"肺|胸|纵隔|心|膈|肋|气管|食管|lung|chest|thora|mediastin|pleura|heart|pulmon|rib",
        r"肺|纵隔|肋膈角|\blungs?\b|mediastin|pulmonary",
    ),
    "ABDOMEN": PartOfBody(
        _("Abdomen"),
        r"肝|胆|胰|脾|肾|腹|肠|胃|阑尾|liver|hepat|abdom|kidney|renal|spleen|pancrea|bowel|gall",
        r"肝脏|肝实质|胆囊|胰腺|\bliver\b|\bspleen\b|\bgallbladder\b",
    ),
    "PELVIS": PartOfBody(
        _("Pelvis"),
        r"盆|膀胱|子宫|前列腺|髋|骶|卵巢|直肠|附件|股骨|耻骨|pelvi|bladder|hip|uter|prostat|sacr|femor",
        r"膀胱|骨盆|盆腔|\bpelvi",
    ),
    "SPINE": PartOfBody(_("Spine"), r"椎|脊|骶|尾骨|spin|vertebra|dis[ck]|sacr", r"椎体|椎间盘|\bvertebra|\bdis[ck]s?\b"),
    "HAND": PartOfBody(
        _("Hand"), r"手|掌|指|腕|拇|hand|wrist|finger|thumb|metacarp|carp|phalan", r"掌骨|腕骨|手诸骨|手部骨|\bmetacarp|\bwrist\b"
    ),
    "KNEE": PartOfBody(
        _("Knee"),
        r"膝|髌|胫|腓|股骨|半月板|韧带|knee|patell|menisc|tibia|femor|ligament",
        r"膝关节|髌骨|半月板|\bknee\b|\bpatella|\bmenisc",
    ),
    "FOOT": PartOfBody(
        _("Foot"), r"足|跖|趾|踝|跟骨|距骨|foot|feet|ankle|toe|metatars|tars|calcane|talus", r"跖骨|跟骨|足诸骨|\bmetatars|\bcalcane"
    ),
    "BREAST": PartOfBody(_("Breast"), r"乳(?!突)|腋|breast|mamm|axill", r"乳腺|\bbreasts?\b"),
}
"""Body parts of the request form, and the words by which a report names them."""

PAIRED = (
    r"手(?!术)|掌骨|指(?!征|标|导|南)|腕|拇|hands?\b|wrists?\b|thumbs?\b",
    r"足(?!够)|跖|趾|踝|跟骨|foot\b|feet\b|ankles?\b",
    r"膝|髌|knees?\b|patell",
    r"肘|elbows?\b",
    r"肩|锁骨|shoulders?\b|clavicles?\b",
    r"髋|股骨头|hips?\b",
    r"乳(?!突)|breasts?\b",
    r"肺|lungs?\b",
    r"肾|kidneys?\b",
    r"胫|腓|小腿|legs?\b",
    r"前臂|尺骨|桡骨|forearms?\b",
    r"上臂|肱骨|humer",
    r"大腿|股骨干|thighs?\b",
)
"""Paired parts, each with the words for it: a request for one side is not answered by the other."""

CONTRADICTIONS = (
    OtherSide(
        "side",
        PAIRED,
        ("body_part", "reason", "question"),
        _("The report says %(said)s, the request %(against)s"),
        "Joint Commission Universal Protocol (2003): the right side is verified before the procedure, here before the signature",
    ),
    OtherPart("part", "body_part", PARTS, _("The text names %(said)s, and not what was asked for: %(against)s"), "practice"),
)

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
    contradictions=CONTRADICTIONS,
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
