"""How long property tests look: a while with all tests, `TELEMED_FUZZ` times as long by `make fuzz`. And whose programs are run."""

import os
import sys
from pathlib import Path

from hypothesis import settings

from tests.patience import TIMES

# How long one example takes is the machine's affair. The same examples each time, but for `make fuzz`, which looks for new ones.
settings.register_profile("telemed", deadline=None, max_examples=100 * TIMES, derandomize=TIMES == 1)
settings.load_profile("telemed")

# Where the environment of this Python is activated, pynetdicom's programs (storescu, findscu and so on) stand before dcmtk's.
_OWN = Path(sys.executable).parent
os.environ["PATH"] = os.pathsep.join(folder for folder in os.environ.get("PATH", "").split(os.pathsep) if Path(folder) != _OWN)
