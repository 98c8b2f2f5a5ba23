"""Devices that ask: pynetdicom as the user of our services, in a thread of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE
from pynetdicom.association import Association

T = TypeVar("T")
WORKLIST, STEP = UID("1.2.840.10008.5.1.4.31"), UID("1.2.840.10008.3.1.2.3.3")  # PS3.6 annex A


async def with_association(port: int, title: str, classes: Sequence[str], use: Callable[[Association], T], **options: Any) -> T:
    """What `use` gives, called with an open association that is released afterwards. Fails where there is none."""

    def work() -> T:
        ae = AE(ae_title=title)
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
