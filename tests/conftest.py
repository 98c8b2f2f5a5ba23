"""How long property tests look: a while with all tests, `TELEMED_FUZZ` times as long by `make fuzz`. What takes longest begins first."""

from pathlib import Path

import pytest
from hypothesis import settings

from tests.patience import TIMES

# How long one example takes is the machine's affair. The same examples each time, but for `make fuzz`, which looks for new ones.
settings.register_profile("telemed", deadline=None, max_examples=100 * TIMES, derandomize=TIMES == 1)
settings.load_profile("telemed")

_LONG = ("telemed/processes", "dicom_gateway/test_journal.py", "telemed/uploads/test_kill.py", "browser", "telemed/test_demo_play.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole installations and browsers first: workers that share the files end at about the same time then."""
    here = Path(__file__).parent
    items.sort(key=lambda item: not item.path.relative_to(here).as_posix().startswith(_LONG))
