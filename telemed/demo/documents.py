"""Papers of the made-up patients: referral summary, consent, result sheet. A4 PDFs, the same bytes for the same arguments."""

import zlib
from datetime import datetime
from html import escape
from io import BytesIO

import numpy as np
from PIL import Image as Picture
from reportlab.lib import colors
from reportlab.lib.enums import TA_CENTER
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph, Table, TableStyle

from telemed.adapters.printing.fonts import BOLD, REGULAR, register_faces
from telemed.demo.lab_panels import LabPanel
from telemed.demo.people import DemoPatient
from telemed.demo.texts import CaseText
from telemed.demo.texture import smooth_field

FONT = REGULAR.name
LEFT, RIGHT, TOP = 24 * mm, A4[0] - 24 * mm, A4[1] - 24 * mm
SEX = {"male": "男", "female": "女"}

BODY = ParagraphStyle("body", fontName=FONT, fontSize=11, leading=18, wordWrap="CJK")
TITLE = ParagraphStyle("title", parent=BODY, fontSize=18, leading=26, alignment=TA_CENTER)
HEADING = ParagraphStyle("heading", parent=BODY, fontName=BOLD.name)
SMALL = ParagraphStyle("small", parent=BODY, fontSize=9, leading=13, textColor=colors.HexColor("#444444"))

FIELD_LABELS = {"reason": "会诊目的", "summary": "病情摘要", "working_diagnosis": "初步诊断", "history": "病史"}


class _Paper:
    """One A4 page that is filled from the top."""

    def __init__(self, title: str, institution: str) -> None:
        register_faces()
        self.out = BytesIO()
        self.page = Canvas(self.out, pagesize=A4, invariant=1)
        self.page.setTitle(title)
        self.y = TOP
        self.institution, self.title = institution, title

    def head(self) -> None:
        self.write(escape(self.institution), TITLE)
        self.write(escape(self.title), ParagraphStyle("subtitle", parent=TITLE, fontSize=14, leading=24))
        self.rule()

    def write(self, markup: str, style: ParagraphStyle = BODY, space: float = 4) -> None:
        self.place(Paragraph(markup, style), space)

    def place(self, block: Paragraph | Table, space: float = 4) -> None:
        _, height = block.wrapOn(self.page, RIGHT - LEFT, self.y)
        block.drawOn(self.page, LEFT, self.y - height)
        self.y -= height + space

    def rule(self) -> None:
        self.page.setLineWidth(0.6)
        self.page.line(LEFT, self.y, RIGHT, self.y)
        self.y -= 8

    def patient(self, patient: DemoPatient, on: datetime, number: str) -> None:
        rows = [
            [f"姓名：{patient.name}", f"性别：{SEX.get(patient.sex, '不详')}", f"年龄：{patient.age_on(on.date())} 岁"],
            [f"申请号：{number}", f"病历号：{patient.number}", f"电话：{patient.phone}"],
        ]
        table = Table(rows, colWidths=[(RIGHT - LEFT) / 3] * 3, rowHeights=18)
        table.setStyle(TableStyle([("FONT", (0, 0), (-1, -1), FONT, 11), ("LEFTPADDING", (0, 0), (-1, -1), 0)]))
        self.place(table)
        self.rule()

    def sign(self, label: str, seed: int) -> None:
        """A label with a scrawl behind it: strokes of a pen that spell nothing."""
        self.page.setFont(FONT, 11)
        self.page.drawString(LEFT + 78 * mm, self.y, label)
        rng = np.random.default_rng([seed, zlib.crc32(label.encode())])
        x, y = LEFT + 78 * mm + REGULAR.width(label, 11) + 6, self.y + 3
        self.page.setStrokeColor(colors.HexColor("#1c2f6b"))
        self.page.setLineWidth(1.0)
        for _ in range(3):
            path = self.page.beginPath()
            path.moveTo(x, y + float(rng.uniform(-4, 6)))
            for _ in range(4):
                path.curveTo(*(float(v) for v in np.ravel([(x + rng.uniform(-5, 14), y + rng.uniform(-8, 12)) for _ in range(3)])))
                x += float(rng.uniform(1, 5))
            self.page.drawPath(path)
            x += 9
        self.page.setStrokeColor(colors.black)
        self.y -= 26

    def finish(self) -> bytes:
        self.page.showPage()
        self.page.save()
        return self.out.getvalue()


def referral_summary(patient: DemoPatient, text: CaseText, institution: str, doctor: str, number: str, on: datetime, seed: int) -> bytes:
    """The clinic's summary of the record, from the request's own words."""
    paper = _Paper("远程会诊病情摘要", institution)
    paper.head()
    paper.patient(patient, on, number)
    for name, label in FIELD_LABELS.items():
        if text.request.get(name):
            paper.write(label, HEADING, 0)
            paper.write(escape(str(text.request[name])), space=8)
    paper.write("附：既往检查报告复印件见病历。以上情况属实，同意提请上级医院会诊。", SMALL, 24)
    paper.sign(f"申请医师（{doctor}）：", seed)
    return paper.finish()


CONSENT_POINTS = (
    "医师已向我说明远程会诊的目的、方式、可能的获益与局限：会诊意见供接诊医师参考，诊疗决定由接诊医疗机构作出。",
    "我同意将与本次会诊有关的病历、影像、检验及病理资料通过加密网络提供给受邀医疗机构的医师查阅。",
    "我已知晓会诊资料将按国家规定保存，未经同意不用于其他目的；我可以随时撤回本同意，不影响后续诊疗。",
)


def consent_form(patient: DemoPatient, institution: str, number: str, on: datetime, seed: int, *, by_guardian: bool) -> bytes:
    """The signed consent to a teleconsultation, by the patient or by a guardian."""
    paper = _Paper("远程会诊知情同意书", institution)
    paper.head()
    paper.patient(patient, on, number)
    for place, point in enumerate(CONSENT_POINTS, start=1):
        paper.write(f"{place}. {point}", space=10)
    paper.write("我已阅读并理解上述内容，自愿同意接受远程会诊。", space=40)
    paper.sign("监护人签名：" if by_guardian else "患者签名：", seed)
    paper.sign("医师签名：", seed + 1)
    paper.page.setFont(FONT, 11)
    paper.page.drawString(LEFT + 78 * mm, paper.y, f"日期：{on:%Y 年 %m 月 %d 日}")
    return paper.finish()


def lab_sheet(panel: LabPanel, patient: DemoPatient, institution: str, number: str, on: datetime, seed: int) -> bytes:
    """A result sheet as it comes out of a scanner: slightly askew, on paper that is not quite white."""
    paper = _Paper(f"检验报告单（{panel.title}）", institution)
    rng = np.random.default_rng([seed, 33])
    grey = 243 + 2.2 * smooth_field(rng, (420, 297), 40) + rng.normal(0, 1.6, (420, 297))
    sheet = Picture.fromarray(np.clip(grey, 0, 255).astype(np.uint8))
    paper.page.drawImage(ImageReader(sheet), 0, 0, *A4)
    paper.page.translate(A4[0] / 2, A4[1] / 2)
    paper.page.rotate(float(rng.uniform(-0.9, 0.9)))
    paper.page.translate(-A4[0] / 2, -A4[1] / 2)
    paper.head()
    paper.patient(patient, on, number)
    arrows = {"H": "↑", "L": "↓", "A": "异常"}
    rows = [["序号", "项目", "结果", "", "单位", "参考区间"]]
    rows += [
        [str(place), result.name, result.value, arrows.get(result.flag, ""), result.unit, result.reference]
        for place, result in enumerate(panel.results, start=1)
    ]
    table = Table(rows, colWidths=[14 * mm, 56 * mm, 24 * mm, 14 * mm, 26 * mm, 28 * mm], rowHeights=20)
    table.setStyle(TableStyle([("FONT", (0, 0), (-1, -1), FONT, 10.5), ("LINEBELOW", (0, 0), (-1, 0), 0.6, colors.black)]))
    paper.place(table, 14)
    paper.rule()
    paper.write(
        f"标本：{panel.specimen}；采样：{on:%Y-%m-%d %H:%M}；本报告仅对所检标本负责。",
        SMALL,
        24,
    )
    paper.sign("检验者：", seed)
    paper.sign("审核者：", seed + 1)
    return paper.finish()
