"""Typed keys of what the web application carries with it."""

from __future__ import annotations

from aiohttp import web

from telemed.centres.ecg.ports import TracingArtist, TracingReader
from telemed.domain.people import Person
from telemed.service.administration import Administration
from telemed.service.application import Application
from telemed.service.authenticity import SignatureInspector
from telemed.service.devices import DeviceProbe
from telemed.service.document_pages import DocumentPages
from telemed.service.files import StudyIntake
from telemed.service.study_export import StudyExporter
from telemed.service.table_export import TableExporter
from telemed.web.feed import Feed

APPLICATION: web.AppKey[Application] = web.AppKey("application")
TRACINGS: web.AppKey[TracingArtist] = web.AppKey("tracings")
TRACING_READER: web.AppKey[TracingReader] = web.AppKey("tracing_reader")
STUDIES: web.AppKey[StudyIntake] = web.AppKey("studies")
ADMINISTRATION: web.AppKey[Administration] = web.AppKey("administration")
PROBE: web.AppKey[DeviceProbe] = web.AppKey("probe")
SIGNATURES: web.AppKey[SignatureInspector] = web.AppKey("signatures")
SHEETS: web.AppKey[TableExporter] = web.AppKey("sheets")
PAGES: web.AppKey[DocumentPages] = web.AppKey("pages")
EXPORTS: web.AppKey[StudyExporter] = web.AppKey("exports")
FEED: web.AppKey[Feed] = web.AppKey("feed")
SECURE_COOKIES: web.AppKey[bool] = web.AppKey("secure_cookies", bool)
UPLOAD_LIMIT: web.AppKey[int] = web.AppKey("upload_limit", int)
OHIF: web.AppKey[bool] = web.AppKey("ohif", bool)
ADDRESS: web.AppKey[str] = web.AppKey("address", str)

PERSON: web.RequestKey[Person | None] = web.RequestKey("person")
TOKEN: web.RequestKey[str] = web.RequestKey("token", str)
