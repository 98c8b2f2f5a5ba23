"""`python -m ecg` as it is called."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import ecg
from ecg.__main__ import main
from ecg.synthesis import resting


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "one.xml"
    ecg.write(resting().recording, path, "aecg")
    return path


def test_info_says_what_a_file_holds(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(file)]) == 0
    said = capsys.readouterr().out
    assert "HL7 aECG" in said
    assert "I II III aVR aVL aVF V1 V2 V3 V4 V5 V6" in said
    assert main(["info", "--json", str(file)]) == 0
    assert json.loads(capsys.readouterr().out)["rate"] == "500 Hz"


@pytest.mark.parametrize(("name", "begins"), [("x.svg", b"<svg"), ("x.pdf", b"%PDF"), ("x.json", b"{")])
def test_draw(file: Path, name: str, begins: bytes) -> None:
    out = file.with_name(name)
    assert main(["draw", str(file), str(out), "--layout", "6x2", "--notch", "50", "--title", "T"]) == 0
    assert out.read_bytes().startswith(begins)


def test_convert_keeps_the_samples(file: Path) -> None:
    out = file.with_name("x.dcm")
    assert main(["convert", str(file), str(out), "--to", "dicom", "--start", "2025-11-20T09:30"]) == 0
    np.testing.assert_allclose(ecg.read(out).samples, ecg.read(file).samples, atol=0.06)


def test_what_cannot_be_done_is_said_and_not_done(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = file.with_name("bad.scp")
    bad.write_bytes(b"nothing of the kind")
    for arguments, said in (
        (["info", str(bad)], "no ECG format"),
        (["info", str(file.with_name("gone"))], "No such file"),
        (["draw", str(file), str(file.with_name("x.gif"))], ".svg"),
        (["convert", str(file), str(file.with_name("x.dcm")), "--to", "dicom"], "time of recording"),
    ):
        assert main(arguments) == 1
        assert said in capsys.readouterr().err
    assert not file.with_name("x.gif").exists()
    assert not file.with_name("x.dcm").exists()
