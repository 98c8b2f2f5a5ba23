"""Typed keys of the web application that the laboratory centre's API and pages use."""

from __future__ import annotations

from aiohttp import web

from telemed.centres.lab.cumulative import Catalogue
from telemed.centres.lab.ports import MessageReader, SheetReader

MESSAGE_READER: web.AppKey[MessageReader] = web.AppKey("message_reader")
SHEET_READER: web.AppKey[SheetReader] = web.AppKey("sheet_reader")
CATALOGUE: web.AppKey[Catalogue] = web.AppKey("lab_catalogue")
