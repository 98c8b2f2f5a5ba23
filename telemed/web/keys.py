"""Typed keys of what the web application carries with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network

from aiohttp import web

from telemed.domain.authentication_profile import Requirement
from telemed.domain.people import Person
from telemed.service.administration import Administration
from telemed.service.application import Application
from telemed.service.authenticity import SignatureInspector
from telemed.service.devices import DeviceProbe
from telemed.service.document_pages import DocumentPages, EncapsulatedDocuments
from telemed.service.files import StudyIntake
from telemed.service.metrics import Metrics
from telemed.service.ports.account_lists import AccountListReader
from telemed.service.ports.passkeys import RelyingParty
from telemed.service.queries import View
from telemed.service.study_export import StudyExporter
from telemed.service.table_export import TableExporter
from telemed.web.extension import CentreTab, PatientLink, ReadingPanel
from telemed.web.feed import Feed
from telemed.web.labels.case import CaseLabels

APPLICATION: web.AppKey[Application] = web.AppKey("application")
STUDIES: web.AppKey[StudyIntake] = web.AppKey("studies")
ADMINISTRATION: web.AppKey[Administration] = web.AppKey("administration")
PROBE: web.AppKey[DeviceProbe] = web.AppKey("probe")
SIGNATURES: web.AppKey[SignatureInspector] = web.AppKey("signatures")
LISTS: web.AppKey[AccountListReader] = web.AppKey("lists")
TABLES: web.AppKey[TableExporter] = web.AppKey("tables")
PAGES: web.AppKey[DocumentPages] = web.AppKey("pages")
STUDY_DOCUMENTS: web.AppKey[EncapsulatedDocuments] = web.AppKey("study_documents")
METRICS: web.AppKey[Metrics] = web.AppKey("metrics")
METRICS_TOKEN: web.AppKey[str] = web.AppKey("metrics_token", str)
EXPORTS: web.AppKey[StudyExporter] = web.AppKey("exports")
PANELS: web.AppKey[Sequence[ReadingPanel]] = web.AppKey("panels")
CENTRE_TABS: web.AppKey[Sequence[CentreTab]] = web.AppKey("centre_tabs")
PATIENT_LINKS: web.AppKey[Sequence[PatientLink]] = web.AppKey("patient_links")
CASE_LABELS: web.AppKey[CaseLabels] = web.AppKey("case_labels")
FEED: web.AppKey[Feed] = web.AppKey("feed")
TRUSTED_PROXIES: web.AppKey[Sequence[IPv4Network | IPv6Network]] = web.AppKey("trusted_proxies")
SECURE_COOKIES: web.AppKey[bool] = web.AppKey("secure_cookies", bool)
UPLOAD_LIMIT: web.AppKey[int] = web.AppKey("upload_limit", int)
OHIF: web.AppKey[bool] = web.AppKey("ohif", bool)
ADDRESS: web.AppKey[str] = web.AppKey("address", str)

PASSKEYS: web.AppKey[RelyingParty] = web.AppKey("passkeys")
PERSON: web.RequestKey[Person | None] = web.RequestKey("person")
REQUIRED: web.RequestKey[frozenset[Requirement]] = web.RequestKey("required")
COUNTS: web.RequestKey[dict[str, Mapping[View, int]]] = web.RequestKey("counts")
"""The figures of tabs that were counted for this request, by centre (empty: all)."""
TOKEN: web.RequestKey[str] = web.RequestKey("token", str)
