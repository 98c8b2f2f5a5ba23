"""CPU and memory of the Holter analysis: 24 hours of three leads at 250 Hz.

    python -m bench.ecg_speed [--hours 24]

The day is synthetic. Memory is the peak of the process that analyses, with and without the samples themselves.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import ecg
from bench.machine import describe_machine
from ecg.synthesis import holter

RATE = 250.0


def peak() -> float:
    """Most memory this process has held since it began its program, MiB.

    From the kernel's VmHWM: `ru_maxrss` also counts what the parent held when it started this process.
    """
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def analyse(path: Path) -> None:
    """Load the samples and analyse them; print CPU seconds and peaks."""
    samples = np.load(path)
    recording = ecg.Recording(("V5", "V1", "aVF"), samples, RATE)
    loaded = peak()
    start = time.process_time()
    found = ecg.find_beats(recording)
    beats = time.process_time() - start
    report = ecg.holter(recording, found)
    whole = time.process_time() - start
    print(f"{samples.shape[1] / RATE / 3600:.1f} h, {samples.shape[0]} leads, {len(report.beats)} beats")
    print(f"find_beats {beats:.2f} CPU s, whole report {whole:.2f} CPU s")
    print(f"peak {peak():.0f} MiB, of which loaded before the analysis {loaded:.0f} MiB (samples {samples.nbytes / 2**20:.0f} MiB)")


def main() -> None:
    """Make the day in this process, analyse it in a fresh one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--samples", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.samples is not None:
        analyse(arguments.samples)
        return
    print(describe_machine())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "day.npy"
        np.save(path, holter(arguments.hours, rate=RATE).recording.samples)
        subprocess.run([sys.executable, "-m", "bench.ecg_speed", "--samples", str(path)], check=True)


if __name__ == "__main__":
    main()
