"""How long property tests look: a while with all tests, `TELEMED_FUZZ` times as long by `make fuzz`. And whose programs are run."""

from hypothesis import settings

from bench.programs import prefer_dcmtk
from tests.patience import TIMES

# How long one example takes is the machine's affair. The same examples each time, but for `make fuzz`, which looks for new ones.
settings.register_profile("telemed", deadline=None, max_examples=100 * TIMES, derandomize=TIMES == 1)
settings.load_profile("telemed")

prefer_dcmtk()
