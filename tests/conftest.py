"""What holds for every test."""

from hypothesis import Phase, settings

# Examples take as long as the machine is busy: time is for benchmarks, not for tests.
settings.register_profile("whisperdesktop", deadline=None)
# For those who only ask whether a test fails: the same examples every time, and no search for the simplest one.
settings.register_profile(
    "first_failure", deadline=None, derandomize=True, phases=(Phase.explicit, Phase.generate), database=None
)
settings.load_profile("whisperdesktop")
