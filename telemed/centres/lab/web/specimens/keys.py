"""Typed keys of the web application that API and pages of specimens use."""

from __future__ import annotations

from aiohttp import web

from telemed.centres.lab.specimens.ports import LabelPrinter, LogReader

LABEL_PRINTER: web.AppKey[LabelPrinter] = web.AppKey("specimen_label_printer")
LOG_READER: web.AppKey[LogReader] = web.AppKey("temperature_log_reader")
