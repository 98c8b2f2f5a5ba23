"""Figures of a printed ECG report: the tracing, or a long recording's hours, strips and trends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from datetime import datetime, timedelta
from typing import Any, Final

from storage.protocol import ObjectStore
from telemed.adapters.printing.report_document import Figure, ReportDocument, Table
from telemed.centres.ecg.adapters.drawing import SheetOrder, StripOrder, TrendOrder, draw_sheet, draw_strip_sheets, draw_trend_sheet
from telemed.centres.ecg.adapters.tracing_reader import StoredTracingReader
from telemed.centres.ecg.domain import Edit, EditKind, Tracing, TracingKind
from telemed.centres.ecg.ports import Tracings
from telemed.domain.case import Case
from telemed.service.ports.unit_of_work import UnitOfWork

_ = str  # marks text for the translation catalogue

SHEET_SECONDS: Final = 10.8
"""Seconds that fit on paper across at 25 mm/s."""
MAX_SHEETS: Final = 3
"""Resting tracings that are printed, the newest."""
CLOCK_LABELS: Final = 9
ST_RANGE: Final = (-0.2, 0.2)
"""mV that the scale shows at least, so that noise does not look like ischaemia."""
COLUMNS: Final = (
    ("beats", _("Beats")), ("lowest", _("Lowest")), ("mean", _("Mean")), ("highest", _("Highest")), ("ventricular", _("V")),
    ("supraventricular", _("S")), ("pauses", _("Pauses")), ("runs", _("Runs")), ("fibrillation_seconds", _("AF min")),
)  # fmt: skip
HOURLY, HOUR = _("Hour by hour"), _("Hour")
RATE, ST, VARIABILITY = _("Heart rate, 1/min"), _("ST 80 ms after J, mV"), _("Variability in five minutes, ms")
LOWEST, MEAN, HIGHEST = _("lowest"), _("mean"), _("highest")
WORDS: Final = {"as_recorded": _("as recorded"), "notch": _("notch"), "not_diagnostic": _("not diagnostic")}


Collected = tuple[tuple[Tracing, tuple[Edit, ...]], ...]
"""Readable recordings of a case, each with what readers did to it."""


class EcgReportFigures:
    """Implements `telemed.adapters.printing.report_renderer.ReportFigureProvider` for the ECG centre."""

    name = "ecg"

    def __init__(self, store: ObjectStore, pool: Executor, gettext: Callable[[str], str]) -> None:
        self._reader, self._pool, self._gettext = StoredTracingReader(store, pool), pool, gettext

    async def collect(self, work: UnitOfWork, case: Case) -> Collected:
        """The case's readable recordings and their edits."""
        tracings = [tracing for tracing in await work.repository(Tracings).of_cases([case.id]) if tracing.readable]
        return tuple([(tracing, tuple(await work.repository(Tracings).edits(tracing.id))) for tracing in tracings])

    async def draw(self, document: ReportDocument, collected: Collected) -> tuple[list[Table], list[Figure]]:
        """Tables and figures of the recordings."""
        tables: list[Table] = []
        resting = [tracing for tracing, _edits in collected if tracing.kind is TracingKind.RESTING]
        figures = [await self._sheet(document, tracing) for tracing in resting[-MAX_SHEETS:]]
        for tracing, edits in collected:
            if tracing.kind is TracingKind.HOLTER:
                results = json.loads(await self._reader.results(tracing, edits))
                tables.append(self._hours(tracing, results))
                figures += await self._strips(tracing, edits)
                figures.append(await self._pooled(draw_trend_sheet, self._trends(tracing, results)))
        return tables, figures

    async def _pooled(self, draw: Callable[[Any], Any], order: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._pool, draw, order)

    async def _sheet(self, document: ReportDocument, tracing: Tracing) -> Figure:
        count = min(tracing.samples, int(SHEET_SECONDS * tracing.rate))
        samples = await self._reader.samples(tracing, 0, 0, count, ())
        begun = ("", f"{tracing.started_at:%Y-%m-%d %H:%M:%S}") if tracing.started_at else ("", "")
        measured = tuple((line.label, line.value) for line in document.examination)
        statements = tuple(line for section in document.sections if section.prominent for line in section.text.splitlines())[:4]
        words = {name: self._gettext(text) for name, text in WORDS.items()}
        ordered = SheetOrder(tracing.leads, tracing.rate, samples, begun, measured, statements, words)
        made: Figure = await self._pooled(draw_sheet, ordered)
        return made

    async def _strips(self, tracing: Tracing, edits: Sequence[Edit]) -> list[Figure]:
        chosen = sorted((e.detail for e in edits if e.counts and e.kind is EditKind.STRIP), key=lambda detail: float(detail["begin"]))
        orders = []
        for detail in chosen:
            first = int(float(detail["begin"]) * tracing.rate)
            count = max(1, min(int(float(detail["seconds"]) * tracing.rate), tracing.samples - first))
            label = f"{clock(tracing, float(detail['begin']))}  {detail.get('caption', '')}".strip()
            orders.append(StripOrder(tracing.leads, tracing.rate, await self._reader.samples(tracing, 0, first, count, ()), label))
        return await self._pooled(draw_strip_sheets, orders) if orders else []

    def _hours(self, tracing: Tracing, results: dict[str, Any]) -> Table:
        rows = []
        for hour in results["hours"]:
            cells = [hour[name] / 60 if name == "fibrillation_seconds" else hour[name] for name, _label in COLUMNS]
            rows.append((clock(tracing, hour["start"])[:5], *("–" if cell is None else f"{cell:.0f}" for cell in cells)))
        return Table(self._gettext(HOURLY), (self._gettext(HOUR), *(self._gettext(label) for _name, label in COLUMNS)), tuple(rows))

    def _trends(self, tracing: Tracing, results: dict[str, Any]) -> TrendOrder:
        rate, st, hrv, gettext = results["trend"], results["st"], results["hrv"], self._gettext
        rates = tuple((gettext(label), tuple(rate[name])) for label, name in ((MEAN, "mean"), (HIGHEST, "high"), (LOWEST, "low")))
        charts: list[Any] = [(gettext(RATE), rates, rate["step"], 0, None)]
        if st:
            levels = zip(st["leads"], st["level"], strict=True)
            charts.append((gettext(ST), tuple((lead, tuple(level)) for lead, level in levels), st["step"], 2, ST_RANGE))
        charts.append((gettext(VARIABILITY), (("SDNN", tuple(hrv["sdnn"])), ("RMSSD", tuple(hrv["rmssd"]))), hrv["step"], 0, None))
        labels = [clock(tracing, tracing.duration * n / (CLOCK_LABELS - 1))[:5] for n in range(CLOCK_LABELS)]
        return TrendOrder(tuple(charts), tuple(labels))


def clock(tracing: Tracing, seconds: float) -> str:
    """Time of day on the device's clock, or since the beginning where that is not known."""
    begin = tracing.started_at or datetime(2000, 1, 1)  # only the time since is shown, and recorders know no zone
    return f"{begin + timedelta(seconds=seconds):%H:%M:%S}"
