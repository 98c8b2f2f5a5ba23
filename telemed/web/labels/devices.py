"""Words for devices: what they are there for, and what came of trying one."""

from __future__ import annotations

from typing import Final

from telemed.domain.network import EntityUse
from telemed.service.devices import Echo, EchoOutcome
from telemed.web.i18n import gettext

_ = str  # marks text for the translation catalogue

USES: Final = {
    EntityUse.STORE.value: _("studies are sent there"),
    EntityUse.QUERY.value: _("priors are fetched from here"),
}

REFUSALS: Final = {
    "unknown": _("AE title is not entered"),
    "switched-off": _("is switched off"),
    "network": _("calls from a network that is not its own"),
    "certificate": _("shows no certificate that was entered for it"),
    "no-place": _("may call once a network or a certificate is entered for it"),
    "called-title": _("asks for another AE title than ours"),
}
"""Why a call was not let in."""

CAUSES: Final = {
    "no-device": _(
        "Not reachable: no DICOM device answers there. Look at host name, address and port, whether the device is on, wants TLS or stands "
        "behind a firewall, and whether devices may lie in its network."
    ),
    "certificate": _(
        "Not trusted: the certificate that it shows is not of the authority entered for it, is out of date, or names another address."
    ),
    "our-certificate": _("Refused: the device does not take our certificate, or wants one and we have none."),
    "calling-title": _("Refused: the device does not know our AE title %(title)s. Enter it there."),
    "called-title": _("Refused: the device has another AE title than the one entered here."),
    "busy": _("Refused: the device has no room for another association now. Try again later."),
    "refused": _("Refused by the device."),
    "service": _("Refused: the device is there and does not take C-ECHO."),
}


def echo_words(echo: Echo) -> str:
    """Return what came of it, in one sentence."""
    if echo.outcome is EchoOutcome.ANSWERED:
        return gettext("Answered in %(number)d ms") % {"number": echo.milliseconds}
    if echo.cause == "calling-title":
        return gettext(CAUSES[echo.cause]) % {"title": echo.calling}
    return gettext(CAUSES[echo.cause]) if echo.cause in CAUSES else gettext("Not reachable.")
