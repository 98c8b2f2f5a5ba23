"""The decisions of the host program: who may associate and as whom, and to whom C-MOVE may send."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from pydicom.dataset import Dataset

from dicom_gateway.index import Scope
from dicom_gateway.upper_layer.addresses import MayCall, anywhere


class RefusalReason(Enum):
    """Result, source and reason of an A-ASSOCIATE-RJ (PS3.8 table 9-21)."""

    CALLING_AE_TITLE_NOT_RECOGNIZED = (1, 1, 3)
    CALLED_AE_TITLE_NOT_RECOGNIZED = (1, 1, 7)
    APPLICATION_CONTEXT_NOT_SUPPORTED = (1, 1, 2)
    PROTOCOL_VERSION_NOT_SUPPORTED = (1, 2, 2)
    TEMPORARY_CONGESTION = (2, 3, 1)
    LOCAL_LIMIT_EXCEEDED = (2, 3, 2)


@dataclass(frozen=True, slots=True)
class Refusal:
    """No association."""

    reason: RefusalReason


@dataclass(frozen=True, slots=True)
class Destination:
    """The address to which C-MOVE sends for an AE title; over TLS if there is a context for it, and to no IP address but those that
    `may_call` allows."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    may_call: MayCall = anywhere


# (calling AE title, called AE title, peer address, certificate in DER that the peer has shown over TLS and that was verified, else
# empty) -> what the caller may see and whom it stores for, or why not.
Policy = Callable[[str, str, str, bytes], Coroutine[Any, Any, Scope | Refusal]]
# (AE title, scope of the asking association) -> where it is, or None where it is unknown or not allowed.
Destinations = Callable[[str, Scope], Coroutine[Any, Any, Destination | None]]
# (scope and AE title of the asking device) -> the worklist items that are meant for it, each as in PS3.4 table K.6-1.
Worklist = Callable[[Scope, str], Coroutine[Any, Any, Sequence[Dataset]]]
