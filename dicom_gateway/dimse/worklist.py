"""Modality worklist: C-FIND over the items that the host program gives for the asking device (PS3.4 annex K)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import UID

from dicom_gateway.dimse.character_sets import answer_in, read
from dicom_gateway.dimse.context import ServiceContext
from dicom_gateway.dimse.matching import answered, check, matches
from dicom_gateway.dimse.statuses import (
    CANCELLED,
    DOES_NOT_MATCH,
    PENDING,
    PENDING_WITH_WARNING,
    SUCCESS,
    UNABLE_TO_PROCESS,
    status,
)
from dicom_gateway.index import BadQuery, Scope

log = logging.getLogger(__name__)

CLASS = "1.2.840.10008.5.1.4.31"


def find(event: Any, service: ServiceContext) -> Iterator[tuple[Dataset | int, Dataset | None]]:
    """One pending response for each item that matches; with a warning where a key is one that no item has."""
    scope: Scope = event.assoc.scope
    try:
        keys = read(event.request.Identifier, UID(event.context.transfer_syntax))
        check(keys)
        items = service.wait(service.worklist(scope, event.assoc.requestor.ae_title.strip())) if service.worklist else ()
        for item in items:
            if event.is_cancelled:
                yield CANCELLED, None
                return
            if matches(item, keys):
                yield _pending(item, keys), answer_in(answered(item, keys), keys, scope.character_set)
    except BadQuery as error:
        yield status(DOES_NOT_MATCH, str(error)), None
    except Exception:
        log.exception("a worklist query could not be answered")
        yield status(UNABLE_TO_PROCESS, "the worklist could not be read"), None
    else:
        yield SUCCESS, None


def _pending(item: Dataset, keys: Dataset) -> int:
    """PENDING, or the pending that says that an optional key is not supported for this item (PS3.4 table K.4-1)."""
    known = all(key.tag in item or key.keyword == "SpecificCharacterSet" or not key.tag.element for key in keys)
    return PENDING if known else PENDING_WITH_WARNING
