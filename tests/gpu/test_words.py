"""Splitting and merging by openai/whisper's rules, written out plainly; times on real speech."""

import json
import string
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from statistics import median

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu.alignment_heads import alignment_heads, alignment_layers
from gpu.audio import load_audio
from gpu.backends.base import RowParams
from gpu.cancel import CancelToken
from gpu.decoding import WindowDecoder
from gpu.mel import N_SAMPLES, log_mel_by
from gpu.model_file import ModelDimensions
from gpu.sounds import Sound
from gpu.types import Segment, TranscribeOptions
from gpu.words import APPENDED, PREPENDED, Unit, merge_punctuations, split_to_units, time_words

WORDS = TranscribeOptions(language="en", word_timestamps=True)
OPENAI_JFK = Path(__file__).parents[1] / "data" / "openai_words_jfk.json"


@pytest.fixture(scope="module")
def tokenizer(engine):
    return engine._loaded.tokenizer


def openai_split(tokens, tokenizer, language):
    """openai/whisper's `split_to_word_tokens`: words, each with its tokens."""
    pieces, current = [], []
    for token in tokens:
        current.append(token)
        if "\ufffd" not in tokenizer.decode(current):
            pieces.append((tokenizer.decode(current), current))
            current = []
    if language in {"zh", "ja", "th", "lo", "my", "yue"}:
        return pieces
    words = []
    for text, of_text in pieces:
        if text.startswith(" ") or text.strip() in string.punctuation or not words:
            words.append((text, of_text))
        else:
            words[-1] = (words[-1][0] + text, words[-1][1] + of_text)
    return words


def openai_merge(words):
    """openai/whisper's `merge_punctuations` on [text, number of tokens]."""
    words = [list(word) for word in words]
    i, j = len(words) - 2, len(words) - 1
    while i >= 0:
        if words[i][0].startswith(" ") and words[i][0].strip() in PREPENDED:
            words[j] = [words[i][0] + words[j][0], words[i][1] + words[j][1]]
            words[i] = ["", 0]
        else:
            j = i
        i -= 1
    words = [word for word in words if word[0]]
    i, j = 0, 1
    while j < len(words):
        if not words[i][0].endswith(" ") and words[j][0] in APPENDED:
            words[i] = [words[i][0] + words[j][0], words[i][1] + words[j][1]]
            words[j] = ["", 0]
        else:
            i = j
        j += 1
    return [tuple(word) for word in words if word[0]]


SPEECH_LIKE = st.lists(
    st.sampled_from(
        [' "', "'", " And", "so", ",", " ", " ...", '?"', " (", ")", " naïve", "，", "。", "好的", " x-y", "-", " 龘"]
    )
).map("".join)
texts = SPEECH_LIKE | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufffd"), max_size=20)


@given(text=texts, language=st.sampled_from(["en", "de", "zh", "ja", None]))
def test_words_are_split_and_merged_as_openai_does(tokenizer, text, language):
    tokens = tokenizer.encode(text)
    units = split_to_units(tokens, tokenizer, language)
    expected = openai_split(tokens, tokenizer, language)
    assert [(unit.text, tokens[unit.first : unit.stop]) for unit in units] == expected
    merged = merge_punctuations(units)
    assert [(u.text, u.stop - u.first) for u in merged] == openai_merge([(t, len(of)) for t, of in expected])
    assert all(a.stop == b.first for a, b in pairwise(merged))
    assert all(u.first <= u.spoken < u.silent <= u.stop for u in merged)


def test_an_example(tokenizer):
    tokens = tokenizer.encode(' He said, "Go (now)." So...')
    words = [unit.text for unit in merge_punctuations(split_to_units(tokens, tokenizer, "en"))]
    assert words == [" He", " said,", ' "Go', " (now", ')."', " So..."]


def test_a_character_that_never_ends_is_kept(tokenizer):
    tokens = tokenizer.encode(" 龘")[:-1]
    [*_, last] = split_to_units(tokens, tokenizer, "zh")
    assert last.stop == len(tokens)


def test_punctuation_takes_the_time_that_leads_up_to_a_pause():
    matrix = np.full((3, 40), -0.2, np.float32)
    matrix[0, :8] = matrix[1, 8:15] = matrix[2, 30:40] = 2.0
    units = [Unit(" so,", 0, 2, 0, 1), Unit(" my", 2, 3, 2, 3)]
    logprobs = [np.log(0.5), np.log(0.1), np.log(0.9)]
    with_pause = time_words(units, logprobs, matrix, [Sound(0, 30, 0, 30), Sound(60, 80, 60, 80)])
    assert [(w.start, w.end) for w in with_pause] == [(0.0, 0.3), (0.6, 0.8)]
    assert [w.probability for w in with_pause] == pytest.approx([0.5, 0.9]), "the comma's does not count"
    without = time_words(units, logprobs, matrix, [Sound(0, 80, 0, 80)])
    assert without[0].end == 0.16
    assert time_words([], [], matrix[:0], [Sound(0, 80, 0, 80)]) == []


DIMS = ModelDimensions(80, 1500, 512, 8, 6, 51865, 448, 512, 8, 6)


@pytest.mark.parametrize(
    ("changes", "n_heads", "first"),
    [
        ({}, 8, (3, 1)),
        ({"n_vocab": 51864}, 5, (3, 3)),
        ({"n_audio_state": 1280, "n_audio_layer": 32, "n_text_layer": 32}, 23, (10, 12)),
        ({"n_audio_state": 1280, "n_audio_layer": 32, "n_text_layer": 4, "n_mels": 128}, 6, (2, 4)),
        ({"n_audio_state": 1280, "n_audio_layer": 32, "n_text_layer": 2, "n_text_head": 20}, 20, (1, 0)),  # distil
        ({"n_text_layer": 5}, 24, (2, 0)),  # unknown
    ],
)
def test_alignment_heads_follow_from_the_dimensions(changes, n_heads, first):
    dims = replace(DIMS, **changes)
    heads = alignment_heads(dims)
    assert len(heads) == n_heads
    assert heads[0] == first
    assert list(heads) == sorted(set(heads))
    assert all(
        layer < dims.n_text_layer and head < max(dims.n_text_head, dims.n_audio_state // 64) for layer, head in heads
    )
    assert alignment_layers(dims) == sorted({layer for layer, _ in heads})


def segments(engine, path, options=WORDS):
    return [e for e in engine.transcribe(path, options, CancelToken()) if isinstance(e, Segment)]


@pytest.fixture(scope="module")
def jfk(engine, audio):
    return segments(engine, audio / "jfk.wav")


def test_words_make_up_the_text(engine, audio, jfk):
    for segment in jfk:
        assert "".join(word.word for word in segment.words) == segment.text
        assert (segment.start, segment.end) == (segment.words[0].start, segment.words[-1].end)
        assert all(0 <= word.probability <= 1 for word in segment.words)
        assert all(a.start <= a.end <= b.start <= b.end for a, b in pairwise(segment.words))
    plain = segments(engine, audio / "jfk.wav", TranscribeOptions(language="en"))
    assert [(s.text, s.tokens, s.words) for s in plain] == [(s.text, s.tokens, None) for s in jfk]


def test_times_of_jfk_are_openai_whispers_but_for_the_pauses(jfk):
    """The median word as there; where Kennedy paused, ours ends with the sound (heard at 2.1, 4.3 and 7.5 s)."""
    theirs = json.loads(OPENAI_JFK.read_text(encoding="utf-8"))
    ours = [word for segment in jfk for word in segment.words]
    assert [w.word.strip(" ,.") for w in ours] == [w["word"].strip(" ,.") for w in theirs]
    assert median(abs(a.start - b["start"]) for a, b in zip(ours, theirs, strict=True)) <= 0.04
    assert median(abs(a.end - b["end"]) for a, b in zip(ours, theirs, strict=True)) <= 0.04
    ends = {word.word.strip(" ,."): word.end for word in ours[:6]}
    starts = {word.word.strip(" ,."): word.start for word in ours[:9]}
    assert ends["Americans"] == pytest.approx(2.15, abs=0.1)
    assert starts["ask"] == pytest.approx(3.3, abs=0.1)
    assert starts["what"] == pytest.approx(5.4, abs=0.15)


@pytest.mark.slow
@pytest.mark.parametrize("options", [{"beam_size": 3}, {"temperature": (0.2,), "best_of": 2}], ids=["beams", "samples"])
def test_beams_and_samples_are_timed_alike(engine, audio, jfk, options):
    """They are read once more instead of remembered."""
    again = segments(engine, audio / "jfk.wav", replace(WORDS, **options))
    ours, theirs = ([w for s in found for w in s.words] for found in (jfk, again))
    assert [w.word.strip(" ,.") for w in ours] == [w.word.strip(" ,.") for w in theirs]
    assert max(abs(a.start - b.start) for a, b in zip(ours, theirs, strict=True)) <= 0.2
    assert median(abs(a.start - b.start) for a, b in zip(ours, theirs, strict=True)) <= 0.02


def test_what_decoding_left_behind_is_what_reading_again_gives(engine, audio):
    """Token by token, with looks ahead at near ties: the same attention as of the finished text in one pass."""
    loaded = engine._loaded
    clip = load_audio(audio / "librivox_0870.wav")
    mel = log_mel_by(loaded.backend.spectrogram, np.pad(clip, (0, N_SAMPLES - len(clip))))[None]
    [cross] = loaded.backend.encode(mel, CancelToken())
    windows = WindowDecoder(loaded.backend, loaded.dims, loaded.tokenizer, WORDS, CancelToken())
    prompt = windows.prompt((), "en")
    tokens = windows.decode(cross, prompt).tokens
    decoder = windows._decoder(1)
    kept = decoder.attention(0, cross, len(prompt) - 1)
    assert kept.shape == (8, len(tokens) + 1, 1500)
    np.testing.assert_allclose(kept.sum(axis=-1), 1, rtol=1e-4)
    decoder.admit(0, cross, (*prompt, *tokens), RowParams())
    np.testing.assert_allclose(kept, decoder.attention(0, cross, len(prompt) - 1), atol=0.03)
