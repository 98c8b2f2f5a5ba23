"""Associations that we ask for, with pynetdicom: for everything but sending objects (`upper_layer.sender`). They block: for a thread."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pynetdicom import AE
from pynetdicom.presentation import PresentationContext

from dicom_gateway.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from dicom_gateway.upper_layer.negotiation import MAX_PDU
from dicom_gateway.upper_layer.sender import CONNECT_WITHIN, Peer, SendingFailed


@contextmanager
def called(
    peer: Peer, contexts: Sequence[PresentationContext], answer_within: float, roles: Sequence[Any] = (), handlers: Sequence[Any] = ()
) -> Iterator[Any]:
    """An association, released behind its use. `answer_within` are the seconds that one message may take.

    Raises `SendingFailed` where the peer cannot be reached or refuses."""
    ae = AE(ae_title=peer.calling)
    ae.implementation_class_uid, ae.implementation_version_name = IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
    ae.connection_timeout = ae.acse_timeout = CONNECT_WITHIN
    ae.dimse_timeout = ae.network_timeout = answer_within
    ae.requested_contexts = list(contexts)
    association = ae.associate(
        peer.host, peer.port, ae_title=peer.called, max_pdu=MAX_PDU, ext_neg=list(roles), evt_handlers=list(handlers)
    )
    if not association.is_established:
        why = "refuses the association" if association.is_rejected else f"does not answer at {peer.host}:{peer.port}"
        raise SendingFailed(f"{peer.called} {why}")
    try:
        yield association
    finally:
        if association.is_established:
            association.release()
