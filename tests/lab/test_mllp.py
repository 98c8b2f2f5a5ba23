"""Blocks are found wherever TCP cuts the stream; what is no whole block never passes for one; the limit holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.hl7 import parse
from lab.mllp import NO_END, TOO_LARGE, Block, Decoder, encode
from tests.lab.real_files import case, needs_cases
from tests.lab.samples import message

ONE, TWO = message(control="A1").encode(), message(control="A2").encode()


def blocks(stream: bytes, cuts: list[int] | None = None, largest: int = 1 << 20) -> list[Block]:
    decoder, found, start = Decoder(largest), [], 0
    for cut in [*sorted(cuts or []), len(stream)]:
        found += decoder.feed(stream[start:cut])
        start = cut
    return found + decoder.finish()


@needs_cases
def test_the_framing_of_cases() -> None:
    one = case("08-")
    for cuts in (one.expected["cut_after_bytes"], [], list(range(len(one.content)))):
        found = blocks(one.content, cuts)
        good = [parse(block.content).control_id for block in found if not block.fault]
        assert good == one.expected["answers_in_order"]
        assert [(parse(block.content).control_id, block.fault) for block in found if block.fault] == [("C0804", NO_END)]
    decoder = Decoder()
    decoder.feed(one.content)
    assert decoder.ignored == len("hello")


@needs_cases
def test_line_ends_and_leftovers_of_cases() -> None:
    one = case("07-")
    assert [f"AA {parse(block.content).control_id}" for block in blocks(one.content)] == one.expected["answers"]


@given(st.data())
def test_blocks_are_the_same_wherever_the_stream_is_cut(data: st.DataObject) -> None:
    text = st.binary(max_size=40).filter(lambda raw: b"\x1c" not in raw)
    contents = data.draw(st.lists(text.map(lambda raw: b"MSH|" + raw.replace(b"\x0b", b" ")), min_size=1, max_size=5))
    between = data.draw(st.sampled_from([b"", b"\0\0", b"\r\n", b" noise "]))
    stream = between + b"".join(encode(content) + between for content in contents)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=8))
    assert blocks(stream, cuts) == [Block(content) for content in contents]


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=6))
def test_any_bytes_in_any_pieces_give_the_same_blocks(stream: bytes, cuts: list[int]) -> None:
    assert blocks(stream, [cut for cut in cuts if cut <= len(stream)]) == blocks(stream)


@given(st.lists(st.sampled_from([b"\x0b", b"\x1c", b"\r", b"\n", b"MSH|", b"MSH", b"|", b"x", b"\xef\xbb\xbf", b"BHS|"]), max_size=25), st.lists(st.integers(0, 90), max_size=6))  # fmt: skip
def test_hostile_pieces_give_the_same_blocks(pieces: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(pieces)
    assert blocks(stream, [cut for cut in cuts if cut <= len(stream)]) == blocks(stream)


def test_a_start_byte_in_the_text_is_text() -> None:
    for stray in (b"\x0b", b"\x0bMSH", b"\x0bMSHX|", b"\x0bMS", b"\x0b\x0b", b"\x0bMSH^"):
        raw = ONE[:-1] + stray + b"x\r"
        assert blocks(encode(raw)) == [Block(raw)]


def test_a_lost_end_is_found_by_the_next_message() -> None:
    assert blocks(b"\x0b" + ONE + encode(TWO)) == [Block(ONE, NO_END), Block(TWO)]
    assert blocks(b"\x0b" + ONE + encode(b"\xef\xbb\xbf" + TWO)) == [Block(ONE, NO_END), Block(b"\xef\xbb\xbf" + TWO)]
    own = ONE.replace(b"|", b"@")
    assert blocks(b"\x0b" + own + encode(own)) == [Block(own, NO_END), Block(own)]
    assert blocks(b"\x0bnoise" + encode(TWO)) == [Block(b"noise", NO_END), Block(TWO)]


@pytest.mark.parametrize("end", [b"\x1c", b"\x1c\n", b"\x1c\0", b"\x1c \r\n"])
def test_an_end_without_cr_ends_where_the_next_begins(end: bytes) -> None:
    assert blocks(b"\x0b" + ONE + end + encode(TWO)) == [Block(ONE), Block(TWO)]
    assert blocks(b"\x0b" + ONE + end) == [Block(ONE)]


def test_an_end_byte_in_the_text_is_text() -> None:
    raw = ONE[:-1] + b"\x1cx\r"
    assert blocks(encode(raw)) == [Block(raw)]


def test_what_has_no_end_is_told_when_the_connection_ends() -> None:
    decoder = Decoder()
    assert decoder.feed(b"\x0b" + ONE[:40]) == []
    assert decoder.waiting == 40
    assert decoder.finish() == [Block(ONE[:40], NO_END)]
    assert decoder.finish() == []
    assert Decoder().finish() == []


@pytest.mark.parametrize(("size", "fault"), [(99, ""), (100, ""), (101, TOO_LARGE)])
@pytest.mark.parametrize("pieces", [1, 7])
def test_the_limit(size: int, fault: str, pieces: int) -> None:
    stream = encode(b"MSH|".ljust(size, b"x")) + encode(ONE[:50])
    found = blocks(stream, [len(stream) * n // pieces for n in range(1, pieces)], largest=100)
    assert found[0].fault == fault
    assert len(found) == (1 if fault else 2)


def test_a_flood_without_end_is_not_kept() -> None:
    decoder = Decoder(largest=1 << 20)
    found = [
        block
        for _ in range(64)
        for block in decoder.feed((b"" if decoder.waiting or decoder.broken else b"\x0b") + b"MSH|" + b"A" * (1 << 16))
    ]
    assert [block.fault for block in found] == [TOO_LARGE]
    assert len(found[0].content) == Decoder.KEPT_OF_TOO_LARGE
    assert decoder.broken
    assert decoder.waiting == 0


def test_a_start_byte_that_comes_twice_makes_no_block_of_its_own() -> None:
    assert blocks(b"\x0b" + encode(ONE)) == [Block(ONE)]
    assert blocks(b"\x0b\r\n" + encode(ONE)) == [Block(ONE)]


def test_an_empty_block_is_a_block() -> None:
    assert blocks(encode(b"")) == [Block(b"")]
