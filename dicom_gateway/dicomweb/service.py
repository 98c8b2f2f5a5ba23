"""The state that the handlers share: the parts they work with, who asks, and errors as problem documents (RFC 9457)."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from dicom_gateway.dicomweb.parts import DamagedParts, TooManyParts
from dicom_gateway.errors import TooLargeToDescribe
from dicom_gateway.index import BadQuery, Index, Scope, StoredInstance, Target
from dicom_gateway.index.disclosure import WithheldKey
from dicom_gateway.intake import Intake
from dicom_gateway.objects import NoSuchFrame, Objects
from dicom_gateway.pixels import PixelError, PixelPool
from dicom_gateway.pixels.errors import DecodingBusy
from dicom_gateway.series_documents import SeriesDocuments
from dicom_gateway.stability import StudyWatch
from dicom_gateway.workitems import WorkitemRepository
from storage.errors import StorageError
from storage.protocol import ObjectStore

log = logging.getLogger(__name__)

# (request, "search" | "retrieve" | "store" | "worklist") -> what the caller may do; it answers for itself (401, 403) by raising.
Authorise = Callable[[web.Request, str], Awaitable[Scope]]


@dataclass(frozen=True, slots=True)
class Service:
    """The parts behind the handlers."""

    index: Index
    store: ObjectStore
    intake: Intake
    authorise: Authorise
    pool: PixelPool
    objects: Objects
    documents: SeriesDocuments
    watch: StudyWatch
    workitems: WorkitemRepository


GZIP_TAG = "-gzip"  # ends the ETag of a compressed answer: other bytes, so another strong tag (RFC 9110 section 8.8.1)

_ROOT = re.compile(r"(.*?)/(?:studies|series|instances|workitems)(?:/|$)")

SERVICE = web.AppKey("dicomweb_service", Service)


class Problem(Exception):
    """An answer other than success: status, title, one plain sentence, and headers that belong to it."""

    def __init__(self, status: int, title: str, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.headers = headers
        self.status = status
        self.title = title

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how it is made again in another process."""
        return type(self), (self.status, self.title, str(self), self.headers)


def not_found() -> Problem:
    """Nothing here: absent and out of scope look the same."""
    return Problem(404, "Not found", "there is nothing under this address")


@web.middleware
async def problems(request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> web.StreamResponse:
    """Errors to problem documents; never a stack trace."""
    try:
        return await handler(request)
    except Problem as problem:
        return _answer(problem.status, problem.title, str(problem), problem.headers)
    except WithheldKey as error:
        return _answer(403, "Forbidden", str(error))
    except TooManyParts as error:
        return _answer(413, "Too large", f"{error} in one request: send several")
    except DamagedParts as error:
        return _answer(400, "Bad request", str(error))
    except BadQuery as error:
        return _answer(400, "Bad query", str(error))
    except NoSuchFrame as error:
        return _answer(404, "Not found", str(error))
    except PixelError as error:
        return _answer(406, "Not acceptable", str(error))
    except TooLargeToDescribe as error:
        return _answer(406, "Not acceptable", f"{error}: fetch the objects themselves")
    except DecodingBusy as error:
        return _answer(503, "Busy", str(error))
    except StorageError as error:
        log.error("reading for %s failed: %s", request.path, error)
        return _answer(503, "Storage unavailable", "the object cannot be read now")


async def scope_of(request: web.Request, action: str) -> tuple[Service, Scope]:
    """The service, and what the caller may do."""
    service = request.config_dict[SERVICE]
    return service, await service.authorise(request, action)


async def instances_of(request: web.Request) -> tuple[Service, list[StoredInstance]]:
    """The instances that the address names, as far as the caller may see them. Raises `Problem` 404 if none."""
    service, scope = await scope_of(request, "retrieve")
    where = request.match_info
    target = Target(
        studies=[where["study"]],
        series=[where["series"]] if "series" in where else (),
        instances=[where["instance"]] if "instance" in where else (),
    )
    found = await service.index.locate(target, scope)
    if not found:
        raise not_found()
    return service, found


def service_address(request: web.Request) -> str:
    """Absolute address of the DICOMweb service, wherever it is mounted."""
    resource = request.match_info.route.resource
    mounted = _ROOT.match(resource.canonical if resource else "")
    return f"{request.scheme}://{request.host}{mounted[1] if mounted else ''}"


def unchanged(request: web.Request, etag: str) -> bool:
    """True if the caller's copy is current, compressed or not."""
    return any(known.value.removesuffix(GZIP_TAG) in (etag, "*") for known in request.if_none_match or ())


def _answer(status: int, title: str, detail: str, headers: dict[str, str] | None = None) -> web.Response:
    document = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    body = json.dumps(document, ensure_ascii=False).encode()
    return web.Response(status=status, body=body, content_type="application/problem+json", headers=headers)
