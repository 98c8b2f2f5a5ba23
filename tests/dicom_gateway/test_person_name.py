"""Chinese names as DICOM person names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicom_gateway.person_name import person_name


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("王小东", "Wang^Xiaodong=王^小东"),
        ("欧阳娜娜", "Ouyang^Nana=欧阳^娜娜"),
        ("单雄信", "Shan^Xiongxin=单^雄信"),
        ("张伟", "Zhang^Wei=张^伟"),
        ("阿依古丽 买买提", "Ayiguli^Maimaiti=阿依古丽^买买提"),
        ("王", "Wang=王"),
        ("Ann Mary Lee", "Lee^Ann Mary"),
        ("Plato", "Plato"),
        ("  ", ""),
    ],
)
def test_names(written: str, name: str) -> None:
    assert person_name(written) == name


@given(st.text(st.sampled_from("王小东^=\\ ·Ab"), max_size=20))
def test_no_name_breaks_the_value(written: str) -> None:
    name = person_name(written)
    assert "\\" not in name
    assert name.count("=") <= 1
    assert all(group.count("^") <= 1 for group in name.split("="))
