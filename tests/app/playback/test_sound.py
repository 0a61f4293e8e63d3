"""What is decoded from any position, at any speed, against the whole recording in memory."""

from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from app.playback.errors import PlaybackError
from app.playback.sound import blocks, outline
from app.playback.units import BINS_PER_SECOND

RATE = 48000
AUDIO = Path(__file__).parents[2] / "data" / "audio"
JFK = AUDIO / "jfk.wav"

# Container, codec, and by how many samples of 48 kHz a seek may miss: Opus and AAC have no exact beginning.
FORMATS = [("flac", "flac", 2), ("mp3", "libmp3lame", 60), ("m4a", "aac", 60), ("ogg", "libopus", 60)]


def heard(path, start_s=0.0, speed=1.0):
    parts = list(blocks(path, start_s, speed, RATE))
    return np.concatenate(parts) if parts else np.zeros((0, 2), np.float32)


def sine(path, hz, seconds=6.0, rate=RATE):
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate), rate)
    return path


def encode(path, codec):
    """The clip in another format."""
    samples, rate = soundfile.read(JFK, dtype="float32")
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=RATE, layout="mono")
        resampler = av.AudioResampler(stream.format, "mono", RATE)
        frame = av.AudioFrame.from_ndarray(samples[np.newaxis], "flt", "mono")
        frame.sample_rate = rate
        fifo = av.AudioFifo()
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            fifo.write(part)
        size = stream.codec_context.frame_size or 1024
        while (part := fifo.read(size)) is not None:
            container.mux(stream.encode(part))
        if (part := fifo.read()) is not None:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return path


def test_all_of_it_is_heard():
    sound = heard(JFK)
    assert sound.shape == (11 * RATE, 2)
    np.testing.assert_array_equal(sound[:, 0], sound[:, 1])


@pytest.mark.parametrize(("ending", "codec", "most"), FORMATS)
def test_a_position_is_where_the_whole_has_it(tmp_path, ending, codec, most):
    path = encode(tmp_path / f"speech.{ending}", codec)
    whole = heard(path)[:, 0]
    for start_s in (0.2, 3.0, 7.25):
        part = heard(path, start_s)[:RATE, 0]
        begin = round(start_s * RATE)
        found = np.correlate(whole[max(begin - 2000, 0) : begin + RATE + 2000], part, "valid").argmax()
        assert abs(found - min(begin, 2000)) <= most


@pytest.mark.parametrize("speed", [0.5, 0.75, 1.25, 1.5, 2.0, 3.0])
def test_another_speed_has_the_same_pitch(tmp_path, speed):
    sound = heard(sine(tmp_path / "a.wav", 440), speed=speed)[:, 0]
    assert len(sound) / RATE == pytest.approx(6.0 / speed, rel=0.02)
    middle = sound[len(sound) // 4 : -len(sound) // 4]
    peak = np.abs(np.fft.rfft(middle * np.hanning(len(middle)))).argmax() * RATE / len(middle)
    assert peak == pytest.approx(440, abs=3)


def test_the_end_is_silent_and_no_error():
    assert len(heard(JFK, 10.9)) == pytest.approx(0.1 * RATE, abs=2)
    assert len(heard(JFK, 50.0)) == 0


def test_the_outline_is_lowest_and_highest():
    samples, rate = soundfile.read(JFK, dtype="float32")
    whole = np.concatenate(list(outline(JFK)))
    assert len(whole) == 11 * BINS_PER_SECOND
    bins = samples.reshape(-1, rate // BINS_PER_SECOND)
    for column, expected in enumerate((bins.min(axis=1), bins.max(axis=1))):
        found = whole[:, column] / 128
        assert np.corrcoef(found, expected)[0, 1] > 0.98
        assert np.abs(found - expected).mean() < 0.02, "8 kHz hears less of the high notes"


def test_an_outline_nobody_wants_ends():
    wanted = iter([True, True, False])
    assert len(list(outline(JFK, lambda: next(wanted)))) <= 2


@pytest.mark.parametrize("content", [None, b"", b"milk, bread", JFK.read_bytes()[:44]])
def test_what_cannot_be_played_says_so(tmp_path, content):
    path = tmp_path / "speech.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PlaybackError, match=r"speech\.wav") as caught:
        heard(path)
    assert caught.value.remedy
