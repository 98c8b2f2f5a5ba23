"""The URL of a store: where it is, and what opens it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from storage.errors import BadKey, BadStoreURL
from storage.keys import check_key

ACCESS_KEY = "TELEMED_S3_ACCESS_KEY"
SECRET_KEY = "TELEMED_S3_SECRET_KEY"  # noqa: S105 - the name of a setting, not a secret

# Amazon S3 user guide, "General purpose bucket naming rules".
_BUCKET = re.compile(r"(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_REGION = re.compile(r"[A-Za-z0-9-]{1,64}")
_HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
# What servers without regions (Ceph RGW, SeaweedFS, MinIO) accept, and saves a question about the bucket's region.
_DEFAULT_REGION = "us-east-1"
_MAX_PREFIX = 256  # with 512 characters of key this stays below the 1,024 bytes that S3 allows


@dataclass(frozen=True, slots=True)
class LocalPlace:
    """A folder of this machine."""

    folder: Path


@dataclass(frozen=True, slots=True)
class S3Place:
    """A bucket, or the part of it under `prefix` (empty, or ending in `/`). `endpoint` is `host` or `host:port`."""

    bucket: str
    endpoint: str
    secure: bool
    region: str
    prefix: str
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)


def parse(url: str, environment: Mapping[str, str]) -> LocalPlace | S3Place:
    """Return the address that `url` names. Raises `BadStoreURL` with one plain sentence."""
    try:
        split = urlsplit(url)
    except ValueError as error:
        raise BadStoreURL("The storage URL cannot be read: it has unbalanced brackets.") from error
    if split.scheme == "file":
        return _local(split)
    if split.scheme == "s3":
        return _s3(split, environment)
    raise BadStoreURL(
        f"A storage URL begins with file:/// or s3://, not with {(split.scheme or url)[:40]!r}."
        if "@" not in url
        else "A storage URL begins with file:/// or s3://."
    )


def _local(split: SplitResult) -> LocalPlace:
    if split.netloc not in ("", "localhost"):
        raise BadStoreURL("A local storage URL has three slashes (file:///path): what follows two would be a host.")
    if split.query or split.fragment:
        raise BadStoreURL("A local storage URL has no '?' and no '#'; write %3F or %23 where the path has one.")
    path = unquote(split.path)
    if not path.startswith("/") or "\0" in path:
        raise BadStoreURL("A local storage URL names an absolute path: file:///var/lib/telemed/objects.")
    return LocalPlace(Path(path))


def _s3(split: SplitResult, environment: Mapping[str, str]) -> S3Place:
    userinfo, _, bucket = split.netloc.rpartition("@")
    if not _BUCKET.fullmatch(bucket) or split.path not in ("", "/") or split.fragment:
        raise BadStoreURL(
            "An S3 storage URL is s3://bucket?endpoint=http://host:port, the bucket of 3 to 63 small letters, digits, "
            "dots and hyphens; '/' and '#' in an access or secret key are written %2F and %23."
        )
    given = _parameters(split.query)
    secure, endpoint = _endpoint(given.get("endpoint", ""))
    region = given.get("region", _DEFAULT_REGION)
    if not _REGION.fullmatch(region):
        raise BadStoreURL("The region in the S3 storage URL has other characters than letters, digits and hyphens.")
    access_key, secret_key = _credentials(userinfo, environment)
    return S3Place(bucket, endpoint, secure, region, _prefix(given.get("prefix", "")), access_key, secret_key)


def _parameters(query: str) -> dict[str, str]:
    pairs = parse_qsl(query, keep_blank_values=True)
    given = dict(pairs)
    unknown = sorted(set(given) - {"endpoint", "region", "prefix"})
    if unknown or len(given) != len(pairs):
        raise BadStoreURL("An S3 storage URL takes endpoint, region and prefix after the '?', each once.")
    return given


def _endpoint(endpoint: str) -> tuple[bool, str]:
    scheme, _, host = endpoint.partition("://")
    host = host.removesuffix("/")
    port = host.rpartition(":")[2] if re.search(r":\d+\Z", host) else "443"
    if scheme not in ("http", "https") or not _HOST.fullmatch(host) or not 0 < int(port) < 65536:
        raise BadStoreURL("An S3 storage URL needs its server: endpoint=http://host:port or endpoint=https://host.")
    return scheme == "https", host


def _prefix(prefix: str) -> str:
    prefix = prefix.strip("/")
    if not prefix:
        return ""
    try:
        check_key(prefix)
    except BadKey as error:
        raise BadStoreURL(f"The prefix in the S3 storage URL cannot be used. {error}") from error
    if len(prefix) > _MAX_PREFIX:
        raise BadStoreURL(f"The prefix in the S3 storage URL is longer than {_MAX_PREFIX} characters.")
    return prefix + "/"


def _credentials(userinfo: str, environment: Mapping[str, str]) -> tuple[str, str]:
    access_key, _, secret_key = (unquote(part) for part in userinfo.partition(":"))
    if not userinfo:
        access_key, secret_key = environment.get(ACCESS_KEY, ""), environment.get(SECRET_KEY, "")
    if not access_key or not secret_key:
        raise BadStoreURL(f"The S3 store has no credentials: set {ACCESS_KEY} and {SECRET_KEY}.")
    return access_key, secret_key
