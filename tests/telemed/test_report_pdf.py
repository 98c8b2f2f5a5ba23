"""The printed report, read back from its PDF: text, fonts, pages, pictures, hostile input."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pypdf import PageObject, PdfReader

from telemed.adapters.printing.fonts import BOLD, REGULAR, outline, printable
from telemed.adapters.printing.line_breaking import NOT_FIRST, NOT_LAST, break_lines
from telemed.adapters.printing.report_document import (
    LABELS,
    MAX_LINE_ENDS,
    MAX_NAME,
    MAX_TEXT,
    Addendum,
    Line,
    Picture,
    ReportDocument,
    ReportPatient,
    Section,
    SignedBy,
    UnprintableReport,
)
from telemed.adapters.printing.report_pdf import render_report

CHINA = timezone(timedelta(hours=8))
NOON = datetime(2026, 3, 5, 12, 0, tzinfo=CHINA)
A4_POINTS = (595, 842)

# Each label stands for itself, so that a test sees which one was printed where.
TEMPLATES = {
    "page": "第 {page} 页 / 共 {pages} 页",
    "version": "第 {version} 版",
    "addendum": "补充报告 {number}（{author}，{time}）",
    "colon": "：",
    "watermark_preliminary": "初步报告",
}
ZH = {label: TEMPLATES.get(label, f"标签{label}") for label in LABELS}

FINDINGS = (
    "胸廓对称，气管居中。右肺下叶背段见一类圆形结节，大小约 12.3 mm×9.8 mm，平均 CT 值约 28 HU；余肺野清晰。\n"
    "白细胞 12.6×10⁹/L，体温 38.5℃，SpO₂ ≥ 95 %，D-二聚体 ≤ 0.5 μg/mL（± 0.05）。"
)
IMPRESSION = "1. 右肺下叶结节（4B 类），恶性可能性大，建议多学科会诊。\n2. 肝囊肿可能。"


def document(**changes: Any) -> ReportDocument:
    return replace(
        ReportDocument(
            language="zh-CN",
            labels=ZH,
            title="远程影像诊断报告书",
            centre="区域影像诊断中心",
            hub="滨江大学附属第一医院",
            member="青山县人民医院",
            status="final",
            version=1,
            patient=ReportPatient("欧阳䶮", "女", "57 岁", "1968-11-02", "ZY20260305017", "3301**********0428"),
            accession_number="CLINIC1-CT-0117",
            issued_at=NOON,
            verification_code="7K3Q-9F2M",
            verification_url="https://telemed.example.org/verify/7K3Q9F2M",
            disclaimer="本报告仅供临床医师参考。",
            request=(Line("检查目的", "咳嗽、咳痰 2 周，加重伴发热 3 天，外院胸片提示结节影，请进一步明确性质。"),),
            examination=(Line("检查方法", "CT 平扫＋增强"),),
            times=(("检查时间", NOON),),
            sections=(Section("影像所见", FINDINGS), Section("诊断意见", IMPRESSION, prominent=True)),
            author=SignedBy("王建国", NOON),
            reviewer=SignedBy("陈思远", NOON + timedelta(minutes=20)),
        ),
        **changes,
    )


def read(pdf: bytes) -> PdfReader:
    return PdfReader(BytesIO(pdf), strict=True)


def squeeze(text: str) -> str:
    """Text without the spaces and line ends that the layout adds."""
    return "".join(text.split())


def text_of(pdf: bytes) -> str:
    return squeeze("".join(page.extract_text() for page in read(pdf).pages))


def picture(size: tuple[int, int], mode: str = "RGB", kind: str = "JPEG", **options: Any) -> bytes:
    buffer = BytesIO()
    Image.linear_gradient("L").resize(size).convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()


def page_fonts(page: PageObject) -> list[Any]:
    return [font.get_object() for font in page["/Resources"]["/Font"].values()]  # type: ignore[index, union-attr]


def test_every_text_of_the_document_can_be_copied_from_the_pages():
    made = document(
        critical_value="急性肺动脉栓塞可能，已电话告知赵敏医师。",
        result="positive",
        status="amended",
        version=2,
        amendment_reason="更正结节大小。",
        addenda=(Addendum("与外院 CT 比较，结节较前增大。", "陈思远", NOON),),
        pictures=(Picture(picture((300, 200)), "图 1：轴位肺窗"),),
    )
    text = text_of(render_report(made))
    passages = [*made.passages(), made.disclaimer, made.title, made.hub, made.member, made.centre, made.accession_number]
    patient = made.patient
    passages += [patient.name, patient.sex, patient.age, patient.birth_date, patient.patient_number]
    passages += [
        patient.resident_id,
        "图 1：轴位肺窗",
        "王建国",
        "陈思远",
        "2026-03-05 12:20 +08",
        made.verification_code,
    ]
    passages += ["标签positive", "标签status_amended", "第 2 版", "补充报告 1（陈思远，2026-03-05 12:00 +08）"]
    assert [passage for passage in passages if squeeze(passage) not in text] == []


@pytest.mark.parametrize("characters", ["䶮㛃𠮷", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻₀₁₂₃₄₅₆₇₈₉", "℃μµ±≥≤×", "אع😀ꙮ", "éüßΩαβ", "〇①Ⅳ㎜"])
def test_characters_stay_themselves_and_are_never_blank(characters: str):
    pdf = render_report(document(sections=(Section("所见", characters), Section("意见", characters, prominent=True))))
    # Right-to-left characters may be read back in either order.
    assert set(characters) <= set(text_of(pdf))
    for face in (REGULAR, BOLD):
        assert all(outline(character, face.weight).glyph.numberOfContours > 0 for character in characters)


def test_every_character_of_gb_2312_has_a_glyph_of_its_own():
    pairs = [bytes((row, cell)) for row in range(0xB0, 0xF8) for cell in range(0xA1, 0xFF)]
    characters = [pair.decode("gb2312", "ignore") for pair in pairs]
    drawn = [outline(character, "Regular") for character in characters[::40] if character]
    assert len(drawn) > 150
    assert len({repr(glyph.glyph.coordinates) for glyph in drawn}) == len(drawn)


def test_all_fonts_are_embedded_and_say_what_they_mean():
    made = document(sections=(Section("所见", "".join(map(chr, range(0x4E00, 0x4E00 + 600)))),))
    for page in read(render_report(made)).pages:
        for font in page_fonts(page):
            assert "/FontFile2" in font["/FontDescriptor"], font["/BaseFont"]
            assert "/ToUnicode" in font


def test_the_same_document_gives_the_same_bytes_in_any_process():
    made = document(pictures=(Picture(picture((400, 300), kind="PNG")),))
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        elsewhere = pool.submit(render_report, made).result()
    assert elsewhere == render_report(made)
    assert render_report(replace(made, version=2)) != elsewhere


def test_pages_are_a4_and_numbered_and_repeat_the_patient():
    pdf = render_report(document(sections=(Section("影像所见", (FINDINGS + "\n") * 280),)))
    pages = read(pdf).pages
    assert len(pages) >= 20
    for number, page in enumerate(pages, start=1):
        assert (round(page.mediabox.width), round(page.mediabox.height)) == A4_POINTS
        text = squeeze(page.extract_text())
        assert f"第{number}页/共{len(pages)}页" in text
        assert "欧阳䶮" in text
        assert "ZY20260305017" in text
    # Headers and footers stand between the texts of two pages, so single characters are counted.
    assert text_of(pdf).count("℃") == 280
    assert "王建国" in pages[-1].extract_text()
    assert all("王建国" not in page.extract_text() for page in pages[:-1])


@pytest.mark.parametrize(("status", "marked"), [("preliminary", True), ("final", False), ("amended", False)])
def test_only_what_is_not_final_carries_the_watermark_on_every_page(status: Any, marked: bool):
    made = document(status=status, sections=(Section("影像所见", FINDINGS * 12),))
    pages = read(render_report(made)).pages
    assert len(pages) > 1
    assert [("初步报告" in squeeze(page.extract_text())) for page in pages] == [marked] * len(pages)


def test_the_file_says_its_title_language_and_date():
    reader = read(render_report(document()))
    root: Any = reader.trailer["/Root"]
    assert reader.metadata is not None
    assert reader.metadata.title == "远程影像诊断报告书"
    assert reader.metadata.creation_date == NOON
    assert root["/Lang"] == "zh-CN"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"].value is True
    assert reader.xmp_metadata is not None
    assert reader.xmp_metadata.dc_title == {"x-default": "远程影像诊断报告书"}
    assert reader.xmp_metadata.xmp_create_date == NOON.astimezone(UTC).replace(tzinfo=None)


@pytest.mark.parametrize("disclaimer", ["仅供临床医师参考，" * 22, "For clinicians only. " * 9])
def test_a_long_disclaimer_stands_in_full_on_every_page(disclaimer: str):
    pages = read(render_report(document(disclaimer=disclaimer, sections=(Section("影像所见", FINDINGS * 12),)))).pages
    assert len(pages) > 1
    assert all(squeeze(disclaimer) in squeeze(page.extract_text()) for page in pages)


def test_the_code_leads_to_the_verification_page():
    page = read(render_report(document())).pages[0]
    links = [annotation.get_object() for annotation in page["/Annots"]]  # type: ignore[attr-defined]
    assert [link["/A"]["/URI"] for link in links] == ["https://telemed.example.org/verify/7K3Q9F2M"]


def test_pictures_keep_their_order_and_are_bounded():
    pictures = tuple(Picture(picture((200 + number, 150)), f"图 {number}") for number in range(5))
    large = Picture(picture((5000, 1000), mode="L", kind="PNG"), "图 5")
    pdf = render_report(document(pictures=(*pictures, large)))
    images = [image.image for page in read(pdf).pages for image in page.images]
    assert sorted(image.width for image in images if image is not None) == [200, 201, 202, 203, 204, 1600]
    text = text_of(pdf)
    assert [text.index(f"图{number}") for number in range(6)] == sorted(text.index(f"图{n}") for n in range(6))


def test_a_picture_is_turned_upright_and_gives_nothing_away():
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turn by 90 degrees
    exif[0x010F] = "SecretCameraMaker"
    pdf = render_report(document(pictures=(Picture(picture((400, 200), exif=exif)),)))
    image = read(pdf).pages[0].images[0].image
    assert image is not None
    assert image.size == (200, 400)
    assert b"SecretCameraMaker" not in pdf


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "I;16"])
def test_png_pictures_of_every_kind_are_printed(mode: str):
    ramp = Image.new("I;16", (256, 40))
    ramp.putdata([256 * (n % 256) for n in range(256 * 40)])
    buffer = BytesIO()
    (ramp if mode == "I;16" else Image.linear_gradient("L").convert(mode)).save(buffer, "PNG")
    image = read(render_report(document(pictures=(Picture(buffer.getvalue()),)))).pages[0].images[0].image
    assert image is not None
    low, high = image.convert("L").getextrema()
    assert (low, high) == pytest.approx((0, 255), abs=3)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "neither JPEG nor PNG"),
        (b"GIF89a" + bytes(50), "neither JPEG nor PNG"),
        (picture((300, 300), kind="PNG")[:200], "damaged"),
        (picture((300, 300))[:2000], "damaged"),
        (picture((10000, 6000), mode="1", kind="PNG"), "more than"),
    ],
)
def test_a_picture_that_cannot_be_printed_is_named(data: bytes, problem: str):
    with pytest.raises(UnprintableReport, match=problem) as refusal:
        render_report(document(pictures=(Picture(picture((10, 10))), Picture(data))))
    assert refusal.value.field == "pictures[1]"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"labels": {}}, "labels"),
        ({"issued_at": datetime(2026, 1, 1)}, "issued_at"),
        ({"times": (("检查时间", datetime(2026, 1, 1)),)}, "times[检查时间]"),
        ({"author": SignedBy("王", datetime(2026, 1, 1))}, "author.signed_at"),
        ({"title": "长" * (MAX_NAME + 1)}, "names"),
        ({"sections": (Section("所见", "长" * (MAX_TEXT + 1)),)}, "sections"),
        ({"sections": (Section("所见", "\n" * (MAX_LINE_ENDS + 1)),)}, "sections"),
        ({"sections": (Section("所见", ""),) * 500}, "sections"),
        ({"verification_url": "javascript:alert(1)"}, "verification_url"),
        ({"pictures": (Picture(b""),) * 100}, "pictures"),
    ],
)
def test_a_document_that_is_incomplete_or_too_large_is_refused(changes: dict[str, Any], field: str):
    with pytest.raises(UnprintableReport) as refusal:
        document(**changes)
    assert refusal.value.field == field


HOSTILE = (
    "\x00\x07<b>&amp;{page}\u202eabc\u2066\u200b\ufeff\ud800"
    + "x" * 3000
    + "שלום عربي \U0001f468\u200d\U0001f469"
    + "e\u0301" * 200
    + "中" * 300
)


def test_hostile_text_is_printed_as_text():
    made = document(
        patient=ReportPatient(HOSTILE[:40] + "名" * 100, HOSTILE[:20]),
        hub="院" * MAX_NAME,
        title="题" * MAX_NAME,
        sections=(Section(HOSTILE[:30] + "头" * 150, HOSTILE), Section("", "")),
        request=(Line("目的", HOSTILE * 3),),
        critical_value=HOSTILE,
    )
    text = text_of(render_report(made))
    assert "<b>&amp;{page}abc" in text
    assert "\u202e" not in text
    assert text.count("é") >= 200
    assert text.count("x") >= 5 * 3000


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=300), st.text(max_size=MAX_NAME), st.booleans())
def test_any_text_can_be_printed(passage: str, name: str, prominent: bool):
    made = document(patient=ReportPatient(name, ""), sections=(Section(name, passage, prominent),))
    assert len(read(render_report(made)).pages) >= 1


@given(st.text(max_size=200))
def test_printable_text_holds_nothing_invisible_and_is_stable(text: str):
    cleaned = printable(text)
    assert printable(cleaned) == cleaned
    assert not set(cleaned) & set("\x00\x1b\r\t\u00ad\u200b\u202e\u2066\ufeff\u2028")


def unit_width(character: str) -> float:
    return 1.0 if ord(character) > 0x2E80 else 0.5


@given(st.text(st.sampled_from("中文，。（）abc 12.5%-/“”℃e\u0301"), max_size=120), st.integers(3, 20))
def test_lines_fit_keep_all_text_and_obey_the_marks(text: str, width: int):
    lines = break_lines(text, width, unit_width)
    assert squeeze("".join(lines)) == squeeze(text)
    assert all(sum(map(unit_width, line.rstrip())) <= width for line in lines)


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("肺部感染，建议复查。", 4, ["肺部感", "染，建议", "复查。"]),
        ("见（结节）影", 2, ["见", "（结", "节）", "影"]),
        ("nodule of 12.3 mm", 6, ["nodule of", "12.3 mm"]),
        ("大小约12.3mm", 5, ["大小约", "12.3mm"]),
        ("abcdefgh", 2, ["abcd", "efgh"]),
        ("第一行\n\n第三行", 9, ["第一行", "", "第三行"]),
    ],
)
def test_lines_break_where_readers_expect_it(text: str, width: int, lines: list[str]):
    assert break_lines(text, width, unit_width) == lines
    assert not any(line[0] in NOT_FIRST or line[-1] in NOT_LAST for line in lines if line)
