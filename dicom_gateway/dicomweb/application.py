"""The DICOMweb application: its addresses and its parts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from dicom_gateway.dicomweb import bulk, frames, metadata, rendered, retrieve, search
from dicom_gateway.dicomweb import workitems as worklist
from dicom_gateway.dicomweb.capabilities import add_capabilities
from dicom_gateway.dicomweb.service import SERVICE, Authorise, Service, problems
from dicom_gateway.dicomweb.store import complete
from dicom_gateway.dicomweb.store import store as store_objects
from dicom_gateway.index import Index
from dicom_gateway.intake import Intake
from dicom_gateway.objects import Objects
from dicom_gateway.pixels import PixelPool
from dicom_gateway.series_documents import SeriesDocuments
from dicom_gateway.stability import StudyWatch
from dicom_gateway.workitems import SqlWorkitems, WorkitemRepository
from storage.protocol import ObjectStore

_STUDY = "/studies/{study}"
_SERIES = _STUDY + "/series/{series}"
_INSTANCE = _SERIES + "/instances/{instance}"
_WORKITEM = "/workitems/{workitem}"
_FRAMES = _INSTANCE + "/frames/{frames}"


def dicomweb_app(
    index: Index,
    store: ObjectStore,
    intake: Intake,
    authorise: Authorise,
    *,
    pool: PixelPool | None = None,
    watch: StudyWatch | None = None,
    workitems: WorkitemRepository | None = None,
) -> web.Application:
    """An application to mount with `add_subapp`. `authorise(request, action)` gives the caller's scope for `search`,
    `retrieve`, `store` or `worklist`, or raises an HTTP answer of the host's own. A pool that is not given is owned."""
    app = web.Application(middlewares=[problems])
    owned = pool or PixelPool()
    objects = Objects(index, store)
    app[SERVICE] = Service(
        index,
        store,
        intake,
        authorise,
        owned,
        objects,
        SeriesDocuments(index, objects, owned),
        watch or StudyWatch(index.engine),
        workitems or SqlWorkitems(index.engine),
    )

    async def pool_lives(_: web.Application) -> AsyncIterator[None]:
        warming = asyncio.create_task(owned.warm()) if pool is None else None
        yield
        if warming is not None:
            await warming
            await owned.close()

    app.cleanup_ctx.append(pool_lives)
    app.add_routes([
        web.get("/studies", search.studies),
        web.get("/series", search.series),
        web.get("/instances", search.instances),
        web.get(_STUDY + "/series", search.series),
        web.get(_STUDY + "/instances", search.instances),
        web.get(_SERIES + "/instances", search.instances),
        *(web.get(level + "/metadata", metadata.metadata) for level in (_STUDY, _SERIES, _INSTANCE)),
        *(web.get(level + "/thumbnail", rendered.thumbnail) for level in (_STUDY, _SERIES, _INSTANCE, _FRAMES)),
        *(web.get(level + "/rendered", rendered.rendered) for level in (_STUDY, _SERIES, _INSTANCE, _FRAMES)),
        web.get(_FRAMES, frames.frames),
        web.get(_INSTANCE + "/bulkdata/{path:.+}", bulk.bulk_data),
        *(web.get(level + "/bulkdata", bulk.all_bulk_data) for level in (_STUDY, _SERIES, _INSTANCE)),
        *(web.get(level, retrieve.objects) for level in (_STUDY, _SERIES, _INSTANCE)),
        web.post(_STUDY + "/complete", complete),
        web.get("/workitems", worklist.search),
        web.post("/workitems", worklist.create),
        web.get(_WORKITEM, worklist.retrieve),
        web.post(_WORKITEM, worklist.update),
        web.put(_WORKITEM + "/state", worklist.change_state),
        web.post(_WORKITEM + "/cancelrequest", worklist.request_cancel),
        web.post("/studies", store_objects),
        web.post(_STUDY, store_objects),
    ])  # fmt: skip
    add_capabilities(app)
    return app
