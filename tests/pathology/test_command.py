"""`python -m pathology` as it is called."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pathology.__main__ import main
from tests.pathology.made_tiff import svs, tissue


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "one.svs"
    path.write_bytes(svs(tissue(700, 500)))
    return path


def test_info_says_what_a_slide_is_and_names_nobody(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(file)]) == 0
    said = capsys.readouterr().out
    assert "Aperio SVS" in said
    assert main(["info", "--json", str(file)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["width"], found["height"], found["mpp"], found["objective"]) == (700, 500, 0.499, 20)
    assert [level["width"] for level in found["levels"]] == [700, 175]
    assert "LISI" not in said + json.dumps(found)


def test_tiles_writes_deep_zoom(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tiles", str(file), str(file.with_name("out"))]) == 0
    assert "2 of them as they were stored" in capsys.readouterr().out
    assert file.with_name("out.dzi").exists()
    assert len(list(file.with_name("out_files").glob("10/*.jpeg"))) == 6


def test_what_cannot_be_done_is_said(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = file.with_name("bad.kfb")
    bad.write_bytes(b"KFB\0")
    for arguments, said in ((["info", str(bad)], "Export it"), (["info", str(file.with_name("gone"))], "No such file")):
        assert main(arguments) == 1
        assert said in capsys.readouterr().err
