"""WFDB records: a text header naming signal files beside it, by path or as a zip of the record.

Source: G. Moody, "WFDB Applications Guide", header(5) and signal(5). Read here rather than by the `wfdb` package, which
follows any path or address that a header names and needs several times the recording's memory; tests compare with it.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Final

import numpy as np

from ecg.formats.dates import moment, sex_of
from ecg.formats.timeline import Piece, Samples, empty, join
from ecg.formats.wfdb_header import Header, Signal, parse_header
from ecg.formats.wfdb_signals import scaled
from ecg.leads import lead_name
from ecg.limits import ANY_ZIP_RATIO, MAX_FILE_BYTES, MAX_STATEMENTS, MAX_ZIP_ENTRIES, MAX_ZIP_RATIO
from ecg.recording import Patient, Recording, UnreadableECG

NAME: Final = "WFDB"
Fetch = Callable[[str], bytes]
"""Content of the file of this name in the record's folder."""

_HEADER_LINE: Final = re.compile(
    rb"\A(?:[ \t]*(?:#[^\n]*)?\r?\n)*[\w\-./]+[ \t]+\d{1,4}"
    rb"(?:[ \t]+[\d.]+(?:/[\d.()]+)?(?:[ \t][^\n]*)?)?[ \t]*\r?(?:\n|\Z)"
)
_ZIPPED: Final = re.compile(rb"\.(?:hea|dat|atr|qrs|xws|mat)$", re.IGNORECASE | re.MULTILINE)
_SIDE_FILE: Final = re.compile(r"[\w][\w.+\- ]{0,127}")
_MIT_PATIENT: Final = re.compile(r"^\s*(\d{1,3}|-1)\s+([MF])\b")
_AGE: Final = re.compile(r"\bage>?:?\s*(\d{1,3})\b", re.IGNORECASE)
_SEX: Final = re.compile(r"\bsex>?:?\s*(male|female|m|f)\b", re.IGNORECASE)
_DIAGNOSIS: Final = re.compile(r"^\s*(?:<diagnoses>|dx|diagnos[ie]s|reason for admission):?\s*(.*)$", re.IGNORECASE)


def recognise(head: bytes) -> bool:
    """True if the first bytes are a zip archive or a WFDB header's record line."""
    return head.startswith(b"PK\x03\x04") or _HEADER_LINE.match(head[:4096]) is not None


def is_archive(head: bytes) -> bool:
    """True if the first bytes are those of a zip archive that begins with files of a WFDB record."""
    return _ZIPPED.search(_first_names(head)) is not None


def _first_names(head: bytes) -> bytes:
    """Names of the archive's first entries, a line each: as many local headers (APPNOTE 4.3.7) as follow each other here."""
    names, at = [], 0
    while head[at : at + 4] == b"PK\x03\x04" and at + 30 <= len(head):
        packed, length, extra = (int.from_bytes(head[at + b : at + e], "little") for b, e in ((18, 22), (26, 28), (28, 30)))
        names.append(head[at + 30 : at + 30 + length])
        at += 30 + length + extra + packed
    return b"\n".join(names)


def read(content: bytes) -> Recording:
    """The record in a zip archive of its files. A header alone cannot be read from bytes. Raises UnreadableECG."""
    if not content.startswith(b"PK\x03\x04"):
        raise UnreadableECG(NAME, 0, "a header without its signal files: give the header's path, or a zip of header and signals")
    files = _unpacked(content)
    headers = [name for name in files if name.endswith(".hea")]
    parsed = {name: parse_header(files[name]) for name in headers}
    parts = {f"{segment}.hea" for header in parsed.values() for segment, _ in header.segments}
    tops = [name for name in headers if name not in parts]
    if len(tops) != 1:
        raise UnreadableECG(NAME, 0, f"{len(tops)} WFDB records in the archive; send one at a time")

    def fetch(name: str) -> bytes:
        if name not in files:
            raise UnreadableECG(NAME, 0, f"the header names {name}, which the archive does not hold")
        return files[name]

    return _recording(parsed[tops[0]], fetch)


def read_file(path: Path) -> Recording:
    """The record whose header is at `path`, its signal files in the same folder. Raises UnreadableECG."""
    with path.open("rb") as file:
        content = file.read(MAX_FILE_BYTES + 1)
    if content.startswith(b"PK\x03\x04"):
        return read(content)

    def fetch(name: str) -> bytes:
        beside = path.parent / name
        if not beside.is_file():
            raise UnreadableECG(NAME, 0, f"the header names {name}, which is not beside it")
        if beside.stat().st_size > MAX_FILE_BYTES:
            raise UnreadableECG(NAME, 0, f"{name} is larger than {MAX_FILE_BYTES} bytes")
        return beside.read_bytes()

    return _recording(parse_header(content), fetch)


def _unpacked(content: bytes) -> dict[str, bytes]:
    """The archive's files by their name without folders, within the limits on count and unpacked size."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        if len(entries) > MAX_ZIP_ENTRIES:
            raise UnreadableECG(NAME, 0, f"{len(entries)} files in the archive; {MAX_ZIP_ENTRIES} can be read")
        files: dict[str, bytes] = {}
        unpacked = sum(entry.file_size for entry in entries)
        if unpacked > MAX_FILE_BYTES:
            raise UnreadableECG(NAME, 0, f"the archive unpacks to more than {MAX_FILE_BYTES} bytes")
        if unpacked > max(ANY_ZIP_RATIO, MAX_ZIP_RATIO * len(content)):
            raise UnreadableECG(NAME, 0, f"the archive unpacks to more than {MAX_ZIP_RATIO} times its size: send it without compressing")
        for entry in entries:
            if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise UnreadableECG(NAME, 0, f"{entry.filename[:60]!r} is neither stored nor deflated")
            with archive.open(entry) as file:
                # The directory's size may lie; what comes beyond it fails the entry's checksum and is not unpacked.
                found = file.read(entry.file_size + 1)
            files[PurePosixPath(entry.filename).name] = found
    except (zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError, OSError, ValueError) as error:
        if isinstance(error, UnreadableECG):
            raise
        raise UnreadableECG(NAME, 0, f"a zip archive that cannot be unpacked: {error}") from error
    return files


def _side_file(fetch: Fetch, name: str) -> bytes:
    """A file that the header names: only a plain name in the same folder is followed."""
    if not _SIDE_FILE.fullmatch(name):
        raise UnreadableECG(NAME, 0, f"the header names {name[:60]!r}: signal files lie beside the header")
    return fetch(name)


def _recording(header: Header, fetch: Fetch) -> Recording:
    pieces, rate = _pieces(header, fetch)
    if not pieces:
        raise UnreadableECG(NAME, 0, "no signal in volts")
    leads, samples = join(NAME, pieces, rate)
    day, clock = header.day, header.clock
    return Recording(
        leads=leads,
        samples=samples,
        rate=rate,
        start=moment(*day, *clock) if day and clock else None,
        patient=_patient(header.comments),
        statements=_statements(header.comments),
        format=NAME,
    )


def _pieces(header: Header, fetch: Fetch) -> tuple[list[Piece], float]:
    """Samples of each segment in volts; a record without segments is one piece."""
    if not header.segments:
        leads, samples, rate = _signals(header, fetch)
        return ([Piece(0, leads, samples)] if leads else []), rate
    pieces, at, rate = [], 0, 0.0
    for name, length in header.segments:
        if name != "~" and length:
            part = parse_header(_side_file(fetch, f"{name}.hea"))
            if part.segments:
                raise UnreadableECG(NAME, 0, f"segment {name} has segments of its own")
            leads, samples, own = _signals(part, fetch)
            if rate and own != rate:
                raise UnreadableECG(NAME, 0, f"segments at {rate:g} Hz and at {own:g} Hz")
            rate = own
            pieces += [Piece(round(at * own / header.rate), leads, samples)] if leads else []
        at += length
    return pieces, rate or header.rate


def _signals(header: Header, fetch: Fetch) -> tuple[list[str], Samples, float]:
    """Leads, samples and rate of a header's signals in volts that have the most samples a frame."""
    volts = [signal for signal in header.signals if signal.microvolts is not None]
    dense = max((signal.per_frame for signal in volts), default=1)
    chosen = [signal for signal in volts if signal.per_frame == dense]
    rate = header.rate * dense
    if not chosen or (header.length == 0 and all(signal.file == "~" for signal in chosen)):
        return [], np.empty((0, 0), np.float32), rate  # a layout segment describes signals and holds no samples
    files: dict[str, list[Signal]] = {}
    for signal in header.signals:
        files.setdefault(signal.file, []).append(signal)
    rows: dict[int, Samples] = {}
    length = 0
    for name, group in files.items():
        wanted = [signal for signal in group if signal in chosen]
        if wanted:
            found = scaled(_side_file(fetch, name), name, group, wanted, header)
            rows |= {signal.place: row for signal, row in zip(wanted, found, strict=True)}
            length = max(length, found.shape[1])
    if len(files) == 1:
        return [lead_name(signal.label) for signal in chosen], found, rate
    samples = empty(NAME, 0, len(chosen), length, rate)
    samples.fill(np.nan)
    for row, signal in enumerate(chosen):
        samples[row, : rows[signal.place].size] = rows.pop(signal.place)
    return [lead_name(signal.label) for signal in chosen], samples, rate


def _patient(comments: tuple[str, ...]) -> Patient:
    """Age and sex as PhysioNet's databases write them into comments."""
    text = "\n".join(comments)
    for line in comments[:1]:
        if match := _MIT_PATIENT.match(line):
            return Patient(sex=sex_of(match[2]), age_years=float(match[1]) if match[1] != "-1" else None)
    age, sex = _AGE.search(text), _SEX.search(text)
    return Patient(sex=sex_of(sex[1]) if sex else "unknown", age_years=float(age[1]) if age else None)


def _statements(comments: tuple[str, ...]) -> tuple[str, ...]:
    """Return the text of a line behind "Dx:", or all lines below a heading "<diagnoses>:"."""
    found: list[str] = []
    below = False
    for line in comments[: 10 * MAX_STATEMENTS]:
        match = None if below else _DIAGNOSIS.match(line)
        text = line.strip() if below else match[1].strip() if match else ""
        below = below or (match is not None and not text)
        found += [text] if text else []
    return tuple(found[:MAX_STATEMENTS])
