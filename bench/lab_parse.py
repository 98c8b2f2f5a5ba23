"""The HL7 parser beside python-hl7: the same messages in one run, both with every part split.

    python -m bench.lab_parse [--seconds 1] [FILE ...]

Without files: an ORU^R01 with 25 OBX, and messages of 1 to 16 MB for time and memory.
"""

from __future__ import annotations

import argparse
import time
import tracemalloc
from pathlib import Path

import hl7 as python_hl7

from bench.machine import describe_machine
from lab.commands.bench import rate
from lab.hl7 import messages, parse, read

HEAD = (
    "MSH|^~\\&|LIS|CLINIC1|TELEMED|MAIN|20261120083000+0800||ORU^R01^ORU_R01|K1|P|2.5.1|||AL|NE|CHN|UNICODE UTF-8",
    "PID|1||L00042^^^CLINIC1^MR~110101196103050012^^^MPS^NNCN||测试^病人^^^^^L||19610305|M|||北京市^^^^100000^CHN||13800000000",
    "ORC|RE|O42|F42|||CM||||||1234^王^医生",
    "OBR|1|O42^LIS|F42^LAB|24323-8^Comprehensive metabolic panel^LN|||20261120080000+0800|||||||||1234^王^医生||||||20261120083000||CH|F",
)


def report(count: int) -> bytes:
    """An ORU^R01 with so many OBX."""
    rows = (
        f"OBX|{number}|NM|2823-{number % 10}^Potassium [Moles/volume] in Serum or Plasma^LN^K{number}^钾^L||{3.5 + number % 30 / 10:.1f}"
        "|mmol/L^millimole per litre^UCUM|3.5-5.3|N|||F|||20261120080000+0800|||ISE|AU5800|20261120082500"
        for number in range(1, count + 1)
    )
    return ("\r".join([*HEAD, *rows]) + "\r").encode()


def compare(raw: bytes, seconds: float) -> None:
    """Print our rates and theirs on one message."""
    text = raw.decode("utf-8-sig").replace("\r\n", "\r").replace("\n", "\r")
    theirs = rate(lambda: python_hl7.parse(text), seconds)
    print(f"{len(raw):,} bytes, messages per CPU second")
    for name, ours in (
        ("parse", rate(lambda: parse(raw), seconds)),
        ("parse, full nesting", rate(lambda: parse(raw).nested(), seconds)),
        ("parse and read", rate(lambda: read(parse(raw)), seconds)),
    ):
        print(f"  {name:<22}{ours:10,.0f}   {ours / theirs:6.1f} x python-hl7")
    print(f"  {'python-hl7':<22}{theirs:10,.0f}")


def large(megabytes: int) -> None:
    """Print time and memory of one large message."""
    size = len(report(25)) // 25
    raw = report((megabytes << 20) // size)
    start = time.process_time()
    parse(raw)
    taken = time.process_time() - start
    tracemalloc.start()
    found = parse(raw)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    mebi, times = len(raw) / 2**20, (peak + len(raw)) / len(raw)
    print(f"  {mebi:5.1f} MiB {len(found):>8} segments {taken:6.3f} s {taken / mebi * 1000:5.1f} ms/MiB, memory {times:.2f} x the message")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("files", nargs="*", type=Path)
    chosen = parser.parse_args()
    print(describe_machine())
    for raw in [one for file in chosen.files for one in messages(file.read_bytes())] or [report(25)]:
        compare(raw, chosen.seconds)
    if not chosen.files:
        print("large messages")
        for megabytes in (1, 4, 16):
            large(megabytes)


if __name__ == "__main__":
    main()
