"""How fast the gateway answers C-FIND, C-GET and C-MOVE, beside Orthanc and dcmtk's dcmqrscp on the same machine.

    python -m bench.dimse --rounds 3

Each server is filled with the same studies; then the same dcmtk clients ask all of them: findscu for all studies and for all
instances of a study, getscu for a study, movescu for a study that storescp takes. The servers take turns within each round;
figures are medians. A client's own start (some 10 ms) is in every figure.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from bench.dicom_sender import CT, SMALL, Kind, new_uid, object_of
from bench.ingest import CALLING
from bench.machine import describe_machine
from bench.running import Server, free_port, running

DESTINATION = "DEST"
TOOLS = ("findscu", "getscu", "movescu", "storescu", "storescp")


@dataclass
class Material:
    """Files of `studies`, each of so many instances, in folders of their own."""

    studies: list[str]
    instances: int
    folders: list[Path] = field(default_factory=list)


def make(folder: Path, studies: int, instances: int, kind: Kind) -> Material:
    """Write the files that all servers are filled with."""
    made = Material([str(generate_uid()) for _ in range(studies)], instances)
    for study in made.studies:
        place, series = folder / "material" / study, str(generate_uid())
        place.mkdir(parents=True)
        for number in range(instances):
            data_set: Dataset = object_of(kind, new_uid())
            data_set.StudyInstanceUID, data_set.SeriesInstanceUID, data_set.InstanceNumber = study, series, number + 1
            data_set.save_as(place / f"{number}.dcm", enforce_file_format=True, implicit_vr=False, little_endian=True)
        made.folders.append(place)
    return made


def gateway(folder: Path, destination: int) -> object:
    """The gateway on its own."""
    port = free_port()
    command = [sys.executable, "-m", "dicom_gateway", "serve", "--data", str(folder / "gateway"), "--port", str(port)]
    where = ["--http-port", str(free_port()), "--ae", f"{DESTINATION}=127.0.0.1:{destination}"]
    return running("gateway", "ARCHIVE", port, [*command, *where])


def orthanc(folder: Path, destination: int) -> object:
    """Debian's Orthanc: folder, ports, and who may be sent to."""
    port = free_port()
    (folder / "orthanc").mkdir()
    places = {"StorageDirectory": str(folder / "orthanc"), "IndexDirectory": str(folder / "orthanc")}
    modalities = {"dest": [DESTINATION, "127.0.0.1", destination], "asks": [CALLING, "127.0.0.1", 104]}
    options = {"DicomPort": port, "HttpPort": free_port(), "DicomAet": "ORTHANC", "DicomModalities": modalities}
    (folder / "orthanc.json").write_text(json.dumps({**places, **options}))
    return running("Orthanc", "ORTHANC", port, ["Orthanc", str(folder / "orthanc.json")])


def dcmqrscp(folder: Path, destination: int) -> object:
    """dcmtk's archive: one process for each association, an index file, no sync."""
    port = free_port()
    (folder / "dcmqrscp").mkdir()
    configuration = folder / "dcmqrscp.cfg"
    configuration.write_text(
        f"NetworkTCPPort = {port}\nMaxPDUSize = 131072\nMaxAssociations = 16\n"
        f"HostTable BEGIN\ndest = ({DESTINATION}, localhost, {destination})\nHostTable END\n"
        f"VendorTable BEGIN\nVendorTable END\n"
        f"AETable BEGIN\nQRSCP {folder / 'dcmqrscp'} RW (10000, 8192mb) ANY\nAETable END\n"
    )
    return running("dcmqrscp", "QRSCP", port, ["dcmqrscp", "-c", str(configuration)])


SERVERS: dict[str, tuple[Callable[[Path, int], object], str | None]] = {
    "gateway": (gateway, None),
    "Orthanc": (orthanc, "Orthanc"),
    "dcmqrscp": (dcmqrscp, "dcmqrscp"),
}


@contextmanager
def destination(folder: Path) -> Iterator[int]:
    """dcmtk's storescp, which forgets what it takes, and its port."""
    port = free_port()
    (folder / "moved").mkdir()
    command = ["storescp", "--fork", "--max-pdu", "131072", "--ignore", "-aet", DESTINATION, str(port)]
    with running("storescp", DESTINATION, port, command):
        yield port


def run(*command: str) -> str:
    """A dcmtk client's output. Raises where it fails."""
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {(done.stdout + done.stderr)[-500:]}")
    return done.stdout + done.stderr


def peer(server: Server) -> tuple[str, ...]:
    """How a client of dcmtk names the server."""
    return ("-aet", CALLING, "-aec", server.title, "127.0.0.1", str(server.port))


def fill(server: Server, material: Material) -> None:
    """Send all studies, and wait until a query finds them."""
    for folder in material.folders:
        run("storescu", "--max-pdu", "131072", "+sd", *peer(server)[:4], *peer(server)[4:], str(folder))
    if (found := find(server, "STUDY", ("StudyInstanceUID",))) != len(material.studies):
        raise RuntimeError(f"{server.name} has {found} of {len(material.studies)} studies")


def find(server: Server, level: str, keys: tuple[str, ...]) -> int:
    """Ask, and count the answers."""
    wanted = [part for key in (f"QueryRetrieveLevel={level}", *keys) for part in ("-k", key)]
    return run("findscu", "-v", "-S", *wanted, *peer(server)).count("(Pending)")


STUDY_KEYS = ("StudyInstanceUID", "PatientID", "PatientName", "StudyDate", "AccessionNumber", "NumberOfStudyRelatedInstances")


def find_studies(server: Server, material: Material, number: int, folder: Path) -> int:
    return find(server, "STUDY", STUDY_KEYS)


def find_instances(server: Server, material: Material, number: int, folder: Path) -> int:
    keys = (f"StudyInstanceUID={material.studies[number % len(material.studies)]}", "SeriesInstanceUID", "SOPInstanceUID", "InstanceNumber")
    return find(server, "IMAGE", keys)


def get(server: Server, material: Material, number: int, folder: Path) -> int:
    """Fetch a study; what came is counted and thrown away."""
    place = folder / "got"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    keys = ("-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={material.studies[number % len(material.studies)]}")
    run("getscu", "-S", "--max-pdu", "131072", "-od", str(place), *keys, *peer(server))
    return sum(1 for _ in place.iterdir())


def move(server: Server, material: Material, number: int, folder: Path) -> int:
    """Have a study sent to storescp."""
    keys = ("-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={material.studies[number % len(material.studies)]}")
    told = run("movescu", "-v", "-S", "-aem", DESTINATION, *keys, *peer(server))
    if "Success" not in told:
        raise RuntimeError(f"{server.name}: {told[-500:]}")
    return material.instances


MEASURES: dict[str, Callable[[Server, Material, int, Path], int]] = {
    "C-FIND studies": find_studies,
    "C-FIND instances": find_instances,
    "C-GET": get,
    "C-MOVE": move,
}


def measure(servers: list[Server], material: Material, folder: Path, rounds: int) -> dict[tuple[str, str], list[tuple[float, float]]]:
    """Answers or instances a second, and milliseconds of the server's processor for one; by measure and server."""
    figures: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for number in range(rounds):
        for name, work in MEASURES.items():
            for server in servers[number % len(servers) :] + servers[: number % len(servers)]:
                before, begin = server.idle_cpu(), time.perf_counter()
                count = work(server, material, number, folder)
                seconds = time.perf_counter() - begin
                expected = len(material.studies) if name == "C-FIND studies" else material.instances
                if count != expected:
                    raise RuntimeError(f"{server.name} {name}: {count} instead of {expected}")
                cpu = (server.idle_cpu() - before) / count * 1000
                figures.setdefault((name, server.name), []).append((count / seconds, cpu))
                print(f"{server.name:9} {name:17} {count / seconds:7.0f}/s {cpu:.3f} ms CPU", file=sys.stderr, flush=True)
    return figures


def table(servers: list[Server], figures: dict[tuple[str, str], list[tuple[float, float]]]) -> str:
    """Medians, and how we stand to each peer, as Markdown."""
    lines = ["| | " + " | ".join(server.name for server in servers) + " | gateway / peers |", "|---" * (len(servers) + 2) + "|"]
    for name in MEASURES:
        medians = {server.name: statistics.median(rate for rate, _ in figures[name, server.name]) for server in servers}
        cpu = {server.name: statistics.median(each for _, each in figures[name, server.name]) for server in servers}
        cells = [f"{medians[server.name]:.0f}/s, {cpu[server.name]:.2f} ms" for server in servers]
        peers = [f"{medians['gateway'] / medians[s.name]:.2f} ({s.name})" for s in servers if s.name != "gateway" and "gateway" in medians]
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {', '.join(peers)} |")
    return "\n".join(lines)


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--studies", type=int, default=20)
    parser.add_argument("--instances", type=int, default=200, help="of each study")
    parser.add_argument("--ct", action="store_true", help="CT slices of 525 KB instead of 30 KB objects")
    parser.add_argument("--servers", nargs="+", choices=SERVERS, default=list(SERVERS))
    given = parser.parse_args()
    if missing := [tool for tool in TOOLS if shutil.which(tool) is None]:
        sys.exit(f"dcmtk is needed for its clients: {', '.join(missing)} not found")
    folder = Path(tempfile.mkdtemp(prefix="dimse-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        port = stack.enter_context(destination(folder))
        servers = []
        for name in given.servers:
            start, program = SERVERS[name]
            if program and shutil.which(program) is None:
                print(f"{name}: {program} is not installed, so it is left out")
                continue
            servers.append(stack.enter_context(start(folder, port)))  # type: ignore[arg-type]  # a context manager
        kind = CT if given.ct else SMALL
        material = make(folder, given.studies, given.instances, kind)
        for server in servers:
            fill(server, material)
        figures = measure(servers, material, folder, given.rounds)
        print(f"{describe_machine()}; load {os.getloadavg()[0]:.1f}; {given.studies} studies of {given.instances} {kind.name}")
        print(f"answers or instances a second, processor time of the server for one; medians of {given.rounds} rounds\n")
        print(table(servers, figures))


if __name__ == "__main__":
    main()
