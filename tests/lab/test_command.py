"""`python -m lab` as it is called."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from lab.__main__ import main
from lab.errors import CONDITIONS, LabError
from tests.lab.samples import ORDER, PATIENT, message, result
from tests.lab.test_astm import sent

GOOD = message(PATIENT, ORDER, result("4.1"), "SPM|1|S1||SER^血清", result("----", number=2)).encode()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "one.hl7"
    path.write_bytes(GOOD)
    return path


def test_parse_says_what_a_message_says(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parse", str(file)]) == 0
    said = capsys.readouterr().out
    for part in ("ORU^R01 K1 from LIS CLINIC1", "测试病人", "2823-3  Potassium  4.1  mmol/L  3.5-5.3", "血清", "(not measured)"):
        assert part in said


def test_parse_as_json(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parse", "--json", str(file)]) == 0
    segments = json.loads(capsys.readouterr().out)[0]
    assert [segment[0] for segment in segments] == ["MSH", "PID", "OBR", "OBX", "SPM", "OBX"]
    assert segments[3][3] == [["2823-3", "Potassium", "LN"]]


def test_parse_shows_the_segments_of_other_types(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "adt.hl7"
    path.write_bytes(message(PATIENT, kind="ADT^A01").encode())
    assert main(["parse", str(path)]) == 0
    assert PATIENT in capsys.readouterr().out


def test_a_batch_and_another_character_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "batch.hl7"
    path.write_bytes("".join(message(PATIENT, control=control, character_set="") for control in ("K1", "K2")).encode("gbk"))
    assert main(["check", str(path)]) == 1
    assert "does not fit" in capsys.readouterr().err
    assert main(["check", str(path), "--character-set", "GBK"]) == 0
    assert capsys.readouterr().out.splitlines() == ["ORU^R01 K1: 2 segments, 0 results", "ORU^R01 K2: 2 segments, 0 results"]


def test_check_tells_what_is_odd(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(file)]) == 0
    assert capsys.readouterr().out == "ORU^R01 K1: 6 segments, 2 results; 2823-3: not measured\n"


def test_astm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "line.astm"
    path.write_bytes(sent("P|1", "O|1|S1||^^^GLU", "R|1|^^^GLU|5.0*|mmol/L"))
    assert main(["parse", str(path)]) == 0
    assert "S1  GLU  5.0*  mmol/L  patient  held" in capsys.readouterr().out
    assert main(["check", str(path)]) == 0
    assert capsys.readouterr().out == "ASTM: 1 results, 0 frames refused\n"
    assert main(["check", str(path), "--profile", "no such"]) == 1
    assert "generic" in capsys.readouterr().err
    assert main(["check", str(path), "--character-set", "KLINGON"]) == 1


def test_bench(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--seconds", "0.01", str(file)]) == 0
    assert "with full nesting" in capsys.readouterr().out


@pytest.mark.parametrize("raw", [b"no HL7", b"", b"\x05rubbish", b"MSH|^~\\&|A|B|||||ADT^A01|1|P|2.5\r", b"H|||"])
def test_what_cannot_be_read_is_said_in_one_sentence(
    raw: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(raw)))
    code = main(["check", "-"])
    said = capsys.readouterr()
    if raw.startswith(b"\x05"):
        assert (code, said.out) == (0, "ASTM: 0 results, 0 frames refused\n")
    else:
        assert code == 1
        assert len(said.err.splitlines()) == 1


def test_a_file_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parse", "/no/such/file"]) == 1
    assert "No such file" in capsys.readouterr().err


def test_as_a_program_with_standard_input() -> None:
    ran = subprocess.run([sys.executable, "-m", "lab", "parse", "-"], input=GOOD, capture_output=True, check=False)
    assert ran.returncode == 0
    assert b"4.1" in ran.stdout
    ran = subprocess.run([sys.executable, "-m", "lab", "check", "-"], input=b"no HL7", capture_output=True, check=False)
    assert (ran.returncode, ran.stdout) == (1, b"")
    assert ran.stderr.count(b"\n") == 1


def test_every_condition_has_its_words() -> None:
    assert all(code.isdigit() and words for code, words in CONDITIONS.items())
    assert issubclass(LabError, ValueError)
