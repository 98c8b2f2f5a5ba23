"""The data folder is looked at by every role at the same moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from telemed.data_folder import make_ready


def test_many_that_start_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    with ThreadPoolExecutor(8) as starting:
        for _ in starting.map(make_ready, [folder] * 2000):
            pass
    assert list(folder.iterdir()) == []


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"Not a directory|File exists"):
        make_ready(tmp_path / "file")
