"""The capabilities description (PS3.18 section 8.9): WADL, as XML or JSON, from the routes themselves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET  # only to write

from aiohttp import web

from dicom_gateway.dicomweb.answers import JSON, XML
from dicom_gateway.dicomweb.media_types import accepted
from dicom_gateway.dicomweb.rendered import PDF, PICTURES
from dicom_gateway.dicomweb.service import Problem, scope_of
from dicom_gateway.dicomweb.zip_archive import ZIP
from dicom_gateway.index import ATTRIBUTES, Matching

WADL_XML, WADL_JSON = "application/vnd.sun.wadl+xml", "application/vnd.sun.wadl+json"
_NAMESPACE = "http://wadl.dev.java.net/2009/02"
_DICOM = 'multipart/related; type="application/dicom"'
_LISTS = (JSON, f'multipart/related; type="{XML}"')
_OCTETS = 'multipart/related; type="application/octet-stream"'

# The last step of an address -> what a GET gives, and the query it takes.
_GETS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "studies": (_LISTS, ("limit", "offset", "fuzzymatching", "includefield")),
    "series": (_LISTS, ("limit", "offset", "fuzzymatching", "includefield")),
    "instances": (_LISTS, ("limit", "offset", "fuzzymatching", "includefield")),
    "workitems": (_LISTS, ("limit", "offset", "fuzzymatching", "includefield")),
    "metadata": (_LISTS, ()),
    "bulkdata": ((_OCTETS,), ()),
    "rendered": ((*PICTURES, PDF), ("window", "viewport", "quality", "annotation")),
    "thumbnail": (PICTURES, ("window", "viewport", "quality")),
    "{frames}": ((_OCTETS, "application/octet-stream", 'multipart/related; type="image/*"'), ()),
    "{path}": (("application/octet-stream", _OCTETS), ()),
    "{workitem}": ((JSON, XML), ()),
}
_OBJECTS = ((_DICOM, "application/dicom", ZIP), ())
_SENT = {
    "studies": (_DICOM, "application/dicom", f'multipart/related; type="{JSON}"', f'multipart/related; type="{XML}"'),
    "{study}": (_DICOM, "application/dicom", f'multipart/related; type="{JSON}"', f'multipart/related; type="{XML}"'),
}


ROUTES: web.AppKey[dict[str, set[str]]] = web.AppKey("dicomweb_routes")
"""Methods by the template of an address."""


def add_capabilities(app: web.Application) -> None:
    """Let every address of `app` answer to OPTIONS. To be called behind all other routes."""
    routes: dict[str, set[str]] = {"/": set()}
    for resource in list(app.router.resources()):
        methods = {route.method for route in resource if route.method not in ("HEAD", "OPTIONS")}
        routes.setdefault(resource.canonical, set()).update(methods)
        info = resource.get_info()
        path = info.get("path") or info["formatter"].replace("{path}", "{path:.+}")
        app.router.add_route("OPTIONS", path, capabilities)
    app.router.add_route("OPTIONS", "/", capabilities)
    app[ROUTES] = routes


async def capabilities(request: web.Request) -> web.Response:
    """The resources below the address, their methods, media types and queries."""
    await scope_of(request, "search")
    kind = next((kind for r in accepted(request) for kind in (WADL_XML, WADL_JSON) if r.takes(kind)), None)
    if kind is None:
        raise Problem(406, "Not acceptable", f"capabilities come as {WADL_XML} or {WADL_JSON}")
    routes = request.app[ROUTES]
    resource = request.match_info.route.resource
    canonical = resource.canonical if resource else "/"
    here = max((template for template in routes if canonical.endswith(template)), key=len)
    below = {path: methods for path, methods in sorted(routes.items()) if path.startswith(here.rstrip("/")) and methods}
    document = _wadl(below, f"{request.scheme}://{request.host}{canonical.removesuffix(here)}")
    body = _xml(document) if kind == WADL_XML else json.dumps(document).encode()
    allowed = ", ".join(sorted({"OPTIONS"} | routes[here]))
    return web.Response(body=body, content_type=kind, headers={"Allow": allowed, "Vary": "Accept"})


def _wadl(routes: Mapping[str, set[str]], base: str) -> dict[str, Any]:
    resources = [
        {"@path": path.lstrip("/"), "method": [_method(path, name) for name in sorted(methods)]} for path, methods in routes.items()
    ]
    return {"application": {"resources": {"@base": base + "/", "resource": resources}}}


def _method(path: str, name: str) -> dict[str, Any]:
    last = path.rsplit("/", 1)[-1]
    if name != "GET":
        sent = _SENT.get(last, (JSON,))
        return {"@name": name, "request": {"representation": [{"@mediaType": each} for each in sent]}}
    given, query = _GETS.get(last, _OBJECTS)
    if last in ("studies", "series", "instances"):
        query = (*query, *(a.keyword for a in ATTRIBUTES if a.matching is not Matching.NONE))
    params = [{"@name": each, "@style": "query"} for each in query]
    return {"@name": name, "request": {"param": params}, "response": {"representation": [{"@mediaType": each} for each in given]}}


def _xml(document: Mapping[str, Any]) -> bytes:
    ((name, content),) = document.items()
    root = _node(name, content)
    root.set("xmlns", _NAMESPACE)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _node(name: str, content: Mapping[str, Any]) -> ET.Element:
    node = ET.Element(name)
    for key, value in content.items():
        if key.startswith("@"):
            node.set(key[1:], value)
        else:
            node.extend(_node(key, each) for each in (value if isinstance(value, list) else [value]))
    return node
