"""Signatures on reports: two people, one file, and whoever changes a byte of it is found out."""

import multiprocessing
import stat
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from telemed.adapters.demo_certificates import DemoCertificates
from telemed.adapters.printing.report_document import LABELS, ReportDocument, ReportPatient, Section, SignedBy
from telemed.adapters.printing.report_pdf import render_report
from telemed.adapters.signatures.pades import MAX_BYTES
from telemed.adapters.signatures.pdf_signatures import PdfSigner, verify_signatures
from telemed.service.ports.signer import Signatory, Signer, UnreadablePdf, UnsignablePdf

NOON = datetime(2026, 3, 5, 12, 0, tzinfo=timezone(timedelta(hours=8)))
LATER = NOON + timedelta(minutes=20)
AUTHOR = Signatory("imaging.main", "王建国", "滨江大学附属第一医院")
REVIEWER = Signatory("imaging2.main", "陈䶮", "滨江大学附属第一医院")


def report() -> bytes:
    made = ReportDocument(
        language="zh-CN",
        labels=dict.fromkeys(LABELS, "标签"),
        title="远程影像诊断报告书",
        centre="区域影像诊断中心",
        hub=AUTHOR.organization,
        member="青山县人民医院",
        status="final",
        version=1,
        patient=ReportPatient("欧阳䶮", "女"),
        accession_number="CLINIC1-CT-0117",
        issued_at=NOON,
        verification_code="7K3Q-9F2M",
        verification_url="https://telemed.example.org/verify/7K3Q9F2M",
        disclaimer="本报告仅供临床医师参考。",
        sections=(Section("诊断意见", "右肺下叶结节。", prominent=True),),
        author=SignedBy(AUTHOR.name, NOON),
        reviewer=SignedBy(REVIEWER.name, LATER),
    )
    return render_report(made)


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> PdfSigner:
    return PdfSigner(tmp_path_factory.mktemp("signing") / "keys")


@pytest.fixture(scope="module")
def by_author(signer: PdfSigner) -> bytes:
    return signer.sign(report(), "author", AUTHOR, "报告签署", NOON, reviewer_follows=True)


@pytest.fixture(scope="module")
def by_both(signer: PdfSigner, by_author: bytes) -> bytes:
    return signer.sign(by_author, "reviewer", REVIEWER, "审核签署", LATER)


def hole(pdf: bytes) -> tuple[int, int]:
    """First and last position of the last signature's own value, the only part of the file that nothing covers."""
    start = pdf.rindex(b"/Contents <") + len(b"/Contents <")
    return start, pdf.index(b">", start)


def is_accepted(signer: PdfSigner, pdf: bytes) -> bool:
    try:
        checks = signer.verify(pdf)
    except UnreadablePdf:
        return False
    return len(checks) == 2 and all(check.valid for check in checks)


def test_author_and_reviewer_both_stay_valid(signer: PdfSigner, by_author: bytes, by_both: bytes):
    assert by_author.startswith(report())
    assert by_both.startswith(by_author)
    checks = signer.verify(by_both)
    assert [check.problem for check in checks] == ["", ""]
    assert all(check.valid and check.intact and check.trusted and check.unchanged_since for check in checks)
    found = [(c.role, c.signatory, c.signatory_id, c.organization, c.reason, c.claimed_at) for c in checks]
    assert found == [
        ("author", AUTHOR.name, AUTHOR.id, AUTHOR.organization, "报告签署", NOON),
        ("reviewer", REVIEWER.name, REVIEWER.id, REVIEWER.organization, "审核签署", LATER),
    ]


def test_one_signature_is_enough_where_nobody_reviews(signer: PdfSigner):
    signed = signer.sign(report(), "author", AUTHOR, "报告签署", NOON)
    assert [(check.role, check.valid) for check in signer.verify(signed)] == [("author", True)]
    with pytest.raises(UnsignablePdf, match="reviewer follows"):
        signer.sign(signed, "reviewer", REVIEWER, "审核签署", LATER)


def test_the_signatures_are_seen_on_the_last_page_in_embedded_fonts(tmp_path: Path, by_both: bytes):
    file = tmp_path / "signed.pdf"
    file.write_bytes(by_both)
    with PdfReader(file) as reader:
        annotations: Any = reader.pages[-1]["/Annots"]
        widgets = [item.get_object() for item in annotations if item.get_object().get("/FT") == "/Sig"]
        assert sorted(widget["/T"] for widget in widgets) == ["Author", "Reviewer"]
        assert len({tuple(widget["/Rect"]) for widget in widgets}) == 2
        for widget in widgets:
            form = widget["/AP"]["/N"]["/Resources"]["/XObject"]["/Stamp"]
            fonts = [font.get_object() for font in form["/Resources"]["/Font"].values()]
            assert fonts
            assert all("/FontFile2" in font["/FontDescriptor"] for font in fonts)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_changed_byte_anywhere_is_found(signer: PdfSigner, by_both: bytes, data: st.DataObject):
    start, end = hole(by_both)
    position = data.draw(st.integers(0, len(by_both) - 1).filter(lambda at: not start <= at < end))
    changed = bytearray(by_both)
    changed[position] ^= data.draw(st.integers(1, 255))
    assert not is_accepted(signer, bytes(changed))


def test_a_changed_signature_value_is_found(signer: PdfSigner, by_both: bytes):
    start, end = hole(by_both)
    digits = by_both[start:end].rstrip(b"0")
    # The value of the signature stands at the end, the certificate in the middle, and zeros fill the space behind.
    for position in (start + len(digits) - 20, start + len(digits) // 2, start, end - 1, end - 100):
        changed = bytearray(by_both)
        changed[position] = ord("1") if changed[position] != ord("1") else ord("2")
        assert not is_accepted(signer, bytes(changed)), position - start


@settings(max_examples=20, deadline=None)
@given(tail=st.binary(min_size=1, max_size=200))
def test_anything_added_behind_the_end_is_found(signer: PdfSigner, by_both: bytes, tail: bytes):
    assert not is_accepted(signer, by_both + tail)


def test_a_removed_second_signature_is_visible(signer: PdfSigner, by_author: bytes):
    assert [check.role for check in signer.verify(by_author)] == ["author"]


def test_a_signature_from_elsewhere_is_not_trusted(tmp_path: Path, by_both: bytes):
    other = DemoCertificates(tmp_path / "other").authority().certificate_der()
    checks = verify_signatures(by_both, [other])
    assert [(check.intact, check.trusted, check.valid) for check in checks] == [(True, False, False)] * 2


@pytest.mark.parametrize("order", [["reviewer"], ["author", "author"], ["author", "reviewer", "reviewer"]])
def test_the_order_of_signatures_is_kept(signer: PdfSigner, order: list[Any]):
    *before, last = order
    pdf = report()
    for role in before:
        pdf = signer.sign(pdf, role, AUTHOR, "签署", NOON, reviewer_follows=True)
    with pytest.raises(UnsignablePdf, match="signed"):
        signer.sign(pdf, last, AUTHOR, "签署", NOON, reviewer_follows=True)


@pytest.mark.parametrize("content", [b"", b"%PDF-1.4\n", b"hello", b"%PDF-1.7\n" + bytes(2000)])
def test_what_is_no_pdf_is_refused(signer: PdfSigner, content: bytes):
    with pytest.raises(UnreadablePdf):
        signer.verify(content)
    with pytest.raises(UnreadablePdf):
        signer.sign(content, "author", AUTHOR, "签署", NOON)


def test_an_unsigned_report_has_no_signatures(signer: PdfSigner):
    assert signer.verify(report()) == []


def test_a_signatory_without_a_name_is_refused(signer: PdfSigner):
    with pytest.raises(UnsignablePdf, match="name"):
        signer.sign(report(), "author", replace(AUTHOR, name=" "), "签署", NOON)


def test_a_file_beyond_the_limit_is_refused(signer: PdfSigner):
    with pytest.raises(UnreadablePdf, match="larger"):
        signer.verify(report() + bytes(MAX_BYTES))


def test_a_time_without_zone_is_refused(signer: PdfSigner):
    with pytest.raises(UnsignablePdf, match="zone"):
        signer.sign(report(), "author", AUTHOR, "签署", datetime(2026, 1, 1))


def certificate_of(folder: Path) -> bytes:
    return DemoCertificates(folder).of(AUTHOR).certificate_der()


def test_keys_are_made_once_even_by_many_processes_and_are_private(tmp_path: Path):
    folder = tmp_path / "keys"
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(4, mp_context=context) as pool:
        certificates = set(pool.map(certificate_of, [folder] * 12))
    assert len(certificates) == 1
    files = list(folder.iterdir())
    assert sorted(file.name.split("-")[0] for file in files) == ["authority.pem", "person"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert certificates == {certificate_of(folder)}


def test_a_changed_name_is_another_certificate(tmp_path: Path):
    certificates = DemoCertificates(tmp_path)
    renamed = replace(AUTHOR, name="王建设")
    assert certificates.of(AUTHOR).certificate_der() != certificates.of(renamed).certificate_der()


def test_the_shipped_signer_is_a_signer(signer: PdfSigner):
    accepted: Signer = signer
    assert accepted is signer
