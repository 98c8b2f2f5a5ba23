"""Settings: from the environment (`TELEMED_...`) or a TOML file named by `TELEMED_CONFIG`; the environment wins."""

from __future__ import annotations

import ipaddress
import os
import ssl
import tomllib
from collections.abc import Iterable, Mapping
from datetime import datetime, time
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Literal, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from telemed import ohif
from telemed.adapters.audit.anchor_places import place_fault
from telemed.domain.authentication_profile import ProfileName

G = TypeVar("G", bound=BaseSettings)

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
SHORTEST_TOKEN = 16
_MAX_GATEWAYS = 8  # of those that nobody asked for: by then the one index is what bounds them


class SettingsGroup(BaseSettings):
    """Settings that are read together. A name in the TOML file may belong to another group; `unknown_names` finds those of none."""

    model_config = SettingsConfigDict(env_prefix="TELEMED_", extra="ignore", frozen=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        toml = os.environ.get("TELEMED_CONFIG")
        return (init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml)) if toml else (init_settings, env_settings)


class Settings(SettingsGroup):
    """One installation's settings. The description of each field is its documentation (`docs/running.md`)."""

    data_dir: Path = Field(default=Path("data"), description="Folder for the embedded database, objects and keys")
    database_url: str = Field(
        default="", description="`sqlite:///FILE` or `postgresql://USER:PASSWORD@HOST/DATABASE`; empty: SQLite in the data folder"
    )
    storage_url: str = Field(
        default="", description="`file:///folder` or `s3://bucket?endpoint=http://host:port`; empty: a folder in the data folder"
    )
    s3_access_key: str = Field(default="", description="Access key of the S3 store, where the URL carries none")
    s3_secret_key: SecretStr = Field(default=SecretStr(""), description="Secret key of the S3 store, where the URL carries none")
    reserve_percent: float = Field(
        default=2,
        ge=0,
        le=50,
        description="Percent of the disk of objects or database that are kept free for records: below that no images and files are taken",
    )
    reserve_bytes: int = Field(default=1024**3, ge=0, description="The same in bytes; the larger of both counts")
    host: str = Field(default="127.0.0.1", description="Address that all doors listen on")
    http_host: str = Field(
        default="",
        description="Address that pages, API and DICOMweb listen on where it is another than TELEMED_HOST, such as `127.0.0.1` behind a "
        "proxy on this machine; empty: TELEMED_HOST",
    )
    http_port: int = Field(default=8080, ge=1, le=65535, description="Port of pages, API and DICOMweb")
    dicom_port: int = Field(default=11112, ge=1, le=65535, description="Port of the DICOM gateway")
    dicom_tls: str = Field(
        default="",
        description="PEM file with certificate and key: the DICOM gateway then speaks TLS only, and shows it to devices; empty: plain TCP",
    )
    dicom_tls_clients: str = Field(
        default="",
        description="PEM file with the authorities whose certificates DICOM peers must show; empty: callers none, devices the system's",
    )
    dicom_rate: float = Field(
        default=0, ge=0, description="Instances a second that one institution may store, the rest waits its turn; 0: as fast as they come"
    )
    dicom_processes: int = Field(
        default=0,
        ge=0,
        le=32,
        description="Processes that take DICOM associations on the one port; 0: one for every two processors. "
        "With TELEMED_DICOM_RATE there is one, since one has to count",
    )
    ae_title: str = Field(default="TELEMED", min_length=1, max_length=16, description="AE title of the DICOM gateway")
    public_url: str = Field(default="", description="Address printed on reports and shown to users; empty: made from host and port")
    secure_cookies: bool = Field(default=False, description="Cookies over HTTPS only; set it behind a TLS proxy")
    trusted_proxies: str = Field(
        default="",
        description="Networks of proxies, with commas between, that say in X-Forwarded-For which address asks, such as `127.0.0.1/32`; "
        "their connections are those of many and not counted by address; empty: nobody is believed",
    )
    metrics_token: SecretStr = Field(
        default=SecretStr(""),
        description="Bearer token, 16 characters or more, that `/metrics` asks for; empty: it answers on this machine alone, and not at "
        "all behind a proxy",
    )
    profile: ProfileName = Field(
        default=ProfileName.ASVS,
        description="What is asked of passwords, sessions, second factors: `asvs` (OWASP ASVS 5.0) or `mlps3` (GB/T 22239-2019, level 3)",
    )
    time_zone: str = Field(default="Asia/Shanghai", description="Time zone of the region: duty hours, working hours, printed times")
    log_level: str = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR")
    ohif_dir: str = Field(default="", description="Folder of the OHIF viewer; empty: where `telemed viewer` puts it")
    stable_after_seconds: int = Field(default=60, ge=1, description="Quiet time after which a study is complete and is assessed")
    compact_at_rest: Literal["", "htj2k", "jpeg-ls"] = Field(
        default="",
        description="Codec in which native images of complete studies are kept losslessly, `htj2k` or `jpeg-ls`; empty: as sent",
    )
    model_url: str = Field(default="", description="Address of a trained model that is shown every complete study; empty: none")
    model_token: SecretStr = Field(default=SecretStr(""), description="Bearer token that the model asks for")
    upload_max_bytes: int = Field(default=4 * 1024**3, ge=1024, description="Largest file that an upload may bring")

    process_memory: int = Field(
        default=2 * 1024**3,
        ge=0,
        description="Bytes of memory that a process takes at most to read a file, to print or to draw a document; 0: no limit",
    )
    http_connections: int = Field(
        default=4096, ge=0, description="Connections that the web process has open at once; 0: as many as it may have descriptors for"
    )
    http_connections_per_address: int = Field(
        default=1024, ge=0, description="Connections of one address, which may be that of a whole hospital; 0: no limit"
    )

    audit_key: str = Field(
        default="",
        description="PEM file with the private key (RSA or elliptic curve) that signs anchors of the audit trail; "
        "empty: `keys/audit.pem` in the data folder, made with the first anchor",
    )
    audit_public_keys: str = Field(
        default="",
        description="PEM file with public keys by which `telemed verify` proves anchors, where the private key is not at hand",
    )
    audit_places: str = Field(
        default="",
        description="Further places of anchors, with spaces between: `file:///mnt/anchors`, `s3://bucket?endpoint=...`, "
        "`syslog://host:514`, `syslog+tcp://host:port`",
    )
    audit_time_stamps: str = Field(
        default="", description="Address of a time stamp authority (RFC 3161) that stamps an anchor once an hour; empty: none"
    )

    backup: str = Field(
        default="",
        description="Where the worker puts backups by itself, and `telemed backup` where none is named: "
        "a folder or `s3://bucket?endpoint=...`; empty: nowhere",
    )
    backup_at: str = Field(default="02:30", description="Times of day of these backups, with commas between, in the region's time zone")
    backup_keep: int = Field(default=7, ge=1, le=1000, description="Snapshots that a backup keeps")
    backup_keys: str = Field(
        default="", description="Where keys are backed up, apart from everything else: a folder or `s3://...`; empty: in the backup itself"
    )
    backup_passphrase: SecretStr = Field(
        default=SecretStr(""), description="Passphrase that keys are sealed with in a backup; empty: they lie there in clear"
    )

    @field_validator("backup_at")
    @classmethod
    def _known_times(cls, text: str) -> str:
        times_in(text)
        return text

    @field_validator("trusted_proxies")
    @classmethod
    def _known_networks(cls, text: str) -> str:
        networks_in(text)
        return text

    @field_validator("metrics_token")
    @classmethod
    def _long_token(cls, token: SecretStr) -> SecretStr:
        if 0 < len(token.get_secret_value()) < SHORTEST_TOKEN:
            raise ValueError(f"a token of fewer than {SHORTEST_TOKEN} characters can be guessed; `openssl rand -hex 32` makes one")
        return token

    @field_validator("audit_places")
    @classmethod
    def _known_places(cls, places: str) -> str:
        for url in places.split():
            if fault := place_fault(url):
                raise ValueError(fault)
        return places

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"there is no time zone {name!r}; give one of the IANA list, such as Asia/Shanghai") from None
        return name

    @field_validator("dicom_tls", "dicom_tls_clients")
    @classmethod
    def _readable_pem(cls, file: str, info: ValidationInfo) -> str:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        try:
            if file and info.field_name == "dicom_tls":
                context.load_cert_chain(file)
            elif file:
                context.load_verify_locations(file)
        except OSError as error:  # ssl.SSLError is one
            raise ValueError(f"{file} does not hold what TLS needs ({error.strerror or error})") from None
        return file

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, name: str) -> str:
        if name.upper() not in LOG_LEVELS:
            raise ValueError(f"there is no level {name!r}; there are {', '.join(LOG_LEVELS)}")
        return name.upper()

    def of(self, group: type[G]) -> G:
        """Return another group's settings, from the same environment and file."""
        return group()

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.data_dir.resolve()}/telemed.db"

    @property
    def database_file(self) -> Path | None:
        """The file of an embedded database; None for a server's."""
        scheme, _, path = self.database.partition(":///")
        return Path(path.partition("?")[0]) if scheme.startswith("sqlite") and path and not path.startswith(":memory:") else None

    @property
    def storage(self) -> str:
        return self.storage_url or f"file://{self.data_dir.resolve()}/objects"

    @property
    def gateways(self) -> int:
        """How many processes share the DICOM port."""
        if self.dicom_rate:
            return 1
        return self.dicom_processes or max(1, min(_MAX_GATEWAYS, (os.cpu_count() or 1) // 2))

    @property
    def store_keys(self) -> dict[str, str]:
        """For `storage.open_store`, where the URL carries no keys."""
        return {"TELEMED_S3_ACCESS_KEY": self.s3_access_key, "TELEMED_S3_SECRET_KEY": self.s3_secret_key.get_secret_value()}

    @property
    def dicom_tls_context(self) -> ssl.SSLContext | None:
        """The TLS context of the DICOM gateway; None if it speaks plain TCP."""
        if not self.dicom_tls:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=self.dicom_tls_clients or None)
        context.load_cert_chain(self.dicom_tls)
        if self.dicom_tls_clients:
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    @property
    def anchor_key(self) -> Path:
        """The key that signs the notes about the audit trail's end. It proves most where it lies out of reach of the data folder."""
        return Path(self.audit_key) if self.audit_key else self.data_dir / "keys" / "audit.pem"

    @property
    def proxies(self) -> tuple[IPv4Network | IPv6Network, ...]:
        return networks_in(self.trusted_proxies)

    @property
    def backup_times(self) -> tuple[time, ...]:
        """When the worker makes backups, in the region's time."""
        return times_in(self.backup_at)

    @property
    def ohif_folder(self) -> Path:
        return Path(self.ohif_dir) if self.ohif_dir else ohif.default_folder()

    @property
    def is_reached_without_tls(self) -> bool:
        """True if others than this machine reach the pages and nothing says that a TLS proxy stands before them."""
        return not is_loopback(self.web_host) and not self.secure_cookies

    @property
    def web_host(self) -> str:
        """The address that pages, API and DICOMweb listen on."""
        return self.http_host or self.host

    @property
    def address(self) -> str:
        return self.public_url.rstrip("/") or f"http://{self.web_host}:{self.http_port}"


PREFIX = "TELEMED_"
NO_SETTINGS = frozenset({"TELEMED_CONFIG"})
"""Variables of the same prefix that are read elsewhere."""


def unknown_variables(environment: Mapping[str, str], groups: Iterable[type[BaseModel]]) -> list[str]:
    """Return the variables of the environment that look like a setting and are none."""
    known = NO_SETTINGS | {PREFIX + name.upper() for group in groups for name in group.model_fields}
    return sorted(name for name in environment if name.upper().startswith(PREFIX) and name.upper() not in known)


def times_in(text: str) -> tuple[time, ...]:
    """Return the times of day of a list with commas. Raises ValueError for what is none."""
    try:
        found = sorted({datetime.strptime(part.strip(), "%H:%M").time() for part in text.split(",") if part.strip()})
    except ValueError:
        found = []
    if not found:
        raise ValueError("give times of day such as 02:30 or 02:30,14:30")
    return tuple(found)


def is_loopback(host: str) -> bool:
    """True if only this machine reaches what listens on the address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def networks_in(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Return the networks of a list with commas. Raises ValueError for what is none."""
    try:
        return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise ValueError(f"{error}; give networks such as 192.0.2.0/24, with commas between") from None


def unknown_names(file: Path, groups: Iterable[type[BaseModel]]) -> list[str]:
    """Return the names of the TOML file that no group of settings has."""
    known = {name for group in groups for name in group.model_fields}
    return sorted(set(tomllib.loads(file.read_text(encoding="utf-8"))) - known)
