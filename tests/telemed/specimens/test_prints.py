"""Labels that a scanner reads, manifests, and the drawing of a box's temperature."""

from __future__ import annotations

import re
from io import BytesIO

import pypdf
import pypdfium2
import zxingcpp
from defusedxml import ElementTree

from lab.hl7 import parse
from tests.demo_region import DemoRegion
from tests.telemed.specimens.way import LOG, attach, given, said, tubes

DOTS_PER_POINT = 203 / 72
"""As a printer of labels prints."""


async def fetched(region: DemoRegion, path: str, user: str = "clinic1") -> bytes:
    answer = await region.call("GET", f"/api/v1{path}", user=user)
    assert answer.status == 200, answer.body
    assert isinstance(answer.body, bytes)
    return answer.body


def codes_of(pdf: bytes, scale: float) -> list[tuple[str, str]]:
    """Kind and text of every bar code of the first page, as a scanner reads it at this resolution."""
    picture = pypdfium2.PdfDocument(pdf)[0].render(scale=scale).to_pil().convert("L")
    return sorted(
        (str(code.format).rsplit(".", 1)[-1].replace(" ", ""), code.text) for code in zxingcpp.read_barcodes(picture, try_downscale=False)
    )


async def test_a_scanner_reads_both_codes_of_a_label(region: DemoRegion) -> None:
    _, (number,) = await tubes(region, "EDTA", name="欧阳伟")
    pdf = await fetched(region, f"/lab/specimens/{number}/label.pdf")
    assert codes_of(pdf, DOTS_PER_POINT * 2) == [("Code128", number), ("DataMatrix", number)]
    text = pypdf.PdfReader(BytesIO(pdf)).pages[0].extract_text()
    assert "欧阳伟" in text
    assert "EDTA" in text
    assert number in text
    assert await fetched(region, f"/lab/specimens/{number}/label.pdf") == pdf  # again, under the same number


async def test_a_sheet_has_a_label_for_each_tube(region: DemoRegion) -> None:
    _, numbers = await tubes(region, "EDTA", "SST", "CITRATE", "URINE")
    pdf = await fetched(region, f"/lab/labels.pdf?form=sheet&numbers={','.join(numbers)}")
    assert len(pypdf.PdfReader(BytesIO(pdf)).pages) == 1
    assert {text for kind, text in codes_of(pdf, DOTS_PER_POINT * 2) if kind == "Code128"} == set(numbers)
    roll = await fetched(region, f"/lab/labels.pdf?form=roll&numbers={','.join(numbers)}")
    assert len(pypdf.PdfReader(BytesIO(roll)).pages) == 4
    await said(region, "GET", f"/lab/labels.pdf?form=sheet&numbers={numbers[0]},NO-SUCH", status=404)


async def test_zpl_says_the_number_and_keeps_its_own_signs(region: DemoRegion) -> None:
    _, (number,) = await tubes(region, "EDTA", name="张^~伟")
    zpl = (await fetched(region, f"/lab/specimens/{number}/label.zpl")).decode()
    assert zpl.startswith("^XA^CI28")
    assert zpl.rstrip().endswith("^XZ")
    assert f"^BCN,72,N,N,N^FD{number}^FS" in zpl
    assert f"^BXN,4,200^FD{number}^FS" in zpl
    assert "张_5E_7E伟" in zpl
    assert set(re.findall(r"\^[A-Z@0-9]{2}", zpl)) <= {
        "^XA",
        "^CI",
        "^PW",
        "^LL",
        "^FO",
        "^A0",
        "^FH",
        "^FD",
        "^FS",
        "^BY",
        "^BC",
        "^BX",
        "^XZ",
    }


async def test_a_manifest_on_paper_and_as_a_message(region: DemoRegion) -> None:
    _, numbers = await tubes(region, "EDTA", "SST")
    box = await given(region, numbers)
    pages = pypdf.PdfReader(BytesIO(await fetched(region, f"/lab/boxes/{box}/manifest.pdf"))).pages
    text = "".join(page.extract_text() for page in pages)
    assert all(number in text for number in (box, *numbers))
    message = parse(await fetched(region, f"/lab/boxes/{box}/manifest.hl7", "lab.huba"))
    assert message.type.startswith("OSM^R26")
    assert message.text("SHP-1") == box
    assert sorted(str(message.text(f"SPM[{n}]-2.1")) for n in (1, 2)) == sorted(numbers)
    assert message.text("PID-5") == "张伟"


async def test_the_drawing_of_a_temperature(region: DemoRegion) -> None:
    _, numbers = await tubes(region, "EDTA")
    box = await given(region, numbers)
    await said(region, "GET", f"/lab/boxes/{box}/temperature.svg", status=404)
    await attach(region, box, LOG)
    drawn = ElementTree.fromstring(await fetched(region, f"/lab/boxes/{box}/temperature.svg"))
    kinds = [element.get("class") for element in drawn.iter()]
    assert kinds.count("line") == 1
    assert kinds.count("alarm") == 1
    assert kinds.count("band") == 1
    assert "9.0" in [element.text for element in drawn.iter() if element.get("class") == "out"]
