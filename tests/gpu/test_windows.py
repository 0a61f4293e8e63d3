"""Where a recording is cut, on made-up sound: bursts of noise with pauses between them."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu.mel import N_FRAMES, MelStream, NumpySpectrogram
from gpu.model_file import open_model
from gpu.sounds import Sound
from gpu.speech import AnySound, Stretch
from gpu.windows import LONGEST, SLACK, USUAL, ReadAhead, Window, cut_at_pauses, expected_windows
from tests.support.requantize import SHIPPED_MODEL


@pytest.fixture(scope="module")
def filters():
    with open_model(SHIPPED_MODEL) as model:
        return model.mel_filters.copy()


def bursts(*spans: tuple[float, float], length_s: float) -> np.ndarray:
    """Noise from second to second, a hum 40 dB below it in between."""
    rng = np.random.default_rng(3)
    samples = rng.standard_normal(round(length_s * 16000)).astype(np.float32) * 1e-3
    for start, end in spans:
        part = samples[round(start * 16000) : round(end * 16000)]
        part += rng.standard_normal(len(part)).astype(np.float32) * 0.1
    return samples


def cut(samples, filters, *, known=True):
    return list(windows_of(samples, filters, len(samples) / 16000 if known else None))


def windows_of(samples, filters, duration_s, speech=None):
    speech = speech or AnySound()
    blocks = iter(np.array_split(samples, max(1, len(samples) // 50_000)))
    return cut_at_pauses(MelStream(speech.listen(blocks), NumpySpectrogram(filters)), speech, duration_s)


def start_of(window):
    return window.stretches[0].start


def end_of(window):
    return window.stretches[-1].end


def test_cuts_lie_in_the_pauses(filters):
    spans = [(0, 9), (9.6, 21), (21.5, 27), (27.7, 40), (40.5, 47), (47.8, 62), (62.6, 70)]
    windows = cut(bursts(*spans, length_s=70), filters)
    assert len(windows) == 3
    for window in windows[:-1]:
        end = end_of(window) / 100
        assert not any(a - 0.05 < end < b + 0.05 for a, b in spans), f"cut at {end} s, in the middle of a burst"


@pytest.mark.slow
@settings(max_examples=15)
@given(length_s=st.floats(0.1, 200), known=st.booleans())
def test_windows_are_the_recording(filters, length_s, known):
    windows = cut(bursts((0, length_s), length_s=length_s), filters, known=known)
    assert start_of(windows[0]) == 0
    assert all(end_of(a) == start_of(b) for a, b in pairwise(windows))
    assert end_of(windows[-1]) == round(length_s * 16000) // 160
    assert all(0 < w.n_frames <= LONGEST or (w is windows[-1] and w.n_frames < N_FRAMES) for w in windows)
    if known and length_s > 40:
        assert len(windows) <= expected_windows(length_s) + 1
        assert min(w.n_frames for w in windows) > 0.3 * max(w.n_frames for w in windows), "no scrap at the end"


def test_a_wrong_length_does_no_harm(filters):
    samples = bursts((0, 80), length_s=80)
    windows = list(windows_of(samples, filters, 12.0))
    assert sum(w.n_frames for w in windows) == 8000
    assert all(w.n_frames >= USUAL - SLACK for w in windows[:-1])


def test_after_a_cut_comes_silence(filters):
    first, *_ = cut(bursts((0, 40), length_s=40), filters)
    rest = first.mel[:, first.n_frames :]
    assert (rest == rest[0, 0]).all()
    assert rest[0, 0] <= first.mel.min()


def test_sound_end(filters):
    [window] = cut(bursts((1, 7), length_s=20), filters)
    assert window.sound_end == pytest.approx(700, abs=30)


def test_the_rest_of_a_window(filters):
    [window] = cut(bursts((1, 7), (9, 14), length_s=20), filters)
    rest = window.rest(800)
    assert (rest.stretches, rest.n_frames) == ((Stretch(800, 2000),), 1200)
    np.testing.assert_array_equal(rest.mel[:, :1200], window.mel[:, 800:2000])
    assert rest.sound_end == pytest.approx(600, abs=30)


def test_digital_silence_is_left_out(filters):
    samples = bursts((0, 70), length_s=200)
    samples[70 * 16000 : 170 * 16000] = 0
    windows = cut(samples, filters)
    assert sum(w.n_frames for w in windows) < 15_000
    heard = [stretch for w in windows for stretch in w.stretches]
    assert heard[0].start == 0
    assert heard[-1].end == 20_000
    assert sum(w.n_frames + w.n_before for w in windows) == 20_000


def test_reading_ahead_changes_nothing(filters):
    samples = bursts((0, 70), length_s=70)
    straight = cut(samples, filters)
    ahead = list(ReadAhead(windows_of(samples, filters, 70.0)))
    assert [w.stretches for w in ahead] == [w.stretches for w in straight]


def test_what_goes_wrong_while_reading_ahead_is_raised(filters):
    def broken():
        yield bursts((0, 40), length_s=40)
        raise OSError("the disk is gone")

    speech = AnySound()
    windows = ReadAhead(cut_at_pauses(MelStream(speech.listen(broken()), NumpySpectrogram(filters)), speech, 70.0))
    assert start_of(next(windows)) == 0
    with pytest.raises(OSError, match="gone"):
        list(windows)


def glued(*spoken):
    """Seconds 10 to 20 and 50 to 60 of a recording."""
    speech = tuple(Stretch(*s) for s in spoken)
    return Window((Stretch(1000, 2000), Stretch(5000, 6000)), np.zeros((80, N_FRAMES), np.float32), speech)


def test_places_in_the_recording():
    window = glued((40, 960), (1040, 1960))
    assert [window.place(frame, is_end=False) for frame in (0, 999, 1000, 1999)] == [1000, 1999, 5000, 5999]
    assert [window.place(frame, is_end=True) for frame in (999, 1000, 1001, 2000)] == [1999, 2000, 5001, 6000]


def test_texts_begin_and_end_where_they_are_heard():
    window = glued((40, 400), (700, 960), (1040, 1960))
    assert window.trimmed(0, 700) == (20, 420), "silence around it is cut off, but for a little"
    assert window.trimmed(100, 300) == (100, 300)
    assert window.trimmed(900, 1800) == (1020, 1800), "more of it is spoken in the second stretch"
    assert window.trimmed(300, 1080) == (300, 980)
    assert window.trimmed(420, 650) == (420, 650), "nothing is heard: the times are left alone"


def test_words_at_the_edge_of_a_sound_have_its_times():
    """They may be outside of what is in the window; of a part of the window they are inside."""
    window = replace(glued(), sounds=(Sound(10, 1000, 980, 2040), Sound(1000, 1960, 4970, 5960)))
    assert window.timed(10, 200) == (980, 1200)
    assert window.timed(500, 1000) == (1500, 2040)
    assert window.timed(1000, 1000) == (4970, 4970), "an empty word goes on in time"
    assert window.rest(500, 1100).sounds == (Sound(0, 500, 1500, 2040), Sound(500, 600, 4970, 5100))


def test_the_rest_over_two_stretches():
    rest = glued((40, 960), (1040, 1960)).rest(900, 1100)
    assert rest.stretches == (Stretch(1900, 2000), Stretch(5000, 5100))
    assert rest.speech == (Stretch(0, 60), Stretch(140, 200))
    assert rest.is_rest
