"""Where the time of one C-STORE goes between its last bytes and its answer, and what stands below it.

    python -m bench.ingest_profile

The gateway runs with clocks around its steps (they cost some microseconds each). Beside them stand two floors: a durable write
of the same size alone on the same disk, and a C-ECHO, which is everything but the object. Medians in microseconds.
"""

from __future__ import annotations

import argparse
import atexit
import json
import mmap
import multiprocessing
import os
import shutil
import socket
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from bench.dicom_sender import CT, SMALL, Kind, read_pdu, send
from bench.machine import describe_machine
from bench.running import free_port
from dicom_gateway import __main__ as gateway
from dicom_gateway.transfer_syntax import IMPLICIT_VR_LITTLE_ENDIAN
from dicom_gateway.upper_layer.association import Association
from dicom_gateway.upper_layer.commands import C_ECHO_RQ, encode_request
from dicom_gateway.upper_layer.negotiation import VERIFICATION
from dicom_gateway.upper_layer.operations import Operations
from dicom_gateway.upper_layer.pdu import AssociateRequest, ProposedContext, UserInformation
from dicom_gateway.wal import WriteAheadLog
from storage.pack_writer import PackWriter

STEPS = {
    "taken": "last PDUs taken apart, digest, header read",
    "waits": "until the write-ahead log begins to write",
    "kept": "the write-ahead log: digest, same UIDs, write",
    "written": "of that, the write with its sync",
    "whole": "from the last bytes to the answer",
}


class Clocks:
    """Microseconds of each step, noted in the gateway's own process."""

    def __init__(self) -> None:
        self.noted: dict[str, list[float]] = defaultdict(list)

    def note(self, step: str, begin: float, end: float) -> None:
        """One more measurement."""
        self.noted[step].append((end - begin) * 1e6)

    def put_around_the_steps(self) -> None:
        """From now on every gateway of this process is measured."""
        taken, enqueue, keep, write = Association.buffer_updated, WriteAheadLog._enqueue, WriteAheadLog._keep, PackWriter.write
        answer, now = Operations._stored, time.perf_counter

        def buffer_updated(association: Any, size: int) -> None:
            association.came = now()
            taken(association, size)
            if association.busy:
                self.note("taken", association.came, now())

        def enqueued(wal: Any, *arguments: Any) -> Any:
            answer = enqueue(wal, *arguments)
            answer.stands = now()
            return answer

        def kept(wal: Any, batch: Any) -> Any:
            begin = now()
            for item in batch:
                self.note("waits", item.answer.stands, begin)
                item.answer.stands = begin
            answers = keep(wal, batch)
            self.note("kept", begin, now())
            return answers

        def written(writer: Any, entries: Any) -> Any:
            begin = now()
            keys = write(writer, entries)
            self.note("written", begin, now())
            return keys

        def answered(operations: Any, future: Any) -> None:
            answer(operations, future)
            self.note("whole", operations._connection.came, now())

        for owner, name, measured in (
            (Association, "buffer_updated", buffer_updated),
            (Operations, "_stored", answered),
            (WriteAheadLog, "_enqueue", enqueued),
            (WriteAheadLog, "_keep", kept),
            (PackWriter, "write", written),
        ):
            setattr(owner, name, measured)


def _serve(folder: Path, port: int, results: Path) -> None:
    """The gateway with clocks, in a process of its own."""
    clocks = Clocks()
    clocks.put_around_the_steps()
    atexit.register(lambda: results.write_text(json.dumps({step: statistics.median(all_) for step, all_ in clocks.noted.items()})))
    sys.argv = ["dicom_gateway", "serve", "--data", str(folder / "gateway"), "--port", str(port), "--http-port", str(free_port())]
    gateway.main()
    atexit._run_exitfuncs()  # multiprocessing would leave without them


def _echoes(port: int, count: int) -> float:
    """Median microseconds of a C-ECHO."""
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        context = ProposedContext(1, VERIFICATION, (IMPLICIT_VR_LITTLE_ENDIAN,))
        connection.sendall(AssociateRequest("ARCHIVE", "CLINIC1", (context,), UserInformation(16384, "2.25.1")).encode())
        read_pdu(connection)
        times = []
        for number in range(count):
            begin = time.perf_counter()
            connection.sendall(encode_request(1, C_ECHO_RQ, number % 65536, VERIFICATION))
            read_pdu(connection)
            times.append((time.perf_counter() - begin) * 1e6)
    return statistics.median(times)


def _durable_writes(folder: Path, size: int, count: int) -> float:
    """Median microseconds of a synchronous write past the page cache, into blocks that were written before."""
    size = -(-size // 4096) * 4096
    content = mmap.mmap(-1, size)
    content.write(os.urandom(size))
    path = folder / "floor"
    file = os.open(path, os.O_CREAT | os.O_RDWR | os.O_DIRECT, 0o600)
    try:
        for number in range(count):
            os.pwritev(file, [content], number * size)
        os.fsync(file)
        times = []
        for number in range(count):
            begin = time.perf_counter()
            os.pwritev(file, [content], number * size, os.RWF_DSYNC)
            times.append((time.perf_counter() - begin) * 1e6)
    finally:
        os.close(file)
        path.unlink()
    return statistics.median(times)


def measure(folder: Path, kind: Kind, associations: int, count: int) -> dict[str, float]:
    """One gateway from its start to its end."""
    port, results = free_port(), folder / "steps.json"
    shutil.rmtree(folder / "gateway", ignore_errors=True)
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(folder, port, results))
    process.start()
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    seconds = send(port, "CLINIC1", "ARCHIVE", kind, count // associations, associations)
    echo = _echoes(port, 1000)
    process.terminate()
    process.join()
    return json.loads(results.read_text()) | {"echo": echo, "rate": count / seconds}


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", type=int, default=6000)
    parser.add_argument("--ct", type=int, default=1500)
    parser.add_argument("--folder", type=Path, help="where to write (default: a temporary folder)")
    given = parser.parse_args()
    cases = [(kind, n, count) for kind, count in ((SMALL, given.small), (CT, given.ct)) for n in (1, 4)]
    folder = Path(tempfile.mkdtemp(prefix="profile-", dir=given.folder))
    try:
        floors = [_durable_writes(folder, 2 * kind.side**2 + 4096, 200) for kind, _, _ in cases]
        measured = [measure(folder, kind, associations, count) for kind, associations, count in cases]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(describe_machine())
    print("| | " + " | ".join(f"{kind.name} ×{n}" for kind, n, _ in cases) + " |")
    print("|---" * (len(cases) + 1) + "|")
    for step, words in STEPS.items():
        print(f"| {words} | " + " | ".join(f"{each[step]:.0f}" for each in measured) + " |")
    print("| floor: a durable write alone | " + " | ".join(f"{each:.0f}" for each in floors) + " |")
    print("| floor: a C-ECHO | " + " | ".join(f"{each['echo']:.0f}" for each in measured) + " |")
    print("| instances a second | " + " | ".join(f"{each['rate']:.0f}" for each in measured) + " |")


if __name__ == "__main__":
    main()
