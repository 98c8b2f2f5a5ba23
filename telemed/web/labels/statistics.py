"""The monthly bulletin in words: the same tables on the page, in the files and on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from telemed.domain.evidence import EvidenceType
from telemed.domain.network import Level
from telemed.service.image_quality import DIMENSIONS, QualitySum
from telemed.service.ports.region import Region
from telemed.service.statistics import CentreFigures, InstitutionFigures, MonthlyStatistics
from telemed.service.table_export import Cell, Column, Sheet, SheetTable
from telemed.web.dates import show_duration
from telemed.web.i18n import current_language, gettext
from telemed.web.labels.image_quality import NAMES

_ = str  # marks text for the translation catalogue

LEVELS = {
    Level.MEMBER: _("Members"),
    Level.SUB_HUB: _("Sub-hubs"),
    Level.MAIN_HUB: _("Main hub"),
    Level.OPERATOR: _("Operator"),
}
LEVEL_OF_ONE = {
    Level.MEMBER: _("Member"),
    Level.SUB_HUB: _("Sub-hub"),
    Level.MAIN_HUB: _("Main hub"),
    Level.OPERATOR: _("Operator"),
}


def institution_name(region: Region, code: str) -> str:
    institution = region.network.institutions.get(code)
    if institution is None:
        return code
    return institution.name_en if current_language() == "en" and institution.name_en else institution.name


def share_text(share: float | None) -> str:
    return "" if share is None else f"{share * 100:.1f}%"


def joined_text(figures: CentreFigures) -> str:
    return gettext(", ").join(f"{gettext(LEVELS[level])} {count}" for level, count in figures.joined.items() if count)


def districts_text(districts: Sequence[str]) -> str:
    """One line for each city."""
    cities: dict[str, list[str]] = {}
    for name in districts:
        city, _sep, district = name.partition(" ")
        cities.setdefault(city, []).append(district or city)
    return "\n".join(f"{city}{gettext(': ')}{gettext(', ').join(names)}" for city, names in cities.items())


def top_text(region: Region, figures: CentreFigures) -> str:
    return "\n".join(f"{place}. {institution_name(region, code)} {count:,}" for place, (code, count) in enumerate(figures.top, start=1))


def received_text(region: Region, figures: CentreFigures) -> str:
    expected = region.centres[figures.centre].expected
    if expected is None:
        return ""
    text = f"{gettext(expected.name)} {figures.received:,}"
    return text + (f"\n{gettext('Images')} {figures.images:,}" if figures.images else "")


def sheet_of(bulletin: MonthlyStatistics, region: Region) -> Sheet:
    """The whole bulletin, in the language of the request."""
    text = gettext("Month %(month)s, %(days)d of %(all)d days") % {
        "month": bulletin.month, "days": bulletin.days, "all": bulletin.month.last.day
    }  # fmt: skip
    return Sheet(
        title=gettext("Monthly bulletin"),
        subtitle=text,
        tables=[_centres(bulletin, region), _institutions(bulletin, region), *_quality(bulletin, region)],
        language=current_language(),
        empty=gettext("Nothing in this month."),
    )


def _centres(bulletin: MonthlyStatistics, region: Region) -> SheetTable:
    columns = (
        Column(gettext("Centre"), share=1.1),
        Column(gettext("Institutions joined"), share=1.7),
        Column(gettext("Districts covered"), share=2),
        Column(gettext("Not yet covered"), share=1.5),
        Column(gettext("Requests"), number=True, share=0.9),
        Column(gettext("Consultations"), number=True, share=0.9),
        Column(gettext("Reports"), number=True, share=0.9),
        Column(gettext("Received"), share=1.6),
        Column(gettext("Top three by volume"), share=2.6),
        Column(gettext("Deadlines kept"), number=True, share=1),
        Column(gettext("Median time to first answer"), number=True, share=1.1),
    )
    return SheetTable(gettext("Centres"), columns, [_centre_row(figures, region) for figures in bulletin.centres])


def _centre_row(figures: CentreFigures, region: Region) -> list[Cell]:
    return [
        gettext(region.centres[figures.centre].name),
        joined_text(figures),
        districts_text(figures.districts_covered),
        districts_text(figures.districts_open),
        figures.requests,
        figures.consultations,
        figures.reports,
        received_text(region, figures),
        top_text(region, figures),
        share_text(figures.kept_share),
        show_duration(figures.median_answer_seconds),
    ]


def _institutions(bulletin: MonthlyStatistics, region: Region) -> SheetTable:
    columns = (
        Column(gettext("Institution"), share=3),
        Column(gettext("Level"), share=1),
        Column(gettext("Requests"), number=True),
        Column(gettext("Consultations"), number=True),
        Column(gettext("Reports"), number=True),
        Column(gettext("Received"), number=True),
        Column(gettext("Images"), number=True),
        Column(gettext("Days with data"), number=True),
        Column(gettext("Kinds of data"), number=True),
        Column(gettext("Missing kinds"), share=2),
    )
    return SheetTable(gettext("Institutions"), columns, [_institution_row(i, bulletin.days, region) for i in bulletin.institutions])


def _quality(bulletin: MonthlyStatistics, region: Region) -> list[SheetTable]:
    """The mean of each dimension for each member whose studies were assessed."""
    if not bulletin.quality:
        return []
    columns = (
        Column(gettext("Institution"), share=3),
        Column(gettext("Studies assessed"), number=True),
        Column(gettext("Below the mark"), number=True),
        *(Column(gettext(NAMES[code]), number=True) for code in DIMENSIONS),
    )
    return [SheetTable(gettext("Image quality, mean of 100"), columns, [_quality_row(each, region) for each in bulletin.quality])]


def _quality_row(sums: QualitySum, region: Region) -> list[Cell]:
    means = [sums.means[code] for code in DIMENSIONS]
    name = f"{institution_name(region, sums.institution)} ({sums.institution})"
    return [name, sums.studies, sums.faulty, *("" if mean is None else round(mean) for mean in means)]


def _institution_row(figures: InstitutionFigures, days: int, region: Region) -> list[Cell]:
    missing = [gettext(region.evidence[EvidenceType(kind)].name) for kind in figures.agreed if kind not in figures.arrived]
    return [
        f"{institution_name(region, figures.code)} ({figures.code})",
        gettext(LEVEL_OF_ONE[figures.level]),
        figures.requests,
        figures.consultations,
        figures.reports,
        figures.received,
        figures.images,
        f"{figures.days_with_data}/{days}",
        f"{len(figures.arrived)}/{len(figures.agreed)}" if figures.agreed else "",
        gettext(", ").join(missing),
    ]
