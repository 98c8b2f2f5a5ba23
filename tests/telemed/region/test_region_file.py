"""The region's file: what is written is read again, and what is wrong is said with its line and column."""

from __future__ import annotations

import string
from datetime import date, time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemed import centres
from telemed.domain.device import DeviceEntry
from telemed.domain.duty import DayDuty, DutyPeriod, Holiday
from telemed.domain.network import Contact, HubService, Institution, InstitutionClass, Level
from telemed.domain.region import HomeHubs, RegionContent, completed, difference, ordered
from telemed.domain.region_rules import Surroundings
from telemed.service.region_file import LARGEST_FILE, MOST_SAID, RegionRefused, read_region, write_region
from telemed.setup_command import example_file
from telemed.web.i18n import speaking
from telemed.web.labels.region import placed_text
from telemed.web.problems import region_sentence

AROUND = Surroundings({code: centre.needs for code, centre in centres.discover().items()}, frozenset({"priors", "rows"}))
CENTRES = sorted(AROUND.needs)
EXAMPLE = example_file()

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["C"], exclude_characters="\u2028\u2029"), max_size=30)
NAMES = TEXTS.filter(lambda text: bool(text.strip()))
CODES = st.text(string.ascii_uppercase + string.digits, min_size=1, max_size=16)
PHONES = st.from_regex(r"[0-9]{3}-[0-9]{4}", fullmatch=True) | st.just("")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS | st.just("json:x"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
DUTIES = st.none() | st.lists(
    st.builds(DutyPeriod, st.frozensets(st.integers(0, 6), min_size=1), *[st.builds(time, st.integers(0, 23), st.integers(0, 59))] * 2),
    max_size=3,
).map(tuple)


@st.composite
def regions(draw: st.DrawFn) -> RegionContent:
    """A sound region of any size and any words."""
    codes = draw(st.lists(CODES, min_size=2, max_size=6, unique=True))
    hubs = codes[: draw(st.integers(1, len(codes) - 1))]
    institutions = [
        Institution(
            code, draw(NAMES), draw(TEXTS), Level.MAIN_HUB if code == hubs[0] else Level.SUB_HUB if code in hubs else Level.MEMBER,
            draw(TEXTS), draw(TEXTS), code in hubs or draw(st.booleans()), draw(PHONES), draw(st.sampled_from([None, *InstitutionClass])),
            tuple(draw(st.lists(st.builds(Contact, NAMES, TEXTS, PHONES), max_size=2))),
        )
        for code in codes
    ]  # fmt: skip
    services = [
        HubService(
            hub, centre, hubs[n - 1] if n else None,
            None if (needs := AROUND.needs[centre]) is None else draw(st.none() | st.frozensets(st.sampled_from(sorted(needs)), min_size=1)),
            draw(DUTIES), draw(st.frozensets(st.sampled_from(["diagnosis", "consultation"]))), draw(st.none() | st.integers(1, 999)),
        )
        for n, hub in enumerate(hubs) for centre in CENTRES
    ]  # fmt: skip
    homes = [HomeHubs(code, {centre: draw(st.sampled_from(hubs)) for centre in CENTRES}) for code in codes if code not in hubs]
    days = draw(st.lists(st.dates(date(2026, 1, 1), date(2030, 1, 1)), max_size=4, unique=True))
    holidays = [Holiday(day, draw(st.sampled_from(DayDuty)), draw(TEXTS), draw(st.sampled_from(["", *hubs]))) for day in days]
    devices = [
        DeviceEntry(code, code, "10.2.0.1", 104, ["store"], calls_from=["192.0.2.0/24"], active=draw(st.booleans())) for code in codes
    ]
    named = {name: draw(JSON.filter(lambda value: value is not None)) for name in draw(st.sets(st.sampled_from(["priors", "rows"])))}
    districts = draw(st.lists(NAMES, max_size=3, unique=True))
    return RegionContent(
        draw(TEXTS), tuple(districts), tuple(institutions), tuple(services), tuple(homes), tuple(holidays), tuple(devices), named
    )


@settings(deadline=None, max_examples=40)
@given(regions())
def test_export_import_export_is_the_same_text(content: RegionContent) -> None:
    text = write_region(ordered(content))
    read = ordered(read_region(text.encode(), AROUND))
    assert write_region(read) == text
    assert difference(ordered(content), read) == []


@settings(deadline=None, max_examples=40)
@given(regions(), regions())
def test_a_second_import_changes_nothing(before: RegionContent, wanted: RegionContent) -> None:
    once = ordered(completed(ordered(before), wanted))
    assert difference(once, ordered(completed(once, wanted))) == []
    left_out = {each.code for each in before.institutions} - {each.code for each in wanted.institutions}
    assert all(not each.active for each in once.institutions if each.code in left_out)


def sentences(text: str | bytes, language: str = "en") -> list[str]:
    """What is said of the file; nothing where it is taken."""
    try:
        read_region(text.encode() if isinstance(text, str) else text, AROUND)
    except RegionRefused as refused:
        with speaking(language):
            return [placed_text(each, region_sentence(each.fault)) for each in refused.found]
    return []


def test_the_example_is_sound() -> None:
    assert sentences(EXAMPLE) == []
    content = read_region(EXAMPLE.encode(), AROUND)
    assert len({each.hub for each in content.hubs}) == 2
    assert sum(each.level is Level.MEMBER for each in content.institutions) == 3


BROKEN: list[tuple[str, str, str, str]] = [
    ("code = \"CLINIC1\"", "code = \"CLI|IC\"", "code = \"", "cannot be a code"),
    ("code = \"CLINIC2\"", "code = \"CLINIC1\"", "code = \"", "stands here twice"),
    ("district = \"江北区\"", "quarter = \"江北区\"", "", "There is no name quarter"),
    ("level = \"member\"", "level = \"guest\"", "level = \"", "known are member, sub-hub"),
    ("class = \"secondary\"", "class = \"good\"", "class = \"", "good is not known here"),
    ("phone = \"000-0000-2001\"", "phone = \"none\"", "phone = \"", "no telephone number"),
    ("phone = \"000-0000-2002\"", "phone = 2002", "phone = ", "takes a text in quotes"),
    ("parent = \"CITY\"\ncovers", "parent = \"COUNTY\"\ncovers", "parent = \"", "cannot be the hub above itself"),
    ("parent = \"CITY\"\ncovers", "parent = \"NOWHERE\"\ncovers", "parent = \"", "NOWHERE does not serve imaging"),
    ("[\"CR\", \"CT\", \"DX\", \"US\"]", "[]", "covers = [", "would cover nothing"),
    ("[\"CR\", \"CT\", \"DX\", \"US\"]", "[\"CR\", \"XYZ\"]", "covers = [", "XYZ is not known here"),
    ("centre = \"ecg\"\n\n", "centre = \"teeth\"\n\n", "centre = \"", "There is no centre teeth"),
    ("\"sat 08:00-12:00\"", "\"sat 08:00-25:00\"", "\"sat", "no duty period"),
    ("reader_cap = 10", "reader_cap = 0", "reader_cap = ", "between 1 and 999"),
    ("reader_cap = 10", "reader_cap = true", "reader_cap = ", "takes a whole number"),
    ("[\"diagnosis\", \"consultation\"]", "[\"tea\"]", "two_person = [", "tea is not known here"),
    ("member = \"CLINIC2\"", "member = \"CLINIC1\"", "imaging = \"", "has two home hubs for imaging"),
    ("ecg = \"CITY\"", "ecg = \"CLINIC2\"", "ecg = \"", "CLINIC2 does not serve ecg"),
    ("ecg = \"CITY\"", "pathology = \"CITY\"", "pathology = \"", "CITY does not serve pathology"),
    ("hub = \"COUNTY\"\n\n# Devices", "hub = \"CLINIC9\"\n\n# Devices", "hub = \"", "no institution CLINIC9"),
    ("date = 2027-01-01", "date = \"2027-01-01\"", "date = \"", "takes a date"),
    ("date = 2027-01-01", "date = 2027-02-30", "", "not TOML"),
    ("port = 104", "port = 70000", "port = ", "1-65535"),
    ("host = \"10.20.0.40\"", "host = \"http://x\"", "host = \"", "host name"),
    ("[settings.priors]", "[settings.prior]", "", "Nobody reads a setting prior"),
    ("format = 1", "format = 2", "format = ", "reads format 1"),
    ("name = \"湖安县人民医院\"\n", "", "", "The name name is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "before", "said"), BROKEN, ids=[f"{new[:30]}:{said[:20]}" for _, new, _, said in BROKEN])
def test_each_fault_is_one_sentence_with_its_place(old: str, new: str, before: str, said: str) -> None:
    assert old in EXAMPLE
    text = EXAMPLE.replace(old, new, 1)
    found = [each for each in sentences(text) if said in each]
    assert found, sentences(text)
    place, _, _ = found[0].partition(":")
    _, line, _, column = place.replace(",", "").split()
    rest = text.split("\n")[int(line) - 1]
    if before:
        start = rest.index(before.rstrip('["') if before.endswith(("[", '"')) and "=" in before else before)
        length = len(before.rstrip('["')) if "=" in before else 0
        assert int(column) - 1 == start + length


def test_a_ring_of_hubs_is_named() -> None:
    text = EXAMPLE.replace('centre = "ecg"\n\n', 'centre = "ecg"\nparent = "COUNTY"\n\n', 1)
    assert any("go round in a ring: CITY → COUNTY → CITY" in each for each in sentences(text))


def test_all_faults_are_said_at_once_in_the_order_of_the_file() -> None:
    text = (
        EXAMPLE.replace('code = "CLINIC1"', 'code = "a\\\\b"')
        .replace("reader_cap = 10", "reader_cap = -1")
        .replace("port = 104", "port = 0")
    )
    said = sentences(text)
    lines = [int(each.split()[1].rstrip(",")) for each in said]
    assert len(said) >= 3
    assert lines == sorted(lines)


def test_sentences_are_chinese_for_who_reads_chinese() -> None:
    said = sentences(EXAMPLE.replace("reader_cap = 10", "reader_cap = 0"), "zh-CN")
    assert len(said) == 1
    assert said[0].startswith("第 ")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (b"format = 1\nname = \"\xff\"", "Line 2, column 9"),
        (b"#" * (LARGEST_FILE + 1), "larger than"),
        (b"a = " + b"[" * 100_000, "not TOML"),
        (b"a = " + b"9" * 100_000, "not TOML"),
        (b"format = 1\nx = ", "Line 2"),
        (b"format = 1\ninstitution = 3", "takes tables"),
        (b"format = 1\nsettings = 3", "takes one table"),
        (b"[[institution]]\n[institution.x]\n", "There is no name x"),
        (b"", "format is missing"),
        (b"format = 1\n[settings]\nrows = 2027-01-01", "none of JSON"),
        (b"format = 1\n[settings]\nrows = \"json:{\"", "none of JSON"),
    ],
)  # fmt: skip
def test_what_is_no_file_of_a_region(given: bytes, said: str) -> None:
    assert any(said in each for each in sentences(given)), sentences(given)


def test_no_more_is_said_than_a_person_reads() -> None:
    many = "format = 1\n" + "[[institution]]\n" * (MOST_SAID + 7)
    with pytest.raises(RegionRefused) as refused:
        read_region(many.encode(), AROUND)
    assert len(refused.value.found) == MOST_SAID
    assert refused.value.more == 3 * (MOST_SAID + 7) - MOST_SAID


def test_a_mark_of_byte_order_and_windows_ends_of_lines_are_read() -> None:
    assert sentences(b"\xef\xbb\xbf" + EXAMPLE.replace("\n", "\r\n").encode()) == []
