"""QIDO-RS: every kind of matching, every attribute, pages in a stable order, both notations."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import generate_uid

from dicom_gateway.index.names import fuzzy_words, name_words
from dicom_gateway.native_xml import BadModel, from_xml, to_xml
from tests.dicom_gateway.conftest import Gateway, parts_of, value_of
from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.dicom_gateway.test_doors import find, get, qido, stow

pytestmark = pytest.mark.database

STUDY, SERIES, INSTANCE = "0020000D", "0020000E", "00080018"


def requested(step: str) -> Dataset:
    item = Dataset()
    item.ScheduledProcedureStepID, item.RequestedProcedureID = step, "RP" + step
    item.ScheduledProcedureStepDescription = "Step " + step
    return item


async def three_studies(gateway: Gateway, http: aiohttp.ClientSession) -> dict[str, str]:
    """Study UIDs by a short name."""
    names = {"wang": "Wang^XiaoDong=王^小东", "shan": "单^田芳", "li": "Li^Na^Mary Ann"}
    uids = {}
    for number, (short, name) in enumerate(names.items()):
        slice_ = ct_slice(PatientName=name, StudyDate=f"2024010{number + 1}", PatientAge=f"0{number + 3}0Y", Manufacturer="Maker " + short)
        slice_.RequestAttributesSequence = Sequence([requested(f"S{number}")])
        block = slice_.private_block(0x0009, "INVENTED 1", create=True)
        block.add_new(0x10, "LO", "private " + short)
        assert (await stow(http, gateway, [part10_of(slice_)]))[0] == 200
        uids[short] = slice_.StudyInstanceUID
    return uids


async def test_keys_of_every_kind_find_what_they_mean(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    uids = await three_studies(gateway, http)
    asked = {
        "PatientName=WANG^XIAODONG": "wang", "PatientName=王^小东": "wang", "PatientName=*小*": "wang", "PatientName=单*": "shan",
        "PatientName=Wang^XiaoDong=王^小东": "wang", "PatientName=Li^N?^*": "li", "PatientName=": "li shan wang",
        "fuzzymatching=true&PatientName=xiao dong": "", "fuzzymatching=true&PatientName=xiaodong": "wang",
        "fuzzymatching=true&PatientName=dong": "", "fuzzymatching=true&PatientName=王小东": "wang",
        "fuzzymatching=true&PatientName=小东": "wang", "fuzzymatching=true&PatientName=shantianfang": "shan",
        "fuzzymatching=true&PatientName=dan tian": "shan", "fuzzymatching=true&PatientName=tianfang": "shan",
        "fuzzymatching=true&PatientName=stf": "shan", "fuzzymatching=true&PatientName=ann li": "li",
        "fuzzymatching=true&PatientName=mary,na": "li",
        "RequestAttributesSequence.ScheduledProcedureStepID=S1": "shan", "00400275.00401001=RPS*": "li shan wang",
        "RequestAttributesSequence.ScheduledProcedureStepDescription=Step S?": "li shan wang",
        "00400275.00400007=Step S2": "li", "PatientAge=040Y": "shan", "00101010=030Y&StudyDate=20240101": "wang",
        "Manufacturer=Maker*": "li shan wang", "00091010=private li": "li", "00091010=*": "li shan wang",
        "StudyDate=20240102": "shan", "StudyDate=20240102-": "li shan", "StudyDate=-20240102": "shan wang",
        "StudyDate=2024.01.02-2024.01.03": "li shan", "ModalitiesInStudy=CT\\MR": "li shan wang", "ModalitiesInStudy=C?": "li shan wang",
        f"StudyInstanceUID={uids['wang']}\\{uids['li']}": "li wang",
    }  # fmt: skip
    named = {uid: short for short, uid in uids.items()}
    for query, expected in asked.items():
        found = await qido(http, gateway, f"/studies?{quote(query, safe='=&*?,-.')}")
        assert sorted(named[value_of(each, STUDY)] for each in found) == expected.split(), query


async def test_what_no_key_can_be_is_a_bad_query(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    await three_studies(gateway, http)
    for query in ("limit=x", "StudyDate=20240101-x", "includefield=Nonsense", "fuzzymatching=perhaps", "Rows=x", "NumberOfSlices=x"):
        status, body, _ = await get(http, gateway, f"/studies?{query}")
        assert status == 400, query
        assert json.loads(body)["detail"], query


@pytest.mark.parametrize("name", ["Nonsense", "patientname", "PatientName.Nothing", "0010001", "unknown_param", "姓名", 'a"b'])
@pytest.mark.parametrize("value", ["", "1"])
async def test_what_is_no_parameter_is_passed_over_and_said(name: str, value: str, gateway: Gateway, http: aiohttp.ClientSession) -> None:
    uids = await three_studies(gateway, http)
    for path in ("/studies", "/series", "/instances"):
        status, body, headers = await get(http, gateway, f"{path}?PatientName=Wang*&{quote(name)}={value}")
        assert (status, [value_of(each, STUDY) for each in json.loads(body)]) == (200, [uids["wang"]])
        assert headers["Warning"].startswith("299 ")
        assert "ignored" in headers["Warning"]
        assert not name.isascii() or name.replace('"', "?") in headers["Warning"]
    status, _, headers = await get(http, gateway, f"/workitems?{quote(name)}={value}")
    assert (status, "ignored" in headers["Warning"]) == (200, True)
    status, _, headers = await get(http, gateway, f"/studies?limit=1&{quote(name)}={value}")
    assert ("ignored" in headers["Warning"], "additional results" in headers["Warning"]) == (True, True)


NAMES = {"zzq": "Zzq^Other", "yamada": "Yamada^Tarou=山田^太郎=やまだ^たろう", "kanji": "=山田^花子", "lee": "Lee^Ann^Mary", "no": ""}


@pytest.mark.parametrize("keyword", ["PatientName", "ReferringPhysicianName", "PerformingPhysicianName"])
async def test_what_a_name_leaves_out_is_matched_by_a_star(keyword: str, gateway: Gateway, http: aiohttp.ClientSession) -> None:
    made = {short: ct_slice(**{keyword: name}) for short, name in NAMES.items()}
    assert (await stow(http, gateway, [part10_of(each) for each in made.values()]))[0] == 200
    named = {slice_.StudyInstanceUID: short for short, slice_ in made.items()}
    asked = {
        "Zzq^Other^*": "zzq", "Zzq^Other^*^*": "zzq", "Zzq^Other^": "zzq", "Zzq^Other^^*": "zzq", "zzq^*": "zzq", "Zzq^Other^?": "",
        "Lee^Ann^*": "lee", "Lee^*^M*": "lee", "Lee^Ann": "", "=山田*": "kanji yamada", "=山田^*": "kanji yamada", "=山田^太郎^*": "yamada",
        "Yamada*=": "yamada", "Yamada*=*": "yamada", "Yamada*=山田*": "yamada", "Yamada^Tarou^*=山田^太郎^*": "yamada", "Y*=李*": "",
        "Zzq^Other^*=*": "zzq", "Zzq^Other=*": "zzq", "==やまだ*": "yamada", "*=*=やまだ^たろう^*": "yamada", "山田^*": "kanji yamada",
    }  # fmt: skip
    for key, expected in asked.items():
        found = await qido(http, gateway, f"/studies?{keyword}={quote(key)}")
        assert sorted(named[value_of(each, STUDY)] for each in found) == expected.split(), key
        if keyword != "PerformingPhysicianName":  # not in the index: C-FIND does not match it
            answers = await asyncio.to_thread(
                find, gateway.dimse.port, "CLINIC1",
                {"SpecificCharacterSet": "ISO_IR 192", "QueryRetrieveLevel": "STUDY", "StudyInstanceUID": "", keyword: key},
            )  # fmt: skip
            assert sorted(named[each.StudyInstanceUID] for each in answers) == expected.split(), key


async def test_the_classes_of_a_study_are_a_key(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    ct, other = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.7"
    plain, mixed = ct_slice(), ct_slice()
    further = ct_slice(StudyInstanceUID=mixed.StudyInstanceUID, SOPClassUID=other)
    assert (await stow(http, gateway, [part10_of(each) for each in (plain, mixed, further)]))[0] == 200
    both = {plain.StudyInstanceUID, mixed.StudyInstanceUID}
    for key, expected in {
        ct: both, other: {mixed.StudyInstanceUID}, f"{ct}\\{other}": both, f"{other},1.2.3": {mixed.StudyInstanceUID}, "1.2.3": set(), "": both,
    }.items():  # fmt: skip
        found = await qido(http, gateway, f"/studies?SOPClassesInStudy={quote(key)}")
        assert {value_of(each, STUDY) for each in found} == expected, key
        assert all(value_of(each, "00080062") for each in found)  # a key is answered with
        for level in ("series", "instances"):
            below = await qido(http, gateway, f"/{level}?00080062={quote(key)}")
            assert {value_of(each, STUDY) for each in below} == expected, key
        keys = {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": "", "SOPClassesInStudy": key.replace(",", "\\").split("\\")}
        answers = await asyncio.to_thread(find, gateway.dimse.port, "CLINIC1", keys)
        assert {each.StudyInstanceUID for each in answers} == expected, key
    assert await qido(http, gateway, f"/studies?SOPClassesInStudy={ct}", "CLINIC2") == []


async def test_any_attribute_can_be_asked_for(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    uids = await three_studies(gateway, http)
    where = f"StudyInstanceUID={uids['wang']}"
    (plain,) = await qido(http, gateway, f"/studies?{where}")
    assert not {"00101010", "00091010", "00080062", "00080070"} & plain.keys()
    (found,) = await qido(http, gateway, f"/studies?{where}&includefield=PatientAge,00091010&includefield=SOPClassesInStudy")
    assert value_of(found, "00101010") == "030Y"
    assert value_of(found, "00091010") == "private wang"
    assert value_of(found, "00080062") == "1.2.840.10008.5.1.4.1.1.2"
    (found,) = await qido(http, gateway, f"/studies?{where}&includefield=all")
    assert value_of(found, "00101010") == "030Y"
    assert "00280010" not in found  # says nothing about a study
    assert found["00080061"]["Value"] == ["CT"]
    (found,) = await qido(http, gateway, f"/studies/{uids['wang']}/series?includefield=all")
    assert value_of(found, "00080070") == "Maker wang"
    assert value_of(value_of(found, "00400275"), "00400007") == "Step S0"
    (found,) = await qido(http, gateway, f"/studies/{uids['wang']}/instances?includefield=all")
    assert value_of(found, "00091010") == "private wang"
    assert "7FE00010" not in found
    assert value_of(found, "00281050") == 40


async def test_pages_follow_each_other_and_say_when_there_is_more(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    study = generate_uid()
    series = [generate_uid(), generate_uid()]
    slices = [ct_slice(StudyInstanceUID=study, SeriesInstanceUID=series[n % 2], SeriesNumber=n % 2, InstanceNumber=n) for n in range(6)]
    await stow(http, gateway, [part10_of(each) for each in slices])
    whole = [value_of(each, INSTANCE) for each in await qido(http, gateway, f"/studies/{study}/instances")]
    assert whole == [slices[n].SOPInstanceUID for n in (0, 2, 4, 1, 3, 5)]
    paged: list[str] = []
    for offset in (0, 2, 4):
        status, body, headers = await get(http, gateway, f"/studies/{study}/instances?limit=2&offset={offset}")
        assert status == 200
        assert headers.get("Warning", "").startswith("299 ") == (offset < 4)
        paged += [value_of(each, INSTANCE) for each in json.loads(body)]
    assert paged == whole
    for path, expected in {
        "/series?limit=1": 1, f"/studies/{study}/series": 2, f"/studies/{study}/series/{series[0]}/instances": 3, "/instances?limit=4": 4,
        "/instances?limit=0": 0, "/studies?limit=1&includefield=PatientAge&offset=1": 0,
    }.items():  # fmt: skip
        assert len(await qido(http, gateway, path)) == expected, path


async def test_answers_come_as_xml_too(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    uids = await three_studies(gateway, http)
    xml = 'multipart/related; type="application/dicom+xml"'
    status, body, headers = await get(http, gateway, "/studies?includefield=all", Accept=xml)
    assert status == 200
    parts = [from_xml(part) for _, part in parts_of(body, headers["Content-Type"])]
    assert {value_of(part, STUDY) for part in parts} == set(uids.values())
    assert value_of(parts[2], "00100010") == {"Alphabetic": "Wang^XiaoDong", "Ideographic": "王^小东"}
    status, body, headers = await get(http, gateway, f"/studies/{uids['wang']}/metadata", Accept=xml)
    ((_, document),) = parts_of(body, headers["Content-Type"])
    _, plain, _ = await get(http, gateway, f"/studies/{uids['wang']}/metadata")
    assert comparable(from_xml(document)) == comparable(json.loads(plain)[0])
    assert (await get(http, gateway, "/studies", Accept="text/html"))[0] == 406


def comparable(item: Mapping[str, Any]) -> dict[str, Any]:
    """Without empty values, which XML leaves out."""
    found = {}
    for tag, element in item.items():
        values = [comparable(v) if element["vr"] == "SQ" else v for v in element.get("Value", ())]
        found[tag] = {**element, "Value": values} if values else {k: v for k, v in element.items() if k != "Value"}
    return found


_text = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="^="), min_size=1, max_size=8)
_items = st.recursive(
    st.dictionaries(
        st.sampled_from(["00100020", "00081030", "00091010"]), st.builds(lambda v: {"vr": "LO", "Value": v}, st.lists(_text, min_size=1, max_size=3))
    ),
    lambda inner: st.dictionaries(st.just("00081140"), st.builds(lambda v: {"vr": "SQ", "Value": v}, st.lists(inner, min_size=1, max_size=2))),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(item=_items)
def test_the_two_notations_say_the_same(item: dict[str, Any]) -> None:
    assert comparable(from_xml(to_xml(item))) == comparable(item)


@settings(max_examples=100, deadline=None)
@given(document=st.binary(max_size=300) | st.text(max_size=200).map(lambda t: f"<NativeDicomModel>{t}</NativeDicomModel>".encode()))
def test_what_is_no_model_is_refused(document: bytes) -> None:
    try:
        found = from_xml(document)
    except BadModel:
        return
    assert isinstance(found, dict)


def test_a_document_that_defines_entities_is_refused() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa">]><NativeDicomModel>&a;</NativeDicomModel>'
    with pytest.raises(BadModel):
        from_xml(bomb)


@settings(max_examples=100, deadline=None)
@given(name=st.text("abcÄß王单小 ^=,.-", max_size=40))
def test_a_name_is_found_by_each_of_its_own_words(name: str) -> None:
    words = name_words(name)
    assert len(words) < 200
    for word in fuzzy_words(name.partition("=")[0]):
        assert any(each.startswith(word) for each in words)
