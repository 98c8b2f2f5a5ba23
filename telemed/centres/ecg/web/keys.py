"""Typed keys of the web application that the ECG centre's API uses."""

from __future__ import annotations

from aiohttp import web

from telemed.centres.ecg.ports import TracingReader

TRACING_READER: web.AppKey[TracingReader] = web.AppKey("tracing_reader")
