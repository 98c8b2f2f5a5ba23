"""Names and texts in every Specific Character Set: what is stored is found, and answered as it is, in whatever set is asked for."""

from __future__ import annotations

import asyncio
import json
import shutil
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom.dsutils import decode, encode

from dicom_gateway.dimse.character_sets import answer_in
from tests.dicom_gateway.conftest import Gateway, value_of
from tests.dicom_gateway.devices import keys_of
from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.dicom_gateway.test_clients import run
from tests.dicom_gateway.test_doors import find, get, qido, stow

NAMES = {
    "ISO_IR 6": "Lee^Ann",
    "ISO_IR 100": "Buc^Jérôme",
    "ISO_IR 101": "Wałęsa^Łukasz",
    "ISO_IR 109": "Ġorġ^Ħal",
    "ISO_IR 110": "Āboliņš^Ģirts",
    "ISO_IR 126": "Διονυσιος",
    "ISO_IR 127": "قباني^لنزار",
    "ISO_IR 138": "שרון^דבורה",
    "ISO_IR 144": "Люкceмбypг",
    "ISO_IR 148": "Çavuşoğlu^Işık",
    "ISO_IR 166": "นามสกุล^ชื่อ",
    "ISO_IR 203": "Œuvre^Šimon",
    "ISO_IR 13": "ﾔﾏﾀﾞ^ﾀﾛｳ",
    "ISO 2022 IR 13\\ISO 2022 IR 87": "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
    "\\ISO 2022 IR 87": "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "\\ISO 2022 IR 149": "Hong^Gildong=洪^吉洞=홍^길동",
    "\\ISO 2022 IR 58": "Wang^XiaoDong=王^小东",
    "GB18030": "Wang^XiaoDong=王^小东",
    "GBK": "Wang^XiaoDong=王^小东",
    "ISO_IR 192": "Wang^XiaoDong=王^小东",
}
"""A name that the set can say; several terms with backslashes between them."""


def as_terms(terms: str) -> str | list[str]:
    return terms.split("\\") if "\\" in terms else terms


def stated(answer: Dataset) -> str:
    said = answer.get("SpecificCharacterSet") or ""
    return said if isinstance(said, str) else "\\".join(said)


def plain(name: object) -> str:
    return str(name).replace("\x1b$)A", "").replace("\x1b(B", "")  # pydicom leaves the escape sequence of GB 2312 in the text


def object_in(terms: str) -> bytes:
    """A small object whose patient's name is in this set."""
    name = NAMES[terms]
    if terms == "\\ISO 2022 IR 58":  # pydicom does not write its escape sequence
        encoded = b"Wang^XiaoDong=" + b"^".join(b"\x1b$)A" + part.encode("gb2312") for part in ("王", "小东"))
        encoded += b" " * (len(encoded) % 2)
        made = part10_of(ct_slice(SpecificCharacterSet=["", "ISO 2022 IR 58"], PatientName="x" * len(encoded), StudyDescription=""))
        return made.replace(b"x" * len(encoded), encoded)
    return part10_of(ct_slice(SpecificCharacterSet=as_terms(terms), PatientName=name, StudyDescription=""))


async def test_names_in_every_set_are_found_and_answered(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    for terms, name in NAMES.items():
        status, said = await stow(http, gateway, [object_in(terms)])
        assert status == 200, said
        uid = said["00081199"]["Value"][0]["00081155"]["Value"][0]
        (found,) = await qido(http, gateway, f"/instances?SOPInstanceUID={uid}&includefield=PatientName")
        study = value_of(found, "0020000D")
        _, described, _ = await get(http, gateway, f"/studies/{study}/metadata")
        for item in (found, json.loads(described)[0]):
            groups = value_of(item, "00100010")
            assert "=".join(groups.get(each, "") for each in ("Alphabetic", "Ideographic", "Phonetic")).rstrip("=") == name, terms
        for asked in NAMES:
            keys = {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": study, "PatientName": ""}
            (answer,) = await asyncio.to_thread(find, gateway.dimse.port, "CLINIC1", keys | {"SpecificCharacterSet": as_terms(asked)})
            assert plain(answer.PatientName) == name, (terms, asked)
            assert stated(answer) in (asked, "ISO_IR 192"), (terms, asked)
            assert terms != asked or stated(answer) == asked, terms


@pytest.mark.skipif(not (shutil.which("findscu") and shutil.which("dcmconv")), reason="dcmtk is not installed")
@pytest.mark.parametrize("asked", ["ISO_IR 13", "ISO_IR 100", "ISO_IR 166", "ISO_IR 999", "ISO_IR 999\\\\FOO", "ISO_IR 192", "GB18030"])
async def test_dcmtk_reads_them_too(asked: str, gateway: Gateway, http: aiohttp.ClientSession, tmp_path: Path) -> None:
    for terms in ("ISO_IR 13", "\\ISO 2022 IR 87", "ISO_IR 100", "ISO_IR 144", "ISO_IR 166", "GB18030"):
        await stow(http, gateway, [object_in(terms)])
    peer = ("-aet", "CLINIC1", "-aec", "TELEMED", "127.0.0.1", str(gateway.dimse.port))
    keys = ("-k", "QueryRetrieveLevel=STUDY", "-k", f"(0008,0005)={asked}", "-k", "PatientName", "-k", "StudyInstanceUID")
    answers = tmp_path / "answers"
    answers.mkdir()
    await run("findscu", "-S", "-X", "-od", str(answers), *keys, *peer)
    names = set()
    for file in await asyncio.to_thread(lambda: sorted(answers.iterdir())):
        converted = tmp_path / file.name
        await run("dcmconv", "+U8", str(file), str(converted))
        names.add(str((await asyncio.to_thread(dcmread, converted, force=True)).PatientName))
    assert names == {NAMES[terms] for terms in ("ISO_IR 13", "\\ISO 2022 IR 87", "ISO_IR 100", "ISO_IR 144", "ISO_IR 166", "GB18030")}


_letters = st.text(
    st.sampled_from("AZaz09 .-¥‾~é ß ł Ğ ı ş Ā Ω Д א ع ก € œ ﾔ ﾏ ﾞ 山 田 や 王 东 홍 洪 𠮷 丂".replace(" ", "") + " "),
    min_size=1,
    max_size=8,
)
_sets = st.sampled_from([
    *sorted(NAMES), "", "ISO_IR 999", "ISO 2022 IR 6\\ISO 2022 IR 100", "\\ISO 2022 IR 58\\ISO 2022 IR 149", "\\ISO 2022 IR 159",
    "ISO 2022 IR 13\\ISO 2022 IR 87\\ISO 2022 IR 159",
])  # fmt: skip


@given(parts=st.lists(_letters, min_size=1, max_size=4), description=_letters, terms=_sets, wished=_sets)
def test_no_text_is_lost_in_any_set(parts: list[str], description: str, terms: str, wished: str) -> None:
    texts: dict[str, Any] = {"PatientName": "^".join(part.strip() or "A" for part in parts), "StudyDescription": description.strip() or "A"}
    asked = keys_of(SpecificCharacterSet=as_terms(terms)) if terms else Dataset()
    answer = answer_in(keys_of(**texts), asked, wished)
    sent = encode(answer, ExplicitVRLittleEndian.is_implicit_VR, ExplicitVRLittleEndian.is_little_endian)
    assert sent is not None
    read = decode(BytesIO(sent), False, True)
    assert {keyword: plain(read[keyword].value) for keyword in texts} == texts
    # What the stated set cannot hold is not sent under it.
    if not stated(answer) or stated(answer) == "ISO_IR 6":
        assert sent.isascii()
