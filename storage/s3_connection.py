"""The S3 client of one store: its connections, time-outs and retries."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Any

import urllib3
from minio import Minio

from storage.errors import BadStoreURL
from storage.url import S3Place

CONNECTIONS = 8  # measured to be enough: beyond it the server is the limit

# POST is not among urllib3's methods to repeat, so an upload is never completed twice.
_RETRIES = urllib3.Retry(
    total=3,
    read=2,  # an answer that never came or broke off
    redirect=0,  # a signature holds for one host only
    backoff_factor=0.2,
    status_forcelist=(500, 502, 503, 504),
    raise_on_redirect=False,
    raise_on_status=False,
    respect_retry_after_header=False,  # it may ask for an hour, and a thread would sleep it
)


@dataclass(frozen=True, slots=True)
class Patience:
    """The seconds that a connection may take and that an answer may pause (a cancelled task waits as long, times the repeats)."""

    connect_seconds: float
    silence_seconds: float
    retries: urllib3.Retry


PATIENT = Patience(5.0, 30.0, _RETRIES)
HURRIED = Patience(3.0, 8.0, urllib3.Retry(total=0, redirect=0, raise_on_redirect=False, raise_on_status=False))
"""For the question whether the server is there at all: who asks it waits for the answer."""


class _Connections(urllib3.PoolManager):
    """A pool whose error answers the SDK understands.

    The SDK reads an error only where it is labelled exactly `application/xml`; several servers (rclone, older Ceph)
    say `text/xml; charset=utf-8`, which S3 clients accept.
    """

    def urlopen(self, method: str, url: str, redirect: bool = True, **options: Any) -> urllib3.BaseHTTPResponse:  # type: ignore[override]  # the base class leaves it untyped
        response = super().urlopen(method, url, redirect=redirect, **options)
        label = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if response.status >= 300 and label in ("text/xml", "application/xml"):
            response.headers["content-type"] = "application/xml"
        return response


def connections(place: S3Place, patience: Patience = PATIENT) -> urllib3.PoolManager:
    """At most `CONNECTIONS` connections; a further request waits. TLS trusts the system's authorities."""
    return _Connections(
        maxsize=CONNECTIONS,
        block=True,
        timeout=urllib3.Timeout(connect=patience.connect_seconds, read=patience.silence_seconds),
        retries=patience.retries,
        ssl_context=ssl.create_default_context() if place.secure else None,
    )


def client(place: S3Place, pool: urllib3.PoolManager) -> Minio:
    """The SDK's client for `place`. Calls nobody yet. Raises `BadStoreURL` for what the SDK will not take."""
    try:
        return Minio(
            endpoint=place.endpoint,
            access_key=place.access_key,
            secret_key=place.secret_key,
            secure=place.secure,
            region=place.region,
            http_client=pool,
        )
    except ValueError as error:
        raise BadStoreURL(f"The S3 storage URL cannot be used: {error}.") from error
