"""Forms: every kind of field takes what it should, and says what is wrong with everything else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemed.centres import discover
from telemed.domain.errors import FieldError
from telemed.domain.forms import MAX_LINES, Choice, Field, FieldType, Form

F = FieldType
AB = (Choice("a", "A"), Choice("b", "B"))
FORM = Form(
    (
        Field("text", "Text", required=True, max_length=5),
        Field("note", "Note", F.LONG_TEXT, max_length=10),
        Field("one", "One", F.CHOICE, choices=AB),
        Field("open", "Open", F.CHOICE, choices=AB, open_choice=True, max_length=5),
        Field("many", "Many", F.CHOICES, choices=AB),
        Field("day", "Day", F.DATE),
        Field("moment", "Moment", F.DATE_TIME),
        Field("number", "Number", F.NUMBER),
        Field("flag", "Flag", F.FLAG),
        Field("code", "Code", pattern=r"[A-Z]\d"),
    )
)


def faults(complete: bool = False, **data: Any) -> list[FieldError]:
    return FORM.faults(data, "request", complete=complete)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("text", "12345"),
        ("note", "zwei\nlines"),
        ("one", "b"),
        ("open", "else"),
        ("many", ["a", "b"]),
        ("day", "2026-11-18"),
        ("moment", "2026-11-18T09:30"),
        ("number", 4),
        ("number", -0.5),
        ("flag", True),
        ("flag", False),
        ("code", "A1"),
        *((name, empty) for name in ("text", "one", "many", "day", "number", "flag", "code") for empty in (None, "")),
        ("many", []),
    ],
)
def test_taken(name: str, value: Any) -> None:
    assert faults(**{name: value}) == []


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("text", "123456", "too-long"),
        ("text", 5, "type"),
        ("text", ["a"], "type"),
        ("text", {"a": 1}, "type"),
        ("text", "a\x00b", "control-character"),
        ("one", "c", "choice"),
        ("open", "longer", "too-long"),
        ("many", ["a", "c"], "choice"),
        ("many", "a", "choice"),
        ("many", [["a"]], "choice"),
        ("many", ["a", "a"], "choice"),
        ("day", "18.11.2026", "date"),
        ("day", "2026-02-30", "date"),
        ("day", "20261118", "date"),
        ("moment", "noon", "date"),
        ("moment", "2026-11-18", "date"),
        ("number", "4", "type"),
        ("number", True, "type"),
        ("number", 10**400, "type"),
        ("number", float("nan"), "type"),
        ("number", float("inf"), "type"),
        ("flag", "yes", "type"),
        ("flag", 1, "type"),
        ("code", "a1", "pattern"),
        ("code", "A1\n", "pattern"),
        ("other", "x", "unknown-field"),
    ],
)
def test_refused(name: str, value: Any, code: str) -> None:
    assert [(f.field, f.code) for f in faults(**{name: value})] == [(f"request.{name}", code)]


@pytest.mark.parametrize("blank", [None, "", "  \n", "　"])
def test_a_required_field_is_asked_for_only_when_the_form_must_be_complete(blank: str | None) -> None:
    assert faults(text=blank) == []
    assert faults(True, text=blank) == [FieldError("request.text", "required")]


@pytest.mark.parametrize(("value", "blank"), [(0, False), (0.0, False), (4, False), (None, True)])
def test_zero_is_a_number_and_not_an_empty_field(value: float | None, blank: bool) -> None:
    form = Form((Field("number", "Number", F.NUMBER, required=True),))
    assert bool(form.faults({"number": value}, "request", complete=True)) is blank


def test_a_required_flag_must_be_set() -> None:
    form = Form((Field("flag", "Flag", F.FLAG, required=True),))
    assert form.faults({"flag": False}, "request", complete=True) == [FieldError("request.flag", "required")]


def test_every_fault_is_told_at_once() -> None:
    assert {f.field for f in faults(True, one="c", day="x", other="y")} == {"request.text", "request.one", "request.day", "request.other"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from([f.name for f in FORM.fields]) | st.text(max_size=6)


@given(data=st.dictionaries(names, json_values, max_size=6), complete=st.booleans())
def test_anything_is_judged_without_an_error(data: dict[str, Any], complete: bool) -> None:
    assert all(fault.field.startswith("request.") and fault.code for fault in FORM.faults(data, "request", complete=complete))


@pytest.mark.parametrize("code", discover())
def test_the_forms_of_every_centre_are_sound(code: str) -> None:
    """Names once, choices where they are chosen from, the fields that the centre itself refers to."""
    centre = discover()[code]
    for form in (centre.request_form, centre.report_form):
        names = [f.name for f in form.fields]
        assert len(names) == len(set(names))
        assert all(bool(f.choices) == (f.type in (F.CHOICE, F.CHOICES)) for f in form.fields)
    request = {f.name for f in centre.request_form.fields}
    report = {f.name for f in centre.report_form.fields}
    assert {"reason", "accession_number"} <= request
    assert {centre.need, *centre.headline_fields} - {""} <= request
    assert {phrase.section for phrase in centre.phrases} <= report
    for template in centre.templates:
        assert set(template.sections) <= report
        assert set(template.when) <= request
        assert not centre.report_form.faults(template.sections, "sections", complete=template.normal)
    assert any(f.required for f in centre.report_form.fields)


def test_no_two_centres_share_a_code_a_letter_or_a_place() -> None:
    centres = discover().values()
    for values in ([c.code for c in centres], [c.letter for c in centres], [c.order for c in centres]):
        assert len(values) == len(set(values))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\u2028", "\v"])
def test_a_text_has_no_more_lines_than_can_be_printed(end: str) -> None:
    form = Form((Field("note", "Note", F.LONG_TEXT, max_length=20_000),))

    def fault(lines: int) -> list[FieldError]:
        return form.faults({"note": ("x" + end) * lines}, "sections", complete=False)

    assert fault(MAX_LINES - 1) == fault(MAX_LINES) == []
    assert fault(MAX_LINES + 1) == [FieldError("sections.note", "too-many-lines", str(MAX_LINES))]
