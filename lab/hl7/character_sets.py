"""MSH-18: which character set the bytes of a message are in.

Names are those of HL7 table 0211 and the ways in which systems really write them (`GBK`, `GB2312`, `UTF-8`). An empty MSH-18 means
ASCII by the standard; UTF-8 holds ASCII and its bytes cannot be mistaken, so it is read as UTF-8. Nothing is guessed: bytes
that do not fit are refused.

In every character set here CR and LF are never part of another character, so lines may be parted before decoding. UTF-16 and
UTF-32 are not so, cannot travel in MLLP blocks either, and are refused.
"""

from __future__ import annotations

from typing import Final

from lab.errors import WrongCharacters
from lab.hl7.delimiters import Delimiters

DEFAULT: Final = "utf-8"

_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "ascii": ("ASCII", "US-ASCII", "ISO IR6"),
    "utf-8": ("UNICODE UTF-8", "UTF-8", "UNICODE", "ISO IR192"),
    # GB 18030 holds GBK and GB 2312 at the same codes, and what is declared GB 2312 often is GBK.
    "gb18030": ("GB 18030-2000", "GB 18030-2005", "GB 18030-2022", "GB 18030", "GBK", "CP936", "GB 2312", "GB 2312-80", "GB 2312-1980"),
    "cp950": ("BIG-5", "BIG5"),
    "euc_kr": ("KS X 1001", "EUC-KR"),
    "iso2022_jp_2": ("ISO IR87", "ISO IR159", "ISO-2022-JP"),
    "shift_jis": ("ISO IR13", "ISO IR14", "SHIFT_JIS"),
    **{f"iso8859-{part}": (f"8859/{part}", f"ISO-8859-{part}", f"ISO 8859/{part}") for part in (*range(1, 10), 15)},
    "cp1252": ("WINDOWS-1252", "CP1252"),
}


def _plain(name: str) -> str:
    """The name with nothing but its letters and digits."""
    return "".join(character for character in name.upper() if character.isalnum())


_CODECS: Final = {_plain(name): codec for codec, names in _NAMES.items() for name in names}
_SWALLOWING: Final = ("gb18030", "cp950", "shift_jis")
"""Codecs whose second byte may be an ASCII delimiter."""


def codec_named(name: str) -> str | None:
    """Return the Python codec of a name of MSH-18; None for a name that is not known, `utf-8` for an empty one."""
    return _CODECS.get(_plain(name)) if name.strip() else DEFAULT


def codec_of(names: list[str]) -> str | None:
    """Return the codec of all repetitions of MSH-18: of the first, but where a later one brings in a JIS set by escape sequences."""
    codecs = [codec_named(name) for name in names]
    return "iso2022_jp_2" if "iso2022_jp_2" in codecs[1:] and codecs[0] in ("ascii", "utf-8") else codecs[0]


def declared(msh: bytes, delimiters: Delimiters) -> list[str]:
    """Return the repetitions of MSH-18, read from the bytes of MSH.

    MSH itself may hold characters whose second byte looks like a separator; then fields are miscounted before the character
    set is known. The reading is taken under which MSH, decoded, names the character set it was decoded with.
    """
    names = _names(msh.decode("latin-1"), delimiters)
    if msh.isascii() or _consistent(msh, delimiters, codec_of(names)):
        return names
    for codec in _SWALLOWING:
        if _consistent(msh, delimiters, codec):
            return _names(msh.decode(codec), delimiters)
    return names


def _names(msh: str, delimiters: Delimiters) -> list[str]:
    fields = msh.split(delimiters.field)
    value = fields[17] if len(fields) > 17 else ""
    repetitions = value.split(delimiters.repetition) if delimiters.repetition else [value]
    return [repetition.split(delimiters.component)[0].strip() for repetition in repetitions]


def _consistent(msh: bytes, delimiters: Delimiters, codec: str | None) -> bool:
    if codec is None:
        return False
    try:
        return codec_of(_names(msh.decode(codec), delimiters)) == codec
    except UnicodeDecodeError:
        return False


def codec_for(msh: bytes, delimiters: Delimiters, override: str | None) -> tuple[str, str]:
    """Return the name and the codec of a message; `override` is the character set an operator set for the sender.

    Raises WrongCharacters where the name is none that is known.
    """
    names = [override] if override else declared(msh, delimiters)
    codec = codec_of(names)
    if codec is None:
        raise WrongCharacters(
            f"MSH-18 names the character set {names[0]!r}, which is not read here; send UNICODE UTF-8 or GB 18030-2000",
            "103",
            segment="MSH",
            field=18,
        )
    return names[0], codec


def mismatch(error: UnicodeDecodeError, name: str, start: int, segment: str) -> WrongCharacters:
    """Return the refusal of bytes that do not fit: `start` is where in the message the decoded piece begins."""
    wrong = error.object[error.start : error.end][:4].hex(" ").upper()
    said = name or "UTF-8 (MSH-18 is empty)"
    return WrongCharacters(
        f"byte {start + error.start} ({wrong}) does not fit the character set {said}; "
        "send MSH-18 as the text is coded, or have the sender's character set set and the message replayed",
        "102",
        segment=segment,
    )
