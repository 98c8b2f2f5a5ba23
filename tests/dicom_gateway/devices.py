"""Devices by pynetdicom, in threads of their own: those that ask, and one that is sent to."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, evt
from pynetdicom.association import Association

from dicom_gateway.dimse.association_socket import RequestingEntity

T = TypeVar("T")
WORKLIST, STEP = UID("1.2.840.10008.5.1.4.31"), UID("1.2.840.10008.3.1.2.3.3")  # PS3.6 annex A


async def with_association(port: int, title: str, classes: Sequence[str], use: Callable[[Association], T], **options: Any) -> T:
    """What `use` gives, called with an open association that is released afterwards. Fails where there is none."""

    def work() -> T:
        ae = RequestingEntity(ae_title=title)
        ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 30
        for each in classes:
            ae.add_requested_context(each, [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
        association = ae.associate("127.0.0.1", port, **options)
        assert association.is_established
        try:
            return use(association)
        finally:
            if association.is_established:
                association.release()

    return await asyncio.to_thread(work)


def keys_of(**attributes: Any) -> Dataset:
    """A data set of these attributes."""
    data_set = Dataset()
    with disable_value_validation():  # devices send what they like
        for keyword, value in attributes.items():
            setattr(data_set, keyword, value)
    return data_set


@dataclass
class StorageProvider:
    """A storage provider by pynetdicom that answers with `status` and says what came."""

    port: int
    syntaxes: tuple[str, ...] = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
    status: Callable[[str], int] = lambda uid: 0
    received: dict[str, str] = field(default_factory=dict)
    syntax_of: dict[str, str] = field(default_factory=dict)
    originators: set[tuple[str, int]] = field(default_factory=set)
    associations: int = 0
    tls: ssl.SSLContext | None = None
    host: str = "127.0.0.1"

    def start(self) -> Any:
        ae = AE(ae_title="DEST")
        ae.add_supported_context(CTImageStorage, list(self.syntaxes))
        handlers = [(evt.EVT_C_STORE, self._store), (evt.EVT_ESTABLISHED, self._count)]
        return ae.start_server((self.host, self.port), block=False, evt_handlers=handlers, ssl_context=self.tls)

    def _count(self, event: Any) -> None:
        self.associations += 1

    def _store(self, event: Any) -> int:
        uid = str(event.request.AffectedSOPInstanceUID)
        self.received[uid] = hashlib.sha256(event.request.DataSet.getvalue()).hexdigest()
        self.syntax_of[uid] = str(event.context.transfer_syntax)
        self.originators.add((event.request.MoveOriginatorApplicationEntityTitle, event.request.MoveOriginatorMessageID))
        return self.status(uid)
