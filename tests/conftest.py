"""What holds for every test."""

from hypothesis import settings

# Examples take as long as the machine is busy: time is for benchmarks, not for tests.
settings.register_profile("whisperdesktop", deadline=None)
settings.load_profile("whisperdesktop")
