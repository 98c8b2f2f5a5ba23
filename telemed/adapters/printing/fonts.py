"""Fonts for printed pages: one typeface that has a glyph for every character of a document, embedded in the file.

The outlines are those of Noto Sans (SIL Open Font License 1.1), which the `justmytype-intl-cjk` package brings along as
variable TrueType fonts: Simplified Chinese first (all of GB 2312 and of CJK Extension A), then Traditional Chinese,
Japanese and Korean for what it lacks (𠮷). What a document uses of them is cut into small TrueType fonts, two weights
of one typeface, so that a paragraph never has to change fonts:

- superscripts and subscripts (10⁹/L) that the sources lack are made from their digits, and stay themselves when copied;
- any other character without a glyph is shown as a frame with its code point, so that a rare name is never a blank.
"""

import importlib.resources
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from io import BytesIO
from typing import Any, Literal
from weakref import WeakKeyDictionary

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.transformPen import TransformPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont as SourceFont
from fontTools.ttLib import newTable
from fontTools.ttLib.tables._c_m_a_p import CmapSubtable
from reportlab.pdfbase import pdfmetrics, ttfonts

Weight = Literal["Regular", "Bold"]

# OpenType `wght` of each weight. The sources run from 100 to 900.
WEIGHTS: Mapping[Weight, int] = {"Regular": 400, "Bold": 700}
FAMILY = "NotoSansReport"
SOURCES = (
    "notosanssc/NotoSansSC[wght].ttf",
    "notosanstc/NotoSansTC[wght].ttf",
    "notosansjp/NotoSansJP[wght].ttf",
    "notosanskr/NotoSansKR[wght].ttf",
)

# Metrics of Noto Sans CJK, in units of 1/1000 em.
UNITS_PER_EM = 1000
ASCENT, DESCENT, CAP_HEIGHT = 880, -120, 733
STEM: Mapping[Weight, int] = {"Regular": 80, "Bold": 140}

# Drawn for a code that stands for no character.
NOT_DEFINED = "□"

# Superscripts and subscripts: size against the full digit, and the shift of the base line.
SCRIPT_SCALE = 0.62
SCRIPT_SHIFT = {"<super>": 340, "<sub>": -130}

# The frame around the code point of a character without a glyph: left, bottom, right, top, thickness.
FRAME = (60, -80, 940, 820, 36)
FRAME_DIGIT_SCALE = 0.46

BASIC = "".join(map(chr, range(0x20, 0x7F)))

_COMBINING = re.compile("[^\u0300-\u036f][\u0300-\u036f]+")
_LINE_ENDS = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_VARIATION_SELECTORS = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))


@dataclass(frozen=True, slots=True)
class Outline:
    """One glyph: its TrueType contours and its advance in 1/1000 em."""

    glyph: Any
    advance: int


class _Source:
    """One variable font of the family, opened when it is first asked for a character."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._glyph_sets: dict[int, Any] = {}

    @cached_property
    def _font(self) -> Any:
        path = importlib.resources.files("justmytype_intl_cjk") / "fonts" / "ofl" / self._file
        return SourceFont(BytesIO(path.read_bytes()), lazy=True)

    @cached_property
    def _characters(self) -> dict[int, str]:
        return dict(self._font.getBestCmap())

    def has(self, character: str) -> bool:
        return ord(character) in self._characters

    def draw(self, character: str, weight: int, pen: Any) -> int:
        """Draw one character; returns its advance."""
        if weight not in self._glyph_sets:
            self._glyph_sets[weight] = self._font.getGlyphSet(location={"wght": weight})
        glyph = self._glyph_sets[weight][self._characters[ord(character)]]
        glyph.draw(pen)
        advance: float = glyph.width
        return round(advance)


@cache
def _sources() -> tuple[_Source, ...]:
    return tuple(_Source(file) for file in SOURCES)


def _source_of(character: str) -> _Source | None:
    return next((source for source in _sources() if source.has(character)), None)


def _script_of(character: str) -> tuple[str, str] | None:
    """For ⁹ the pair ("<super>", "9"); None for what is no superscript or subscript of one basic character."""
    kind, _, base = unicodedata.decomposition(character).partition(" ")
    if kind not in SCRIPT_SHIFT or " " in base:
        return None
    full_size = {0x2212: "-"}.get(int(base, 16), chr(int(base, 16)))
    return (kind, full_size) if full_size in BASIC else None


@lru_cache(maxsize=40_000)
def outline(character: str, weight: Weight) -> Outline:
    """The glyph that stands for a character, whatever the sources know of it."""
    pen = TTGlyphPen(None)
    wght = WEIGHTS[weight]
    script = _script_of(character)
    if script is not None:
        kind, base = script
        shifted = TransformPen(pen, (SCRIPT_SCALE, 0, 0, SCRIPT_SCALE, 0, SCRIPT_SHIFT[kind]))
        advance = round(_sources()[0].draw(base, wght, shifted) * SCRIPT_SCALE)
    else:
        source = _source_of(character)
        advance = source.draw(character, wght, pen) if source is not None else _draw_code_point(character, wght, pen)
    return Outline(pen.glyph(), advance)


def _draw_code_point(character: str, wght: int, pen: Any) -> int:
    """A frame with the hexadecimal code point in two rows."""
    left, bottom, right, top, thickness = FRAME
    inner = (left + thickness, bottom + thickness, right - thickness, top - thickness)
    _draw_rectangle(pen, left, bottom, right, top, clockwise=True)
    _draw_rectangle(pen, *inner, clockwise=False)
    code = f"{ord(character):04X}"
    half = (len(code) + 1) // 2
    row_height = (inner[3] - inner[1]) / 2
    for row, digits in enumerate((code[half:], code[:half])):
        y = inner[1] + row * row_height + 45
        pitch = (inner[2] - inner[0]) / max(len(digits), 2)
        scale = FRAME_DIGIT_SCALE if len(digits) <= 2 else FRAME_DIGIT_SCALE * 0.8
        for column, digit in enumerate(digits):
            digit_width = outline(digit, "Regular").advance * scale
            x = inner[0] + column * pitch + (pitch - digit_width) / 2
            _sources()[0].draw(digit, wght, TransformPen(pen, (scale, 0, 0, scale, x, y)))
    return UNITS_PER_EM


def _draw_rectangle(pen: Any, left: float, bottom: float, right: float, top: float, *, clockwise: bool) -> None:
    corners = [(left, bottom), (left, top), (right, top), (right, bottom)]
    first, *rest = corners if clockwise else corners[::-1]
    pen.moveTo(first)
    for corner in rest:
        pen.lineTo(corner)
    pen.closePath()


def printable(text: str) -> str:
    """The text as it can be printed: one form of line end, and none of the invisible characters that could reorder,
    hide or join what is read (controls, directional overrides, joiners, variation selectors).

    Base letters with combining accents are composed; nothing else is normalised, because the compatibility ideographs
    of personal names must stay apart.
    """
    text = _LINE_ENDS.sub("\n", text).replace("\t", "    ").replace("\u00a0", " ")
    text = _COMBINING.sub(lambda match: unicodedata.normalize("NFC", match[0]), text)
    if text.isprintable() and text.isascii():
        return text
    return "".join(map(_printable_character, text))


def _printable_character(character: str) -> str:
    category = unicodedata.category(character)
    if character == "\n":
        return character
    if category in ("Cc", "Cf") or any(ord(character) in selectors for selectors in _VARIATION_SELECTORS):
        return ""
    if category == "Cs":
        return "\ufffd"
    return " " if category == "Zs" and character != "\u3000" else character


@dataclass(frozen=True, slots=True)
class Face:
    """One weight of the typeface, known to reportlab as `name` from the moment of `register_faces`."""

    name: str
    weight: Weight

    def width(self, text: str, size: float) -> float:
        """Width of a line of printable text, in points."""
        return sum(outline(character, self.weight).advance for character in text) * size / UNITS_PER_EM


REGULAR = Face(f"{FAMILY}-Regular", "Regular")
BOLD = Face(f"{FAMILY}-Bold", "Bold")


@cache
def register_faces() -> None:
    """Make both faces known to reportlab, once per process."""
    for face in (REGULAR, BOLD):
        pdfmetrics.registerFont(_EmbeddedFont(face))


def cut_font(face: Face, characters: Sequence[str | None]) -> bytes:
    """A TrueType font whose glyph n, and whose character code n, is the n-th character (None: the empty frame).

    Such a font with at most 256 glyphs is what a simple TrueType font of a PDF embeds (ISO 32000-1, 9.6.6.4). The same
    characters always give the same bytes.
    """
    outlines = {
        f"glyph{code:02X}" if code else ".notdef": outline(character or NOT_DEFINED, face.weight)
        for code, character in enumerate(characters)
    }
    builder = FontBuilder(UNITS_PER_EM, isTTF=True)
    builder.font.recalcTimestamp = False
    builder.setupGlyphOrder(list(outlines))
    builder.setupGlyf({name: drawn.glyph for name, drawn in outlines.items()})
    builder.setupHorizontalMetrics({name: (drawn.advance, drawn.glyph.xMin) for name, drawn in outlines.items()})
    builder.setupHorizontalHeader(ascent=ASCENT, descent=DESCENT)
    builder.setupNameTable({"familyName": FAMILY, "styleName": face.weight, "psName": face.name})
    builder.setupPost(keepGlyphNames=False)
    builder.updateHead(created=0, modified=0)
    builder.font["cmap"] = _codes(list(outlines))
    buffer = BytesIO()
    builder.save(buffer)
    return buffer.getvalue()


def _codes(names: list[str]) -> Any:
    """The character map from one-byte codes to glyphs: Macintosh platform, as symbolic fonts of a PDF have it."""
    table = newTable("cmap")
    table.tableVersion = 0
    codes = CmapSubtable.newSubtable(6)
    codes.platformID, codes.platEncID, codes.language = 1, 0, 0
    codes.cmap = dict(enumerate(names))
    table.tables = [codes]
    return table


class _EveryCharacter:
    """The characters that a face has a glyph for: all but controls and halves of surrogate pairs."""

    def __contains__(self, code: int) -> bool:
        return unicodedata.category(chr(code)) not in ("Cc", "Cs")


class _EmbeddedFace(ttfonts.TTFontFace):  # type: ignore[misc]  # reportlab carries no types
    """A face that reportlab can take subsets from, without a file that would hold all of it."""

    def __init__(self, face: Face) -> None:
        pdfmetrics.TypeFace.__init__(self, face.name)
        self._face = face
        self.name = face.name.encode()
        self.filename = face.name
        self.subfontNameX = b""
        self.charToGlyph = _EveryCharacter()
        self.charWidths: dict[int, int] = {}
        self.defaultWidth = UNITS_PER_EM
        self.ascent, self.descent, self.capHeight = ASCENT, DESCENT, CAP_HEIGHT
        self.bbox = [0, DESCENT, UNITS_PER_EM, ASCENT]
        self.italicAngle = 0
        self.stemV = STEM[face.weight]
        self.flags = ttfonts.FF_SYMBOLIC

    def getCharWidth(self, code: int) -> int:  # noqa: N802  # the name is reportlab's
        return outline(chr(code) if code in self.charToGlyph else NOT_DEFINED, self._face.weight).advance

    def makeSubset(self, subset: list[int]) -> bytes:  # noqa: N802  # the name is reportlab's
        return cut_font(self._face, [chr(code) if code in self.charToGlyph else None for code in subset])


class _EmbeddedFont(ttfonts.TTFont):  # type: ignore[misc]  # reportlab carries no types
    """reportlab's TrueType font on such a face, with a /ToUnicode map that is right beyond the basic plane too."""

    def __init__(self, face: Face) -> None:
        self.fontName = face.name
        self.face = _EmbeddedFace(face)
        self.encoding = ttfonts.TTEncoding()
        self.state: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
        self.shapable = False
        self._asciiReadable = True
        self._width = face.width

    def stringWidth(self, text: str, size: float, encoding: str = "utf8") -> float:  # noqa: N802  # reportlab's name
        return self._width(text, size)

    def addObjects(self, doc: Any) -> None:  # noqa: N802  # the name is reportlab's
        subsets = list(self.state[doc].subsets)
        names = [self.getSubsetInternalName(number, doc)[1:] for number in range(len(subsets))]
        super().addObjects(doc)
        for name, subset in zip(names, subsets, strict=True):
            font = doc.idToObject["BasicFonts"].dict[name]
            doc.idToObject[f"toUnicodeCMap:{font.BaseFont}"].content = _to_unicode(font.BaseFont, subset)


def _to_unicode(name: str, subset: list[int]) -> str:
    """A CMap from one-byte codes to UTF-16BE (ISO 32000-1, 9.10.3), in blocks of 100 entries at most."""
    entries = [(code, chr(point)) for code, point in enumerate(subset) if point]
    lines = [
        "/CIDInit /ProcSet findresource begin",
        "12 dict begin",
        "begincmap",
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def",
        f"/CMapName /{name} def",
        "/CMapType 2 def",
        "1 begincodespacerange",
        "<00> <FF>",
        "endcodespacerange",
    ]
    for start in range(0, len(entries), 100):
        block = entries[start : start + 100]
        lines.append(f"{len(block)} beginbfchar")
        lines += [f"<{code:02X}> <{character.encode('utf-16-be').hex().upper()}>" for code, character in block]
        lines.append("endbfchar")
    lines += ["endcmap", "CMapName currentdict /CMap defineresource pop", "end", "end"]
    return "\n".join(lines)
