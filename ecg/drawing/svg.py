"""A drawing as SVG, one user unit a millimetre."""

from __future__ import annotations

from typing import Final
from xml.sax.saxutils import escape, quoteattr

from ecg.drawing.primitives import STYLES, Drawing, Item, Lines, Polyline, Text
from ecg.xml_text import xml_text

FONTS: Final = "Helvetica, Arial, 'Noto Sans CJK SC', 'Source Han Sans SC', 'Microsoft YaHei', sans-serif"


def to_svg(drawing: Drawing, fonts: str = FONTS) -> str:
    """The drawing as an SVG document of its true size. `fonts` is the CSS font family of its text."""
    width, height = f"{drawing.width:g}", f"{drawing.height:g}"
    body = "\n".join(_element(item) for item in drawing.items)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}mm" height="{height}mm" '
        f'viewBox="0 0 {width} {height}" font-family={quoteattr(fonts)}>\n'
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>\n{body}\n</svg>\n'
    )


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _element(item: Item) -> str:
    style = STYLES[item.style]
    if isinstance(item, Text):
        weight = ' font-weight="bold"' if item.bold else ""
        return (
            f'<text class="{item.style}" x="{_number(item.x)}" y="{_number(item.y)}" font-size="{_number(item.size)}" '
            f'text-anchor="{item.anchor}" fill="{style.colour}"{weight}>{escape(xml_text(item.text))}</text>'
        )
    return (
        f'<path class="{item.style}" d="{_path(item)}" fill="none" stroke="{style.colour}" '
        f'stroke-width="{style.width:g}" stroke-linejoin="round"/>'
    )


def _path(item: Lines | Polyline) -> str:
    if isinstance(item, Lines):
        return "".join(f"M{_number(x1)} {_number(y1)}L{_number(x2)} {_number(y2)}" for x1, y1, x2, y2 in item.ends.tolist())
    first, *rest = (f"{_number(x)} {_number(y)}" for x, y in item.points.tolist())
    return f"M{first}L{' '.join(rest)}"
