"""Recordings that are not what they should be: errors where nothing can be read, warnings where a part is missing."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gpu.audio import SAMPLE_RATE, AudioReader, load_audio, open_audio
from gpu.audio_sources import FFmpegSource, clock
from gpu.errors import AudioError, AudioGoneError, AudioNotFoundError, NoAudioStreamError, UndecodableAudioError
from tests.support.audio_files import Floats, cut, damage, wav_bytes, write_audio, write_video

AUDIO = Path(__file__).parents[1] / "data" / "audio"
JFK = AUDIO / "jfk.wav"
SECOND = (np.random.default_rng(0).integers(-3000, 3000, SAMPLE_RATE)).astype("<i2").tobytes()


def read(path: Path) -> tuple[Floats, list[str]]:
    with open_audio(path) as reader:
        audio = np.concatenate(list(reader.blocks()))
    return audio, reader.warnings


def error_of(path: Path) -> AudioError:
    """What opening a file raises: one line and a remedy."""
    with pytest.raises(AudioError) as caught:
        open_audio(path)
    assert "\n" not in str(caught.value)
    assert caught.value.remedy.endswith(".")
    return caught.value


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


# Nothing to read


def test_missing(tmp_path: Path) -> None:
    error = error_of(tmp_path / "nope.wav")
    assert isinstance(error, AudioNotFoundError)
    assert "There is no file" in str(error)
    assert isinstance(error_of(JFK / "below a file.wav"), AudioNotFoundError)


def test_folder(tmp_path: Path) -> None:
    error = error_of(tmp_path)
    assert isinstance(error, AudioNotFoundError)
    assert "is a folder" in str(error)


@pytest.mark.skipif(sys.platform == "win32", reason="no such files on Windows")
def test_what_is_no_ordinary_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    assert "not an ordinary file" in str(error_of(tmp_path / "pipe.wav"))
    assert "not an ordinary file" in str(error_of(Path("/dev/zero")))


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_without_permission(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("private")
    written(folder / "a.wav", JFK.read_bytes()).chmod(0)
    program = f"""
import os
from pathlib import Path
from gpu.audio import find_recordings, open_audio, prepare_decoders
from gpu.errors import AudioNotFoundError
prepare_decoders()  # another user may not import them
os.chdir({str(folder)!r})
if os.geteuid() == 0:  # whom permissions do not stop
    os.chmod(".", 0o755)
    os.seteuid(65534)
for attempt in (lambda: open_audio(Path("a.wav")), lambda: find_recordings(Path("locked"))):
    try:
        attempt()
    except AudioNotFoundError as e:
        print(e, e.remedy)
"""
    (folder / "locked").mkdir(mode=0)
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=AUDIO.parents[2], capture_output=True, text=True, check=True
    )
    assert result.stderr == ""
    assert [line.split(":")[0] for line in result.stdout.splitlines()] == [
        "a.wav may not be read",
        "locked may not be read",
    ]


def test_empty(tmp_path: Path) -> None:
    error = error_of(written(tmp_path / "a.wav", b""))
    assert isinstance(error, UndecodableAudioError)
    assert "0 bytes" in str(error)


@pytest.mark.parametrize("name", ["a.wav", "a.mp3", "a.txt", "a.g722", "a.gsm", "a.nfo"])
def test_text_is_never_sound(tmp_path: Path, name: str) -> None:
    text = b"This is text, whatever its name says.\n" * 300
    assert isinstance(error_of(written(tmp_path / name, text)), UndecodableAudioError)


def test_subtitles_have_no_sound(tmp_path: Path) -> None:
    text = b"1\n00:00:01,000 --> 00:00:02,000\nHello\n\n" * 20
    assert isinstance(error_of(written(tmp_path / "a.wav", text)), NoAudioStreamError)


@pytest.mark.parametrize("name", ["v.mp4", "v.mkv", "v.avi"])
def test_video_without_sound(tmp_path: Path, name: str) -> None:
    error = error_of(write_video(tmp_path / name))
    assert isinstance(error, NoAudioStreamError)
    assert "no sound" in str(error)


@pytest.mark.parametrize("content", [wav_bytes(b""), wav_bytes(b"", stated=32000), wav_bytes(b"")[:20], b"RIFF", b"x"])
def test_headers_without_sound(tmp_path: Path, content: bytes) -> None:
    assert isinstance(error_of(written(tmp_path / "a.wav", content)), UndecodableAudioError)


def test_an_mp4_without_its_end(tmp_path: Path) -> None:
    whole = write_audio(tmp_path / "a.m4a", load_audio(JFK), SAMPLE_RATE, "aac")
    error = error_of(cut(whole, tmp_path / "b.m4a", 0.5))
    assert isinstance(error, UndecodableAudioError)
    assert "without its index" in str(error)


def test_an_impossible_sample_rate(tmp_path: Path) -> None:
    error = error_of(written(tmp_path / "a.wav", wav_bytes(SECOND, rate=50)))
    assert "50 Hz, expected 1000 to" in str(error)


def test_a_file_system_that_refuses() -> None:
    error = error_of(Path("x" * 300))
    assert isinstance(error, AudioNotFoundError)
    assert "cannot be read: File name too long" in str(error)


@pytest.mark.parametrize("seconds", [10, 100])
def test_packets_that_are_all_damaged(tmp_path: Path, seconds: int) -> None:
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, seconds * SAMPLE_RATE).astype(np.float32)
    content = bytearray(write_audio(tmp_path / "a.m4a", noise, SAMPLE_RATE, "aac").read_bytes())
    begin = content.index(b"mdat") + 4
    end = content.index(b"moov") - 4
    content[begin:end] = b"\xff" * (end - begin)
    error = error_of(written(tmp_path / "b.m4a", bytes(content)))
    assert isinstance(error, UndecodableAudioError)
    assert "no sound that can be decoded" in str(error)


def test_sound_that_only_its_header_knows(tmp_path: Path) -> None:
    header = bytes.fromhex("fff1604019fffc")  # of an AAC packet of 207 bytes
    error = error_of(written(tmp_path / "a.aac", (header + b"\xff" * 200) * 5000))
    assert isinstance(error, UndecodableAudioError)
    assert "damaged" in str(error)


def test_damaged_files_of_the_formats_only_libsndfile_knows(tmp_path: Path) -> None:
    assert isinstance(error_of(written(tmp_path / "a.paf", b" paf" + b"\xff" * 99)), UndecodableAudioError)


def test_playlists_open_no_other_files(tmp_path: Path) -> None:
    write_audio(tmp_path / "a.ts", load_audio(JFK), SAMPLE_RATE, "mp2")
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:11\n#EXTINF:11,\n{tmp_path / 'a.ts'}\n#EXT-X-ENDLIST\n"
    assert isinstance(error_of(written(tmp_path / "a.m3u8", playlist.encode())), UndecodableAudioError)
    concat = f"ffconcat version 1.0\nfile {tmp_path / 'a.ts'}\n"
    assert isinstance(error_of(written(tmp_path / "a.wav", concat.encode())), UndecodableAudioError)


# Something is missing


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp3", "libmp3lame"),
        ("a.flac", "flac"),
        ("a.wav", "pcm_s16le"),
        ("a.mka", "libopus"),
        ("a.aiff", "pcm_s16be"),
    ],
)
def test_a_file_cut_off_is_read_as_far_as_it_goes(tmp_path: Path, name: str, codec: str) -> None:
    rate = 48000 if codec == "libopus" else SAMPLE_RATE
    audio = np.repeat(load_audio(JFK), rate // SAMPLE_RATE)
    whole = load_audio(write_audio(tmp_path / name, audio, rate, codec))
    part, warnings = read(cut(tmp_path / name, tmp_path / f"part-{name}", 0.6))
    assert 5 < len(part) / SAMPLE_RATE < 8
    n_same = len(part) - SAMPLE_RATE // 10
    assert np.abs(part[:n_same] - whole[:n_same]).max() < 1e-3
    assert warnings[-1] == f"part-{name} ends at 0:0{len(part) // SAMPLE_RATE} of 0:11: the rest is missing."


def test_the_mp3_of_the_repository_cut_off(tmp_path: Path) -> None:
    part, warnings = read(cut(AUDIO / "jfk.mp3", tmp_path / "a.mp3", 0.5))
    assert 4 < len(part) / SAMPLE_RATE < 7
    assert len(warnings) == 1
    assert "0:11: the rest is missing" in warnings[0]


def test_a_guessed_length_is_no_reason_to_warn(tmp_path: Path) -> None:
    """An MP3 whose bit rate varies, without a frame that says so: FFmpeg guesses by the first packets."""
    audio = np.zeros(SAMPLE_RATE * 12, np.float32)
    audio[SAMPLE_RATE * 6 :] = np.random.default_rng(0).uniform(-0.9, 0.9, SAMPLE_RATE * 6)
    path = write_audio(
        tmp_path / "a.mp3", audio, SAMPLE_RATE, "libmp3lame", write_xing="0", qscale="2", flags="+qscale"
    )
    with open_audio(path) as reader:
        n_samples = sum(len(block) for block in reader.blocks())
    assert n_samples / SAMPLE_RATE == pytest.approx(12, abs=0.2)
    assert reader.duration_s is not None
    assert reader.duration_s > 14
    assert reader.warnings == []


@pytest.mark.parametrize("stated", [0, 0x7FFF_F000, 0x8000_0000, 0xFFFF_FFFF])
def test_a_wav_file_whose_recorder_could_not_seek(tmp_path: Path, stated: int) -> None:
    audio, warnings = read(written(tmp_path / "a.wav", wav_bytes(SECOND * 3, stated=stated)))
    assert len(audio) == 3 * SAMPLE_RATE
    assert warnings == []


def test_a_wav_file_that_states_too_much(tmp_path: Path) -> None:
    audio, warnings = read(written(tmp_path / "a.wav", wav_bytes(SECOND * 3, stated=32000 * 3661)))
    assert len(audio) == 3 * SAMPLE_RATE
    assert warnings == ["a.wav ends at 0:03 of 1:01:01: the rest is missing."]


def test_a_wav_file_that_states_too_little(tmp_path: Path) -> None:
    audio, warnings = read(written(tmp_path / "a.wav", wav_bytes(SECOND * 3, stated=32000)))
    assert audio.tobytes() == (np.frombuffer(SECOND * 3, "<i2") / np.float32(32768)).tobytes()
    assert warnings == ["a.wav holds more sound than its header says; all of it is read."]


@pytest.mark.parametrize("after", [b"LIST" + (90000).to_bytes(4, "little") + b"x" * 90000, bytes(100_000), b"x" * 99])
def test_what_follows_the_sound_of_a_wav_file_is_no_sound(tmp_path: Path, after: bytes) -> None:
    audio, warnings = read(written(tmp_path / "a.wav", wav_bytes(SECOND, after=after)))
    assert len(audio) == SAMPLE_RATE
    assert warnings == []


def test_damaged_packets_are_skipped_and_counted(tmp_path: Path) -> None:
    damage(AUDIO / "jfk.mp3", tmp_path / "a.mp3", 0.4, 0.45)
    audio, warnings = read(tmp_path / "a.mp3")
    assert 9 < len(audio) / SAMPLE_RATE < 11.1
    assert any("damaged packet" in warning for warning in warnings)


def test_sound_missing_inside_is_reported(tmp_path: Path) -> None:
    whole = tmp_path / "whole.ogg"
    soundfile.write(whole, load_audio(JFK), SAMPLE_RATE, format="OGG", subtype="OPUS")
    audio, warnings = read(damage(whole, tmp_path / "a.ogg", 0.4, 0.45))
    assert len(audio) / SAMPLE_RATE < 10.7
    assert any("s of sound are missing inside a.ogg" in warning for warning in warnings)


def test_values_that_are_no_numbers(tmp_path: Path) -> None:
    samples = np.full(SAMPLE_RATE, 0.25, np.float64)
    samples[100:104] = np.nan, np.inf, -np.inf, 1e300
    samples[200:202] = 7, -7
    soundfile.write(tmp_path / "a.wav", samples, SAMPLE_RATE, subtype="DOUBLE")
    audio, warnings = read(tmp_path / "a.wav")
    assert audio[100:104].tolist() == [0, 0, 0, 0]
    assert audio[200:202].tolist() == [1, -1]
    assert (np.delete(audio, [100, 101, 102, 103, 200, 201]) == 0.25).all()
    assert warnings == ["a.wav holds values that are no numbers; they are taken as silence."]


class FailingFile(io.BytesIO):
    """A disk that gives up after some bytes."""

    def __init__(self, content: bytes, n_good: int) -> None:
        super().__init__(content)
        self.n_good = n_good

    def read(self, size: int | None = -1) -> bytes:
        n_left = self.n_good - self.tell()
        if n_left <= 0:
            raise OSError(errno.EIO, "Input/output error")
        return super().read(n_left if size is None or size < 0 else min(size, n_left))


def test_a_drive_that_is_taken_out_on_the_way(tmp_path: Path) -> None:
    source = FFmpegSource(FailingFile(JFK.read_bytes(), 200_000), "a.wav")
    blocks: list[Floats] = []
    with AudioReader(tmp_path / "a.wav", source) as reader, pytest.raises(AudioGoneError) as raised:
        blocks.extend(reader.blocks())
    assert 5 < sum(map(len, blocks)) / SAMPLE_RATE < 8
    assert str(raised.value) == "a.wav was taken away while it was read: Input/output error."
    assert "resume" in raised.value.remedy


def test_a_disk_that_fails_on_the_way(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.wav").touch()
    source = FFmpegSource(FailingFile(JFK.read_bytes(), 200_000), "a.wav")
    with AudioReader(tmp_path / "a.wav", source) as reader:
        n_samples = sum(len(block) for block in reader.blocks())
    assert 5 < n_samples / SAMPLE_RATE < 8
    assert "could not be read beyond 0:0" in reader.warnings[0]
    assert reader.warnings[0].endswith("Input/output error.")
    assert capfd.readouterr() == ("", "")


def test_a_disk_that_fails_at_once() -> None:
    with pytest.raises(OSError, match="Input/output error"):
        FFmpegSource(FailingFile(b"fLaC" + bytes(9999), 20), "a.flac")


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="Linux")
def test_files_are_closed(tmp_path: Path) -> None:
    silent = write_video(tmp_path / "v.mp4")
    n_open = len(list(Path("/proc/self/fd").iterdir()))
    load_audio(JFK)
    error_of(silent)
    error_of(written(tmp_path / "t.wav", b"text " * 99))
    assert len(list(Path("/proc/self/fd").iterdir())) == n_open


def test_clock() -> None:
    assert [clock(s) for s in (0, 9.99, 61, 3600, 36061)] == ["0:00", "0:09", "1:01", "1:00:00", "10:01:01"]


# Whatever a file holds, the answer is sound or an AudioError


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(min_size=1, max_size=3000))
def test_random_bytes(tmp_path: Path, content: bytes) -> None:
    with suppress(AudioError):
        load_audio(written(tmp_path / "a", content))


@pytest.fixture(scope="module")
def small_files(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    folder = tmp_path_factory.mktemp("small")
    audio = load_audio(JFK)[:8000]
    kinds = {"a.wav": "pcm_s16le", "b.flac": "flac", "c.mp3": "libmp3lame", "d.m4a": "aac", "e.aiff": "pcm_s16be"}
    files = [write_audio(folder / name, audio, SAMPLE_RATE, codec).read_bytes() for name, codec in kinds.items()]
    files.append(write_video(folder / "f.mkv", 5, audio).read_bytes())
    return files


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damage_of_any_kind(
    small_files: list[bytes], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(data.draw(st.sampled_from(small_files)))
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(content) - 1) | st.integers(0, min(200, len(content) - 1)))
        content[at : at + 4] = data.draw(
            st.sampled_from([b"", b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff"]) | st.binary(max_size=6)
        )
        content = content or bytearray(b"x")
    content = content[: data.draw(st.integers(1, len(content)) | st.just(len(content)))]
    with suppress(AudioError):
        audio, warnings = read(written(tmp_path_factory.getbasetemp() / "damaged", bytes(content)))
        assert np.isfinite(audio).all()
        assert all("\n" not in warning for warning in warnings)
