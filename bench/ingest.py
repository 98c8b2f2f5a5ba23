"""How many instances a second the gateway takes in, durably, beside dcmtk's storescp and Orthanc on the same machine.

    python -m bench.ingest --rounds 5

storescp (+B, PDUs of 128 KB) writes files and syncs nothing; Orthanc (Debian's package, its default configuration) syncs and
indexes, and so do we, before each Success. The servers take turns within each round, so that other load meets all; the figures
are medians. Processor time is the servers' own, until they have nothing left to do. `--storescu` sends with dcmtk instead.
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
from contextlib import ExitStack
from pathlib import Path

from bench.dicom_sender import CT, SMALL, Kind, new_uid, object_of, send
from bench.machine import describe_machine
from bench.platforms import beyond_one_machine, platform, two_gateways
from bench.running import Server, free_port, running

CALLING = "CLINIC1"


def gateway(folder: Path) -> Iterator[Server] | object:
    """The gateway on its own."""
    port = free_port()
    command = [sys.executable, "-m", "dicom_gateway", "serve", "--data", str(folder / "gateway"), "--port", str(port)]
    return running("gateway", "ARCHIVE", port, [*command, "--http-port", str(free_port())])


def storescp(folder: Path) -> object:
    """dcmtk's receiver: no index, no sync."""
    port = free_port()
    (folder / "storescp").mkdir()
    options = ["+B", "--fork", "--max-pdu", "131072", "-od", str(folder / "storescp"), "-aet", "STORESCP"]
    return running("storescp", "STORESCP", port, ["storescp", *options, str(port)])


def orthanc(folder: Path) -> object:
    """Debian's Orthanc with nothing changed but folder and ports."""
    port = free_port()
    (folder / "orthanc").mkdir()
    configuration = folder / "orthanc.json"
    places = {"StorageDirectory": str(folder / "orthanc"), "IndexDirectory": str(folder / "orthanc")}
    configuration.write_text(json.dumps({**places, "DicomPort": port, "HttpPort": free_port(), "DicomAet": "ORTHANC"}))
    return running("Orthanc", "ORTHANC", port, ["Orthanc", str(configuration)])


SERVERS: dict[str, tuple[Callable[[Path], object], str | None]] = {
    "gateway": (gateway, None),
    "platform": (platform, None),
    "platform, 2": (two_gateways, None),
    "PostgreSQL, S3": (beyond_one_machine, None),
    "storescp": (storescp, "storescp"),
    "Orthanc": (orthanc, "Orthanc"),
}


OURS = ("gateway", "platform", "platform, 2", "PostgreSQL, S3")


def send_with_dcmtk(folder: Path, server: Server, kind: Kind, count: int, associations: int) -> float:
    """The same with dcmtk's storescu; the files are made anew, so that nothing is a repeat."""
    parts = []
    for number in range(associations):
        place = folder / "outgoing" / str(number)
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        for each in range(count):
            data_set = object_of(kind, new_uid())
            data_set.save_as(place / f"{each}.dcm", enforce_file_format=True, implicit_vr=False, little_endian=True)
        parts.append(place)
    command = ["storescu", "--max-pdu", "131072", "-aet", CALLING, "-aec", server.title, "+sd", "127.0.0.1", str(server.port)]
    begin = time.perf_counter()
    senders = [subprocess.Popen([*command, str(place)], stdout=subprocess.DEVNULL) for place in parts]
    if any(sender.wait() for sender in senders):
        raise RuntimeError(f"{server.name} did not store everything")
    return time.perf_counter() - begin


def table(servers: list[Server], cases: list[tuple[Kind, int]]) -> str:
    """Medians and ratios as Markdown."""
    lines = ["| | " + " | ".join(f"{kind.name} ×{associations}" for kind, associations in cases) + " |"]
    lines.append("|---" * (len(cases) + 1) + "|")
    medians = {
        (server.name, kind.name, n): tuple(statistics.median(column) for column in zip(*server.figures[kind.name, n], strict=True))
        for server in servers
        for kind, n in cases
    }
    for server in servers:
        row = [f"{medians[server.name, k.name, n][0]:.0f}/s, {medians[server.name, k.name, n][1]:.2f} ms" for k, n in cases]
        lines.append(f"| {server.name} | " + " | ".join(row) + " |")
    ours = [server for server in servers if server.name in OURS]
    for peer in (server for server in servers if server not in ours):
        for own in ours:
            row = []
            for kind, n in cases:
                (rate, cpu), (peer_rate, peer_cpu) = medians[own.name, kind.name, n], medians[peer.name, kind.name, n]
                row.append(f"{rate / peer_rate:.2f}, CPU {cpu / peer_cpu:.2f}" if peer_cpu else f"{rate / peer_rate:.2f}")
            lines.append(f"| {own.name} / {peer.name} | " + " | ".join(row) + " |")
    return "\n".join(lines)


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--small", type=int, default=2000, help="small instances in one run, over all associations")
    parser.add_argument("--ct", type=int, default=400, help="CT slices in one run, over all associations")
    parser.add_argument("--servers", nargs="+", choices=SERVERS, default=["gateway", "storescp", "Orthanc"])
    parser.add_argument("--associations", nargs="+", type=int, default=[1, 4])
    parser.add_argument("--storescu", action="store_true", help="send with dcmtk's storescu")
    parser.add_argument("--folder", type=Path, help="where to write (default: a temporary folder)")
    given = parser.parse_args()
    cases = [(kind, n) for kind, count in ((SMALL, given.small), (CT, given.ct)) if count for n in given.associations]
    counts = {SMALL.name: given.small, CT.name: given.ct}
    folder = Path(tempfile.mkdtemp(prefix="ingest-", dir=given.folder))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        servers = []
        for name in given.servers:
            start, program = SERVERS[name]
            if program and shutil.which(program) is None:
                print(f"{name}: {program} is not installed, so it is left out")
                continue
            servers.append(stack.enter_context(start(folder)))  # type: ignore[arg-type]
        for number in range(given.rounds):
            for kind, associations in cases:
                for server in servers[number % len(servers) :] + servers[: number % len(servers)]:
                    count = counts[kind.name] // associations
                    before = server.idle_cpu()
                    if given.storescu:
                        seconds = send_with_dcmtk(folder, server, kind, count, associations)
                    else:
                        seconds = send(server.port, CALLING, server.title, kind, count, associations)
                    total = count * associations
                    cpu = (server.idle_cpu() - before) / total * 1000
                    server.figures.setdefault((kind.name, associations), []).append((total / seconds, cpu))
                    figures = f"{total / seconds:6.0f}/s, {cpu:.3f} ms CPU"
                    print(f"{server.name:14} {kind.name:5} x{associations}: {figures}", file=sys.stderr, flush=True)
        print(f"{describe_machine()}; load {os.getloadavg()[0]:.1f}")
        print(f"instances a second and processor time of the server for one, medians of {given.rounds} rounds; ×n: associations at once\n")
        print(table(servers, cases))
        print("\nresident memory afterwards: " + ", ".join(f"{server.name} {server.memory()} MiB" for server in servers))


if __name__ == "__main__":
    main()
