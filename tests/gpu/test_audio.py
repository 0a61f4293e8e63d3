"""Good recordings in every container, rate and number of channels, streamed."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile
import soxr
from numpy.typing import NDArray

from gpu.audio import AUDIO_SUFFIXES, SAMPLE_RATE, find_recordings, load_audio, open_audio
from gpu.errors import AudioNotFoundError
from tests.support.audio_files import write_audio, write_video

AUDIO = Path(__file__).parents[1] / "data" / "audio"
Floats = NDArray[np.float32]


def tone(seconds: float = 2.0, rate: int = SAMPLE_RATE, frequency: float = 440.0) -> Floats:
    """A sine of half amplitude with a quarter of a second of fading at both ends."""
    time = np.arange(int(seconds * rate)) / rate
    fade = np.clip(4 * np.minimum(time, seconds - time), 0, 1)
    return (0.5 * fade * np.sin(2 * np.pi * frequency * time)).astype(np.float32)


def delay(audio: Floats, reference: Floats) -> int:
    """By how many samples a recording comes after the reference."""
    n = len(audio) + len(reference)
    product = np.fft.rfft(audio, n) * np.conj(np.fft.rfft(reference, n))
    best = int(np.argmax(np.fft.irfft(product, n)))
    return best if best < len(audio) else best - n


# The name, the codec, the largest deviation.
LOSSLESS = [
    ("a.wav", "pcm_s16le", 2e-5),
    ("a.wav", "pcm_s24le", 2e-7),
    ("a.wav", "pcm_s32le", 1e-8),
    ("a.wav", "pcm_f32le", 0.0),
    ("a.wav", "pcm_f64le", 0.0),
    ("a.wav", "pcm_u8", 5e-3),
    ("a.wav", "pcm_alaw", 1e-2),
    ("a.flac", "flac", 2e-5),
    ("a.m4a", "alac", 2e-7),
    ("a.aiff", "pcm_s16be", 2e-5),
    ("a.au", "pcm_mulaw", 2e-2),
    ("a.caf", "pcm_s16le", 2e-5),
    ("a.w64", "pcm_s16le", 2e-5),
    ("a.mov", "pcm_s16le", 2e-5),
]


@pytest.mark.parametrize(("name", "codec", "tolerance"), LOSSLESS)
def test_lossless_formats(tmp_path: Path, name: str, codec: str, tolerance: float) -> None:
    path = write_audio(tmp_path / name, tone(), SAMPLE_RATE, codec)
    with open_audio(path) as reader:
        audio = np.concatenate(list(reader.blocks()))
    assert audio.dtype == np.float32
    assert audio.shape == tone().shape
    assert np.abs(audio - tone()).max() <= tolerance
    assert reader.duration_s == 2.0
    assert reader.warnings == []


@pytest.mark.parametrize(
    ("name", "codec", "rate", "max_delay"),
    [
        ("a.mp3", "libmp3lame", 16000, 1),
        ("a.m4a", "aac", 16000, 1),
        ("a.mp4", "aac", 44100, 1),
        ("a.3gp", "aac", 16000, 1),
        ("a.opus", "libopus", 48000, 1),
        ("a.webm", "libopus", 48000, 1),
        ("a.mka", "libopus", 48000, 1),
        ("a.aac", "aac", 16000, 1024),  # no header to say that the encoder began with silence
        ("a.ts", "mp2", 16000, 500),
        ("a.avi", "libmp3lame", 16000, 1200),
    ],
)
def test_lossy_formats(tmp_path: Path, name: str, codec: str, rate: int, max_delay: int) -> None:
    path = write_audio(tmp_path / name, tone(rate=rate, frequency=441), rate, codec)
    with open_audio(path) as reader:
        audio = np.concatenate(list(reader.blocks()))
    reference = tone(frequency=441)
    offset = delay(audio, reference)
    assert 0 <= offset <= max_delay
    shared = min(len(audio) - offset, len(reference))
    assert np.abs(audio[offset : offset + shared] - reference[:shared]).max() < 0.05
    assert abs(len(audio) - len(reference)) <= 2048
    assert reader.duration_s == pytest.approx(2.0, abs=0.2)
    assert reader.warnings == []


def test_ogg_vorbis(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.ogg", tone(), SAMPLE_RATE, format="OGG", subtype="VORBIS")
    audio = load_audio(tmp_path / "a.ogg")
    offset = delay(audio, tone())  # FFmpeg leaves out the 16 ms before Vorbis's first full window
    assert -256 <= offset <= 0
    assert np.abs(audio[: 32000 - 256] - tone()[-offset:][: 32000 - 256]).max() < 0.05


def test_formats_only_libsndfile_knows(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.paf", tone(), SAMPLE_RATE, format="PAF", subtype="PCM_24")
    soundfile.write(tmp_path / "a.wve", tone(rate=8000), 8000, format="WVE", subtype="ALAW")
    assert np.abs(load_audio(tmp_path / "a.paf") - tone()).max() < 1e-6
    assert np.abs(load_audio(tmp_path / "a.wve") - tone()).max() < 0.02


def test_the_name_of_a_file_means_nothing(tmp_path: Path) -> None:
    mp4 = write_audio(tmp_path / "a.mp4", tone(), SAMPLE_RATE, "aac")
    flac = write_audio(tmp_path / "a.flac", tone(), SAMPLE_RATE, "flac")
    expected = load_audio(mp4)
    assert np.abs(expected[:32000] - tone()).max() < 0.05  # libsndfile would read it as MP3, and return noise
    assert np.array_equal(load_audio(mp4.rename(tmp_path / "a.mp3")), expected)
    assert np.abs(load_audio(flac.rename(tmp_path / "notes.txt")) - tone()).max() < 2e-5


@pytest.mark.parametrize(
    "name",
    [
        "with space.wav",
        "录音 — пример.wav",
        "12:30 meeting.wav",
        "file:a.wav",
        "100%d.wav",
        "-i.wav",
        "a\nb.wav",
        "\udcff.wav",
    ],
)
def test_file_names(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.platform == "win32" and any(c in name for c in ":%\n\udcff"):
        pytest.skip("no such names on Windows")
    monkeypatch.chdir(tmp_path)
    write_audio(tmp_path / "a.wav", tone(), SAMPLE_RATE, "pcm_s16le").rename(name)
    assert np.abs(load_audio(Path(name)) - tone()).max() < 2e-5


@pytest.mark.parametrize("n_channels", range(1, 9))
@pytest.mark.parametrize(("kind", "subtype"), [("WAV", "PCM_16"), ("WAV", "FLOAT"), ("FLAC", "PCM_24")])
def test_channels_are_averaged(tmp_path: Path, n_channels: int, kind: str, subtype: str) -> None:
    channels = np.stack([tone(1.0, frequency=200.0 * (i + 1)) for i in range(n_channels)], axis=1)
    soundfile.write(tmp_path / "a", channels, SAMPLE_RATE, format=kind, subtype=subtype)
    assert np.abs(load_audio(tmp_path / "a") - channels.mean(axis=1)).max() < 4e-5


def test_eight_channels_of_studio_quality(tmp_path: Path) -> None:
    channels = np.zeros((96000 * 2, 8))
    channels[:, 5] = tone(rate=96000)  # one speaker, one microphone
    soundfile.write(tmp_path / "a.wav", channels, 96000, subtype="PCM_24")
    assert np.abs(load_audio(tmp_path / "a.wav") - tone() / 8).max() < 1e-5


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 32000, 44100, 48000, 96000, 192000])
def test_sample_rates(tmp_path: Path, rate: int) -> None:
    soundfile.write(tmp_path / "a.wav", tone(rate=rate), rate, subtype="PCM_24")
    audio = load_audio(tmp_path / "a.wav")
    assert abs(len(audio) - len(tone())) <= 1
    assert np.abs(audio[: len(tone())] - tone()[: len(audio)]).max() < 1e-3


def test_nothing_above_8_khz_comes_through(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(rate=96000, frequency=12345), 96000, subtype="PCM_24")
    assert np.abs(load_audio(tmp_path / "a.wav")).max() < 1e-4


def test_streamed_resampling_equals_resampling_at_once(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 44100 * 3).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", noise, 44100, subtype="FLOAT")
    expected = soxr.resample(noise, 44100, SAMPLE_RATE)
    assert np.abs(load_audio(tmp_path / "a.wav") - expected).max() < 1e-6


def test_a_change_of_rate_and_channels_on_the_way(tmp_path: Path) -> None:
    stereo = write_audio(tmp_path / "a.mp3", np.tile(tone(3.0, 44100), (2, 1)), 44100, "libmp3lame")
    mono = write_audio(tmp_path / "b.mp3", tone(3.0, 22050, 1000.0), 22050, "libmp3lame")
    joined = tmp_path / "joined.mp3"
    joined.write_bytes(stereo.read_bytes() + mono.read_bytes())
    audio = load_audio(joined)
    assert len(audio) / SAMPLE_RATE == pytest.approx(6.0, abs=0.25)
    for begin_s, frequency in ((1, 440), (4, 1000)):
        spectrum = np.abs(np.fft.rfft(audio[begin_s * SAMPLE_RATE :][:SAMPLE_RATE]))
        assert np.argmax(spectrum) == pytest.approx(frequency, abs=1)  # Hz: one second


def test_video(tmp_path: Path) -> None:
    path = write_video(tmp_path / "v.mkv", 100, tone())
    with open_audio(path) as reader:
        audio = np.concatenate(list(reader.blocks()))
    assert abs(delay(audio, tone())) <= 1024
    assert len(audio) == pytest.approx(len(tone()), abs=2048)
    assert reader.warnings == []  # that the pictures go on for two seconds is no fault


def test_of_several_sound_tracks_one_is_named(tmp_path: Path) -> None:
    with open_audio(write_video(tmp_path / "v.mp4", 50, tone(), n_tracks=2)) as reader:
        assert reader.warnings == ["v.mp4 has 2 sound tracks; number 1 is used."]


def test_intact_recordings_give_no_warnings() -> None:
    for path in find_recordings(AUDIO):
        with open_audio(path) as reader:
            n_samples = sum(len(block) for block in reader.blocks())
        assert reader.warnings == []
        assert reader.duration_s == pytest.approx(n_samples / SAMPLE_RATE, abs=0.1)


def test_blocks_are_about_a_second(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(5.5, 44100), 44100)
    with open_audio(tmp_path / "a.wav") as reader:
        sizes = [len(block) for block in reader.blocks()]
    assert len(sizes) <= 7
    assert max(sizes) <= 1.5 * SAMPLE_RATE


def test_find_recordings(tmp_path: Path) -> None:
    names = ["b.WAV", "a.mp3", "deep/er/c.mkv", "d.txt", "._a.mp3", "no suffix", "e.srt"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.wav").mkdir()
    assert find_recordings(tmp_path) == [tmp_path / name for name in ("a.mp3", "b.WAV", "deep/er/c.mkv")]
    assert find_recordings(tmp_path / "d.txt") == [tmp_path / "d.txt"]
    assert find_recordings(tmp_path / "missing") == [tmp_path / "missing"]  # open_audio says so


def test_a_folder_without_recordings(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(AudioNotFoundError, match="no recording in the folder") as caught:
        find_recordings(tmp_path)
    assert caught.value.remedy


def test_suffixes_are_lower_case_and_whole() -> None:
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in AUDIO_SUFFIXES)


@pytest.mark.slow
def test_an_hour_stays_out_of_memory(tmp_path: Path) -> None:
    path = tmp_path / "long.flac"
    minute = np.zeros(60 * 8000, np.int16)
    minute[::8000] = 1000
    with soundfile.SoundFile(path, "w", 8000, 1, "PCM_16") as file:
        for _ in range(60):
            file.write(minute)
    process = psutil.Process()
    before = process.memory_info().rss
    grown, n_samples = 0, 0
    with open_audio(path) as reader:
        for block in reader.blocks():
            n_samples += len(block)
            grown = max(grown, process.memory_info().rss - before)
    assert n_samples == 3600 * SAMPLE_RATE
    assert reader.duration_s == 3600
    assert grown < 40e6  # the samples alone would be 230 MB
