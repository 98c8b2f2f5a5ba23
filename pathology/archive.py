"""Zipped slides (MRXS with its folder): unpacked only if every name stays inside, and no further than the limits."""

from __future__ import annotations

import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Final

from pathology.errors import Refusal, UnreadableSlide
from pathology.limits import MAX_ARCHIVE_BYTES, MAX_ARCHIVE_ENTRIES, MAX_ARCHIVE_RATIO

NAME: Final = "zip"
_BLOCK: Final = 1 << 20
_ALLOWED_RATIO_BYTES: Final = 10 << 20
"""Entries smaller than this may be packed as well as they like."""
_MAX_DEPTH, _MAX_NAME = 8, 255


def recognise(head: bytes) -> bool:
    """True for a zip file."""
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack a zipped slide into an empty folder of the caller's; return the path of the file to open.

    Names, links, counts and sizes are looked at before anything is written, sizes again while it is. Raises UnreadableSlide.
    """
    try:
        with zipfile.ZipFile(archive) as packed:
            entries = _checked(packed)
            chosen = _main(entries)
            for entry in entries:
                _write(packed, entry, folder)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, UnicodeError, ValueError) as error:
        raise UnreadableSlide(Refusal.DAMAGED, NAME, 0, f"the archive cannot be unpacked ({type(error).__name__})") from None
    return folder / chosen


def _checked(packed: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    entries = packed.infolist()
    if len(entries) > MAX_ARCHIVE_ENTRIES:
        raise _unsafe(0, f"{len(entries)} entries, at most {MAX_ARCHIVE_ENTRIES} are unpacked")
    total, taken = 0, set()
    for number, entry in enumerate(entries, 1):
        if (fault := _fault(entry)) is not None:
            raise _unsafe(entry.header_offset, f"entry {number} {fault}")
        folded = entry.filename.casefold().rstrip("/")
        if folded in taken:
            raise _unsafe(entry.header_offset, f"entry {number} has the name of another one")
        taken.add(folded)
        total += entry.file_size
        if total > MAX_ARCHIVE_BYTES:
            raise _unsafe(entry.header_offset, f"more than {MAX_ARCHIVE_BYTES} bytes unpacked")
    return entries


def _fault(entry: zipfile.ZipInfo) -> str | None:
    """What is wrong with an entry, or None. Its name is not repeated: it may be a patient's."""
    name = entry.orig_filename
    path = PurePosixPath(name)
    if "\\" in name or "\0" in name or (len(name) > 1 and name[1] == ":"):
        return "has a name with a backslash, a drive or a zero byte"
    if path.is_absolute() or ".." in path.parts or not path.parts:
        return "has a name that leads out of its folder"
    if len(path.parts) > _MAX_DEPTH or any(len(part.encode()) > _MAX_NAME for part in path.parts):
        return "has a name that is too long or too deep"
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or a device"
    if entry.flag_bits & 1:
        return "is encrypted"
    if entry.file_size > _ALLOWED_RATIO_BYTES and entry.file_size > MAX_ARCHIVE_RATIO * max(1, entry.compress_size):
        return f"unpacks to {entry.file_size} bytes out of {entry.compress_size}"
    return None


def _main(entries: list[zipfile.ZipInfo]) -> str:
    """The file of the archive that is opened: its one .mrxs, or the only file there is."""
    files = [entry.filename for entry in entries if not entry.is_dir()]
    slides = [name for name in files if name.casefold().endswith(".mrxs")]
    if len(slides) == 1:
        return slides[0]
    if not slides and len(files) == 1 and not files[0].casefold().endswith(".zip"):
        return files[0]
    found = f"{len(files)} files with {len(slides)} .mrxs among them"
    raise UnreadableSlide(Refusal.NO_PICTURE, NAME, 0, found, "Pack one slide: its .mrxs file and its folder.")


def _write(packed: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path) -> None:
    target = folder / entry.filename
    if entry.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with packed.open(entry) as source, target.open("xb") as out:
        while block := source.read(_BLOCK):
            written += len(block)
            if written > entry.file_size:
                raise _unsafe(entry.header_offset, "an entry unpacks to more than it says")
            out.write(block)


def _unsafe(offset: int, found: str) -> UnreadableSlide:
    return UnreadableSlide(Refusal.UNSAFE_ARCHIVE, NAME, offset, found)
