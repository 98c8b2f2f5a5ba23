"""Typed reading: values by OBX-2, times with their precision, groups as the standard draws them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.errors import LabError, UnreadableMessage, UnsupportedMessage
from lab.hl7 import Content, messages, parse, read
from lab.hl7.content import REPORT_STATUSES
from lab.hl7.times import PRECISIONS, read_clock, read_time
from lab.hl7.values import Value, looks
from tests.lab.real_files import HL7_FILES, case, needs_cases, needs_corpus
from tests.lab.samples import ORDER, PATIENT, message, result

SHANGHAI = ZoneInfo("Asia/Shanghai")


def content(*rows: str, **named: Any) -> Content:
    return read(parse(message(*rows, **named).encode()))


def value(sent: str, kind: str = "NM") -> Value:
    return content(PATIENT, ORDER, result(sent, kind=kind)).observations[0].value


# Cases


@needs_cases
def test_every_kind_of_obx_2() -> None:
    one = case("11-")
    found = {each.code.code: each for each in read(parse(one.content)).observations}
    for code, wanted in one.expected["values"].items():
        seen = found[code].value
        for name, right in wanted.items():
            assert told(name, seen, found[code].status) == right, (code, name, seen)


def told(name: str, seen: Value, status: str) -> object:
    """What a case calls `name`, in our value."""
    answers: dict[str, object] = {
        "number": seen.number,
        "as_sent": seen.as_sent,
        "comparator": seen.comparator,
        "low": seen.low,
        "high": seen.high,
        "ratio": list(seen.ratio or ()),
        "code": seen.code.code if seen.code else None,
        "text": seen.text,
        "alternative": seen.code.alternative_text if seen.code else None,
        "time": seen.time.text if seen.time else None,
        "date": seen.time.day.isoformat() if seen.time and seen.time.day else None,
        "precision": seen.time.precision if seen.time else None,
        "document": seen.document.media_type if seen.document else None,
        "bytes": len(seen.document.content()) if seen.document else None,
        "pointer": seen.pointer,
        "value": seen.number,
        "array": [list(row) for row in seen.array],
        "status": {"cancelled": "cannot be obtained"}.get(status, status),
    }
    return answers[name] if name != "note" else seen.note.partition(" XX")[0]


@needs_cases
def test_times_of_cases() -> None:
    one = case("18-")
    observations = read(parse(one.content)).observations
    for observation, wanted in zip(observations, one.expected["times"], strict=True):
        time = observation.observed
        assert time.precision == wanted["precision"]
        assert time.text == (wanted["read"] if time else wanted["sent"])
        assert bool(time) == (wanted["precision"] != "none")


@needs_cases
def test_orders_and_specimens_of_cases() -> None:
    one = case("16-")
    found = read(parse(one.content))
    assert len(found.observations) == one.expected["observations"]
    links = {each.code.code: [each.order.placer.id, each.specimen.id] for each in found.observations if each.order and each.specimen}
    assert links == one.expected["links"]
    assert found.observations[0].notes == [one.expected["note_of_6690-2"]]
    rejected = found.observations[1].specimen
    assert rejected is not None
    assert [reason.code for reason in rejected.reject_reasons] == ["RH"]
    assert rejected.rejected


@needs_cases
def test_life_of_a_result_is_told_by_obx_11() -> None:
    one = case("14-")
    told_ = [read(parse(raw)).observations[0] for raw in messages(one.content)]
    assert [each.status for each in told_] == ["preliminary", "final", "corrected", "final", "preliminary", "entered-in-error", "cancelled"]
    assert told_[-1].value.kind == "none"
    assert {"D", "W"}.isdisjoint(REPORT_STATUSES)


@needs_corpus
def test_messages_from_practice_are_read_or_refused_with_a_reason() -> None:
    told_ = [outcome(raw) for path in HL7_FILES if b"MSH" in path.read_bytes() for raw in messages(path.read_bytes())]
    assert told_.count("read") > 100
    assert all(told_)


def outcome(raw: bytes) -> str:
    """`read`, or the condition of the refusal."""
    try:
        message_ = parse(raw)
        found = read(message_)
    except UnreadableMessage as error:
        return error.reason and error.condition
    assert len(found.observations) == len(message_.segments("OBX"))
    assert len(found.specimens) == len(message_.segments("SPM"))
    return "read"


# Values


@pytest.mark.parametrize(
    ("kind", "sent", "wanted"),
    [
        ("NM", "4.1", ("number", 4.1, "")), ("NM", "0141.0", ("number", 141, "")), ("NM", "-3", ("number", -3, "")), ("NM", ".5", ("number", 0.5, "")), ("NM", "5.", ("number", 5, "")),
        ("NM", "<0.5", ("number", 0.5, "<")), ("NM", "≥ 90", ("number", 90, ">=")), ("NM", "＞１００", ("number", 100, ">")), ("NM", "=5", ("number", 5, "")), ("NM", "1.2E+03", ("number", 1200, "")),
        ("NM", "1,000", ("text", None, "")), ("NM", "8,4", ("text", None, "")), ("NM", "13*", ("text", None, "")), ("NM", "NaN", ("text", None, "")), ("NM", "inf", ("text", None, "")),
        ("NM", "1e9", ("text", None, "")), ("NM", "9" * 41, ("text", None, "")), ("NM", "1E+999", ("text", None, "")), ("NM", "4.1~4.2", ("text", None, "")), ("NM", "-", ("none", None, "")), ("NM", "----", ("none", None, "")),
        ("NM", "****", ("none", None, "")), ("ST", "4.4", ("number", 4.4, "")), ("ST", "-", ("text", None, "")), ("ST", "+-", ("text", None, "")), ("ST", "----", ("none", None, "")), ("ST", "2026-11", ("text", None, "")),
        ("SN", "^2^+", ("text", None, "")), ("SN", ">=^90", ("number", 90, ">=")), ("SN", ">1000", ("number", 1000, ">")), ("SN", "^abc", ("text", None, "")), ("", "阴性", ("text", None, "")), ("", "7.4", ("number", 7.4, "")),
    ],
)  # fmt: skip
def test_numbers_and_what_is_none(kind: str, sent: str, wanted: tuple[str, float | None, str]) -> None:
    seen = value(sent, kind)
    assert (seen.kind, seen.number, seen.comparator) == wanted
    assert seen.as_sent == sent


@pytest.mark.parametrize(
    ("sent", "kind", "numbers"),
    [
        ("10-20", "range", (10, 20)),
        ("1:160", "ratio", (1, 160)),
        ("＜1：160", "ratio", (1, 160)),
        ("0.5–1.5", "range", (0.5, 1.5)),
        ("20-10", "text", None),
    ],
)
def test_ranges_and_ratios_by_their_look(sent: str, kind: str, numbers: tuple[float, float] | None) -> None:
    seen = value(sent, "ST")
    assert seen.kind == kind
    assert (seen.ratio or (None if seen.low is None else (seen.low, seen.high))) == numbers


@given(st.floats(-1e12, 1e12).map(lambda number: f"{number:.4f}"), st.sampled_from(["", "<", ">", "<=", ">=", "<>"]))
def test_every_number_is_read_as_the_number_it_is(sent: str, comparator: str) -> None:
    seen = looks(comparator + sent)
    assert seen is not None
    assert (seen.kind, seen.number, seen.comparator) == ("number", float(sent), comparator)


@given(st.text(max_size=30))
def test_no_text_becomes_a_number_by_accident(text: str) -> None:
    seen = looks(text)
    if seen is not None:
        assert any(character.isdigit() or character.isnumeric() for character in text)


@given(
    st.sampled_from(["NM", "SN", "ST", "CE", "CWE", "TX", "FT", "TS", "TM", "ED", "RP", "NA", "CX", "XX", ""]),
    st.text('0123456789^~&<>-:.\\XF+ a中"', max_size=30),
)
def test_reading_a_value_never_fails_and_keeps_what_was_sent(kind: str, sent: str) -> None:
    seen = value(sent, kind)
    assert seen.as_sent == sent
    if seen.document is not None:
        try:
            assert isinstance(seen.document.content(), bytes)
        except LabError as error:
            assert error.reason  # noqa: PT017  (both outcomes are right)


def test_deleting_and_saying_nothing() -> None:
    found = content('PID|1||L1||张^三||""|""', ORDER, result('""'), result("", number=2))
    assert found.patients[0].deletes == {"birth", "sex"}
    assert (found.patients[0].sex, bool(found.patients[0].birth)) == ("unknown", False)
    assert [each.value.deletes for each in found.observations] == [True, False]


@pytest.mark.parametrize(
    ("sent", "sex"),
    [("M", "male"), ("f", "female"), ("O", "other"), ("U", "unknown"), ("", "unknown"), ("1", "male"), ("女", "female"), ("9", "unknown")],
)
def test_sexes(sent: str, sex: str) -> None:
    assert content(f"PID|1||L1||张^三||19610305|{sent}").patients[0].sex == sex


def test_documents() -> None:
    assert value("LIS^TEXT^PDF^Base64^JVBERi0=", "ED").document.content() == b"%PDF-"
    assert value("^AP^pdf^Hex^25504446", "ED").document.content() == b"%PDF"
    for broken in ("^AP^pdf^Base64^@@", "^AP^pdf^Hex^2", "^AP^pdf^Zip^2"):
        document = value(broken, "ED").document
        assert document is not None
        with pytest.raises(UnreadableMessage):
            document.content()


# Times


@pytest.mark.parametrize(
    ("sent", "text", "precision"),
    [
        ("20261120083000", "2026-11-20T08:30:00+08:00", "second"), ("2026112008", "2026-11-20T08+08:00", "hour"), ("20261120083000-0500", "2026-11-20T21:30:00+08:00", "second"),
        ("20261120240000", "2026-11-21T00:00:00+08:00", "second"), ("202611202400", "2026-11-21T00:00+08:00", "minute"), ("20261120240001", "20261120240001", "none"), ("20260230", "20260230", "none"),
        ("20260001", "20260001", "none"), ("202613", "202613", "none"), ("2026112", "2026112", "none"), ("20261120+0800", "2026-11-20", "day"), ("20261120083000+2500", "20261120083000+2500", "none"),
        ("20261120083000+0860", "20261120083000+0860", "none"), ("0000", "0000", "none"), ("", "", "none"), ("20261120083000.5", "2026-11-20T08:30:00.500000+08:00", "fraction"), ("99991231240000", "99991231240000", "none"),
    ],
)  # fmt: skip
def test_times(sent: str, text: str, precision: str) -> None:
    time = read_time(sent, SHANGHAI)
    assert (time.text, time.precision) == (text, precision)
    assert time.as_sent == sent
    assert (time.moment is not None) == (PRECISIONS.index(precision) >= PRECISIONS.index("hour"))


def test_a_time_without_any_zone_has_none() -> None:
    time = read_time("20261120083000")
    assert time.moment == datetime(2026, 11, 20, 8, 30)
    assert time.text == "2026-11-20T08:30:00"


@given(st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)), st.integers(-12 * 4, 14 * 4))
def test_times_there_and_back(moment: datetime, quarters: int) -> None:
    zone = timezone(timedelta(minutes=15 * quarters))
    sent = moment.replace(microsecond=0, tzinfo=zone)
    assert read_time(sent.strftime("%Y%m%d%H%M%S%z"), UTC).moment == sent


@pytest.mark.parametrize(
    ("sent", "clock"), [("0815", "08:15"), ("081500", "08:15:00"), ("08", "08"), ("2460", None), ("24", None), ("8:15", None), ("", None)]
)
def test_clocks(sent: str, clock: str | None) -> None:
    assert read_clock(sent) == clock


def test_the_zone_is_that_of_msh_7_else_the_regions() -> None:
    raw = message(PATIENT, ORDER, result("4.1"), sent="20261120083000").encode()
    assert read(parse(raw)).observations[0].observed.text == "2026-11-20T08:00:00"
    assert read(parse(raw), SHANGHAI).observations[0].observed.text == "2026-11-20T08:00:00+08:00"
    assert content(PATIENT, ORDER, result("4.1"), sent="20261120083000+0600").observations[0].observed.text == "2026-11-20T08:00:00+06:00"


# Groups


def test_an_obx_before_the_only_spm_belongs_to_it_and_of_several_to_none() -> None:
    one = content(PATIENT, ORDER, result("4.1"), "SPM|1|S1||SER")
    assert [each.specimen.id for each in one.observations if each.specimen] == ["S1"]
    two = content(PATIENT, ORDER, result("4.1"), "SPM|1|S1||SER", "SPM|2|S2||UR")
    assert two.observations[0].specimen is None
    assert two.notes == ["1 OBX of an order with several specimens name none of them"]


def test_in_oul_the_specimen_stands_first_and_orc_follows_obr() -> None:
    found = content(
        PATIENT, "SPM|1|S1||SER|||||||P", "SAC|||T1", "OBR|1||F1|A^a^L", "ORC|RE|O1|F1", result("1"), result("2", number=2), "OBR|2||F2|B^b^L", "ORC|RE|O2", result("3"),
        "SPM|2|S2||UR", "OBR|3||F3|C^c^L", result("4"), kind="OUL^R22^OUL_R22",
    )  # fmt: skip
    seen = [(each.order.placer.id, each.order.filler.id, each.specimen.id) for each in found.observations if each.order and each.specimen]
    assert seen == [("O1", "F1", "S1"), ("O1", "F1", "S1"), ("O2", "F2", "S1"), ("", "F3", "S2")]
    assert found.specimens[0].containers == ["T1"]


def test_oul_r24_and_several_patients() -> None:
    found = content(
        PATIENT,
        "OBR|1||F1|A^a^L",
        "ORC|RE|O1",
        result("1"),
        "SPM|1|S1",
        PATIENT.replace("L00042", "L2"),
        "OBR|1||F2|B",
        result("2"),
        kind="OUL^R24",
    )
    assert [each.patient.identifiers[0].id for each in found.observations if each.patient] == ["L00042", "L2"]
    assert [each.specimen.id if each.specimen else None for each in found.observations] == ["S1", None]


def test_orders_with_priority_notes_and_diagnoses() -> None:
    found = content(
        PATIENT, "NTE|1|L|of the patient", "PV1|1|O|内科^3^12||||||||||||||||V7", "ORC|NW|O1^LIS|F1||||||20261120|||1234^王^医生", "TQ1|1||||||20261120090000||S", "OBR|1|O1|F1|24323-8^CMP^LN", "NTE|1|L|of the order",
        "DG1|1||E87.5^高钾血症^I10", "ORC|CA|O2", "ORC|PR|O3", "OBR|2|O3||718-7^Hb^LN", result("120"), kind="OML^O21^OML_O21",
    )  # fmt: skip
    first, second, prior = found.orders
    assert (first.priority, first.requested.text, first.provider, first.notes) == (
        "S",
        "2026-11-20T09:00:00+08:00",
        "王医生",
        ["of the order"],
    )
    assert (first.diagnoses[0].code, found.patients[0].notes, found.patients[0].visit.id, found.patients[0].location) == (
        "E87.5",
        ["of the patient"],
        "V7",
        "内科 3 12",
    )
    assert (second.control, second.placer.id, prior.prior, found.observations[0].order is prior) == ("CA", "O2", True, True)


def test_priority_and_specimen_of_older_versions() -> None:
    found = content(
        PATIENT, "ORC|NW|O1|||||^^^^^S", "OBR|1|O1||A|R|20261120|20261119080000||||||pregnant||UR&urine&L", kind="ORM^O01", version="2.3"
    )
    order = found.orders[0]
    assert (order.priority, order.requested.text, order.collected.text, order.clinical_information) == (
        "S",
        "2026-11-20",
        "2026-11-19T08:00:00+08:00",
        "pregnant",
    )
    assert order.specimens[0].type.code == "UR"


def test_specimens_without_a_number_stay_and_replace_what_obr_15_says() -> None:
    found = content(PATIENT, "OBR|1|O1|F1|A" + "|" * 11 + "UR&urine&L", "SPM|1|||SER", "SPM|2|||WB", "SPM|3|S3||UR")
    assert [each.type.code for each in found.orders[0].specimens] == ["SER", "WB", "UR"]


def test_a_reject_reason_in_the_field_beside_it_is_known_by_its_table() -> None:
    row = "SPM|1|S1||SER" + "|" * 17 + "{}"
    assert [each.code for each in content(PATIENT, ORDER, row.format("RH~RC")).specimens[0].reject_reasons] == ["RH", "RC"]
    assert [each.code for each in content(PATIENT, ORDER, row.format("|RH^^HL70490")).specimens[0].reject_reasons] == ["RH"]
    assert not content(PATIENT, ORDER, row.format("|G^good^HL70491")).specimens[0].rejected


def test_a_shipment() -> None:
    found = content(
        "SHP|BOX7|||20261120100000+0800||||1||C^cold", "OBX|1|NM|8310-5^Temp^LN||5.1|Cel|||||F", "PAC|1|P1|||BOX", "SPM|1|S1^F1||SER", "SAC|||T1", PATIENT, "SPM|2|S2||UR", PATIENT.replace("42", "43"), "SPM|3|S3||UR", "OBX|1|NM|X||1|||||||F",
        kind="OSM^R26^OSM_R26", version="2.7.1",
    )  # fmt: skip
    shipment = found.shipments[0]
    assert (shipment.id, shipment.at.text, [each.code for each in shipment.handling]) == ("BOX7", "2026-11-20T10:00:00+08:00", ["C"])
    specimens = shipment.packages[0].specimens
    told_ = [(each.id, each.patient.identifiers[0].id if each.patient else None) for each in specimens]
    assert told_ == [("S1", "L00042"), ("S2", "L00043"), ("S3", None)]
    assert found.observations[1].patient is None
    assert found.observations[1].specimen is specimens[2]
    assert found.observations[0].value.number == 5.1


def test_an_obx_before_any_order_is_kept_and_said() -> None:
    found = content(PATIENT, result("4.1"), "OBX")
    assert len(found.observations) == 2
    assert found.notes == ["2 OBX before any OBR"]


def test_status_of_an_observation_without_its_own_is_the_orders() -> None:
    row = "OBR|1|O1|F1|A" + "|" * 21 + "{}"
    assert content(PATIENT, row.format("P"), result("4", status="")).observations[0].status == "preliminary"
    assert content(PATIENT, row.format("W"), result("4", status="")).observations[0].status == "unknown"
    assert content(PATIENT, row.format("F"), result("4", status="W")).observations[0].status == "entered-in-error"


@pytest.mark.parametrize(
    ("named", "condition"),
    [
        ({"kind": "ADT^A01"}, "200"),
        ({"kind": "ORU^R99"}, "201"),
        ({"version": "3.0"}, "203"),
        ({"control": ""}, "101"),
        ({"kind": ""}, "101"),
    ],
)
def test_what_is_not_read_is_refused_with_its_condition(named: dict[str, str], condition: str) -> None:
    with pytest.raises(UnreadableMessage) as refused:
        content(PATIENT, **named)
    assert refused.value.condition == condition
    assert refused.value.header is not None
    if condition.startswith("2"):
        assert isinstance(refused.value, UnsupportedMessage)


@pytest.mark.parametrize(
    ("sent", "unit"), [("mmol/L", "mmol/L"), ("mmol/L^millimole^UCUM", "mmol/L"), ("^mmol/L", "mmol/L"), ("^^^mmol/L", "mmol/L"), ("", "")]
)
def test_units_as_text_or_code(sent: str, unit: str) -> None:
    assert content(PATIENT, ORDER, result("4.1", unit=sent)).observations[0].unit == unit


def test_a_type_without_event() -> None:
    assert content(PATIENT, ORDER, result("1"), kind="ORU").type == "ORU^R01"


@given(st.lists(st.sampled_from([PATIENT, ORDER, "ORC|RE|O1", result("1"), "SPM|1|S1", "NTE|1|L|x", "TQ1|1", "SAC|||T", "SHP|B", "PAC|1|P", "PV1", "DG1|1", "MSA|AA|1", "ERR", "ZZZ|1", "OBX", "OBR", "PID", "SPM"]), max_size=12), st.sampled_from(["ORU^R01", "OUL^R22", "OUL^R24", "OML^O21", "OML^O33", "OSM^R26", "ACK"]))  # fmt: skip
def test_segments_in_any_order_lose_no_observation(rows: list[str], kind: str) -> None:
    found = content(*rows, kind=kind)
    assert len(found.observations) == sum(row.startswith("OBX") for row in rows)
    assert len(found.specimens) == sum(row.startswith("SPM") for row in rows)
