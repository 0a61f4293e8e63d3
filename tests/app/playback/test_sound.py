"""What is decoded from a position on is what stands there; faster and slower, voices stay as high as they are."""

from contextlib import closing
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from app.playback import sound
from app.playback.errors import PlaybackError
from app.playback.sound import Source, blocks, outline
from app.playback.units import BINS_PER_SECOND

Floats = NDArray[np.float32]
RATE = 16_000
JFK = Path(__file__).parents[3] / "resources" / "samples" / "jfk.wav"
KINDS = {
    "a.mp3": ("libmp3lame", 44_100),
    "a.m4a": ("aac", 44_100),
    "a.mp4": ("aac", 48_000),
    "a.opus": ("libopus", 48_000),
    "a.webm": ("libopus", 48_000),
    "a.flac": ("flac", RATE),
    "a.wav": ("pcm_s16le", RATE),
    "a.ts": ("aac", 44_100),
}


def heard(path: Path, start_s: float, speed: float = 1.0, rate: int = RATE, most_s: float | None = None) -> Floats:
    parts, n = [np.zeros((0, 2), np.float32)], 0
    for block in blocks(path, start_s, speed, rate):
        parts.append(block)
        n += len(block)
        if most_s is not None and n >= most_s * rate:
            break
    return np.concatenate(parts)[: None if most_s is None else round(most_s * rate), 0]


def write(path: Path, samples: Floats, codec: str, rate: int) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(samples[np.newaxis], "fltp", "mono")
        frame.sample_rate, frame.pts = RATE, 0
        resampler = av.AudioResampler(stream.format.name, "mono", rate)
        for part in (*resampler.resample(frame), *resampler.resample(None)):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))


@pytest.fixture(scope="session")
def speech() -> Floats:
    """Half a minute in which no second is like another."""
    once, _ = soundfile.read(JFK, dtype="float32")
    noise = 0.02 * np.random.default_rng(0).standard_normal(3 * len(once), np.float32)
    return np.clip(np.tile(once, 3) + noise, -1, 1)


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory, speech: Floats) -> Path:
    folder = tmp_path_factory.mktemp("sounds")
    for name, (codec, rate) in KINDS.items():
        write(folder / name, speech, codec, rate)
    return folder


@pytest.mark.parametrize("name", KINDS)
def test_any_position_is_found_to_the_sample(files: Path, name: str) -> None:
    path = files / name
    whole = heard(path, 0.0)
    for start_s in (0.3, 7.123, 20.5, 32.0):
        part = heard(path, start_s, most_s=0.5)
        at = round(start_s * RATE)
        first = max(at - 2000, 0)
        shift = np.correlate(whole[first : at + len(part) + 2000], part, "valid").argmax() + first - at
        assert abs(shift) <= 0.0015 * RATE  # Matroska counts milliseconds
        there = whole[at + shift : at + shift + len(part)]
        assert there @ part / np.sqrt((there @ there) * (part @ part)) > 0.99


@pytest.mark.parametrize("name", KINDS)
def test_a_recording_that_stays_open_finds_back(files: Path, name: str) -> None:
    path, whole = files / name, heard(files / name, 0.0)
    with closing(Source()) as source:
        for start_s in (20.0, 32.9, 0.2, 5.5, 20.0):
            with closing(source.blocks(path, start_s, 1.0, RATE)) as sound_:
                found = next(iter(sound_))[:, 0]
                while len(found) < 1600 and (more := next(sound_, None)) is not None:
                    found = np.concatenate([found, more[:, 0]])
            at = round(start_s * RATE)
            shifted = [whole[at + shift : at + shift + len(found)] for shift in range(-24, 25) if at + shift >= 0]
            assert max(float(np.corrcoef(part, found[: len(part)])[0, 1]) for part in shifted if len(part) > 50) > 0.98


def test_a_recording_that_was_replaced_is_read_anew(tmp_path: Path, speech: Floats) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, speech[: 4 * RATE], RATE)
    with closing(Source()) as source:
        before = next(source.blocks(path, 1.0, 1.0, RATE))
        path.unlink()
        with pytest.raises(PlaybackError):
            next(source.blocks(path, 1.0, 1.0, RATE))
        soundfile.write(path, speech[: 3 * RATE][::-1], RATE)
        assert not np.array_equal(next(source.blocks(path, 1.0, 1.0, RATE)), before)


def test_one_channel_is_heard_on_both_sides_and_as_loud() -> None:
    sound_ = np.concatenate(list(blocks(JFK, 0.0, 1.0, RATE)))
    samples, _ = soundfile.read(JFK, dtype="float32")
    assert sound_.shape == (len(samples), 2)
    assert np.array_equal(sound_[:, 0], sound_[:, 1])
    assert np.abs(sound_[:, 0] - samples).max() < 1e-4


def test_silence_at_the_end_and_behind_it(files: Path) -> None:
    assert len(heard(files / "a.flac", 33.0 - 0.25)) == pytest.approx(0.25 * RATE, abs=1)
    assert len(heard(files / "a.flac", 99.0)) == 0


@pytest.mark.parametrize("speed", [0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0])
def test_length_is_scaled_and_pitch_is_kept(tmp_path: Path, speed: float) -> None:
    length_s, pitch = 6.0, 440.0
    sine = 0.5 * np.sin(2 * np.pi * pitch * np.arange(round(length_s * RATE)) / RATE).astype(np.float32)
    soundfile.write(tmp_path / "sine.wav", sine, RATE)
    played = heard(tmp_path / "sine.wav", 0.0, speed, 48_000)
    assert len(played) / 48_000 == pytest.approx(length_s / speed, abs=0.06)
    middle = played[len(played) // 4 : 3 * len(played) // 4]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert spectrum.argmax() * 48_000 / len(middle) == pytest.approx(pitch, abs=1.5)


def oracle(samples: NDArray[np.int16], rate: int) -> NDArray[np.int8]:
    edges = np.round(np.arange(0, len(samples) * BINS_PER_SECOND / rate) * rate / BINS_PER_SECOND).astype(int)
    bins = np.split(samples, edges[1:])
    return np.array([(part.min() >> 8, part.max() >> 8) for part in bins if len(part)], np.int8)


@pytest.mark.parametrize("rate", [8_000, RATE, 22_050, 44_100, 96_000])
def test_outline_is_the_lowest_and_highest_of_each_hundredth(tmp_path: Path, rate: int) -> None:
    samples = np.random.default_rng(rate).integers(-32768, 32767, round(2.537 * rate)).astype(np.int16)
    samples[: rate // 2] //= 100
    soundfile.write(tmp_path / "noise.wav", samples, rate, subtype="PCM_16")
    found = np.concatenate(list(outline(tmp_path / "noise.wav")))
    assert np.array_equal(found, oracle(samples, rate))


def test_an_outline_nobody_wants_any_more_ends(files: Path) -> None:
    assert sum(len(part) for part in outline(files / "a.flac", lambda: False)) == 0


def test_sounds_that_change_their_form_are_heard_through(tmp_path: Path, speech: Floats) -> None:
    """As broadcasts do: one MPEG stream of several rates."""
    for rate, name in ((44_100, "1.mp3"), (22_050, "2.mp3")):
        write(tmp_path / name, speech[: 4 * RATE], "libmp3lame", rate)
    joined = tmp_path / "joined.mp3"
    joined.write_bytes((tmp_path / "1.mp3").read_bytes() + (tmp_path / "2.mp3").read_bytes())
    assert len(heard(joined, 0.0)) == pytest.approx(8 * RATE, abs=0.4 * RATE)
    assert sum(len(part) for part in outline(joined)) == pytest.approx(8 * BINS_PER_SECOND, abs=40)


@pytest.mark.parametrize("content", [b"", b"no sound at all " * 500, None])
def test_what_cannot_be_played_says_so(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "a.mp3"
    if content is not None:
        path.write_bytes(content)
    for play in (lambda: list(blocks(path, 0.0, 1.0, RATE)), lambda: list(outline(path))):
        with pytest.raises(PlaybackError) as caught:
            play()
        assert "a.mp3" in str(caught.value)
        assert caught.value.remedy


def test_a_picture_without_sound_says_so(tmp_path: Path) -> None:
    path = tmp_path / "silent.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10, width=32, height=32, pix_fmt="yuv420p")
        for _ in range(5):
            container.mux(stream.encode(av.VideoFrame(32, 32, "yuv420p")))
        container.mux(stream.encode(None))
    with pytest.raises(PlaybackError):
        list(blocks(path, 0.0, 1.0, RATE))


def test_damage_is_passed_over(tmp_path: Path, files: Path) -> None:
    content = bytearray((files / "a.mp3").read_bytes())
    content[len(content) // 2 : len(content) // 2 + 3000] = bytes(3000)
    damaged = tmp_path / "damaged.mp3"
    damaged.write_bytes(content)
    assert len(heard(damaged, 0.0)) > 30 * RATE


def test_speeds_are_those_ffmpeg_keeps_the_pitch_at(files: Path) -> None:
    slow, slower = (len(heard(files / "a.wav", 30.0, speed)) for speed in (sound.SLOWEST, 0.1))
    assert slow == slower
