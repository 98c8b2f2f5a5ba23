"""Archives that climb, link, lie or burst: refused as a whole, nothing written."""

from __future__ import annotations

import stat
import struct
import zipfile
from pathlib import Path

import pytest

from pathology.archive import unpack
from pathology.errors import Refusal, UnreadableSlide
from pathology.limits import MAX_ARCHIVE_ENTRIES


def packed(path: Path, *entries: tuple[str, bytes], mode: int = 0) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (("a.mrxs", b"\xff\xd8\xff\xd9"), *entries):
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            if mode and name != "a.mrxs":
                info.external_attr = mode << 16
            archive.writestr(info, content)
    return path


def refused(archive: Path, folder: Path) -> UnreadableSlide:
    folder.mkdir()
    with pytest.raises(UnreadableSlide) as caught:
        unpack(archive, folder)
    assert list(folder.iterdir()) == []
    return caught.value


def test_a_slide_and_its_folder_are_unpacked(tmp_path: Path) -> None:
    archive = packed(tmp_path / "x.zip", ("a/Slidedat.ini", b"[GENERAL]"), ("a/Data0000.dat", bytes(1000)))
    (tmp_path / "out").mkdir()
    assert unpack(archive, tmp_path / "out") == tmp_path / "out/a.mrxs"
    assert (tmp_path / "out/a/Data0000.dat").read_bytes() == bytes(1000)


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/x", "..\\x", "C:\\x", "C:x", "a/" * 9 + "x", "n" * 300, "A.MRXS"])
def test_names_that_lead_out_or_meet_are_refused(name: str, tmp_path: Path) -> None:
    error = refused(packed(tmp_path / "x.zip", (name, b"x")), tmp_path / "out")
    assert error.refusal is Refusal.UNSAFE_ARCHIVE
    assert name not in str(error)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_are_refused(kind: int, tmp_path: Path) -> None:
    error = refused(packed(tmp_path / "x.zip", ("a/link", b"/etc/passwd"), mode=kind | 0o777), tmp_path / "out")
    assert "link or a device" in error.found


def test_a_bomb_is_refused_by_its_ratio(tmp_path: Path) -> None:
    assert "unpacks to" in refused(packed(tmp_path / "x.zip", ("a/Data0000.dat", bytes(20 << 20))), tmp_path / "out").found


def test_an_entry_that_lies_about_its_size_is_not_followed(tmp_path: Path) -> None:
    archive = packed(tmp_path / "x.zip", ("a/Data0000.dat", bytes(range(256)) * 8000))
    content = bytearray(archive.read_bytes())
    struct.pack_into("<I", content, content.rfind(b"PK\x01\x02") + 24, 10)
    archive.write_bytes(content)
    (tmp_path / "out").mkdir()
    with pytest.raises(UnreadableSlide):
        unpack(archive, tmp_path / "out")
    assert sum(file.stat().st_size for file in (tmp_path / "out").rglob("*") if file.is_file()) < 100


def test_too_many_entries_are_refused(tmp_path: Path) -> None:
    entries = [(f"a/{number}", b"") for number in range(MAX_ARCHIVE_ENTRIES)]
    assert "entries" in refused(packed(tmp_path / "x.zip", *entries), tmp_path / "out").found


def test_one_slide_at_a_time(tmp_path: Path) -> None:
    assert refused(packed(tmp_path / "x.zip", ("b.mrxs", b"")), tmp_path / "out").refusal is Refusal.NO_PICTURE


@pytest.mark.parametrize("length", [10, 60, 90])
def test_a_cut_archive_is_damaged(length: int, tmp_path: Path) -> None:
    archive = packed(tmp_path / "x.zip")
    archive.write_bytes(archive.read_bytes()[:length])
    assert refused(archive, tmp_path / "out").refusal is Refusal.DAMAGED
