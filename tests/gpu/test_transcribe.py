"""Windows into segments: the cutting by itself on made-up tokens, then the whole on real speech."""

import threading
from itertools import pairwise

import jiwer
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from gpu.audio import AudioReader, load_audio
from gpu.cancel import CancelToken
from gpu.errors import Cancelled, OptionsError
from gpu.stage_clock import StageClock
from gpu.transcribe import split_window
from gpu.types import LanguageDetected, RunStats, RunWarning, Segment, TranscribeOptions

JFK = "And so my fellow Americans ask not what your country can do for you ask what you can do for your country"
ENGLISH = TranscribeOptions(language="en")


@pytest.fixture(scope="module")
def tokenizer(engine):
    return engine._loaded.tokenizer


def words(text):
    return "".join(c if c.isalnum() else " " for c in text).lower().split()


def run(engine, path, options=ENGLISH):
    return list(engine.transcribe(path, options, CancelToken()))


def text_of(events):
    return "".join(e.text for e in events if isinstance(e, Segment))


@pytest.fixture
def at(tokenizer):
    return lambda seconds: tokenizer.timestamp_begin + round(seconds * 50)


class TestSplitWindow:
    def test_closed_segments_and_an_open_one(self, tokenizer, at):
        hello, world, again = (tokenizer.encode(t) for t in (" hello", " world", " again"))
        tokens = [at(0.5), *hello, at(2), at(2.5), *world, at(4), at(4), *again]
        pieces, advance = split_window(tokens, tokenizer, 3000)
        assert [(p.start, p.end) for p in pieces] == [(25, 100), (125, 200)]
        assert [tokenizer.decode(p.tokens) for p in pieces] == [" hello", " world"]
        assert advance == 400, "the open segment is heard again from where it begins"

    def test_everything_closed_takes_the_whole_window(self, tokenizer, at):
        tokens = [at(0), *tokenizer.encode(" hello"), at(2), at(2), *tokenizer.encode(" world"), at(4)]
        pieces, advance = split_window(tokens, tokenizer, 3000)
        assert [(p.start, p.end) for p in pieces] == [(0, 100), (100, 200)]
        assert advance == 3000

    def test_one_segment(self, tokenizer, at):
        pieces, advance = split_window([at(1), *tokenizer.encode(" hello"), at(3)], tokenizer, 1000)
        assert [(p.start, p.end) for p in pieces] == [(50, 150)]
        assert advance == 1000

    def test_never_beyond_the_recording(self, tokenizer, at):
        pieces, _ = split_window([at(1), *tokenizer.encode(" hello"), at(30)], tokenizer, 500)
        assert [(p.start, p.end) for p in pieces] == [(50, 250)]

    def test_a_character_is_not_split(self, tokenizer, at):
        """The three bytes of a rare character, spread over two segments by a timestamp."""
        tokens = tokenizer.encode("龘")
        assert len(tokens) > 1
        pieces, _ = split_window(
            [at(0), *tokenizer.encode("好"), tokens[0], at(2), at(2), *tokens[1:], at(4)], tokenizer, 3000
        )
        assert [tokenizer.decode(p.tokens) for p in pieces] == ["好", "龘"]

    @given(data=st.data())
    def test_nothing_is_lost_or_split(self, tokenizer, data):
        """However text is cut by pairs of timestamps, the pieces are valid UTF-8 and join to what was closed."""
        text = data.draw(st.text(min_size=1, max_size=30))
        tokens = tokenizer.encode(text)
        cuts = sorted(data.draw(st.sets(st.integers(1, max(len(tokens) - 1, 1)), max_size=4)))
        times = sorted(data.draw(st.sets(st.integers(1, 1499), min_size=len(cuts) + 1, max_size=len(cuts) + 1)))
        begin = tokenizer.timestamp_begin
        sequence = [begin]
        for first, last, time in zip([0, *cuts], [*cuts, len(tokens)], times, strict=True):
            sequence += [*tokens[first:last], begin + time, begin + time]
        pieces, advance = split_window(sequence[:-1], tokenizer, 3000)
        assert "".join(tokenizer.decode_bytes(p.tokens).decode() for p in pieces) == text
        assert 0 < advance <= 3000


def test_jfk(engine, audio):
    events = run(engine, audio / "jfk.wav", TranscribeOptions())
    language, *middle, stats = events
    assert isinstance(language, LanguageDetected)
    assert language.language == "en"
    assert language.probability > 0.8
    assert isinstance(stats, RunStats)
    assert words(text_of(events)) == words(JFK)
    segments = [e for e in middle if isinstance(e, Segment)]
    assert [s.id for s in segments] == list(range(len(segments)))
    assert all(0 <= s.start < s.end <= 11.0 for s in segments)
    assert stats.audio_s == stats.duration_s == pytest.approx(11.0)
    assert stats.n_windows == 1
    assert stats.n_tokens == sum(len(s.tokens) for s in segments)
    assert stats.real_time_factor == pytest.approx(stats.processing_s / 11.0)


@pytest.mark.slow
def test_windows_follow_the_speech(engine, audio, tmp_path):
    """Five utterances with pauses, longer than a window: nothing lost at the seam, times where the speech is."""
    names = ["librivox_0870.wav", "librivox_0880.wav", "librivox_0890.wav", "librivox_0920.wav", "librivox_0930.wav"]
    pieces, starts, length = [], [], 0.0
    for name in [*names, *names[:2]]:
        clip = load_audio(audio / name)
        starts.append(length)
        pieces += [clip, np.zeros(16000, np.float32)]
        length += len(clip) / 16000 + 1
    path = tmp_path / "五.flac"
    soundfile.write(path, np.concatenate(pieces), 16000)
    events = run(engine, path)
    segments = [e for e in events if isinstance(e, Segment)]
    spoken = words(text_of(events))
    assert {"dashwood", "disposed", "hearted", "amiable", "respectable", "himself"} <= set(spoken)
    assert spoken.count("prudently") == 2
    assert events[-1].n_windows >= 2
    assert all(a.end <= b.start + 0.01 for a, b in pairwise(segments))
    repeat = [s for s in segments if "prudently" in s.text][1]
    assert starts[5] < repeat.end <= length
    progress = [e.audio_s for e in events if isinstance(e, RunStats)]
    assert progress == sorted(progress)
    assert progress[-1] == pytest.approx(length, abs=0.01)


@pytest.mark.slow
def test_windows_at_once(engine, reading):
    """Cut at pauses and decoded together: the same words as one after the other, in order, up to the last second; with
    their times."""
    path, length = reading
    events = run(engine, path, TranscribeOptions(language="en", word_timestamps=True))
    segments = [e for e in events if isinstance(e, Segment)]
    assert [s.id for s in segments] == list(range(len(segments)))
    assert all(a.end <= b.start + 0.01 for a, b in pairwise(segments))
    assert segments[-1].end == pytest.approx(length, abs=1.5)
    timed = [word for segment in segments for word in segment.words]
    assert "".join(word.word for word in timed) == text_of(events)
    assert all(a.start <= a.end <= b.start + 0.01 for a, b in pairwise(timed))
    progress = [e.audio_s for e in events if isinstance(e, RunStats)]
    assert progress == sorted(progress)
    assert progress[-1] == pytest.approx(length, abs=0.01)
    assert events[-1].n_windows == 4
    sequential = run(engine, path, TranscribeOptions(language="en", batch_size=1))
    assert jiwer.wer(" ".join(words(text_of(sequential))), " ".join(words(text_of(events)))) < 0.05


@pytest.mark.long
def test_windows_at_once_fall_back_each_for_itself(engine, reading, reading_segments):
    """A threshold that only some windows miss: those are sampled, the others stay as they were."""
    path, _ = reading
    threshold = sorted({s.avg_logprob for s in reading_segments})[0] + 1e-4
    options = TranscribeOptions(language="en", temperature=(0.0, 0.4), logprob_threshold=threshold, best_of=2)
    events = run(engine, path, options)
    segments = [e for e in events if isinstance(e, Segment)]
    assert events[-1].n_fallbacks == 1
    as_they_were = [s.text for s in reading_segments if s.avg_logprob >= threshold]
    assert [s.text for s in segments if s.temperature == 0] == as_they_were
    assert any(s.temperature == 0.4 for s in segments)


def readers():
    return [thread for thread in threading.enumerate() if thread.name.startswith("read ahead")]


@pytest.mark.long
def test_cancel_among_windows_at_once(engine, reading, monkeypatch):
    """Nothing goes on behind it: no window, no reading ahead, least of all in a recording that is closed."""
    close, reading_when_closed = AudioReader.close, []

    def record(audio):
        reading_when_closed.append(readers())
        close(audio)

    monkeypatch.setattr(AudioReader, "close", record)
    cancel = CancelToken()
    events = engine.transcribe(reading[0], TranscribeOptions(language="en", batch_size=2), cancel)
    assert any(isinstance(event, Segment) for event in events)
    cancel.cancel()
    with pytest.raises(Cancelled):
        list(events)
    assert readers() == []
    assert reading_when_closed == [[]]
    events.close()


def test_only_silence_for_minutes(engine, tmp_path):
    path = tmp_path / "silence.wav"
    soundfile.write(path, np.zeros(90 * 16000, np.float32), 16000)
    events = run(engine, path)
    assert text_of(events) == ""
    assert events[-1].audio_s == 90
    assert events[-1].n_windows == 0


@pytest.mark.parametrize("name", ["silence_30s.flac", pytest.param("roomtone_30s.flac", marks=pytest.mark.slow)])
def test_silence_gives_no_text(engine, audio, name):
    assert text_of(run(engine, audio / name, TranscribeOptions(language="en"))) == ""


@pytest.mark.parametrize(
    ("name", "language", "expected"),
    [
        pytest.param("ast_es_enter_filename.flac", "es", "dictado", marks=pytest.mark.slow),
        pytest.param("ast_fr_enter_filename.flac", "fr", "fichier", marks=pytest.mark.slow),
        pytest.param("ast_it_tt-allbusy.flac", "it", "operatori", marks=pytest.mark.slow),
        ("ast_ru_queue-periodic-announce.flac", "ru", "операторы"),
    ],
)
def test_languages_are_detected(engine, audio, name, language, expected):
    events = run(engine, audio / name, TranscribeOptions())
    assert events[0].language == language
    assert expected in text_of(events).lower()


@pytest.mark.slow
def test_translate(engine, audio):
    events = run(engine, audio / "ast_fr_tt-allbusy.flac", TranscribeOptions(task="translate"))
    assert events[0].language == "fr"
    assert "call" in words(text_of(events))


@pytest.mark.slow
def test_beam_search(engine, audio):
    events = run(engine, audio / "jfk.wav", TranscribeOptions(language="en", beam_size=5))
    assert words(text_of(events)) == words(JFK)
    assert events[-1].n_fallbacks == 0


@pytest.mark.slow
def test_fallback_samples_and_says_so(engine, audio):
    """A threshold nothing can meet sends every window up the ladder to its end."""
    options = TranscribeOptions(language="en", temperature=(0.0, 0.4), logprob_threshold=0.0, best_of=3)
    events = run(engine, audio / "librivox_0880.wav", options)
    assert events[-1].n_fallbacks == 1
    assert {e.temperature for e in events if isinstance(e, Segment)} == {0.4}
    assert "young" in words(text_of(events))


@pytest.mark.slow
def test_prompt_sets_the_spelling(engine, audio):
    path = audio / "librivox_0870.wav"
    assert "Dashwood" in text_of(run(engine, path))
    prompted = TranscribeOptions(language="en", initial_prompt="A story of Mr. John Dashwoode and of Mrs. Dashwoode.")
    assert "Dashwoode" in text_of(run(engine, path, prompted))


def test_unknown_language_is_an_error_not_english(engine, audio):
    with pytest.raises(OptionsError, match="xx"):
        run(engine, audio / "jfk.wav", TranscribeOptions(language="xx"))


@pytest.mark.slow
def test_cancel_between_events_keeps_what_came(engine, audio):
    cancel = CancelToken()
    events = engine.transcribe(audio / "jfk.wav", ENGLISH, cancel)
    assert isinstance(next(events), LanguageDetected)
    assert isinstance(next(events), Segment)
    cancel.cancel()
    with pytest.raises(Cancelled):
        list(events)


def test_a_recording_shorter_than_a_frame(engine, tmp_path):
    path = tmp_path / "click.wav"
    soundfile.write(path, np.zeros(100, np.float32), 16000)
    events = run(engine, path)
    assert text_of(events) == ""
    assert events[-1].audio_s == pytest.approx(100 / 16000)


@pytest.mark.slow
def test_channels_are_speakers(engine, audio, tmp_path):
    left, right = load_audio(audio / "librivox_0880.wav"), load_audio(audio / "jfk.wav")
    sound = np.random.default_rng(2).standard_normal((len(left) + len(right), 2)).astype(np.float32) * 1e-4
    sound[: len(left), 0] += left
    sound[len(left) :, 1] += right
    path = tmp_path / "interview.wav"
    soundfile.write(path, sound, 16000)
    events = run(engine, path, TranscribeOptions(language="en", split_channels=True))
    segments = [e for e in events if isinstance(e, Segment)]
    by_speaker = {n: words("".join(s.text for s in segments if s.speaker == n)) for n in (1, 2)}
    assert {s.speaker for s in segments} == {1, 2}
    assert "disposed" in by_speaker[1]
    assert jiwer.wer(JFK.lower(), " ".join(by_speaker[2])) < 0.1
    assert [s.id for s in segments] == list(range(len(segments)))
    assert all(a.start <= b.start for a, b in pairwise(segments))
    assert segments[-1].start > len(left) / 16000


def test_one_channel_has_one_speaker(engine, audio):
    events = run(engine, audio / "librivox_0880.wav", TranscribeOptions(language="en", split_channels=True))
    [warning] = [e for e in events if isinstance(e, RunWarning)]
    assert "one channel" in warning.message
    assert "disposed" in text_of(events)


@pytest.mark.slow
def test_a_change_of_language_is_followed(engine, audio, tmp_path):
    clips = ["ast_en_demo-abouttotry", "ast_en_demo-nogo", "", "ast_es_demo-abouttotry", "ast_es_demo-nogo"]
    silence = np.zeros(3 * 16000, np.float32)
    path = tmp_path / "two.wav"
    sound = [load_audio(audio / f"{name}.flac") if name else silence for name in clips]
    soundfile.write(path, np.concatenate(sound), 16000)
    events = run(engine, path, TranscribeOptions(multilingual=True, batch_size=2))
    segments = [e for e in events if isinstance(e, Segment)]
    assert [e.language for e in events if isinstance(e, LanguageDetected)] == ["en", "es"]
    assert {s.language for s in segments} == {"en", "es"}
    assert "servidor" in words("".join(s.text for s in segments if s.language == "es"))


@pytest.mark.slow
def test_only_speech_is_recognised(engine, audio, tmp_path):
    """A word in the middle of a minute of hiss, and the times of what is put together."""
    speech = load_audio(audio / "librivox_0880.wav")
    sound = np.random.default_rng(2).standard_normal(64 * 16000).astype(np.float32) * 1e-3
    for at in (20, 50):
        sound[at * 16000 : at * 16000 + len(speech)] += speech
    path = tmp_path / "hiss.wav"
    soundfile.write(path, sound, 16000)
    events = run(engine, path)
    first, second = (e for e in events if isinstance(e, Segment))
    assert 19.5 < first.start < 20.5 < first.end < 24
    assert 49.5 < second.start < 50.5 < second.end < 54
    assert events[-1].n_windows == 1
    assert events[-1].audio_s == pytest.approx(64, abs=0.1)


@pytest.mark.long
def test_the_first_words_of_a_long_recording_wait_for_one_window(engine, reading, tmp_path):
    samples, rate = soundfile.read(reading[0])
    soundfile.write(tmp_path / "long.flac", np.pad(samples, (0, 600 * rate)), rate)
    clock = StageClock()
    events = engine.transcribe(tmp_path / "long.flac", ENGLISH, CancelToken(), clock)
    assert any(isinstance(event, Segment) for event in events)
    assert clock.stages["encode"].n_items == 1
    events.close()


def test_a_window_without_any_sound_passes(engine, tmp_path):
    """A level that never changes, heard without voice activity detection."""
    path = tmp_path / "tone.wav"
    soundfile.write(path, np.sin(np.arange(32000) * 2 * np.pi / 160) * 0.1, 16000)
    events = run(engine, path, TranscribeOptions(language="en", word_timestamps=True, vad=False))
    assert events[-1].audio_s == 2
