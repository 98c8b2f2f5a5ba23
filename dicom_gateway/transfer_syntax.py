"""Transfer syntaxes: how a UID says that a data set is encoded (PS3.5 section 10 and annex A, PS3.6 annex A)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

IMPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2"
EXPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2.1.99"
EXPLICIT_VR_BIG_ENDIAN = "1.2.840.10008.1.2.2"
DEFLATED_IMAGE_FRAME = "1.2.840.10008.1.2.8.1"
JPEG_LOSSLESS_SV1 = "1.2.840.10008.1.2.4.70"
JPEG_LS_LOSSLESS = "1.2.840.10008.1.2.4.80"
JPEG_2000_LOSSLESS = "1.2.840.10008.1.2.4.90"
HTJ2K_LOSSLESS = "1.2.840.10008.1.2.4.201"
RLE_LOSSLESS = "1.2.840.10008.1.2.5"

# GE's private syntax: implicit little endian with big-endian pixels.
_IMPLICIT = frozenset({IMPLICIT_VR_LITTLE_ENDIAN, "1.2.840.113619.5.2"})
# The two JPIP "referenced deflate" syntaxes deflate the data set as the plain deflated syntax does (PS3.5 A.7, A.11).
_DEFLATED = frozenset({DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205"})
_NATIVE = _IMPLICIT | _DEFLATED | {EXPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_BIG_ENDIAN, "1.2.840.10008.1.2.4.94", "1.2.840.10008.1.2.4.204"}

# Media type of one encoded frame (PS3.18 tables 8.7.3-4 to 8.7.3-6).
_FRAME_MEDIA_TYPES = {
    "1.2.840.10008.1.2.4.50": "image/jpeg",
    "1.2.840.10008.1.2.4.51": "image/jpeg",
    "1.2.840.10008.1.2.4.57": "image/jpeg",
    "1.2.840.10008.1.2.4.70": "image/jpeg",
    "1.2.840.10008.1.2.4.80": "image/jls",
    "1.2.840.10008.1.2.4.81": "image/jls",
    "1.2.840.10008.1.2.4.90": "image/jp2",
    "1.2.840.10008.1.2.4.91": "image/jp2",
    "1.2.840.10008.1.2.4.92": "image/jpx",
    "1.2.840.10008.1.2.4.93": "image/jpx",
    "1.2.840.10008.1.2.4.110": "image/jxl",
    "1.2.840.10008.1.2.4.111": "image/jxl",
    "1.2.840.10008.1.2.4.112": "image/jxl",
    "1.2.840.10008.1.2.4.201": "image/jphc",
    "1.2.840.10008.1.2.4.202": "image/jphc",
    "1.2.840.10008.1.2.4.203": "image/jphc",
    "1.2.840.10008.1.2.5": "image/dicom-rle",
}
# Media type of a whole video (PS3.18 table 8.7.3-5); the fragmentable syntaxes end in .1 (PS3.6 annex A).
_VIDEO_MEDIA_TYPES = {
    **dict.fromkeys((f"1.2.840.10008.1.2.4.{n}{end}" for n in (100, 101) for end in ("", ".1")), "video/mpeg"),
    **dict.fromkeys((f"1.2.840.10008.1.2.4.{n}{end}" for n in (102, 103, 104, 105, 106) for end in ("", ".1")), "video/mp4"),
    **dict.fromkeys((f"1.2.840.10008.1.2.4.{n}" for n in (107, 108)), "video/mp4"),
}


@dataclass(frozen=True, slots=True)
class TransferSyntax:
    """The encoding of a data set; `encapsulated` says that pixel data of undefined length is expected."""

    uid: str
    implicit_vr: bool
    big_endian: bool
    deflated: bool
    encapsulated: bool

    @property
    def frame_media_type(self) -> str:
        """Media type of one frame as it is kept."""
        return _FRAME_MEDIA_TYPES.get(self.uid, "application/octet-stream")

    @property
    def video_media_type(self) -> str:
        """Media type of the stream; empty where the pixel data are no video."""
        return _VIDEO_MEDIA_TYPES.get(self.uid, "")


@lru_cache(maxsize=256)
def transfer_syntax(uid: str) -> TransferSyntax:
    """The encoding that `uid` names. Unknown and private UIDs are explicit VR little endian with encapsulated
    pixels, which every syntax registered since 1993 is (PS3.5 A.4)."""
    return TransferSyntax(
        uid=uid,
        implicit_vr=uid in _IMPLICIT,
        big_endian=uid == EXPLICIT_VR_BIG_ENDIAN,
        deflated=uid in _DEFLATED,
        encapsulated=uid not in _NATIVE,
    )
