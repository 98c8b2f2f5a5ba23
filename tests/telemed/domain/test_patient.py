"""Who a patient is: resident identity numbers, comparing two records, masking."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from telemed.domain.patient import (
    RESIDENT_ID,
    Identifier,
    Match,
    Patient,
    Sex,
    compare,
    masked,
    masked_name,
    normal_name,
    resident_id_facts,
    resident_id_fault,
)


def check_character(first: str) -> str:
    """ISO 7064 MOD 11-2 by its definition: the weights are powers of two, and the whole is 1 modulo 11."""
    total = sum(int(digit) * 2 ** (17 - place) for place, digit in enumerate(first))
    return next(c for value, c in enumerate("0123456789X") if (total + value) % 11 == 1)


def resident_id(area: int, born: date, order: int) -> str:
    first = f"{area:06d}{born:%Y%m%d}{order:03d}"
    return first + check_character(first)


births = st.dates(date(1880, 1, 1), date(2030, 12, 31))
numbers = st.builds(resident_id, st.integers(110000, 659999), births, st.integers(0, 999))


class TestResidentId:
    @given(number=numbers)
    def test_a_sound_number_has_no_fault(self, number: str) -> None:
        assert resident_id_fault(number) == ""

    @given(number=numbers, place=st.integers(0, 17), digit=st.sampled_from("0123456789X"))
    def test_any_single_wrong_character_is_found(self, number: str, place: int, digit: str) -> None:
        assume(number[place] != digit)
        assert resident_id_fault(number[:place] + digit + number[place + 1 :])

    @given(number=numbers, place=st.integers(0, 15))
    def test_two_neighbours_in_the_wrong_order_are_found(self, number: str, place: int) -> None:
        assume(number[place] != number[place + 1])
        swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
        assert resident_id_fault(swapped)

    @given(born=births, order=st.integers(0, 999))
    def test_it_carries_the_birth_date_and_the_sex(self, born: date, order: int) -> None:
        assert resident_id_facts(resident_id(320102, born, order)) == (born, Sex.MALE if order % 2 else Sex.FEMALE)

    @given(text=st.text(max_size=30))
    def test_any_text_is_judged_without_an_error(self, text: str) -> None:
        assert resident_id_fault(text) in ("", "length", "digits", "date", "check-digit")

    @pytest.mark.parametrize(
        ("number", "fault"),
        [
            ("", "length"),
            ("32010219610305001", "length"),
            ("3201021961030500x8", "digits"),
            ("３２0102196103050017", "digits"),
            (resident_id(320102, date(1961, 3, 5), 1)[:10] + "13" + "05001X", "date"),
            ("320102196102300017", "date"),
        ],
    )
    def test_the_fault_is_named(self, number: str, fault: str) -> None:
        assert resident_id_fault(number) == fault


def record(
    name: str = "张伟", sex: Sex = Sex.MALE, born: date | None = date(1961, 3, 5), number: str = "", member: str = "CLINIC1"
) -> Patient:
    identifiers = (Identifier(RESIDENT_ID, number),) if number else ()
    return Patient("id-" + member, "id-" + member, member, name, sex, born, identifiers)


ONE, OTHER = resident_id(320102, date(1961, 3, 5), 1), resident_id(320102, date(1961, 3, 5), 3)


class TestCompare:
    @pytest.mark.parametrize(
        ("a", "b", "verdict", "rule"),
        [
            (record(number=ONE), record(number=ONE), Match.SAME, "resident-id"),
            (record(number=ONE), record("张 伟", number=ONE), Match.SAME, "resident-id"),
            (record("Zhang^Wei", number=ONE), record("ZHANG WEI", number=ONE), Match.SAME, "resident-id"),
            (record(number=ONE), record("张维", number=ONE), Match.POSSIBLE, "resident-id-name-differs"),
            (record(number=ONE), record(number=OTHER), Match.DIFFERENT, "resident-ids-differ"),
            (record(number=ONE), record(), Match.POSSIBLE, "name-sex-birth-date"),
            (record(), record(), Match.POSSIBLE, "name-sex-birth-date"),
            (record(), record(sex=Sex.FEMALE), Match.DIFFERENT, ""),
            (record(), record(born=date(1961, 3, 6)), Match.DIFFERENT, ""),
            (record(born=None), record(born=None), Match.DIFFERENT, ""),
            (record(), record("王芳"), Match.DIFFERENT, ""),
        ],
    )
    def test_each_rule(self, a: Patient, b: Patient, verdict: Match, rule: str) -> None:
        assert compare(a, b) == (verdict, rule)

    def test_the_same_number_with_another_birth_date_is_for_a_person_to_look_at(self) -> None:
        """One of the two was typed wrong, and nobody knows which."""
        verdict, rule = compare(record(number=ONE), record(born=date(1999, 1, 1), number=ONE))
        assert (verdict, rule) == (Match.POSSIBLE, "resident-id-birth-date-differs")

    @given(
        a=st.builds(
            record, st.sampled_from(["张伟", "张 伟", "王芳"]), st.sampled_from(Sex), st.none() | births, st.sampled_from(["", ONE, OTHER])
        ),
        b=st.builds(
            record, st.sampled_from(["张伟", "张 伟", "王芳"]), st.sampled_from(Sex), st.none() | births, st.sampled_from(["", ONE, OTHER])
        ),
    )
    def test_it_does_not_matter_who_is_asked_first(self, a: Patient, b: Patient) -> None:
        assert compare(a, b) == compare(b, a)


class TestMasking:
    @given(value=st.text(st.characters(codec="ascii", exclude_characters="*"), min_size=1, max_size=40))
    def test_a_number_keeps_its_length_and_shows_five_characters_at_most(self, value: str) -> None:
        shown = masked(value)
        assert len(shown) == len(value)
        assert sum(c != "*" for c in shown) <= 5
        assert shown != value

    @pytest.mark.parametrize(("value", "shown"), [("320102196103050017", "320*************17"), ("P00007", "******"), ("", "")])
    def test_numbers(self, value: str, shown: str) -> None:
        assert masked(value) == shown

    @pytest.mark.parametrize(
        ("name", "shown"),
        [("张伟", "张*"), ("欧阳小满", "欧***"), ("Li Wei", "L* W*"), ("张", "*"), ("X", "X*"), ("", ""), ("  王芳 ", "王*")],
    )
    def test_names(self, name: str, shown: str) -> None:
        assert masked_name(name) == shown

    @given(name=st.text(st.sampled_from("张伟欧阳娜abcxyzABCXYZ"), max_size=12), between=st.sampled_from([" ", "　", "\t", "·", "^"]))
    def test_names_are_compared_without_spaces_and_case(self, name: str, between: str) -> None:
        assert normal_name(between.join(name)) == normal_name(name.upper())
