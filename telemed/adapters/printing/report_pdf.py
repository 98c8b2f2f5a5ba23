"""A report as PDF: A4, embedded fonts, text that can be copied, the same bytes for the same document.

`render_report` computes for some tens of milliseconds, two seconds the first time in a process, and belongs in a process pool.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape

from reportlab.graphics.barcode.qr import QrCode
from reportlab.pdfbase.pdfdoc import PDFDictionary, PDFName, PDFStream
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, NextPageTemplate, PageBreak, PageTemplate

from telemed.adapters.printing.fonts import BOLD, REGULAR, Face, printable, register_faces
from telemed.adapters.printing.report_document import ReportDocument, ReportPatient, SignedBy
from telemed.adapters.printing.report_figures import (
    ACROSS,
    FIGURE_BOTTOM,
    FIGURE_HEIGHT_MM,
    FIGURE_LEFT,
    FIGURE_WIDTH_MM,
    POINTS_A_MM,
    FigurePage,
    table_flowables,
)
from telemed.adapters.printing.report_flowables import (
    BODY,
    STRONG,
    Grid,
    Highlight,
    Passage,
    PictureRow,
    SignatureArea,
    TextStyle,
    draw_line,
)
from telemed.adapters.printing.report_page import (
    ACCENT,
    ALERT,
    ALERT_TINT,
    DISCLAIMER_Y,
    FIRST_PAGE_TOP,
    FOOTER_Y,
    INK,
    LATER_PAGE_TOP,
    MARGIN,
    MUTED,
    NOTICE,
    NOTICE_TINT,
    PAGE_HEIGHT,
    PAGE_WIDTH,
    QR_SIZE,
    RIGHT,
    RULE,
    TEXT_BOTTOM,
    TEXT_WIDTH,
    WATERMARK,
)
from telemed.adapters.printing.report_pictures import picture_rows
from telemed.service.ports.signer import Role

HEADING = TextStyle(face=BOLD, size=11.5, leading=18.0, color=ACCENT)
SMALL = TextStyle(size=8.5, leading=12.0, color=MUTED)

# Up to this many pictures stand above the text, as in reports on ultrasound and ECG; more of them follow it.
PICTURES_ABOVE = 2


def render_report(document: ReportDocument) -> bytes:
    """The pages of one version of a report, unsigned.

    Raises:
        UnprintableReport: a picture is neither JPEG nor PNG, or is damaged or too large.
    """
    register_faces()
    pages = _Pages(document)
    buffer = BytesIO()
    template = BaseDocTemplate(
        buffer,
        pagesize=(PAGE_WIDTH, PAGE_HEIGHT),
        invariant=1,
        pageCompression=1,
        lang=document.language,
        initialFontName=REGULAR.name,
        title=printable(document.title),
        author=printable(document.hub),
        subject=printable(document.accession_number),
        creator="",
    )
    template.addPageTemplates(
        [
            _page_template("first", FIRST_PAGE_TOP, pages.draw_first_header),
            _page_template("later", LATER_PAGE_TOP, pages.draw_later_header),
            _figure_template(pages.draw_figure_header),
        ]
    )
    template.build(_story(document, picture_rows(document.pictures)), canvasmaker=pages.canvas)
    return buffer.getvalue()


def _page_template(name: str, top: float, draw_header: Callable[[Any, Any], None]) -> PageTemplate:
    frame = Frame(MARGIN, TEXT_BOTTOM, TEXT_WIDTH, top - TEXT_BOTTOM, leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0)
    return PageTemplate(name, frames=[frame], onPage=draw_header, autoNextPageTemplate="later")


def _figure_template(draw_header: Callable[[Any, Any], None]) -> PageTemplate:
    """Pages across after the signatures, a figure each."""
    size = (FIGURE_WIDTH_MM * POINTS_A_MM, FIGURE_HEIGHT_MM * POINTS_A_MM)
    frame = Frame(FIGURE_LEFT, FIGURE_BOTTOM, *size, leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0)
    return PageTemplate("figure", frames=[frame], onPage=draw_header, pagesize=ACROSS, autoNextPageTemplate="figure")


def _time(time: datetime) -> str:
    """2026-01-31 08:30 +08, or +05:30 where the zone is not whole hours (ISO 8601)."""
    offset = f"{time:%z}"
    minutes = "" if offset[3:5] == "00" else f":{offset[3:5]}"
    return f"{time:%Y-%m-%d %H:%M} {offset[:3]}{minutes}"


def _story(document: ReportDocument, rows: list[PictureRow]) -> list[Flowable]:
    labels = document.labels
    story = _facts(document)
    if document.amendment_reason:
        heading = labels["version"].format(version=document.version) + "  " + labels["amendment_reason"]
        story.append(_notice(heading, document.amendment_reason, Highlight(NOTICE, NOTICE_TINT), NOTICE, BODY))
    if document.critical_value:
        story.append(_notice(labels["critical_value"], document.critical_value, Highlight(ALERT, ALERT_TINT), ALERT, STRONG))
    above = len(document.pictures) <= PICTURES_ABOVE
    story += rows if above else []
    for section in document.sections:
        story.append(_section(section.heading, section.text, STRONG if section.prominent else BODY))
    for number, addendum in enumerate(document.addenda, start=1):
        heading = labels["addendum"].format(number=number, author=addendum.author, time=_time(addendum.written_at))
        story.append(_section(heading, addendum.text, BODY))
    story += [] if above else rows
    for table in document.tables:
        story += table_flowables(table)
    columns = [_signature_column(document, "author", document.author)]
    if document.reviewer is not None:
        columns.append(_signature_column(document, "reviewer", document.reviewer))
    figures: list[Flowable] = []
    for figure in document.figures:
        figures += [NextPageTemplate("figure"), PageBreak(), FigurePage(figure)]
    return [*story, SignatureArea(columns), *figures]


def _section(heading: str, text: str, style: TextStyle) -> Passage:
    lines = HEADING.lines(printable(heading), TEXT_WIDTH)
    return Passage([(HEADING, "\n".join(lines)), (style, printable(text).strip("\n"))], keep=len(lines) + 2)


def _notice(heading: str, text: str, highlight: Highlight, color: Any, style: TextStyle) -> Passage:
    head = TextStyle(face=BOLD, size=11.0, leading=17.0, color=color)
    return Passage([(head, printable(heading)), (style, printable(text).strip("\n"))], highlight=highlight, keep=3)


def _signature_column(document: ReportDocument, role: Role, person: SignedBy | None) -> tuple[Role, str, str]:
    labels = document.labels
    name = labels[role] + labels["colon"] + (printable(person.name) if person is not None else "")
    signed_at = _time(person.signed_at) if person is not None and person.signed_at is not None else ""
    return role, name, labels["signed_at"] + labels["colon"] + signed_at


def _facts(document: ReportDocument) -> list[Flowable]:
    """The grids of patient, request and examination, and the values too long for them."""
    labels = document.labels
    examination = [(line.label, line.value) for line in document.examination]
    examination += [(label, _time(time)) for label, time in document.times]
    if document.result != "not-judged":
        examination.append((labels["result"], labels[document.result]))
    request = [
        *_patient(document.patient, document),
        (labels["member"], document.member),
        (labels["accession_number"], document.accession_number),
        *((line.label, line.value) for line in document.request),
    ]
    flowables: list[Flowable] = []
    for group in (request, examination):
        pairs = [(printable(label) + labels["colon"], printable(value)) for label, value in group if value.strip()]
        short = [pair for pair in pairs if Grid.fits(*pair, TEXT_WIDTH)]
        if short:
            flowables.append(Grid(short, TEXT_WIDTH))
        flowables += [Passage([(BODY, label + value)]) for label, value in pairs if (label, value) not in short]
    return flowables


def _patient(patient: ReportPatient, document: ReportDocument) -> list[tuple[str, str]]:
    labels = document.labels
    return [
        (labels["patient_name"], patient.name),
        (labels["patient_sex"], patient.sex),
        (labels["patient_age"], patient.age),
        (labels["patient_birth_date"], patient.birth_date),
        (labels["patient_number"], patient.patient_number),
        (labels["patient_resident_id"], patient.resident_id),
    ]


class _Pages:
    """The surroundings of the text on each page: headers, watermark, QR code, footer."""

    def __init__(self, document: ReportDocument) -> None:
        self._document = document
        self._labels = document.labels

    def canvas(self, *arguments: Any, **options: Any) -> "_PagedCanvas":
        return _PagedCanvas(self, *arguments, **options)

    def describe(self, canvas: Any) -> None:
        """The document's own properties: its date, its metadata (XMP), its title in the window's title bar."""
        document = self._document
        stamp = canvas._doc._timeStamp
        stamp.YMDhms = document.issued_at.timetuple()[:6]
        offset = f"{document.issued_at:%z}"
        stamp.dhh, stamp.dmm = int(offset[:3]), int(offset[3:5])
        canvas.setViewerPreference("DisplayDocTitle", "true")
        kind = PDFDictionary({"Type": PDFName("Metadata"), "Subtype": PDFName("XML")})
        metadata = PDFStream(kind, _xmp(document).encode(), [])
        canvas._doc.Catalog.Metadata = canvas._doc.Reference(metadata)
        canvas._doc.updateSignature(f"{document.verification_code} {document.version}")

    def draw_first_header(self, canvas: Any, _template: Any) -> None:
        self._draw_watermark(canvas)
        document = self._document
        draw_line(canvas, SMALL, MARGIN, PAGE_HEIGHT - 40, _fitting(printable(document.centre), SMALL, 150))
        version = self._labels["version"].format(version=document.version)
        draw_line(canvas, SMALL, MARGIN, PAGE_HEIGHT - 54, f"{self._labels[f'status_{document.status}']}  {version}")
        room = TEXT_WIDTH - 2 * (QR_SIZE + 34)
        _draw_centred(canvas, printable(document.hub), BOLD, 18.0, PAGE_HEIGHT - 62, room)
        _draw_centred(canvas, printable(document.title), BOLD, 14.0, PAGE_HEIGHT - 86, room)
        self._draw_code(canvas)
        canvas.setStrokeColor(INK)
        canvas.setLineWidth(0.8)
        canvas.line(MARGIN, FIRST_PAGE_TOP + 6, RIGHT, FIRST_PAGE_TOP + 6)

    def draw_later_header(self, canvas: Any, _template: Any) -> None:
        self._draw_watermark(canvas)
        document, patient = self._document, self._document.patient
        head = TextStyle(face=BOLD, size=9.5, color=INK)
        hub = f"{printable(document.hub)}  {printable(document.title)}"
        draw_line(canvas, head, MARGIN, PAGE_HEIGHT - 40, _fitting(hub, head, TEXT_WIDTH))
        who = [patient.name, patient.sex, patient.age, patient.patient_number]
        line = "   ".join(printable(value) for value in who if value)
        draw_line(canvas, SMALL, MARGIN, PAGE_HEIGHT - 54, _fitting(line, SMALL, TEXT_WIDTH * 0.64))
        accession = self._labels["accession_number"] + self._labels["colon"] + printable(document.accession_number)
        _draw_right(canvas, _fitting(accession, SMALL, TEXT_WIDTH * 0.34), PAGE_HEIGHT - 54)
        canvas.setStrokeColor(RULE)
        canvas.setLineWidth(0.6)
        canvas.line(MARGIN, LATER_PAGE_TOP + 6, RIGHT, LATER_PAGE_TOP + 6)

    def draw_figure_header(self, canvas: Any, _template: Any) -> None:
        document, patient = self._document, self._document.patient
        width, height = ACROSS
        who = [document.hub, document.title, patient.name, patient.sex, patient.age, patient.patient_number, document.accession_number]
        line = "   ".join(printable(value) for value in who if value)
        draw_line(canvas, SMALL, FIGURE_LEFT, height - 20, _fitting(line, SMALL, width - 2 * FIGURE_LEFT))

    def draw_figure_footer(self, canvas: Any, page: int, pages: int) -> None:
        document = self._document
        width, _ = ACROSS
        draw_line(canvas, SMALL, FIGURE_LEFT, 16, self._labels["page"].format(page=page, pages=pages))
        code = self._labels["verification_code"] + self._labels["colon"] + printable(document.verification_code)
        draw_line(canvas, SMALL, width - FIGURE_LEFT - SMALL.width(code), 16, code)

    def draw_footer(self, canvas: Any, page: int, pages: int) -> None:
        document = self._document
        if page > pages - len(document.figures):
            self.draw_figure_footer(canvas, page, pages)
            return
        canvas.setStrokeColor(RULE)
        canvas.setLineWidth(0.6)
        canvas.line(MARGIN, DISCLAIMER_Y + 10, RIGHT, DISCLAIMER_Y + 10)
        style, lines = _two_lines(printable(document.disclaimer).replace("\n", " "))
        for number, line in enumerate(lines):
            draw_line(canvas, style, MARGIN, DISCLAIMER_Y - 10 * number, line)
        draw_line(canvas, SMALL, MARGIN, FOOTER_Y, _fitting(printable(document.hub), SMALL, TEXT_WIDTH * 0.38))
        _draw_centred(canvas, self._labels["page"].format(page=page, pages=pages), REGULAR, 8.5, FOOTER_Y, 120, MUTED)
        code = self._labels["verification_code"] + self._labels["colon"] + printable(document.verification_code)
        _draw_right(canvas, _fitting(code, SMALL, TEXT_WIDTH * 0.38), FOOTER_Y)

    def _draw_watermark(self, canvas: Any) -> None:
        text = self._labels.get(f"watermark_{self._document.status}", "")
        if not text:
            return
        canvas.saveState()
        canvas.translate(PAGE_WIDTH / 2, PAGE_HEIGHT / 2 - 20)
        canvas.rotate(35)
        size = min(84.0, 520 / max(BOLD.width(text, 1.0), 1.0))
        style = TextStyle(face=BOLD, size=size, color=WATERMARK)
        draw_line(canvas, style, -style.width(text) / 2, -size / 3, text)
        canvas.restoreState()

    def _draw_code(self, canvas: Any) -> None:
        code = QrCode(self._document.verification_url, qrLevel="M", qrBorder=0, width=QR_SIZE, height=QR_SIZE)
        x, y = RIGHT - QR_SIZE, PAGE_HEIGHT - 30 - QR_SIZE
        canvas.setFillColor(INK)
        code.drawOn(canvas, x, y)
        canvas.linkURL(self._document.verification_url, (x, y, x + QR_SIZE, y + QR_SIZE))
        text = _fitting(printable(self._document.verification_code), SMALL, QR_SIZE + 60)
        _draw_right(canvas, text, y - 11)


def _draw_centred(canvas: Any, text: str, face: Face, size: float, y: float, room: float, color: Any = INK) -> None:
    """A line in the middle of the page, made smaller (down to 7 points) where it would be too wide."""
    size = max(min(size, room / max(face.width(text, 1.0), 1.0)), 7.0)
    style = TextStyle(face=face, size=size, color=color)
    text = _fitting(text, style, room)
    draw_line(canvas, style, (PAGE_WIDTH - style.width(text)) / 2, y, text)


def _two_lines(text: str) -> tuple[TextStyle, list[str]]:
    """A text in full on at most two lines, made smaller where it must be."""
    style = SMALL
    lines = style.lines(text, TEXT_WIDTH)
    while len(lines) > 2 and style.size > 1:
        style = replace(style, size=style.size - 0.5)
        lines = style.lines(text, TEXT_WIDTH)
    return style, lines


def _draw_right(canvas: Any, text: str, y: float) -> None:
    draw_line(canvas, SMALL, RIGHT - SMALL.width(text), y, text)


def _fitting(text: str, style: TextStyle, room: float) -> str:
    """As much of a line as fits. Only names far beyond the usual are cut; the metadata of the file has them in full."""
    if style.width(text) <= room:
        return text
    while text and style.width(text + "...") > room:
        text = text[:-1]
    return text + "..."


class _PagedCanvas(Canvas):  # type: ignore[misc]  # reportlab carries no types
    """Holds the pages back until their number is known, for "page n of m"."""

    def __init__(self, pages: _Pages, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._furniture = pages
        self._held: list[dict[str, Any]] = []
        pages.describe(self)

    def showPage(self) -> None:  # noqa: N802  # the name is reportlab's
        self._held.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        held = self._held
        for number, state in enumerate(held, start=1):
            self.__dict__.update(state)
            self._furniture.draw_footer(self, number, len(held))
            super().showPage()
        super().save()


def _xmp(document: ReportDocument) -> str:
    """Descriptive metadata (ISO 16684-1): title, creator, language, date, and the version that this file is."""
    date = document.issued_at.isoformat(timespec="seconds")
    title = escape(printable(document.title))
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:xmp="http://ns.adobe.com/xap/1.0/">'
        f'<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>'
        f"<dc:creator><rdf:Seq><rdf:li>{escape(printable(document.hub))}</rdf:li></rdf:Seq></dc:creator>"
        f"<dc:identifier>{escape(printable(document.accession_number))}</dc:identifier>"
        f"<dc:language><rdf:Bag><rdf:li>{document.language}</rdf:li></rdf:Bag></dc:language>"
        f"<xmp:CreateDate>{date}</xmp:CreateDate><xmp:ModifyDate>{date}</xmp:ModifyDate>"
        '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
    )
