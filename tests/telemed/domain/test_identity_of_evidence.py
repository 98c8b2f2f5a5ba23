"""Is it the patient's file? Spellings of one name, dates as far as they are written, numbers of several systems."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicom_gateway.person_name import COMPOUND_FAMILY_NAMES, person_name, readings
from telemed.demo.people import PATIENTS, DemoPatient
from telemed.domain.identity_of_evidence import (
    Difference,
    KnownPatient,
    StatedIdentity,
    date_digits,
    differences,
    differences_between,
    judge,
    same_name,
)
from telemed.domain.patient import Sex
from tests.telemed.harness import resident_id

ON = date(2026, 3, 5)
BORN = date(1961, 3, 5)
PATIENT = KnownPatient(("张伟",), Sex.MALE, BORN, resident_id(1), frozenset({"P00001", resident_id(1)}), frozenset({"P00777"}))


def differs(
    name: str = "", sex: str = "", birth_date: str = "", number: str = "", age: float | None = None, patient: KnownPatient = PATIENT
) -> list[str]:
    return [each.value for each in differences(StatedIdentity(name, sex, birth_date, number, age), patient, ON, readings)]


@pytest.mark.parametrize(
    ("written", "ours"),
    [
        ("Zhang^Wei=张^伟", "张伟"),
        ("Zhang^Wei=张^伟=ㄓㄤ^ㄨㄟ", "张伟"),
        ("=张^伟", "张伟"),
        ("张^伟", "张伟"),
        ("张　伟", "张伟"),
        ("ZHANG^WEI", "张伟"),
        ("zhangwei", "张伟"),
        ("Wei Zhang", "张伟"),
        ("WEI^ZHANG^^^", "张伟"),
        ("Zhāng Wěi", "张伟"),
        ("Wong^Wai=张^伟", "张伟"),
        ("Zhang^Xiao Dong", "张晓东"),
        ("ZHANG XIAO-DONG", "张晓东"),
        ("Xiaodong, Zhang", "张晓东"),
        ("Xi'an^Li", "李西安"),
        ("Ouyang^Xiaoling", "欧阳小玲"),
        ("Xiaoling Ouyang", "欧阳小玲"),
        ("Shan^Danian", "单大年"),
        ("Dan^Danian", "单大年"),
        ("Zeng^Zhong", "曾重"),
        ("Ceng^Chong", "曾重"),
        ("He^Ming", "黑明"),
        ("LV^LI", "吕丽"),
        ("Lü^Li", "吕丽"),
        ("LYU^LI", "吕丽"),
        ("Lu:^Li", "吕丽"),
        ("Lu^Li", "吕丽"),
        ("Li^Manyun", "李曼云"),
        ("Li^Man Yun", "李曼云"),
        ("Karlsson^Peter^^Dr.^jr", "Peter Karlsson"),
        ("KARLSSON PETER", "Peter Karlsson"),
        ("Müller^Jörg", "Jörg Mueller".replace("ue", "u")),
        ("Lü^Manyun", "lyu man yun"),
        ("买买提·吐尔逊", "买买提吐尔逊"),
        ("", "张伟"),
        ("^", "张伟"),
        ("UNKNOWN", "张伟"),
        ("张伟", ""),
    ],
)
def test_spellings_of_one_name_are_no_difference(written: str, ours: str) -> None:
    assert same_name(written, ours, readings)
    assert same_name(ours, written, readings)


@pytest.mark.parametrize(
    ("written", "ours"),
    [
        ("完全^别人", "张伟"),
        ("Wanquan^Bieren=完全^别人", "张伟"),
        ("Zhang^Wei=章^炜", "张伟"),
        ("章炜", "张伟"),
        ("Zhang^Wei=张^伟=完全^别人", "张伟"),
        ("Zhang^We", "张伟"),
        ("Zhang^Weiwei", "张伟"),
        ("Zhang", "张伟"),
        ("Li^Wei", "张伟"),
        ("Ouyang^Ling", "欧阳小玲"),
        ("Peter Karlsson", "测试"),
        ("Karlsson^Petra", "Peter Karlsson"),
        ("借", "张伟"),
        ("ÕÅÎ°", "张伟"),
    ],
)
def test_another_name_is_a_difference(written: str, ours: str) -> None:
    assert not same_name(written, ours, readings)
    assert not same_name(ours, written, readings)


SURNAMES = st.sampled_from([*"王李张刘陈单曾仇解区查任朴盖翟吕黑覃乐万", *sorted(COMPOUND_FAMILY_NAMES)])
GIVEN = st.text("伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂云曼重乐女绿", min_size=1, max_size=2)


@given(SURNAMES, GIVEN, st.booleans(), st.sampled_from(["^", " ", ", ", ""]), st.sampled_from([str.upper, str.lower, str.title]))
def test_a_name_is_its_own_pinyin_however_it_is_laid_out(surname, given_name, last, between, case) -> None:
    family, first = ["".join(part) for part in person_name(f"{surname} {given_name}").split("=")[0].split("^")]
    latin = case(between.join((first, family) if last else (family, first)))
    assert same_name(latin, surname + given_name, readings)


@given(SURNAMES, GIVEN, SURNAMES, GIVEN)
def test_names_in_other_characters_differ(surname, given_name, other, other_given) -> None:
    ours, theirs = surname + given_name, other + other_given
    assert same_name(ours, theirs, readings) is (ours == theirs)


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_two_texts_can_be_compared_either_way_round(a: str, b: str) -> None:
    assert same_name(a, b, readings) is same_name(b, a, readings)
    assert same_name(a, a, readings)


def test_a_file_of_the_same_person_differs_in_nothing() -> None:
    assert differs("Zhang^Wei=张^伟", "M", "19610305", "P00001") == []


def test_a_file_of_somebody_else_differs_in_all_that_it_states() -> None:
    assert differs("完全^别人", "F", "20010101", "P00777") == ["name", "sex", "birth_date", "identifiers"]


def test_a_file_that_states_nothing_contradicts_nothing() -> None:
    assert differs() == []
    assert StatedIdentity().silent
    assert StatedIdentity("UNKNOWN", "unknown").silent
    assert not StatedIdentity("张").silent


def test_a_name_that_the_patient_had_before_is_theirs() -> None:
    known = KnownPatient(("张伟", "张小伟"), Sex.MALE, BORN)
    assert differs("Zhang^Xiaowei", patient=known) == []
    assert differs("Zhang^Dawei", patient=known) == ["name"]


@pytest.mark.parametrize("sex", ["M", "male", "男", "O", "", "unknown", "other", "3"])
def test_the_same_or_no_sex_is_no_difference(sex: str) -> None:
    assert differs(sex=sex) == []


@pytest.mark.parametrize("sex", ["F", "f", "female", "女"])
def test_the_other_sex_is_a_difference(sex: str) -> None:
    assert differs(sex=sex) == ["sex"]
    assert differs(sex=sex, patient=KnownPatient(("张伟",), Sex.OTHER, BORN)) == []


@pytest.mark.parametrize(
    "text",
    ["19610305", "1961-03-05", "1961.03.05", "196103", "1961-03", "1961", "19610000", "", "00000000", "19610229", "unknown", "5.3.61"],
)
def test_a_date_is_compared_as_far_as_it_is_written(text: str) -> None:
    assert differs(birth_date=text) == []


@pytest.mark.parametrize("text", ["19610304", "19610306", "1961-04", "1960", "1962", "20010101"])
def test_another_date_is_a_difference(text: str) -> None:
    assert differs(birth_date=text) == ["birth_date"]
    assert differs(birth_date=text, patient=KnownPatient(("张伟",), Sex.MALE, None)) == []


@pytest.mark.parametrize(
    ("age", "expected"), [(63, ["birth_date"]), (64, []), (65, []), (65.9, []), (66, []), (66.9, []), (67, ["birth_date"])]
)
def test_an_age_may_be_one_year_off(age: float, expected: list[str]) -> None:
    assert differs(age=age) == expected


def test_an_age_counts_only_without_a_birth_date() -> None:
    assert differs(birth_date="1961", age=20) == []


def test_the_completed_years_of_the_day_before_a_birthday() -> None:
    stated = StatedIdentity(age_years=66)
    assert differences(stated, PATIENT, date(2026, 3, 4), readings) == (Difference.BIRTH_DATE,)
    assert differences(stated, PATIENT, date(2026, 3, 5), readings) == ()


@pytest.mark.parametrize("number", ["P00001", "p00001", " P00001 ", resident_id(1), resident_id(1).lower(), "CARD-4711", "Ｐ００００１"])
def test_the_patients_number_and_one_that_nobody_knows_are_no_difference(number: str) -> None:
    assert differs(number=number) == []


@pytest.mark.parametrize("number", ["P00777", "p-00777", resident_id(2)])
def test_a_number_of_somebody_else_is_a_difference(number: str) -> None:
    assert differs(number=number) == ["identifiers"]


def test_a_resident_number_speaks_of_its_birth_date_and_sex() -> None:
    nobody = KnownPatient(("张伟",), Sex.MALE, BORN)
    assert differs(number=resident_id(5), patient=nobody) == []
    assert differs(number=resident_id(5, date(1961, 3, 6)), patient=nobody) == ["identifiers"]
    assert differs(number=resident_id(5), patient=KnownPatient(("张伟",), Sex.FEMALE, BORN)) == ["identifiers"]


def test_two_files_of_two_people_differ_where_the_case_is_silent() -> None:
    one, other = StatedIdentity("Zhang^Wei", "M", "19610305", "A1"), StatedIdentity("Zhang^Wei", "F", "1980", "B2")
    assert differences_between(one, other, readings, one_study=False) == (Difference.SEX, Difference.BIRTH_DATE)
    assert differences_between(one, other, readings, one_study=True) == (Difference.SEX, Difference.BIRTH_DATE, Difference.IDENTIFIERS)
    assert differences_between(one, one, readings, one_study=True) == ()
    assert differences_between(one, StatedIdentity(birth_date="196103"), readings, one_study=True) == ()


@pytest.mark.parametrize(
    ("text", "digits"), [("1961-03-05 00:00", "19610305"), ("196", ""), ("19611301", ""), ("١٩٦١", ""), ("1961", "1961")]
)
def test_what_is_a_date(text: str, digits: str) -> None:
    assert date_digits(text) == digits


def judged(*stated: StatedIdentity, patient: KnownPatient = PATIENT, one_study: bool = False) -> list[list[str]]:
    pairs = [("0" if one_study else str(place), each) for place, each in enumerate(stated)]
    return [[each.value for each in found.differs] for found in judge(pairs, patient, ON, readings)]


def test_two_people_of_one_spelling_are_told_apart_by_their_files() -> None:
    latin = KnownPatient(("Zhang Wei",), Sex.MALE, None)
    assert judged(StatedIdentity("张伟"), StatedIdentity("章炜"), patient=latin) == [[], ["name"]]
    assert judged(StatedIdentity("张伟"), StatedIdentity("Zhang^Wei=张^伟"), patient=latin) == [[], []]


def test_a_file_that_differs_from_the_case_accuses_no_other() -> None:
    assert judged(StatedIdentity("李娜"), StatedIdentity("张伟")) == [["name"], []]


def test_two_names_of_one_patient_need_not_agree_with_each_other() -> None:
    known = KnownPatient(("张伟", "张小伟"), Sex.MALE, BORN)
    assert judged(StatedIdentity("张伟"), StatedIdentity("张小伟"), patient=known) == [[], []]


def test_two_numbers_in_one_study_are_two_patients_unless_both_are_theirs() -> None:
    assert judged(StatedIdentity(number="A1"), StatedIdentity(number="A2"), one_study=True) == [[], ["identifiers"]]
    assert judged(StatedIdentity(number="A1"), StatedIdentity(number="A2")) == [[], []]
    assert judged(StatedIdentity(number="P00001"), StatedIdentity(number=resident_id(1)), one_study=True) == [[], []]


def test_the_day_of_an_age_is_that_of_the_recording() -> None:
    assert judged(StatedIdentity(age_years=46, recorded_on="2007-06-01")) == [[]]
    assert judged(StatedIdentity(age_years=46)) == [["birth_date"]]


@pytest.mark.parametrize("who", PATIENTS, ids=lambda who: who.name)
def test_the_people_of_the_demo_are_their_own_pinyin(who: DemoPatient) -> None:
    assert same_name(who.pinyin, who.name, readings)
    assert [other.name for other in PATIENTS if same_name(who.name, other.name, readings)] == [who.name]
