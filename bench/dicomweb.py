"""Metadata of a series and single frames over WADO-RS, beside Orthanc with its DICOMweb plugin (Debian's packages).

    python -m bench.dicomweb [--instances 600] [--rounds 15]

Both servers hold the same objects, sent by STOW-RS, and answer in turn within each round, so that other load meets both. The
metadata are those of a real CT header (pydicom's CT_small.dcm). Ours: `first` is described for the question, `kept` is what
the background has made ready. Frames: the middle one of objects that differ only in how many frames they have.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from bench.machine import describe_machine
from bench.running import free_port, running

STOW_BATCH = 50
PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
MULTIPART = {"Accept": "multipart/related; type=application/octet-stream; transfer-syntax=*"}


@dataclass(frozen=True)
class Side:
    """One server: its name and the address of its DICOMweb service."""

    name: str
    url: str


def part10(data_set: Dataset) -> bytes:
    out = BytesIO()
    data_set.save_as(out, enforce_file_format=True)
    return out.getvalue()


def slices(count: int) -> tuple[str, list[bytes]]:
    """A series of CT slices: its address, and its files."""
    found = get_testdata_file("CT_small.dcm")
    data_set = dcmread(str(found))
    data_set.StudyInstanceUID, data_set.SeriesInstanceUID = generate_uid(), generate_uid()
    files = []
    for number in range(count):
        data_set.SOPInstanceUID = data_set.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        data_set.InstanceNumber, data_set.SliceLocation = number + 1, str(-77.2 + number)
        data_set.ImagePositionPatient = ["-158.135803", "-179.035797", str(-75.699997 + number)]
        files.append(part10(data_set))
    return f"/studies/{data_set.StudyInstanceUID}/series/{data_set.SeriesInstanceUID}", files


def multiframe(frames: int) -> tuple[str, bytes]:
    """An object with so many frames of 256 x 256 x 16 bits: the address of its middle frame, and its file."""
    data_set = dcmread(str(get_testdata_file("CT_small.dcm")))
    data_set.SOPClassUID = data_set.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7.3"
    data_set.StudyInstanceUID, data_set.SeriesInstanceUID = generate_uid(), generate_uid()
    data_set.SOPInstanceUID = data_set.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    data_set.Rows = data_set.Columns = 256
    data_set.NumberOfFrames = frames
    data_set.PixelData = np.random.default_rng(frames).integers(0, 4096, frames * 256 * 256, "<u2").tobytes()
    data_set["PixelData"].VR = "OW"
    where = f"/studies/{data_set.StudyInstanceUID}/series/{data_set.SeriesInstanceUID}/instances/{data_set.SOPInstanceUID}"
    return f"{where}/frames/{(frames + 1) // 2}", part10(data_set)


def stow(side: Side, files: list[bytes]) -> None:
    for start in range(0, len(files), STOW_BATCH):
        parts = [b"--b\r\nContent-Type: application/dicom\r\n\r\n" + each + b"\r\n" for each in files[start : start + STOW_BATCH]]
        headers = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=b', "Accept": "application/dicom+json"}
        request = urllib.request.Request(f"{side.url}/studies", b"".join(parts) + b"--b--\r\n", headers)
        with urllib.request.urlopen(request, timeout=600) as answer:
            assert answer.status == 200, answer.read()


def ask(url: str, headers: dict[str, str]) -> tuple[float, bytes]:
    """Milliseconds, and the answer."""
    begun = time.perf_counter()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=600) as answer:
            body = answer.read()
    except urllib.error.HTTPError as error:
        if error.code != 304:
            raise
        body = b""
    return (time.perf_counter() - begun) * 1000, body


def metadata(ours: Side, theirs: Side | None, instances: int, rounds: int) -> dict[str, list[float]]:
    """Milliseconds for the metadata of a series."""
    where, files = slices(instances)
    taken: dict[str, list[float]] = defaultdict(list)
    for side in filter(None, (ours, theirs)):
        stow(side, files)
    json_only = {"Accept": "application/dicom+json"}
    first, body = ask(f"{ours.url}{where}/metadata", json_only)
    assert len(json.loads(body)) == instances
    taken["ours, first"].append(first)
    with urllib.request.urlopen(urllib.request.Request(f"{ours.url}{where}/metadata", headers=json_only)) as answer:
        etag = answer.headers["ETag"]
    for _ in range(rounds):
        taken["ours, kept"].append(ask(f"{ours.url}{where}/metadata", json_only)[0])
        taken["ours, kept, gzip"].append(ask(f"{ours.url}{where}/metadata", {**json_only, "Accept-Encoding": "gzip"})[0])
        taken["ours, unchanged (304)"].append(ask(f"{ours.url}{where}/metadata", {**json_only, "If-None-Match": etag})[0])
        if theirs:
            milliseconds, body = ask(f"{theirs.url}{where}/metadata", json_only)
            assert len(json.loads(body)) == instances
            taken["Orthanc"].append(milliseconds)
    return taken


def single_frame(ours: Side, theirs: Side | None, rounds: int) -> dict[str, list[float]]:
    """Milliseconds for the middle frame, by number of frames."""
    taken: dict[str, list[float]] = defaultdict(list)
    for frames in (1, 50, 500):
        where, file = multiframe(frames)
        for side in filter(None, (ours, theirs)):
            stow(side, [file])
            answers = {ask(side.url + where, MULTIPART)[1].split(b"\r\n\r\n", 1)[1][: 256 * 256 * 2]}
            assert answers == {ask(side.url + where, MULTIPART)[1].split(b"\r\n\r\n", 1)[1][: 256 * 256 * 2]}
        for _ in range(rounds):
            for side in filter(None, (ours, theirs)):
                taken[f"{side.name}, 1 of {frames}"].append(ask(side.url + where, MULTIPART)[0])
    return taken


def report(title: str, taken: dict[str, list[float]]) -> None:
    print(f"\n{title:40} {'median ms':>10} {'p95 ms':>8}")
    for name, times in taken.items():
        print(f"{name:40} {statistics.median(times):10.1f} {sorted(times)[int(len(times) * 0.95)]:8.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instances", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    print(describe_machine())
    with tempfile.TemporaryDirectory(prefix="dicomweb-") as made, ExitStack() as stack:
        folder, port, http = Path(made), free_port(), free_port()
        command = [sys.executable, "-m", "dicom_gateway", "serve", "--data", str(folder / "ours"), "--port", str(port)]
        stack.enter_context(running("ours", "ARCHIVE", http, [*command, "--http-port", str(http), "--quiet", "3600"]))
        ours, theirs = Side("ours", f"http://127.0.0.1:{http}/dicomweb"), None
        if PLUGIN.exists():
            http = free_port()
            (folder / "orthanc").mkdir()
            places = {"StorageDirectory": str(folder / "orthanc"), "IndexDirectory": str(folder / "orthanc")}
            plugin = {"Plugins": [str(PLUGIN)], "DicomWeb": {"Enable": True}}
            configuration = folder / "orthanc.json"
            configuration.write_text(json.dumps({**places, **plugin, "DicomPort": free_port(), "HttpPort": http}))
            stack.enter_context(running("Orthanc", "ORTHANC", http, ["Orthanc", str(configuration)]))
            theirs = Side("Orthanc", f"http://127.0.0.1:{http}/dicom-web")
            print(
                subprocess.run(
                    ["dpkg-query", "-W", "orthanc", "orthanc-dicomweb"], capture_output=True, text=True, check=True
                ).stdout.strip()
            )
        else:
            print("Orthanc is left out: its DICOMweb plugin is not installed")
        described = metadata(ours, theirs, arguments.instances, arguments.rounds)
        report(f"metadata of {arguments.instances} instances", described)
        if theirs:
            theirs_took = statistics.median(described["Orthanc"])
            kept, first = statistics.median(described["ours, kept"]) / theirs_took, described["ours, first"][0] / theirs_took
            print(f"kept : Orthanc = {kept:.3f}; first : Orthanc = {first:.3f}")
        report("one frame of 256 x 256 x 16", single_frame(ours, theirs, arguments.rounds))


if __name__ == "__main__":
    main()
