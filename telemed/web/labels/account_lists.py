"""What people call the columns of a list of accounts, and roles, centres and institutions in it: in every language that we speak."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from telemed.domain.account_list import ListWords, word
from telemed.service.ports.region import Region
from telemed.web.i18n import LANGUAGES, translations
from telemed.web.labels.accounts import ROLES

_ = str  # marks text for the translation catalogue

COLUMN_LABELS = {
    "username": _("User name"),
    "name": _("Name"),
    "title": _("Title"),
    "institution": _("Institution"),
    "roles": _("Roles"),
    "centres": _("Centres"),
    "language": _("Language"),
    "phone": _("Telephone"),
}

COLUMN_HELP = {
    "username": _("needed; small letters and digits, such as wang.li; who has it already is changed"),
    "name": _("needed"),
    "title": _("may be left out"),
    "institution": _("needed; its code, or its whole name"),
    "roles": _("needed; several with a comma between"),
    "centres": _("needed for specialists and reviewers; several with a comma between"),
    "language": _("may be left out; zh-CN or en"),
    "phone": _("may be left out; where the person is called back"),
}


def list_words(region: Region) -> ListWords:
    """Return the words by code and by label, in all languages."""
    institutions = {code: code for code in region.network.institutions}
    names = {each.name: each.code for each in region.network.institutions.values()}
    names |= {each.name_en: each.code for each in region.network.institutions.values() if each.name_en}
    return ListWords(
        columns=_words(COLUMN_LABELS),
        roles=_words(ROLES),
        centres=_words({code: centre.name for code, centre in region.centres.items()}),
        institutions={word(text): code for text, code in (institutions | names).items()},
        languages={word(text): tag for tag, own in LANGUAGES.items() for text in (tag, own)},
    )


def _words(labels: Mapping[str, str]) -> dict[str, str]:
    return {word(text): code for code, label in labels.items() for text in (code, label, *_translated(label))}


def _translated(label: str) -> Iterator[str]:
    return (translations(language).gettext(label) for language in LANGUAGES)
