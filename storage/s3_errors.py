"""Answers and errors of an S3 server, the SDK and the network, turned into the errors of the store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from xml.etree.ElementTree import ParseError  # only the exception's type: the SDK does the parsing

from minio.error import InvalidResponseError, MinioException, S3Error, ServerError
from urllib3.exceptions import HTTPError

from storage.errors import ObjectMissing, StorageError, StoreFull, StoreUnavailable

# Ceph RGW: rgw_common.h (QuotaExceeded). MinIO: cmd/api-errors.go (the X... codes). 507 is WebDAV's (RFC 4918, 11.5).
_FULL_CODES = {"QuotaExceeded", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "InsufficientStorage"}
_FULL_STATUS = 507

# Amazon S3 API reference, "Error responses". What the person in charge can do about each.
_SENTENCES = {
    "NoSuchBucket": "the bucket does not exist; create it, or correct the storage URL",
    "AccessDenied": "access was denied; the credentials need the rights to read, write, list and delete in the bucket",
    "InvalidAccessKeyId": "the access key is unknown there",
    "SignatureDoesNotMatch": "the secret key does not fit the access key",
    "RequestTimeTooSkewed": "the clocks of this machine and of the server differ by more than 15 minutes",
    "AuthorizationHeaderMalformed": "the region in the storage URL is not that of the bucket",
    "SlowDown": "the server asks for fewer requests",
    "ServiceUnavailable": "the server is overloaded",
}


class RangeBeyondEnd(Exception):
    """The range asked for begins at or behind the end of the object."""


@contextmanager
def translated(server: str, key: str = "") -> Iterator[None]:
    """Turn whatever is raised inside into an error of the store. `server` names it for the message."""
    try:
        yield
    except S3Error as error:
        raise _from_code(server, key, error.code or "", error.message or "", error.response.status) from error
    except ServerError as error:
        raise _from_code(server, key, "", "", error.status_code) from error
    except (InvalidResponseError, MinioException, ParseError, UnicodeDecodeError, ValueError) as error:
        raise StoreUnavailable(f"{server} did not answer as an S3 server does.", key) from error
    except (HTTPError, OSError) as error:
        raise StoreUnavailable(f"{server} cannot be reached, or broke off ({_reason(error)}).", key) from error


def _from_code(server: str, key: str, code: str, message: str, status: int) -> Exception:
    if code == "NoSuchKey" and key:
        return ObjectMissing(f"There is no object {key}.", key)
    if code == "InvalidRange":
        return RangeBeyondEnd()
    if code in _FULL_CODES or status == _FULL_STATUS:
        return StoreFull(f"{server} has no space or quota left ({code or status}); nothing was stored.", key)
    return _refused(server, key, _SENTENCES.get(code) or f"{code or status} {message}".strip())


def _refused(server: str, key: str, reason: str) -> StorageError:
    return StoreUnavailable(f"{server} refused: {reason}.", key)


def _reason(error: Exception) -> str:
    """The innermost cause, without the addresses and object ids that urllib3 writes into its messages."""
    cause: object = getattr(error, "reason", None) or error.__cause__ or error
    return type(cause).__name__
