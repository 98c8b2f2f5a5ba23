"""Which presentation contexts are accepted: verification, and storage of whatever comes (PS3.8 7.1.1.13, PS3.4 annex B).

Storage is every class of composite objects, those that the dictionary does not know too, and every private class: new
ones appear each year, and an archive that refuses them loses images. Of the transfer syntaxes the first proposed is taken:
the requestor's preference, and any can be kept, since what comes is kept as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from pynetdicom import sop_class

from dicom_gateway.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from dicom_gateway.transfer_syntax import IMPLICIT_VR_LITTLE_ENDIAN
from dicom_gateway.upper_layer.pdu import (
    AnsweredContext,
    AssociateAccept,
    AssociateRequest,
    ProposedContext,
    Roles,
    UserInformation,
)

VERIFICATION = "1.2.840.10008.1.1"
MAX_PDU = 128 << 10  # bytes we accept in one P-DATA-TF: fewer, larger reads than the usual 16 K
ACCEPTANCE, ABSTRACT_SYNTAX_NOT_SUPPORTED, TRANSFER_SYNTAXES_NOT_SUPPORTED = 0, 3, 4  # PS3.8 table 9-18

_DICOM = "1.2.840.10008."  # root of all that the standard defines (PS3.6 annex A)
_COMPOSITE_STORAGE = "1.2.840.10008.5.1.4.1.1."  # where it puts composite objects, those of later editions too
_STORAGE = frozenset(map(str, sop_class._STORAGE_CLASSES.values()))
# Services, and objects without a patient such as protocols and inventories, which belong to no study.
_OTHERS = frozenset(str(uid) for uid in vars(sop_class).values() if isinstance(uid, sop_class.SOPClass)) - _STORAGE


@lru_cache(maxsize=4096)
def is_storage(abstract_syntax: str) -> bool:
    """True if objects of this class are stored."""
    if not abstract_syntax:
        return False
    if not abstract_syntax.startswith(_DICOM) or abstract_syntax in _STORAGE:
        return True
    return abstract_syntax.startswith(_COMPOSITE_STORAGE) and abstract_syntax not in _OTHERS


def accept(request: AssociateRequest) -> AssociateAccept:
    """The answer to `request`: one transfer syntax for each accepted context, one operation at a time."""
    contexts = tuple(_answer(context) for context in request.contexts)
    user = UserInformation(
        maximum_length=MAX_PDU,
        implementation_class_uid=IMPLEMENTATION_CLASS_UID,
        implementation_version_name=IMPLEMENTATION_VERSION_NAME,
        operations=(1, 1) if request.user.operations is not None else None,
        roles=_roles(request.contexts, request.user.roles),
    )
    return AssociateAccept(request.called, request.calling, contexts, user)


def _answer(context: ProposedContext) -> AnsweredContext:
    if context.abstract_syntax == VERIFICATION or is_storage(context.abstract_syntax):
        syntax = next(filter(None, context.transfer_syntaxes), None)
        if syntax is None:
            return AnsweredContext(context.id, TRANSFER_SYNTAXES_NOT_SUPPORTED, IMPLICIT_VR_LITTLE_ENDIAN)
        return AnsweredContext(context.id, ACCEPTANCE, syntax)
    # What stands in a refusal is not significant (PS3.8 9.3.3.2), but some requestors want to read it.
    return AnsweredContext(context.id, ABSTRACT_SYNTAX_NOT_SUPPORTED, IMPLICIT_VR_LITTLE_ENDIAN)


def _roles(contexts: Sequence[ProposedContext], asked: Sequence[Roles]) -> tuple[Roles, ...]:
    """Roles as proposed for what is stored: we are willing to be either (PS3.7 D.3.3.4)."""
    storage = {context.abstract_syntax for context in contexts if is_storage(context.abstract_syntax)}
    return tuple({role.sop_class_uid: role for role in asked if role.sop_class_uid in storage}.values())
