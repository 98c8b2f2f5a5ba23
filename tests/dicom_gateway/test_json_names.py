"""Names that stand twice in one object of a JSON text are found, whatever else the text is."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicom_gateway.assembly import read_metadata
from dicom_gateway.json_names import SHOWN, repeated_name
from dicom_gateway.native_xml import BadModel

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(VALUES)
def test_what_a_program_writes_has_none(value: object) -> None:
    assert repeated_name(json.dumps(value).encode()) is None


@given(st.text(alphabet="abc\u4e2d", min_size=1, max_size=SHOWN), VALUES, VALUES)
def test_a_name_is_found_at_any_depth_and_however_it_is_written(name: str, first: object, second: object) -> None:
    plain, escaped = json.dumps(name, ensure_ascii=False), json.dumps(name)
    twice = f"{{{plain}: {json.dumps(first)}, {escaped}: {json.dumps(second)}}}"
    for text in (twice, f"[1, {twice}]", f'{{"x": {{"y": [{twice}]}}}}'):
        assert repeated_name(text.encode()) == name


@pytest.mark.parametrize("text", [b"", b"{", b'{"a": 1, "a"', b"\xff", b"[" * 100_000, b'{"a": {"a": 1}, "b": [{"a": 1}, {"a": 1}]}'])
def test_what_is_no_json_is_for_others_to_refuse(text: bytes) -> None:
    assert repeated_name(text) is None


def test_a_long_name_is_cut_short_and_shown_as_text() -> None:
    name = "\u202e" + "n" * 1000
    assert repeated_name(json.dumps([name]).encode()[1:-1].join([b"{", b": 1, ", b": 2}"])) == "?" + "n" * (SHOWN - 1)


def test_metadata_with_a_name_twice_are_not_taken() -> None:
    with pytest.raises(BadModel, match="00100010"):
        read_metadata([(b'[{"00100010": {"vr": "PN"}, "00100010": {"vr": "PN"}}]', False)])
