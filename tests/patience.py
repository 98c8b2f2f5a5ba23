"""How many times as many hostile inputs are tried as in a run of all tests."""

import os

TIMES = int(os.environ.get("TELEMED_FUZZ", "1"))
