"""Escape sequences of HL7 v2 (section 2.7): undone once, from the left, after the text has been split."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from lab.hl7.delimiters import Delimiters
from lab.limits import MAX_SPACES

REPLACEMENT: Final = "\ufffd"
CONTROLS: Final = bytes(code for code in range(0x20) if code not in b"\t\n\r")
"""Control characters that no text holds; they are shown as U+FFFD."""

_SHOWN: Final = dict.fromkeys(CONTROLS, REPLACEMENT)
_KNOWN: Final = (
    r"([FSRTEPHN]|\.(?:br|fi|nf|ce)|\.(?:sp|in|ti|sk)[+-]?[0-9]{0,2}"
    r"|Z[0-9A-Za-z]*|C[0-9A-Fa-f]{4}|M[0-9A-Fa-f]{4}(?:[0-9A-Fa-f]{2})?)"
)
_BREAKS: Final = re.compile("\x00*\r\x00*\n?|\x00+(?=\n)")


def shown(text: str) -> str:
    """Return a text with its control characters replaced, so that they are seen."""
    return text.translate(_SHOWN)


def unescape(text: str, delimiters: Delimiters, codec: str = "utf-8") -> str:
    r"""Return a text with its escapes undone.

    `\F\ \S\ \R\ \T\ \E\ \P\` are the delimiters; `\X0D0A\` are bytes of the message's character set, neighbouring ones
    taken together, and CR and CR LF among them are one line break; `\.br\`, `\.sp2\`, `\.in2\` and their like lay text out;
    `\H\` and `\N\` (highlighting) leave nothing. What is no known escape stays as it was sent, `\Z..\` and
    `\C..\` among it.
    """
    escape = delimiters.escape
    if not escape or escape not in text:
        return text
    pattern = _pattern(escape)

    def undone(found: re.Match[str]) -> str:
        if found[1] is None:
            return _from_bytes(found[0], escape, codec)
        return _known(found[1], found[0], delimiters)

    return pattern.sub(undone, text)


@lru_cache(maxsize=64)
def _pattern(escape: str) -> re.Pattern[str]:
    mark = re.escape(escape)
    return re.compile(f"{mark}{_KNOWN}{mark}|(?:{mark}X(?:[0-9A-Fa-f]{{2}})+{mark})+")


def _from_bytes(sent: str, escape: str, codec: str) -> str:
    digits = "".join(part[1:] for part in sent.split(escape) if part)
    try:
        text = bytes.fromhex(digits).decode(codec)
    except UnicodeDecodeError:
        return sent
    return shown(_BREAKS.sub("\n", text))


def _known(name: str, sent: str, delimiters: Delimiters) -> str:
    meant = {
        "F": delimiters.field,
        "S": delimiters.component,
        "R": delimiters.repetition or "~",
        "T": delimiters.subcomponent or "&",
        "E": delimiters.escape,
        "P": delimiters.truncation or sent,
        "H": "",
        "N": "",
        ".br": "\n",
        ".ce": "\n",
        ".fi": "",
        ".nf": "",
    }.get(name)
    if meant is not None:
        return meant
    if name[0] != ".":
        return sent
    count = min(int(name[3:].lstrip("+") or 1) if name[3:] not in ("-", "+") else 0, MAX_SPACES)
    return ("\n" if name[1:3] == "sp" else " ") * max(count, 0)


def escape(text: str, delimiters: Delimiters) -> str:
    r"""Return a text as it is written into a message: delimiters escaped, a line break as `\.br\`, other control characters as `\X..\`.

    Without an escape character the delimiters cannot be written; they become blanks.
    """
    return text.replace("\r\n", "\n").translate(_written(delimiters))


@lru_cache(maxsize=64)
def _written(delimiters: Delimiters) -> dict[int, str]:
    mark = delimiters.escape
    named = {
        delimiters.field: "F",
        delimiters.component: "S",
        delimiters.repetition: "R",
        delimiters.subcomponent: "T",
        delimiters.escape: "E",
        delimiters.truncation: "P",
    }
    table = {ord(character): f"{mark}{name}{mark}" if mark else " " for character, name in named.items() if character}
    table |= {code: f"{mark}X{code:02X}{mark}" if mark else " " for code in CONTROLS}
    return table | {ord(line_end): f"{mark}.br{mark}" if mark else " " for line_end in "\r\n"}
