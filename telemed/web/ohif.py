"""The OHIF viewer under `/ohif`: signed-in people only, with a content policy of its own, over the same DICOMweb as every page."""

from __future__ import annotations

import json
from pathlib import Path

from aiohttp import web
from yarl import URL

from telemed.ohif import BASE, installed
from telemed.web.i18n import current_language
from telemed.web.keys import OHIF
from telemed.web.security import person_of

MAX_STUDIES = 6
"""Studies that are opened at once: the case's own, and the newest priors."""

STYLES = (
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
    "'sha256-Od9mHMH7x2G6QuoV3hsPkDCwIyqbg2DX3F5nLeCYQBc='",
    "'sha256-vGQdhYJbTuF+M8iCn1IZCHpdkiICocWHDq4qnQF4Rjw='",
    "'sha256-nzTgYzXYDNe6BAHiiI7NNlfK8n/auuOAhh2t92YvuXo='",
)
"""Digests of the style elements that the viewer of this version writes into its page: an empty one, which scripts fill by rule, those of
messages and scrolled areas, and that of its menus. A new version may have others: the browser says in its console which it asks for."""

# WebAssembly codecs and workers made from blobs: the viewer needs them, our own pages do not.
POLICY = "; ".join((
    "default-src 'self'", "script-src 'self' 'wasm-unsafe-eval'", "worker-src 'self' blob:",
    f"style-src 'self' {' '.join(STYLES)}", "img-src 'self' data: blob:", "font-src 'self' data:",
    "connect-src 'self' data: blob:", "media-src 'self' blob:", "object-src 'none'", "base-uri 'none'", "form-action 'none'",
    "frame-ancestors 'none'",
))  # fmt: skip

_CONFIGURATION = {
    "routerBasename": BASE,
    "extensions": [],
    "modes": [],
    "customizationService": {"ohif.tours": {"$set": []}},
    "showStudyList": False,
    "maxNumberOfWebWorkers": 3,
    "showWarningMessageForCrossOrigin": False,
    "showCPUFallbackMessage": False,
    "showLoadingIndicator": True,
    "strictZSpacingForVolumeViewport": True,
    "investigationalUseDialog": {"option": "never"},
    "defaultDataSourceName": "dicomweb",
    "dataSources": [
        {
            "namespace": "@ohif/extension-default.dataSourcesModule.dicomweb",
            "sourceName": "dicomweb",
            "configuration": {
                "friendlyName": "DICOMweb",
                "name": "telemed",
                "qidoRoot": "/dicomweb",
                "wadoRoot": "/dicomweb",
                "qidoSupportsIncludeField": True,
                "imageRendering": "wadors",
                "thumbnailRendering": "wadors",
                "enableStudyLazyLoad": True,
                "supportsFuzzyMatching": True,
                "supportsWildcard": True,
                "omitQuotationForMultipartRequest": True,
                "singlepart": "bulkdata,video,pdf",
                "bulkDataURI": {"enabled": True, "relativeResolution": "series"},
            },
        }
    ],
}
"""The viewer's settings (its `window.config`); addresses of bulk data are relative to a series' metadata."""


def add_routes(app: web.Application, folder: Path) -> None:
    """Serve the viewer that stands in `folder`; without one there is nothing under `/ohif`."""
    app[OHIF] = installed(folder)
    if not app[OHIF]:
        return
    root = folder.resolve()

    async def page(request: web.Request) -> web.StreamResponse:
        person_of(request)
        return web.FileResponse(root / "index.html", headers={"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"})

    async def file(request: web.Request) -> web.StreamResponse:
        person_of(request)
        wanted = (root / request.match_info["path"]).resolve()
        if not wanted.is_relative_to(root) or not wanted.is_file():
            # The viewer's own addresses (/ohif/viewer) are all one page; a file that is missing is missing.
            if "." in wanted.name:
                raise web.HTTPNotFound
            return await page(request)
        return web.FileResponse(wanted, headers={"Content-Security-Policy": POLICY, "Cache-Control": "private, max-age=86400"})

    async def configuration(request: web.Request) -> web.StreamResponse:
        person_of(request)
        return web.Response(text=f"window.config = {json.dumps(_CONFIGURATION)};\n", content_type="text/javascript")

    async def font(request: web.Request) -> web.StreamResponse:
        # Its style sheet asks for fonts at the root, wherever it is served.
        person_of(request)
        wanted = root / request.match_info["font"]
        if not wanted.is_file():
            raise web.HTTPNotFound
        return web.FileResponse(wanted, headers={"Cache-Control": "private, max-age=86400"})

    app.router.add_get(r"/{font:[0-9a-f]{16}\.woff2}", font)
    app.router.add_get(f"{BASE}/app-config.js", configuration)
    app.router.add_get(BASE, page)
    app.router.add_get(f"{BASE}/{{path:.*}}", file)


def viewer_address(app: web.Application, studies: list[str], priors: list[str]) -> str:
    """Return where OHIF shows these studies with the priors beside them; empty where it is not installed or nothing has come."""
    if not app[OHIF] or not studies:
        return ""
    wanted = list(dict.fromkeys([*studies, *priors]))[:MAX_STUDIES]
    query = {"StudyInstanceUIDs": ",".join(wanted), "lng": "en" if current_language() == "en" else "zh"}
    return str(URL(f"{BASE}/viewer").with_query(query))
