"""How long property tests look: a while with all tests, `TELEMED_FUZZ` times as long by `make fuzz`."""

from hypothesis import settings

from tests.patience import TIMES

settings.register_profile("telemed", deadline=None, max_examples=100 * TIMES)  # how long one takes is the machine's affair
settings.load_profile("telemed")
