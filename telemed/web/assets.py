"""Assets that the browser loads: styles, ES modules, icons, third-party code.

Everything under ``static/`` is read once at start (about 1 MB), compressed, and served from memory at
``/static/{digest}/{path}``, where the digest is that of the whole tree. A browser may keep such an answer for
ever, and the relative imports of ES modules inherit the digest, so no bundler is needed. A page from before an
update that asks for an older digest gets today's file, not to be kept.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiohttp import web

STATIC_FOLDER: Final = Path(__file__).parent / "static"
_COMPRESSIBLE: Final = {".css", ".js", ".svg", ".json", ""}
_FOR_EVER: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Asset:
    """One file, ready to send."""

    content_type: str
    body: bytes
    compressed: bytes | None


def _content_type(path: Path) -> str:
    if path.suffix == ".js":
        return "text/javascript"  # RFC 9239; the table of the operating system may say otherwise
    return mimetypes.guess_type(path.name)[0] or "text/plain"


class Assets:
    """The tree of static files, addressed by its digest. Further folders are laid over the first; no two may have a file of one name."""

    def __init__(self, *folders: Path) -> None:
        digest = hashlib.sha256()
        self._files: dict[str, Asset] = {}
        found = [(path.relative_to(folder).as_posix(), path) for folder in folders for path in folder.rglob("*") if path.is_file()]
        for name, path in sorted(found):
            if name in self._files:
                raise ValueError(f"two files are to be served as {name!r}; one of them is {path}")
            body = path.read_bytes()
            digest.update(f"{name}\0{len(body)}\0".encode() + body)
            compressed = gzip.compress(body, 6, mtime=0) if path.suffix in _COMPRESSIBLE else None
            self._files[name] = Asset(_content_type(path), body, compressed)
        self.digest: Final = digest.hexdigest()[:12]

    def url(self, path: str) -> str:
        """The address of a file, for use in a page. Raises KeyError for a file that does not exist."""
        if path not in self._files:
            raise KeyError(f"no static file {path!r}")
        return f"/static/{self.digest}/{path}"

    async def answer(self, request: web.Request) -> web.Response:
        """The file asked for; the table of files is closed, so no path can lead out of it."""
        asset = self._files.get(request.match_info["path"])
        if asset is None:
            raise web.HTTPNotFound
        current = request.match_info["digest"] == self.digest
        headers = {"Cache-Control": _FOR_EVER if current else "no-cache", "Vary": "Accept-Encoding"}
        if asset.compressed is not None and "gzip" in request.headers.get("Accept-Encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return web.Response(body=asset.compressed, content_type=asset.content_type, headers=headers)
        return web.Response(body=asset.body, content_type=asset.content_type, headers=headers)

    def add_routes(self, app: web.Application) -> None:
        """Serve the files under ``/static/``."""
        app.router.add_get(r"/static/{digest:[0-9a-f]{12}}/{path:.+}", self.answer)
