"""The centres.

One of forms alone is one module of this package with a `CENTRE`. One with evidence of its own is a folder: its module `centre` has the
`CENTRE`, its module `extension` the `EXTENSION`.
"""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from typing import TYPE_CHECKING

from telemed.domain.centre import Centre

if TYPE_CHECKING:  # a role that asks for centres alone does not load what extensions need
    from telemed.extension import CentreExtension


def discover() -> dict[str, Centre]:
    """Return all centres by code, in the order they are shown."""
    names = [f"{__name__}.{module.name}" + (".centre" if module.ispkg else "") for module in pkgutil.iter_modules(__path__)]
    found: list[Centre] = [importlib.import_module(name).CENTRE for name in names]
    return {centre.code: centre for centre in sorted(found, key=lambda centre: centre.order)}


def migrations() -> list[Path]:
    """Return the folders of the centres' own Alembic revisions."""
    return [extension.migrations for extension in extensions() if extension.migrations]


def extensions() -> tuple[CentreExtension, ...]:
    """Return the extensions of the centres that have a folder, by the folders' names."""
    folders = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.ispkg)
    return tuple(importlib.import_module(f"{__name__}.{name}.extension").EXTENSION for name in folders)
