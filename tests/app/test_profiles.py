"""Profiles come back as they were, and nonsense as what comes by itself."""

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from app.document.auto_save import SaveRule
from app.profiles import Profile
from gpu.types import TranscribeOptions

OPTIONS = st.builds(
    TranscribeOptions,
    language=st.sampled_from([None, "en", "zh"]),
    task=st.sampled_from(["transcribe", "translate"]),
    beam_size=st.sampled_from([None, 5]),
    hotwords=st.none() | st.text(min_size=1),
    vad=st.booleans(),
    word_timestamps=st.booleans(),
)
LEAVES = st.none() | st.booleans() | st.integers() | st.text()
JSON = st.recursive(LEAVES, lambda x: st.lists(x) | st.dictionaries(st.text(), x))


@given(OPTIONS, st.booleans())
def test_a_profile_comes_back(options: TranscribeOptions, highlight: bool) -> None:
    profile = Profile(options, highlight, SaveRule(("txt", "srt"), Path("/texts")))
    assert Profile.from_json(json.loads(json.dumps(profile.to_json()))) == profile


@given(st.dictionaries(st.sampled_from(["options", "save", "highlight_words"]), JSON))
def test_nonsense_is_a_profile_all_the_same(values: dict[str, object]) -> None:
    assert isinstance(Profile.from_json(values), Profile)
