"""Property tests of the ECG library have no time limit: how long one takes is the machine's affair."""

from hypothesis import settings

settings.register_profile("ecg", deadline=None)
settings.load_profile("ecg")
