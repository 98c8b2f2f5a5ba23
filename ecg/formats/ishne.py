"""ISHNE Holter files ("ISHNE1.0"): a fixed header of 522 bytes, a text block, then 16-bit samples lead by lead.

Layout: F. Badilini, "The ISHNE Holter standard output file format", Annals of Noninvasive Electrocardiology 3 (1998).
"""

from __future__ import annotations

import binascii
from typing import Final

import numpy as np

from ecg.formats.cursor import Cursor, text_of
from ecg.formats.dates import day_of, moment
from ecg.formats.timeline import Samples, empty
from ecg.leads import distinct
from ecg.recording import Device, Patient, Recording, UnreadableECG

NAME: Final = "ISHNE"
MAGIC: Final = b"ISHNE1.0"
HEADER_BYTES: Final = 522
LEADS: Final = (
    "?", "bipolar", "X", "Y", "Z", "I", "II", "III", "aVR", "aVL", "aVF",
    "V1", "V2", "V3", "V4", "V5", "V6", "ES", "AS", "AI",
)  # fmt: skip
"""Lead names by the standard's code."""

INVALID: Final = -32768
_CHUNK: Final = 1 << 20
_SEX = {1: "male", 2: "female"}


def recognise(head: bytes) -> bool:
    """True if the first bytes are those of an ISHNE file."""
    return head.startswith(MAGIC)


def read(content: bytes) -> Recording:
    """The recording in an ISHNE file. Raises UnreadableECG."""
    at = Cursor(NAME, content)
    at.take(len(MAGIC), "the magic number")
    checksum = at.number("<H", "the checksum")
    _, length, _, data_at, _ = at.unpack("<iiiih", "the header")
    first, last, identity = (text_of(at.take(size, "the patient")) for size in (40, 40, 20))
    sex, _, *dates = at.unpack("<2h12h", "the dates")
    birth, recorded, clock = dates[0:3], dates[3:6], dates[9:12]
    count = at.number("<h", "the number of leads")
    codes, _, resolutions = (at.unpack("<12h", "the leads") for _ in range(3))
    at.take(2, "the pacemaker code")
    recorder = text_of(at.take(40, "the recorder"))
    rate = at.number("<h", "the sampling rate")
    _check(content, checksum, data_at, count, resolutions)
    samples = _samples(content, data_at, count, length, rate, resolutions)
    return Recording(
        leads=distinct(LEADS[code] if 0 < code < len(LEADS) else f"lead {n + 1}" for n, code in enumerate(codes[:count])),
        samples=samples,
        rate=float(rate),
        start=moment(recorded[2], recorded[1], recorded[0], *clock),
        patient=Patient(identity, f"{first} {last}".strip(), _SEX.get(sex, "unknown"), day_of(birth[2], birth[1], birth[0])),
        device=Device(model=recorder),
        format=NAME,
    )


def _check(content: bytes, checksum: int, data_at: int, count: int, resolutions: tuple[int, ...]) -> None:
    if not HEADER_BYTES <= data_at <= len(content):
        raise UnreadableECG(NAME, 22, f"samples begin at byte {data_at} of {len(content)}")
    if not 1 <= count <= 12:
        raise UnreadableECG(NAME, 156, f"{count} leads; the format holds 1 to 12")
    # Recorders that do not compute the checksum leave it 0; both byte orders are in use.
    found = binascii.crc_hqx(content[10:data_at], 0xFFFF)
    if checksum and checksum not in (found, (found >> 8) | ((found & 0xFF) << 8)):
        raise UnreadableECG(NAME, 8, "the header's checksum does not match: the file is damaged, send it again")
    for lead, resolution in enumerate(resolutions[:count]):
        if resolution <= 0:
            raise UnreadableECG(NAME, 206 + 2 * lead, f"lead {lead + 1} has a resolution of {resolution} nV")


def _samples(content: bytes, data_at: int, count: int, length: int, rate: int, resolutions: tuple[int, ...]) -> Samples:
    held = (len(content) - data_at) // (2 * count)
    if length > held:
        # The header counts samples of one lead; some recorders write the sum over all leads. Only an exact fit is
        # taken for that: a file cut in half must not pass for a whole one.
        if length != held * count:
            raise UnreadableECG(NAME, len(content), f"cut short: {length} samples a lead are promised, {held} are there")
        length = held
    samples = empty(NAME, 14, count, length, rate)
    stored = np.frombuffer(content, "<i2", count * length, data_at).reshape(length, count)
    for begin in range(0, length, _CHUNK):
        block = stored[begin : begin + _CHUNK]
        for lead in range(count):
            part = samples[lead, begin : begin + _CHUNK]
            np.multiply(block[:, lead], np.float32(resolutions[lead] / 1000), out=part, dtype=np.float32)
            part[block[:, lead] == INVALID] = np.nan
    return samples
