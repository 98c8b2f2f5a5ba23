"""MSH-18 names the characters of the rest: decoded before it is split, refused where it does not fit, never guessed."""

from __future__ import annotations

import pytest

from lab.errors import WrongCharacters
from lab.hl7 import parse
from tests.lab.samples import message


@pytest.mark.parametrize(
    ("name", "codec", "text"),
    [
        ("UNICODE UTF-8", "utf-8", "测试𠀀"), ("UTF-8", "utf-8", "测试"), ("utf8", "utf-8", "测试"), ("UNICODE", "utf-8", "测试"), ("", "utf-8", "测试"), ("UTF-8~UNICODE", "utf-8", "测试"),
        ("GB 18030-2000", "gb18030", "㐂𠀀"), ("GB18030", "gb18030", "㐂𠀀"), ("GBK", "gbk", "测试乗亊"), ("GB2312", "gb2312", "测试"), ("GB 2312", "gbk", "测试镕"),
        ("BIG-5", "big5", "測試功"), ("8859/1", "latin-1", "Müller"), ("ISO-8859-1", "latin-1", "Müller"), ("ISO8859-15", "iso8859-15", "€"), ("8859/5", "iso8859-5", "Иван"),
        ("KS X 1001", "euc_kr", "검사"), ("~ISO IR87", "iso2022_jp", "検査"), ("ASCII~ISO IR87", "iso2022_jp", "検査"), ("ASCII", "ascii", "test"),
    ],
)  # fmt: skip
def test_character_sets(name: str, codec: str, text: str) -> None:
    raw = message(f"NTE|1|L|{text}^x", character_set=name).encode(codec)
    found = parse(raw)
    assert found.text("NTE-3.1") == text
    assert found.text("NTE-3.2") == "x"
    assert bytes(found) == raw


@pytest.mark.parametrize("trail", [0x7C, 0x5E, 0x7E, 0x5C, 0x40, 0x26 + 0x30])
def test_second_bytes_that_look_like_delimiters(trail: int) -> None:
    for lead in range(0x81, 0xFE):
        try:
            character = bytes([lead, trail]).decode("gbk")
        except UnicodeDecodeError:
            continue
        raw = message(f"PID|1||||{character}^{character}", character_set="GBK").encode("gbk")
        assert parse(raw).text("PID-5.2") == character


def test_second_bytes_like_delimiters_in_msh_itself() -> None:
    raw = message("NTE|1|L|乗", character_set="GBK").replace("LIS", "亅亅").replace("CLINIC1", "乗亊").encode("gbk")
    found = parse(raw)
    assert found.sender == ("亅亅", "乗亊")
    assert found.character_set == "GBK"
    assert found.text("NTE-3") == "乗"


def test_gb18030_holds_gbk_at_the_same_codes() -> None:
    pairs = [bytes([lead, trail]) for lead in range(0x81, 0xFF) for trail in range(0x40, 0xFF)]
    for pair in pairs:
        try:
            character = pair.decode("gbk")
        except UnicodeDecodeError:
            continue
        assert pair.decode("gb18030") == character


@pytest.mark.parametrize(("name", "codec"), [("UNICODE UTF-8", "gbk"), ("", "gbk"), ("ASCII", "utf-8"), ("GB 18030-2000", "latin-1")])
def test_bytes_that_do_not_fit_are_refused(name: str, codec: str) -> None:
    text = "乙胺üü" if codec != "latin-1" else "aü"
    with pytest.raises(WrongCharacters, match="does not fit the character set"):
        parse(message(f"NTE|1|L|{text}", character_set=name).encode(codec, "ignore"))


@pytest.mark.parametrize("name", ["UNICODE UTF-16", "CNS 11643-1992", "MY OWN"])
def test_unknown_character_sets_are_refused(name: str) -> None:
    with pytest.raises(WrongCharacters, match="not read here"):
        parse(message(character_set=name).encode())


def test_an_operator_may_set_the_character_set() -> None:
    raw = message("NTE|1|L|测试", character_set="").encode("gbk")
    assert parse(raw, "GBK").text("NTE-3") == "测试"
    with pytest.raises(WrongCharacters):
        parse(raw, "no such")


def test_bytes_in_escapes_are_of_the_messages_character_set() -> None:
    assert parse(message("NTE|1|L|\\XB2E2\\\\XCAD4\\", character_set="GBK").encode("gbk")).text("NTE-3") == "测试"
    assert parse(message("NTE|1|L|\\XE4BDA0\\").encode()).text("NTE-3") == "你"
    assert parse(message("NTE|1|L|\\XFF\\ \\X4\\").encode()).text("NTE-3") == "\\XFF\\ \\X4\\"


def test_large_messages_are_decoded_in_pieces_that_end_with_lines() -> None:
    row = "NTE|1|L|" + "乗亊测试" * 3000
    raw = message(*[row] * 40, character_set="GBK").encode("gbk")
    assert {segment.text(3) for segment in parse(raw).segments("NTE")} == {"乗亊测试" * 3000}
    with pytest.raises(WrongCharacters, match="byte"):
        parse(raw[:-10] + b"\xff\xff" + raw[-10:])
