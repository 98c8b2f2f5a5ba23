"""What is written is read again as it was meant, and answers carry the sender's own control id in its own manner."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.errors import UnreadableMessage, WrongCharacters
from lab.hl7 import Content, Observation, Order, Patient, Sender, Specimen, parse, read, read_header
from lab.hl7.answers import ACCEPTED, ERROR, REJECTED, Fault, OrderAnswer, acknowledge, code_for, respond_to_order
from lab.hl7.content import Package, Shipment
from lab.hl7.datatypes import Code, Identifier
from lab.hl7.reports import OrderGroup, document_value, write_order, write_results, write_shipment
from lab.hl7.times import read_time
from lab.hl7.values import Value, looks
from lab.hl7.writing import Envelope
from tests.lab.real_files import case, needs_cases
from tests.lab.samples import ORDER, PATIENT, message, result

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=timezone(timedelta(hours=8)))
AT = NOW.strftime("%Y%m%d%H%M%S%z")


def envelope(character_set: str = "UNICODE UTF-8") -> Envelope:
    return Envelope(Sender("TELEMED", "MAIN"), Sender("LIS", "CLINIC1"), "T1", NOW, character_set)


def answer_to(raw: bytes, outcome: str = ACCEPTED, *faults: Fault) -> Content:
    found = parse(raw)
    return read(parse(acknowledge(found, code_for(found.header, outcome), control_id="A1", at=NOW, faults=faults)))


def test_an_acknowledgement_turns_sender_and_receiver_round() -> None:
    raw = acknowledge(parse(message(control="K1").encode()), "AA", control_id="A1", at=NOW)
    assert raw == b"MSH|^~\\&|TELEMED|MAIN|LIS|CLINIC1|20261120090000+0800||ACK^R01^ACK|A1|P|2.5.1||||||UNICODE UTF-8\rMSA|AA|K1\r"


@pytest.mark.parametrize(
    ("accept", "outcome", "code"),
    [
        ("", ACCEPTED, "AA"),
        ("", ERROR, "AE"),
        ("", REJECTED, "AR"),
        ("AL", ACCEPTED, "CA"),
        ("NE", ERROR, "CE"),
        ("AL", REJECTED, "CR"),
        ("2", ACCEPTED, "AA"),
    ],
)
def test_codes_by_mode(accept: str, outcome: str, code: str) -> None:
    found = answer_to(message(accept=accept).encode(), outcome)
    assert found.acknowledgement is not None
    assert (found.acknowledgement.code, found.acknowledgement.control_id) == (code, "K1")
    assert code_for(None, REJECTED) == "AR"


@pytest.mark.parametrize("version", ["2.3", "2.4", "2.5.1", "2.7.1"])
def test_faults_are_told_in_the_form_of_the_version(version: str) -> None:
    found = answer_to(message(version=version).encode(), ERROR, Fault("205", "K1 came before with other content", "MSH", 10))
    assert found.acknowledgement is not None
    error = found.acknowledgement.errors[0]
    assert (error.condition.code, error.condition.text) == ("205", "Duplicate key identifier")
    assert "other content" in found.acknowledgement.text


def test_an_answer_uses_the_senders_delimiters_and_character_set() -> None:
    own = message(control="K#1", encoding="^~\\&").translate(str.maketrans("|^~\\&", "@*!?+"))
    raw = acknowledge(parse(own.encode()), "AA", control_id="A1", at=NOW)
    assert b"\rMSA@AA@K#1\r" in raw
    assert parse(raw).control_id == "A1"
    gbk = acknowledge(parse(message(character_set="GBK", control="号1").encode("gbk")), "AA", control_id="A1", at=NOW)
    assert parse(gbk).character_set == "GBK"
    assert "号1".encode("gbk") in gbk
    three = acknowledge(parse(message(encoding="^~&", control="a&b").encode()), "AA", control_id="A1", at=NOW)
    assert parse(three).segments("MSA")[0].raw(2) == "a&b"


def test_an_answer_to_a_header_whose_characters_look_like_separators() -> None:
    raw = message(character_set="GBK", control="乗1").replace("LIS", "亅亅").encode("gbk")
    answer = acknowledge(parse(raw), "AA", control_id="A1", at=NOW)
    assert parse(answer).text("MSA-2") == "乗1"
    assert parse(answer).text("MSH-5") == "亅亅"
    assert parse(raw).header.control_id == "乗1"


@needs_cases
def test_the_character_set_of_the_answer_is_the_messages() -> None:
    one = case("01-")
    raw = acknowledge(parse(one.content), "AA", control_id="A1", at=NOW)
    assert parse(raw).character_set == one.expected["acknowledgement_character_set"]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"GET /",
        b"MSH",
        b"MSH|",
        b"MSH|^~\\&|\xff\xfe",
        b"MSH||LIS|C|||||ORU^R01|K1",
        b"MSH|^~\\&|L\xb5|C|||||ORU^R01|K1|P|2.5|||||CHN|NO SUCH",
        message(control="K1", character_set="UTF-8").encode() + b"NTE|\xff",
    ],
)
def test_what_cannot_be_parsed_is_answered_too(raw: bytes) -> None:
    with pytest.raises(UnreadableMessage) as refused:
        parse(raw)
    error = refused.value
    found = read(parse(acknowledge(error.header, code_for(error.header, REJECTED), control_id="A1", at=NOW, faults=[Fault.of(error)])))
    assert found.acknowledgement is not None
    assert found.acknowledgement.code == "AR"
    assert found.acknowledgement.control_id == ("K1" if b"K1" in raw else "")
    assert found.acknowledgement.errors[0].condition.code == error.condition


@given(st.binary(max_size=80))
def test_any_header_can_be_answered(noise: bytes) -> None:
    try:
        header = read_header(b"MSH|" + noise)
    except UnreadableMessage:
        return
    assert parse(acknowledge(header, "AR", control_id="A1", at=NOW)).segments("MSA")[0].text(1) == "AR"


def test_an_order_is_answered_order_by_order() -> None:
    asked = parse(message(PATIENT, "ORC|NW|O1", ORDER, kind="OML^O21^OML_O21").encode())
    answers = [
        OrderAnswer("OK", Identifier("O1"), Identifier("F1", "MAIN"), Code("24323-8", "CMP", "LN"), "SC"),
        OrderAnswer("UA", Identifier("O2"), Identifier(), Code("X")),
    ]
    found = read(parse(respond_to_order(asked, "AA", answers, control_id="A1", at=NOW)))
    assert found.type == "ORL^O22"
    assert [(each.control, each.placer.id, each.filler.id, each.code.code) for each in found.orders] == [
        ("OK", "O1", "F1", "24323-8"),
        ("UA", "O2", "", "X"),
    ]
    assert found.patients[0].name == "测试病人"
    assert found.acknowledgement is not None
    assert found.acknowledgement.control_id == "K1"


def patient() -> Patient:
    return Patient([Identifier("L1", "CLINIC1", "MR")], "张", "三|丰", "male", birth=read_time("19610305"))


def order() -> Order:
    return Order(
        "RE", Identifier("O1", "LIS"), Identifier("F1"), code=Code("24323-8", "生化", "LN"), priority="S", status_code="F", collected=read_time(AT, NOW.tzinfo), reported=read_time(AT, NOW.tzinfo),
        clinical_information="a^b\n第二行", specimens=[Specimen("S1", type=Code("SER", "血清"), reject_reasons=[Code("RH", "Hemolysis", "HL70490")])], notes=["of the order"],
    )  # fmt: skip


def test_results_there_and_back() -> None:
    values = [
        looks("4.10"),
        looks("<0.5"),
        looks(">=1234567.25"),
        looks("10-20"),
        looks("1:160"),
        Value("text", "", "", "阴性|(-)\n第二行"),
        Value("none", "", ""),
    ]
    values += [
        Value("code", "", "", code=Code("POS", "阳性", "L", original="阳")),
        document_value("application/pdf", b"%PDF-1.7"),
        Value("time", "", "", time=read_time("20261120")),
    ]
    mine = order()
    observations = [
        Observation(
            Code(f"C{n}", "名", "L"),
            each,
            unit="mmol/L",
            range="3.5-5.3",
            flags=("H", "A"),
            status_code="F",
            specimen=mine.specimens[0] if n else None,
            notes=["n^ote"],
        )
        for n, each in enumerate(values)
        if each
    ]
    raw = write_results(envelope(), patient(), [OrderGroup(mine, observations)])
    found = read(parse(raw))
    assert (found.type, found.control_id, found.sender, found.notes) == ("ORU^R01", "T1", ("TELEMED", "MAIN"), [])
    assert (found.patients[0].name, found.patients[0].identifiers, found.patients[0].sex, found.patients[0].birth.text) == (
        "张三|丰",
        patient().identifiers,
        "male",
        "1961-03-05",
    )
    seen = found.orders[0]
    assert (seen.placer, seen.filler, seen.code, seen.priority, seen.status, seen.notes, seen.clinical_information) == (
        mine.placer,
        mine.filler,
        mine.code,
        "S",
        "final",
        mine.notes,
        "a^b\n第二行",
    )
    assert found.specimens[0].reject_reasons == mine.specimens[0].reject_reasons
    for sent, got in zip(observations, found.observations, strict=True):
        same = ("kind", "number", "comparator", "low", "high", "ratio", "code")
        assert {name: getattr(got.value, name) for name in same} == {name: getattr(sent.value, name) for name in same}
        assert (got.code, got.unit, got.range, got.flags, got.status, got.notes) == (
            sent.code,
            "mmol/L",
            "3.5-5.3",
            ("H", "A"),
            "final",
            ["n^ote"],
        )
        assert got.specimen is found.specimens[0]
    assert found.observations[0].value.text == "4.10"
    assert found.observations[8].value.document is not None
    assert found.observations[8].value.document.content() == b"%PDF-1.7"
    assert found.observations[5].value.text == "阴性|(-)\n第二行"


@pytest.mark.parametrize(("unit", "sent"), [("mmol/L", "mmol/L^^UCUM"), ("x10^9/L", "x10\\S\\9/L"), ("unk", "unk"), ("", "")])
def test_only_what_is_ucum_is_called_so(unit: str, sent: str) -> None:
    raw = write_results(envelope(), patient(), [OrderGroup(Order(), [Observation(Code("A"), Value("text", "", "", "x"), unit=unit)])])
    assert parse(raw).segments("OBX")[0].raw(6) == sent
    assert read(parse(raw)).observations[0].unit == unit


def test_fields_that_ihe_forbids_stay_empty() -> None:
    for raw in (write_results(envelope(), patient(), [OrderGroup(order())]), write_order(envelope(), patient(), [OrderGroup(order())])):
        found = parse(raw)
        assert [found.text(path) for path in ("ORC-7", "OBR-5", "OBR-6", "OBR-8", "OBR-27")] == [None] * 5
        assert found.text("TQ1-9") == "S"
        assert found.text("MSH-12") == "2.5.1"


def test_an_order_there_and_back() -> None:
    mine = order()
    mine.control, mine.diagnoses = "NW", [Code("E87.5", "高钾血症", "I10")]
    found = read(
        parse(
            write_order(
                envelope("GB 18030-2000"),
                patient(),
                [OrderGroup(mine, [Observation(Code("FAST", "空腹", "L"), Value("text", "ST", "", "是"))])],
            )
        )
    )
    assert (found.orders[0].control, found.orders[0].diagnoses, found.specimens[0].id) == ("NW", mine.diagnoses, "S1")
    assert found.observations[0].value.text == "是"
    assert found.observations[0].specimen is found.specimens[0]


def test_a_manifest_there_and_back() -> None:
    first, second = Specimen("S1", "F1", Code("SER"), containers=["T1"], patient=patient()), Specimen("S2", type=Code("UR"))
    sent = Shipment(
        "BOX7",
        Code("TRN", "In transit"),
        read_time(AT, NOW.tzinfo),
        [Code("C", "cold")],
        [Package("P1", specimens=[first]), Package("P2", specimens=[second])],
    )
    raw = write_shipment(envelope(), sent, [Observation(Code("8310-5", "Temp", "LN"), Value("number", "", "", "5.1", 5.1), unit="Cel")])
    found = read(parse(raw))
    got = found.shipments[0]
    assert (got.id, got.status, got.at.text, got.handling) == ("BOX7", sent.status, sent.at.text, sent.handling)
    assert [[each.id for each in package.specimens] for package in got.packages] == [["S1"], ["S2"]]
    assert got.packages[0].specimens[0].patient is not None
    assert got.packages[0].specimens[0].patient.name == "张三|丰"
    assert got.packages[0].specimens[0].containers == ["T1"]
    assert parse(raw).text("PRT-8") == "MAIN"
    assert parse(raw).text("SHP-8") == "2"


def test_text_that_the_character_set_cannot_hold_is_refused() -> None:
    with pytest.raises(WrongCharacters, match="cannot be written"):
        write_results(envelope("8859/1"), patient(), [OrderGroup(order())])
    with pytest.raises(WrongCharacters, match="not written here"):
        write_results(envelope("UNICODE UTF-16"), patient(), [])


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1).filter(lambda text: text.strip() == text),
    st.sampled_from(["UNICODE UTF-8", "GB 18030-2000"]),
)
def test_any_text_there_and_back(text: str, character_set: str) -> None:
    raw = write_results(
        envelope(character_set), patient(), [OrderGroup(Order(), [Observation(Code("A"), Value("text", "", "", text), notes=[text])])]
    )
    got = read(parse(raw)).observations[0]
    assert got.value.text == text
    assert got.notes == [text]


def test_a_result_that_was_read_can_be_written_on() -> None:
    found = read(parse(message(PATIENT, ORDER, result(">1000"), result("65.880", number=2)).encode()))
    raw = write_results(envelope(), found.patients[0], [OrderGroup(found.orders[0], found.observations)])
    assert [segment.raw(5) for segment in parse(raw).segments("OBX")] == [">^1000", "65.880"]
