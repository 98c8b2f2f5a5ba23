"""Every key and value of a TOML text is found where it stands."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from telemed.service.toml_positions import Path, positions

TEXT = '''# before
"a.b" = 1 # [x]
c.d = "x # y"
[t . u]
k = [ 1, # one
  { v = 'w', "z" = [ [], [2] ] },
]
m = """
two " lines"" """"
[[rows]]
n = 2027-01-01 08:00:00
[[rows.inner]]
[[rows]]
[rows.sub]
'o' = \'\'\'it's\'\'\'
'''


def at(path: Path, *, key: bool = False) -> str:
    """The rest of the line at the place of the path."""
    found = positions(TEXT)
    line, column = found.of_key(path) if key else found.of_value(path)
    return TEXT.split("\n")[line - 1][column - 1 :]


def test_places_of_every_form() -> None:
    assert tomllib.loads(TEXT)["t"]["u"]["m"] == 'two " lines"" "'
    assert at(("a.b",), key=True) == '"a.b" = 1 # [x]'
    assert at(("c", "d")) == '"x # y"'
    assert at(("t", "u"), key=True) == "[t . u]"
    assert at(("t", "u", "k", 1, "z", 1, 0)) == "2] ] },"
    assert at(("t", "u", "k", 1, "z"), key=True) == '"z" = [ [], [2] ] },'
    assert at(("rows", 0, "n")) == "2027-01-01 08:00:00"
    assert at(("rows", 0, "inner", 0)) == "[[rows.inner]]"
    assert at(("rows", 1)) == "[[rows]]"
    assert at(("rows", 1, "sub", "o")) == "'''it's'''"
    assert at(("rows", 1, "nothing", "like", "it")) == "[[rows]]"


KEYS = st.text(min_size=0, max_size=6)
LEAVES = st.booleans() | st.integers(-9, 9) | st.text(max_size=12)
TREES = st.dictionaries(
    KEYS,
    st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=12),
    max_size=5,
)


def paths(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if path:
        yield path, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in items:
        yield from paths(each, (*path, name))


@given(TREES, st.booleans())
def test_the_paths_are_those_of_the_reader_and_values_stand_there(tree: dict[str, Any], multiline: bool) -> None:
    text = tomli_w.dumps(tree, multiline_strings=multiline).replace("\r\n", "\n")
    read = tomllib.loads(text)
    found = positions(text)
    assert {path for path, _ in paths(read)} <= found.values.keys() | found.keys.keys()
    for path, value in paths(read):
        rest = text[found.values[path] :]
        if isinstance(value, bool | int):
            assert rest.startswith(str(value).lower())
        elif isinstance(value, str):
            assert rest.startswith(('"', "'"))
