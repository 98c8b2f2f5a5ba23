"""What is accepted, beside pynetdicom's acceptor for the same classes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import JPEG2000, CTImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian, MRImageStorage
from pynetdicom import AllStoragePresentationContexts, build_context, sop_class
from pynetdicom.presentation import negotiate_as_acceptor

from dicom_gateway.upper_layer import negotiation
from dicom_gateway.upper_layer.pdu import AssociateRequest, ProposedContext, Roles, UserInformation

KNOWN = [str(CTImageStorage), str(MRImageStorage), negotiation.VERIFICATION]
NOT_STORED = [
    "1.2.840.10008.5.1.4.31",  # modality worklist
    "1.2.840.10008.3.1.2.3.3",  # performed procedure step
    "1.2.840.10008.1.20.1",  # storage commitment
    "1.2.840.10008.5.1.1.9",  # basic grayscale print
]
SYNTAXES = [str(ImplicitVRLittleEndian), str(ExplicitVRLittleEndian), str(JPEG2000)]


@given(st.lists(st.tuples(st.sampled_from(KNOWN + NOT_STORED), st.permutations(SYNTAXES), st.integers(1, 3)), min_size=1, max_size=20))
def test_answers_are_those_of_pynetdicom(proposed: list[tuple[str, list[str], int]]) -> None:
    contexts = tuple(
        ProposedContext(2 * n + 1, abstract, tuple(syntaxes[:count])) for n, (abstract, syntaxes, count) in enumerate(proposed)
    )
    answers = negotiation.accept(AssociateRequest("A", "B", contexts)).contexts
    asked = []
    for context in contexts:
        built = build_context(context.abstract_syntax, list(context.transfer_syntaxes))
        built.context_id = context.id
        asked.append(built)
    expected, _ = negotiate_as_acceptor(asked, [build_context(uid, SYNTAXES) for uid in KNOWN])
    by_id = {context.context_id: context for context in expected}
    assert [answer.id for answer in answers] == [context.id for context in contexts]
    for answer, context in zip(answers, contexts, strict=True):
        assert answer.result == by_id[answer.id].result
        if not answer.result:  # any proposed syntax will do; ours is the requestor's first
            assert answer.transfer_syntax == context.transfer_syntaxes[0]


def test_every_storage_class_is_kept_and_nothing_else_that_has_a_name() -> None:
    for context in AllStoragePresentationContexts:
        assert negotiation.is_storage(str(context.abstract_syntax))
    assert negotiation.is_storage("1.2.840.10008.5.1.4.1.1.6")  # retired, and still sent
    others = {uid for name, uid in vars(sop_class).items() if isinstance(uid, sop_class.SOPClass)} - set(
        sop_class._STORAGE_CLASSES.values()
    )
    assert len(others) > 50
    assert not [uid for uid in others if negotiation.is_storage(str(uid))]


@pytest.mark.parametrize("uid", ["1.2.276.0.7230010.3.1.0.1", "1.2.840.10008.5.1.4.1.1.999.1"], ids=["private", "a later edition's"])
def test_what_the_dictionary_does_not_know_is_kept(uid: str) -> None:
    (answer,) = negotiation.accept(AssociateRequest("A", "B", (ProposedContext(1, uid, ("1.2.999",)),))).contexts
    assert (answer.result, answer.transfer_syntax) == (negotiation.ACCEPTANCE, "1.2.999")


def test_one_operation_at_a_time_and_roles_of_storage_as_asked() -> None:
    roles = (Roles(str(CTImageStorage), scu=True, scp=True), Roles(negotiation.VERIFICATION, scu=True, scp=True))
    contexts = tuple(ProposedContext(2 * n + 1, uid, (SYNTAXES[0],)) for n, uid in enumerate(KNOWN))
    user = negotiation.accept(AssociateRequest("A", "B", contexts, UserInformation(operations=(8, 8), roles=roles))).user
    assert user.operations == (1, 1)
    assert user.roles == roles[:1]
    assert user.maximum_length == negotiation.MAX_PDU
    assert negotiation.accept(AssociateRequest("A", "B", contexts)).user.operations is None
