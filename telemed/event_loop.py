"""The event loop of the web role: uvloop where it is installed, asyncio's own elsewhere."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable
from typing import Any


def loop_of(role: str) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes the role's loop; None where it is asyncio's own. Pages and streams are many small messages, which uvloop passes on
    for less; the gateway has loops of its own (`dicom_gateway.dimse`), and the worker waits for the database."""
    if role != "web":
        return None
    try:
        uvloop: Any = importlib.import_module("uvloop")
    except ImportError:
        return None
    made: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return made
