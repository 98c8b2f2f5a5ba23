"""The pixels that PNG and JPEG files claim."""

from __future__ import annotations

import io
import struct

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from telemed.domain.pictures import pixels_of


def picture(kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (48, 64)).save(out, kind, **options)
    return out.getvalue()


def test_pictures_as_they_are_written() -> None:
    for made in (picture("PNG"), picture("JPEG"), picture("JPEG", progressive=True), picture("JPEG", icc_profile=bytes(200_000))):
        assert pixels_of(made) == 48 * 64


def test_a_preview_in_front_does_not_count() -> None:
    made = picture("JPEG")
    preview = b"\xff\xe1" + struct.pack(">H", len(made) + 2) + made
    assert pixels_of(made[:2] + preview + made[2:].replace(struct.pack(">HH", 64, 48), struct.pack(">HH", 640, 480))) == 640 * 480


def test_the_largest_claim_counts() -> None:
    made = picture("JPEG")
    at = made.index(b"\xff\xc0")
    frame = made[at : at + 2 + struct.unpack_from(">H", made, at + 2)[0]]
    assert pixels_of(made[:at] + frame[:5] + struct.pack(">HH", 60000, 50000) + frame[9:] + made[at:]) == 60000 * 50000


def test_the_first_bytes_say_nothing() -> None:
    for head in (b"", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"\x89PNG\r\n\x1a\n" + bytes(20), b"\xff\xd8", picture("JPEG")[:20]):
        assert pixels_of(head) is None


@given(st.sampled_from([b"\xff\xd8", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"]), st.binary(max_size=200))
def test_any_bytes_have_a_number_or_none(magic: bytes, noise: bytes) -> None:
    assert (pixels_of(magic + noise) or 0) >= 0
