"""Metrics at `/metrics`: for who has the token, or sits at the machine of an installation that no proxy stands in front of.

A proxy of this machine is loopback too, and speaks for everybody. So where settings or the request say that there is one, only the
token opens; where no token is set, nobody learns that there is something.
"""

from __future__ import annotations

import hmac
import ipaddress

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from telemed.web.keys import METRICS, METRICS_TOKEN, SECURE_COOKIES, TRUSTED_PROXIES
from telemed.web.problems import Problem

PATH = "/metrics"
FORWARDED = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP")
"""Headers by which a proxy shows."""


async def metrics(request: web.Request) -> web.Response:
    """Return the metrics of all processes of this machine."""
    token = request.app[METRICS_TOKEN]
    if token and not _has(request, token):
        raise Problem(401, "not-authenticated", headers={"WWW-Authenticate": 'Bearer realm="metrics"'})
    if not token and not _is_at_the_machine(request):
        raise web.HTTPNotFound
    return web.Response(body=await request.app[METRICS].exposition(), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _has(request: web.Request, token: str) -> bool:
    scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(shown.strip().encode(), token.encode())


def _is_at_the_machine(request: web.Request) -> bool:
    behind_proxy = bool(request.app[TRUSTED_PROXIES]) or request.app[SECURE_COOKIES]
    if behind_proxy or any(name in request.headers for name in FORWARDED):
        return False
    try:
        asking = ipaddress.ip_address((request.remote or "").partition("%")[0])
    except ValueError:
        return False
    mapped = asking.ipv4_mapped if isinstance(asking, ipaddress.IPv6Address) else None
    return (mapped or asking).is_loopback
