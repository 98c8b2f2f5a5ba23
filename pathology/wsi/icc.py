"""The ICC profile of an optical path: an input profile (class `scnr`), as PS3.3 C.11.15.1.1 asks for."""

from __future__ import annotations

from typing import Final

from PIL import ImageCms

_CLASS: Final = slice(12, 16)
_SPACE: Final = slice(16, 20)
_CREATED: Final = slice(24, 36)
_IDENTIFIER: Final = slice(84, 100)
"""Places in the header of a profile (ICC.1:2022 section 7.2)."""

_MATRIX_TAGS: Final = (b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC")


def input_profile(embedded: bytes) -> bytes:
    """Return the file's profile as one of class `scnr`, or sRGB as such where it has none that can be one.

    A display profile of matrix and curves has the same tags as an input profile (ICC.1:2022 sections 8.3.3 and 8.4.3): its class
    is changed and its identifier, a digest over the header, set to zero.
    """
    if len(embedded) >= 128 and embedded[_SPACE] == b"RGB ":
        if embedded[_CLASS] == b"scnr":
            return embedded
        if embedded[_CLASS] == b"mntr" and _has_matrix(embedded):
            return _as_input(embedded)
    return _as_input(_srgb())


def _has_matrix(profile: bytes) -> bool:
    count = int.from_bytes(profile[128:132], "big")
    tags = {profile[at : at + 4] for at in range(132, min(len(profile), 132 + 12 * min(count, 100)), 12)}
    return tags.issuperset(_MATRIX_TAGS)


def _srgb() -> bytes:
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[_CREATED] = bytes([7, 232, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0])  # 2024-01-01: the same bytes every time
    return bytes(profile)


def _as_input(profile: bytes) -> bytes:
    changed = bytearray(profile)
    changed[_CLASS] = b"scnr"
    changed[_IDENTIFIER] = bytes(16)
    return bytes(changed)
