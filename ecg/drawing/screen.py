"""A drawing as plain data for the screen, which paints the same millimetres and knows where its calipers stand."""

from __future__ import annotations

from typing import Any

import numpy as np

from ecg.drawing.primitives import STYLES, Drawing, Item, Lines, Text


def to_json(drawing: Drawing) -> dict[str, Any]:
    """The drawing as what `json.dumps` takes: sizes in mm, styles, strips, and items with flat lists of coordinates."""
    return {
        "width": drawing.width,
        "height": drawing.height,
        "speed": drawing.speed,
        "gain": drawing.gain,
        "styles": {name: {"colour": style.colour, "width": style.width} for name, style in STYLES.items()},
        "strips": [
            {"lead": strip.lead, "x": strip.x, "y": strip.y, "width": strip.width, "begin": strip.begin} for strip in drawing.strips
        ],
        "items": [_item(item) for item in drawing.items],
    }


def _item(item: Item) -> dict[str, Any]:
    if isinstance(item, Text):
        return {
            "type": "text",
            "style": item.style,
            "x": round(item.x, 2),
            "y": round(item.y, 2),
            "text": item.text,
            "size": item.size,
            "anchor": item.anchor,
            "bold": item.bold,
        }
    kind, values = ("lines", item.ends) if isinstance(item, Lines) else ("polyline", item.points)
    return {"type": kind, "style": item.style, "points": np.round(values, 2).reshape(-1).tolist()}
