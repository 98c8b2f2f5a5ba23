"""Associations that we ask for, with pynetdicom: for everything but sending objects (`upper_layer.sender`). They block: for a thread."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pynetdicom.presentation import PresentationContext

from dicom_gateway.dimse.association_socket import RequestingEntity
from dicom_gateway.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from dicom_gateway.upper_layer.addresses import addresses_of
from dicom_gateway.upper_layer.negotiation import MAX_PDU
from dicom_gateway.upper_layer.sender import CONNECT_WITHIN, Cause, Peer, SendingFailed, failure, why_not


@contextmanager
def associate(
    peer: Peer, contexts: Sequence[PresentationContext], answer_within: float, roles: Sequence[Any] = (), handlers: Sequence[Any] = ()
) -> Iterator[Any]:
    """An association, released behind its use. `answer_within` are the seconds that one message may take.

    Raises `SendingFailed` where the peer cannot be reached or refuses."""
    ae = RequestingEntity(ae_title=peer.calling)
    ae.implementation_class_uid, ae.implementation_version_name = IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
    ae.connection_timeout = ae.acse_timeout = CONNECT_WITHIN
    ae.dimse_timeout = ae.network_timeout = answer_within
    ae.requested_contexts = list(contexts)
    association: Any = None
    for address in _addresses(peer):
        association = ae.associate(
            address,
            peer.port,
            ae_title=peer.called,
            max_pdu=MAX_PDU,
            ext_neg=list(roles),
            evt_handlers=list(handlers),
            tls_args=(peer.tls, peer.host) if peer.tls else None,
        )
        if association.is_established or association.is_rejected:
            break
    if association.is_rejected:
        raise SendingFailed(f"{peer.called} refuses the association", Cause.REFUSED)
    if not association.is_established:
        nothing = SendingFailed(f"{peer.called} does not answer at {peer.host}:{peer.port}", Cause.NO_ANSWER)
        raise why_not(peer) or nothing  # pynetdicom keeps to itself why
    try:
        yield association
    finally:
        if association.is_established:
            association.release()


def _addresses(peer: Peer) -> list[str]:
    try:
        return addresses_of(peer.host, peer.port, peer.may_call)
    except OSError as error:
        raise failure(peer, error) from None
