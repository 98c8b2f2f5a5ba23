"""When the certificates end that settings name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import structlog

from telemed.domain.certificate import Certificate

log = structlog.get_logger()


def read_certificates(files: Mapping[str, str]) -> list[Certificate]:
    """Return for each setting that names a PEM file which of its certificates ends first. One that cannot be read is logged: what it is
    there for says more, and says it at the start."""
    found = []
    for setting, file in files.items():
        if not file:
            continue
        from cryptography import x509  # only where there is one: a role without certificates does not load what reads them

        try:
            ends_at = min(each.not_valid_after_utc for each in x509.load_pem_x509_certificates(Path(file).read_bytes()))
        except (OSError, ValueError) as error:
            log.warning("certificate.unreadable", setting=setting, file=file, error=str(error))
            continue
        found.append(Certificate(setting, file, ends_at))
    return found
