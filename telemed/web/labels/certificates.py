"""Words for certificates that settings name: what each is for, and when it ends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from telemed.domain.certificate import Certificate, Validity
from telemed.web.dates import LOCAL_ZONE
from telemed.web.i18n import gettext, ngettext

_ = str  # marks text for the translation catalogue

PURPOSES: Final = {
    "TELEMED_DICOM_TLS": _("shown to DICOM devices"),
    "TELEMED_DICOM_TLS_CLIENTS": _("authorities of DICOM devices"),
    "TELEMED_HTTPS_CERTIFICATE": _("shown to browsers by the HTTPS proxy"),
}

TONES: Final = {Validity.SOUND: "done", Validity.ENDING: "near", Validity.ENDED: "critical"}


@dataclass(frozen=True, slots=True)
class CertificateLine:
    """A certificate as one line; `tone` is the colour of its end."""

    purpose: str
    setting: str
    file: str
    ends_at: datetime
    words: str
    tone: str


def certificate_lines(certificates: Iterable[Certificate], now: datetime) -> list[CertificateLine]:
    """Return the lines, what ends first first."""
    return [_line(each, now) for each in sorted(certificates, key=lambda each: each.ends_at)]


def _line(certificate: Certificate, now: datetime) -> CertificateLine:
    purpose = gettext(PURPOSES.get(certificate.setting, certificate.setting))
    words, tone = end_words(certificate, now), TONES[certificate.validity(now)]
    return CertificateLine(purpose, certificate.setting, certificate.file, certificate.ends_at, words, tone)


def end_words(certificate: Certificate, now: datetime) -> str:
    """Say when it ends, by the calendar of the place where it is read."""
    if certificate.validity(now) is Validity.ENDED:
        return gettext("has ended")
    days = certificate.days_left(now, LOCAL_ZONE)
    if days < 2:
        return gettext("ends tomorrow") if days else gettext("ends today")
    return ngettext("ends in %(num)d day", "ends in %(num)d days", days) % {"num": days}
