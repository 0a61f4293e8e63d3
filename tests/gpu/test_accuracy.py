"""What the program makes of fixed clips: fails when errors or deletions rise."""

import jiwer
import pytest
from whisper_normalizer.basic import BasicTextNormalizer
from whisper_normalizer.english import EnglishTextNormalizer

from gpu.cancel import CancelToken
from gpu.types import Segment, TranscribeOptions
from tests.support.corpus import FREE_AUDIO, read_manifest
from tests.support.speech import ENGLISH, make_reading

# Errors and deletions when this was written, of the words of all clips; half a point more is allowed.
SHORT = {"ast_en_demo-nogo.flac", "ast_es_tt-allbusy.flac", "ast_fr_tt-allbusy.flac", "ast_fr_vm-intro.flac",
         "ast_it_tt-allbusy.flac", "ast_it_demo-nogo.flac", "ast_ru_demo-nogo.flac"}  # fmt: skip
SHORT_ERRORS, SHORT_DELETIONS = 12, 0
LONG_ERRORS, LONG_DELETIONS = 0, 0
POINTS = 0.005


def counted(reference, text, language):
    normalize = EnglishTextNormalizer() if language == "en" else BasicTextNormalizer()
    found = jiwer.process_words(normalize(reference), normalize(text))
    n_words = found.hits + found.substitutions + found.deletions
    return found.substitutions + found.deletions + found.insertions, found.deletions, n_words


def text_of(engine, path, language):
    events = engine.transcribe(path, TranscribeOptions(language=language), CancelToken())
    return "".join(event.text for event in events if isinstance(event, Segment))


@pytest.mark.slow
def test_short_clips(engine):
    clips = [clip for clip in read_manifest(FREE_AUDIO) if clip.name in SHORT]
    assert len(clips) == len(SHORT)
    found = [counted(clip.reference, text_of(engine, clip.path, clip.language), clip.language) for clip in clips]
    errors, deletions, n_words = map(sum, zip(*found, strict=True))
    assert errors <= SHORT_ERRORS + POINTS * n_words, found
    assert deletions <= SHORT_DELETIONS + POINTS * n_words, found


@pytest.mark.slow
def test_a_long_recording(engine, tmp_path):
    """Windows at once, cut at pauses."""
    references = {clip.path: clip.reference for clip in read_manifest(FREE_AUDIO)}
    path = tmp_path / "reading.wav"
    make_reading(path)
    reference = " ".join(references[clip] for clip in ENGLISH)
    errors, deletions, n_words = counted(reference, text_of(engine, path, "en"), "en")
    assert errors <= LONG_ERRORS + POINTS * n_words
    assert deletions <= LONG_DELETIONS + POINTS * n_words
