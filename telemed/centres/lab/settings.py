"""Settings of the laboratory centre."""

from __future__ import annotations

import ssl

from pydantic import Field, ValidationInfo, field_validator

from telemed.settings import SettingsGroup


class LabSettings(SettingsGroup):
    """The description of each field is its documentation (`docs/running.md`)."""

    mllp_port: int = Field(default=2575, ge=1, le=65535, description="Port of the HL7 listener (MLLP)")
    mllp_processes: int = Field(default=1, ge=1, le=16, description="Processes that share the port of the HL7 listener")
    mllp_tls: str = Field(
        default="", description="PEM file with certificate and key: the HL7 listener then speaks TLS only; empty: plain TCP"
    )
    mllp_tls_clients: str = Field(
        default="", description="PEM file with the authorities whose certificates HL7 senders must show; empty: they show none"
    )
    mllp_largest: int = Field(default=32 << 20, ge=65536, le=128 << 20, description="Bytes of the largest HL7 message that is taken")
    mllp_idle_seconds: float = Field(default=300, gt=0, description="Seconds of silence after which an HL7 connection is closed")

    astm_port: int = Field(default=0, ge=0, le=65535, description="Port on which analysers speak ASTM (LIS1-A, LIS2-A2); 0: none")
    lab_folder: str = Field(
        default="",
        description="Folder in which laboratory systems leave files (HL7, CSV, XLSX, XLS, ASTM), below a folder of their member's code;"
        " empty: none is watched",
    )
    mllp_answer_seconds: float = Field(
        default=30, gt=0, le=120, description="Seconds that a member's system has to answer a message before it is sent again"
    )

    @field_validator("mllp_tls", "mllp_tls_clients")
    @classmethod
    def _readable_pem(cls, file: str, info: ValidationInfo) -> str:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        try:
            if file and info.field_name == "mllp_tls":
                context.load_cert_chain(file)
            elif file:
                context.load_verify_locations(file)
        except OSError as error:  # ssl.SSLError is one
            raise ValueError(f"{file} does not hold what TLS needs ({error.strerror or error})") from None
        return file

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
