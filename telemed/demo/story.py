"""The demo's sample cases: every state, all five centres, all members and hubs. Data only; `telemed demo` plays it.

Each case names its text (`telemed.demo.texts`), its patient (index into `PATIENTS`) and who did what how many minutes ago.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from telemed.demo.region import MEMBER_STAFF
from telemed.demo.texts import TEXTS, CaseText

ACTIONS: Mapping[str, str] = {
    "create": "the member makes the case, a draft with its text's request",
    "attach": "the member attaches the text's evidence",
    "consent": "the member records the written consent that lies among the evidence",
    "submit": "the member sends the case, or sends it again after it was returned",
    "claim": "a specialist takes the case",
    "begin": "a draft is saved with the first half of the report's first section",
    "write": "a draft is saved with the text's whole report",
    "park": "the reader sets the case aside without giving it up",
    "return": "the hub sends the case back to the member with the question in `words`",
    "decline": "the hub refuses for the reason in `words`",
    "escalate": "the hub passes the case up for the reason in `words`",
    "cancel": "the member withdraws the case for the reason in `words`",
    "sign": "the author signs",
    "review": "a second person signs",
    "amend": "the author opens a new version for the reason in `words`; `addition` ends the report's last section",
    "acknowledge": "the member has received the report",
    "critical-declare": "the reader declares the text's critical finding",
    "critical-tell": "the reader told the clinician named in `words` by telephone, who read it back",
    "critical-acknowledge": "the member's clinician confirms",
    "critical-act": "the member records what was done, in `words`",
}
"""The meaning of each step for whoever plays the story."""


@dataclass(frozen=True)
class Step:
    """`who` (a username) did `action`, `ago` minutes before now."""

    ago: int
    who: str
    action: str
    words: str = ""
    addition: str = ""


@dataclass(frozen=True)
class StoryCase:
    """`state` says in a word where the case stands after its last step."""

    text_key: str
    member: str
    patient: int
    priority: str
    state: str
    steps: tuple[Step, ...]
    kind: str = "diagnosis"

    @property
    def text(self) -> CaseText:
        return TEXTS[self.text_key]

    @property
    def centre(self) -> str:
        return self.text.centre

    @property
    def evidence(self) -> tuple[str, ...]:
        return self.text.evidence


@dataclass(frozen=True)
class StrayStudy:
    """A study that no case asks for: its accession number was mistyped at the modality, and a person has to look."""

    text_key: str
    member: str
    patient: int
    accession_number: str

    @property
    def evidence(self) -> tuple[str, ...]:
        return TEXTS[self.text_key].evidence


HOUR, DAY = 60, 24 * 60


def _ask(member: str, ago: int, *, evidence: bool = True, consent: bool = False) -> tuple[Step, ...]:
    """Made, filled with evidence, and sent `ago` minutes before now."""
    who = member.lower()
    steps = [Step(ago + 9, who, "create")]
    if evidence:
        steps.append(Step(ago + 5, who, "attach"))
    if consent:
        steps.append(Step(ago + 3, who, "consent"))
    return (*steps, Step(ago, who, "submit"))


def _read(reader: str, claimed: int, signed: int, reviewer: str = "", reviewed: int = 0) -> tuple[Step, ...]:
    """Claimed, written and signed; with a second signature where a reviewer is named."""
    steps = (Step(claimed, reader, "claim"), Step(signed + 1, reader, "write"), Step(signed, reader, "sign"))
    return (*steps, Step(reviewed, reviewer, "review")) if reviewer else steps


def _begun(reader: str, claimed: int, begun: int) -> tuple[Step, ...]:
    return Step(claimed, reader, "claim"), Step(begun, reader, "begin")


WHOM: Mapping[str, str] = {code: f"{name} {title}" for code, (name, title) in MEMBER_STAFF.items()}
"""Whom one rings up at a member."""


def _told(reader: str, member: str, ago: int) -> tuple[Step, ...]:
    """A critical finding declared and told."""
    return Step(ago, reader, "critical-declare"), Step(ago - 2, reader, "critical-tell", WHOM[member])


def _drafted(member: str, ago: int) -> tuple[Step, ...]:
    return (Step(ago, member.lower(), "create"),)


def _seen(member: str, ago: int) -> Step:
    return Step(ago, member.lower(), "acknowledge")


IMAGING = (
    StoryCase("imaging/hand-normal", "CLINIC1", 13, "routine", "draft", _drafted("CLINIC1", 12)),
    StoryCase("imaging/head-haemorrhage", "CLINIC1", 0, "stat", "accepted, earlier study", (
        *_ask("CLINIC1", 3), Step(1, "imaging.huba", "claim"))),
    StoryCase("imaging/chest-pneumonia", "CLINIC2", 25, "urgent", "requested", _ask("CLINIC2", 1)),
    StoryCase("imaging/hand-normal", "CLINIC1", 7, "routine", "requested", _ask("CLINIC1", 22)),
    StoryCase("imaging/chest-normal", "CLINIC2", 10, "routine", "requested", _ask("CLINIC2", 34)),
    StoryCase("imaging/hand-fracture", "CLINIC2", 28, "urgent", "near deadline", (*_ask("CLINIC2", 24), *_begun("imaging.huba", 20, 5))),
    StoryCase("imaging/chest-normal", "CLINIC1", 21, "routine", "overdue", (*_ask("CLINIC1", 150), *_begun("imaging.huba", 140, 8))),
    StoryCase("imaging/head-normal", "CLINIC2", 24, "routine", "accepted", (*_ask("CLINIC2", 30), Step(4, "imaging.huba", "claim"))),
    StoryCase("imaging/head-infarct", "CLINIC1", 14, "routine", "on hold", (
        *_ask("CLINIC1", 200), Step(180, "imaging.huba", "claim"),
        Step(170, "imaging.huba", "return", "患者有脑梗死病史，请补充 2 年前 CT 或出院小结，并说明本次头晕起病时间。"))),
    StoryCase("imaging/head-subdural", "CLINIC3", 32, "urgent", "awaiting review", (
        *_ask("CLINIC3", 28), Step(26, "imaging.hubb", "escalate", "急性硬膜下血肿伴中线移位，请主中心确认手术指征。"),
        Step(22, "imaging.main", "claim"), *_told("imaging.main", "CLINIC3", 18),
        Step(9, "imaging.main", "write"), Step(8, "imaging.main", "sign"), Step(6, "clinic3", "critical-acknowledge"))),
    StoryCase("imaging/chest-pneumonia", "CLINIC1", 15, "routine", "final, unread", (*_ask("CLINIC1", 95), *_read("imaging.huba", 70, 41))),
    StoryCase("imaging/head-epidural", "CLINIC2", 26, "stat", "final, critical value closed", (
        *_ask("CLINIC2", DAY + 40), Step(DAY + 37, "imaging.huba", "claim"), *_told("imaging.huba", "CLINIC2", DAY + 33),
        Step(DAY + 29, "clinic2", "critical-acknowledge"), Step(DAY + 23, "imaging.huba", "write"), Step(DAY + 22, "imaging.huba", "sign"),
        Step(DAY + 20, "clinic2", "critical-act", "已联系 120 转江临市中心医院神经外科，途中监护。"), _seen("CLINIC2", DAY + 18))),
    StoryCase("imaging/hand-normal", "CLINIC3", 33, "routine", "amended", (
        *_ask("CLINIC3", DAY + 300), *_read("imaging.hubb", DAY + 260, DAY + 240), _seen("CLINIC3", DAY + 200),
        Step(190, "imaging.hubb", "amend", "补充：复阅发现第五指远节甲粗隆小骨岛。", "\n第五指远节小骨岛，无临床意义。"), Step(186, "imaging.hubb", "sign"))),
    StoryCase("imaging/pet-lung", "CLINIC1", 38, "routine", "failed", (
        *_ask("CLINIC1", 340, evidence=False), Step(300, "imaging.main", "decline", "外院 PET/CT 原始图像未上传，本中心无法阅片。")), "consultation"),
    StoryCase("imaging/head-normal", "CLINIC1", 0, "routine", "final, earlier study", (
        *_ask("CLINIC1", 64 * DAY), *_read("imaging.huba", 64 * DAY - 60, 64 * DAY - 95), _seen("CLINIC1", 64 * DAY - 130))),
)  # fmt: skip

ECG = (
    StoryCase("ecg/anterior-infarction", "CLINIC1", 2, "stat", "requested", _ask("CLINIC1", 1)),
    StoryCase("ecg/sinus", "CLINIC2", 3, "routine", "requested", _ask("CLINIC2", 4)),
    StoryCase("ecg/inferior-infarction", "CLINIC1", 16, "stat", "requested", _ask("CLINIC1", 2)),
    StoryCase("ecg/sinus-pause", "CLINIC1", 6, "routine", "requested", _ask("CLINIC1", 6)),
    StoryCase("ecg/ventricular-tachycardia-run", "CLINIC2", 30, "urgent", "requested", _ask("CLINIC2", 3)),
    StoryCase("ecg/ventricular-paced", "CLINIC3", 32, "routine", "requested", _ask("CLINIC3", 8)),
    StoryCase("ecg/limb-lead-reversal", "CLINIC1", 36, "routine", "requested", _ask("CLINIC1", 10)),
    StoryCase("ecg/holter", "CLINIC2", 39, "routine", "requested", _ask("CLINIC2", 12)),
    StoryCase("ecg/left-ventricular-hypertrophy", "CLINIC1", 14, "routine", "requested", _ask("CLINIC1", 7)),
    StoryCase("ecg/atrial-fibrillation", "CLINIC2", 9, "routine", "in progress", (*_ask("CLINIC2", 9), *_begun("ecg.huba", 6, 2))),
    StoryCase("ecg/sinus", "CLINIC3", 43, "routine", "near deadline", (*_ask("CLINIC3", 25), *_begun("ecg.hubb", 14, 3))),
    StoryCase("ecg/ventricular-ectopics", "CLINIC1", 7, "routine", "overdue", (*_ask("CLINIC1", 41), *_begun("ecg.huba", 30, 4))),
    StoryCase("ecg/right-bundle-branch-block", "CLINIC2", 40, "routine", "final, unread", (*_ask("CLINIC2", 80), *_read("ecg.huba", 72, 64))),
    StoryCase("ecg/complete-block", "CLINIC3", 42, "stat", "final, critical value acknowledged", (
        *_ask("CLINIC3", 52), Step(50, "ecg.hubb", "claim"), *_told("ecg.hubb", "CLINIC3", 48),
        Step(45, "ecg.hubb", "write"), Step(44, "ecg.hubb", "sign"), Step(42, "clinic3", "critical-acknowledge"), _seen("CLINIC3", 41))),
    StoryCase("ecg/left-ventricular-hypertrophy", "CLINIC1", 31, "routine", "final, acknowledged", (
        *_ask("CLINIC1", 5 * HOUR), *_read("ecg.huba", 5 * HOUR - 8, 5 * HOUR - 19), _seen("CLINIC1", 4 * HOUR))),
    StoryCase("ecg/bradycardia", "CLINIC3", 32, "routine", "draft", _drafted("CLINIC3", 16)),
    StoryCase("ecg/right-bundle-branch-block", "CLINIC1", 5, "routine", "on hold", (
        *_ask("CLINIC1", 70), Step(66, "ecg.huba", "claim"), Step(63, "ecg.huba", "return", "V1、V2 导联疑似位置偏高，请核对后重新采集一份。"))),
    StoryCase("ecg/bradycardia", "CLINIC2", 25, "routine", "cancelled", (
        *_ask("CLINIC2", 6 * HOUR), Step(6 * HOUR - 5, "clinic2", "cancel", "导联接错，已重新采集并另行申请。"))),
    StoryCase("ecg/atrial-fibrillation", "CLINIC1", 23, "urgent", "awaiting review", (
        *_ask("CLINIC1", 15), Step(14, "ecg.huba", "claim"), Step(12, "ecg.huba", "escalate", "心悸伴胸闷，请主中心会诊抗凝与复律时机。"),
        *_read("ecg.main", 10, 5))),
    StoryCase("ecg/sinus", "CLINIC1", 2, "routine", "final, earlier tracing", (
        *_ask("CLINIC1", 103 * DAY), *_read("ecg.huba", 103 * DAY - 9, 103 * DAY - 21), _seen("CLINIC1", 103 * DAY - 60))),
)  # fmt: skip

LAB = (
    StoryCase("lab/hyperkalaemia", "CLINIC1", 16, "urgent", "critical value open", (
        *_ask("CLINIC1", 22), *_begun("lab.huba", 14, 7), Step(6, "lab.huba", "critical-declare"))),
    StoryCase("lab/normal-count", "CLINIC2", 12, "routine", "draft", _drafted("CLINIC2", 35)),
    StoryCase("lab/diabetes", "CLINIC3", 22, "routine", "requested", _ask("CLINIC3", 18)),
    StoryCase("lab/normal-count", "CLINIC1", 21, "routine", "requested", _ask("CLINIC1", 40)),
    StoryCase("lab/kidney", "CLINIC2", 1, "routine", "requested", _ask("CLINIC2", 65)),
    StoryCase("lab/anaemia", "CLINIC2", 29, "urgent", "final, critical value closed", (
        *_ask("CLINIC2", 7 * HOUR), Step(7 * HOUR - 8, "lab.huba", "claim"), *_told("lab.huba", "CLINIC2", 7 * HOUR - 12),
        Step(7 * HOUR - 20, "clinic2", "critical-acknowledge"), Step(7 * HOUR - 29, "lab.huba", "write"), Step(7 * HOUR - 30, "lab.huba", "sign"),
        Step(6 * HOUR, "clinic2", "critical-act", "已联系输血科，转上级医院输注红细胞 2 U。"), _seen("CLINIC2", 6 * HOUR - 5))),
    StoryCase("lab/hepatitis", "CLINIC1", 36, "routine", "on hold", (
        *_ask("CLINIC1", 260), Step(240, "lab.huba", "claim"), Step(230, "lab.huba", "return", "请补充近 1 个月用药（含中草药、保健品）及饮酒史。"))),
    StoryCase("lab/thrombocytopenia", "CLINIC3", 37, "urgent", "awaiting review", (
        *_ask("CLINIC3", 55), Step(50, "lab.hubb", "decline", "本中心今日无血液形态学复核人员。"), Step(44, "lab.main", "claim"),
        *_told("lab.main", "CLINIC3", 38), Step(30, "clinic3", "critical-acknowledge"),
        Step(21, "lab.main", "write"), Step(20, "lab.main", "sign"))),
    StoryCase("lab/thyroid", "CLINIC1", 19, "routine", "final, unread", (*_ask("CLINIC1", 20 * HOUR), *_read("lab.huba", 19 * HOUR, 18 * HOUR))),
    StoryCase("lab/kidney", "CLINIC2", 10, "routine", "amended", (
        *_ask("CLINIC2", 2 * DAY), *_read("lab.huba", 2 * DAY - 90, 2 * DAY - 140), _seen("CLINIC2", 2 * DAY - 200),
        Step(DAY, "lab.huba", "amend", "收到补充检验：抗 PLA2R 抗体阳性。", "抗 PLA2R 抗体阳性，支持膜性肾病。"), Step(DAY - 4, "lab.huba", "sign"))),
)  # fmt: skip

PATHOLOGY = (
    StoryCase("pathology/frozen-gastric-margin", "CLINIC2", 30, "stat", "requested", _ask("CLINIC2", 3)),
    StoryCase("pathology/chronic-gastritis", "CLINIC2", 40, "routine", "requested", _ask("CLINIC2", 50)),
    StoryCase("pathology/chronic-gastritis", "CLINIC1", 5, "routine", "in progress", (*_ask("CLINIC1", 5 * HOUR), *_begun("pathology.huba", 26, 5))),
    StoryCase("pathology/sigmoid-adenocarcinoma", "CLINIC2", 17, "routine", "final, critical value closed", (
        *_ask("CLINIC2", 3 * DAY), Step(3 * DAY - 90, "pathology.huba", "claim"), *_told("pathology.huba", "CLINIC2", 3 * DAY - 110),
        Step(3 * DAY - 118, "clinic2", "critical-acknowledge"), Step(3 * DAY - 129, "pathology.huba", "write"), Step(3 * DAY - 130, "pathology.huba", "sign"),
        Step(3 * DAY - 190, "clinic2", "critical-act", "已通知患者，预约江临市中心医院胃肠外科门诊。"), _seen("CLINIC2", 3 * DAY - 195))),
    StoryCase("pathology/tubular-adenoma", "CLINIC3", 8, "routine", "final, unread", (*_ask("CLINIC3", DAY + 5 * HOUR), *_read("pathology.hubb", DAY, 22 * HOUR))),
    StoryCase("pathology/colon-second-opinion", "CLINIC1", 35, "routine", "requested at MAIN", (
        *_ask("CLINIC1", 2 * HOUR), Step(95, "pathology.huba", "decline", "疑难病例，建议主中心消化病理亚专科会诊。")), "consultation"),
    StoryCase("pathology/rectal-polyp", "CLINIC3", 34, "routine", "cancelled", (
        *_ask("CLINIC3", DAY), Step(DAY - 30, "clinic3", "cancel", "标本已送院内病理科，无需远程诊断。"))),
    StoryCase("pathology/frozen-gastric-mass", "CLINIC2", 39, "stat", "awaiting review", (
        *_ask("CLINIC2", 27), Step(26, "pathology.huba", "escalate", "病灶分化判断困难，请主中心会诊。"), Step(24, "pathology.main", "claim"),
        *_told("pathology.main", "CLINIC2", 16), Step(11, "pathology.main", "write"), Step(10, "pathology.main", "sign"))),
    StoryCase("pathology/gastric-ulcer", "CLINIC3", 11, "routine", "draft", _drafted("CLINIC3", 75)),
)  # fmt: skip

CONSULTATION = (
    StoryCase("consultation/heart-failure", "CLINIC1", 6, "routine", "requested", _ask("CLINIC1", 25, consent=True), "consultation"),
    StoryCase("consultation/stroke-secondary-prevention", "CLINIC2", 1, "routine", "in progress, parked", (
        *_ask("CLINIC2", 5 * HOUR, consent=True), *_begun("consult.huba", 80, 50), Step(45, "consult.huba", "park")), "consultation"),
    StoryCase("consultation/copd-exacerbation", "CLINIC3", 20, "urgent", "final, critical value closed", (
        *_ask("CLINIC3", 3 * HOUR, consent=True), Step(3 * HOUR - 6, "consult.hubb", "claim"), *_told("consult.hubb", "CLINIC3", 3 * HOUR - 12),
        Step(3 * HOUR - 17, "clinic3", "critical-acknowledge"), Step(3 * HOUR - 30, "consult.hubb", "write"), Step(3 * HOUR - 31, "consult.hubb", "sign"),
        Step(3 * HOUR - 40, "clinic3", "critical-act", "救护车已出发，转湖安市第一医院呼吸科。"), _seen("CLINIC3", 3 * HOUR - 44)), "consultation"),
    StoryCase("consultation/paediatric-fever", "CLINIC1", 18, "urgent", "accepted at MAIN", (
        *_ask("CLINIC1", 40, consent=True), Step(34, "consult.huba", "decline", "本中心无儿科专业。"), Step(20, "consult.main", "claim")), "consultation"),
    StoryCase("consultation/lung-nodule", "CLINIC2", 3, "routine", "final, unread", (
        *_ask("CLINIC2", DAY, consent=True), *_read("consult.huba", DAY - 120, 18 * HOUR)), "consultation"),
    StoryCase("consultation/gallstones", "CLINIC3", 27, "routine", "on hold", (
        *_ask("CLINIC3", 8 * HOUR, consent=True), Step(7 * HOUR, "consult.hubb", "claim"),
        Step(6 * HOUR, "consult.hubb", "return", "请补充近期腹部超声报告、凝血功能及心电图。")), "consultation"),
    StoryCase("consultation/diabetes-insulin", "CLINIC3", 43, "routine", "final by two people", (
        *_ask("CLINIC3", 2 * DAY, consent=True), Step(2 * DAY - 60, "consult.hubb", "escalate", "请主中心内分泌科会诊。"),
        *_read("consult.main", 2 * DAY - 120, 2 * DAY - 200, "consult2.main", 2 * DAY - 230), _seen("CLINIC3", 2 * DAY - 300)), "consultation"),
    StoryCase("consultation/chest-pain-clinic", "CLINIC2", 40, "routine", "draft", _drafted("CLINIC2", 50), "consultation"),
)  # fmt: skip

STORY: tuple[StoryCase, ...] = (*IMAGING, *ECG, *LAB, *PATHOLOGY, *CONSULTATION)

STRAYS: tuple[StrayStudy, ...] = (StrayStudy("imaging/hand-normal", "CLINIC2", 4, "CLINIC2-O41"),)
"""Studies that the operator finds unmatched."""
