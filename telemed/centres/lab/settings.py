"""Settings of the laboratory centre."""

from __future__ import annotations

import ssl

from pydantic import Field

from telemed.settings import SettingsGroup


class LabSettings(SettingsGroup):
    """The description of each field is its documentation (`docs/running.md`)."""

    mllp_port: int = Field(default=2575, ge=1, le=65535, description="Port of the HL7 listener (MLLP)")
    mllp_tls: str = Field(
        default="", description="PEM file with certificate and key: the HL7 listener then speaks TLS only; empty: plain TCP"
    )
    mllp_tls_clients: str = Field(
        default="", description="PEM file with the authorities whose certificates HL7 senders must show; empty: they show none"
    )
    mllp_largest: int = Field(default=32 << 20, ge=65536, le=128 << 20, description="Bytes of the largest HL7 message that is taken")
    mllp_idle_seconds: float = Field(default=300, gt=0, description="Seconds of silence after which an HL7 connection is closed")

    @property
    def mllp_tls_context(self) -> ssl.SSLContext | None:
        """The TLS context of the listener; None if it speaks plain TCP."""
        if not self.mllp_tls:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=self.mllp_tls_clients or None)
        context.load_cert_chain(self.mllp_tls)
        if self.mllp_tls_clients:
            context.verify_mode = ssl.CERT_REQUIRED
        return context
