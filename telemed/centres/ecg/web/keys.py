"""What the ECG centre's API finds in the web application, by typed key."""

from __future__ import annotations

from aiohttp import web

from telemed.centres.ecg.ports import TracingReader

TRACING_READER: web.AppKey[TracingReader] = web.AppKey("tracing_reader")
