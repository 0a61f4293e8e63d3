"""A microphone in trouble: of a real PulseAudio that hangs, dies, loses devices, or gives nothing."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.support.sound_server import SoundServer, missing_programs

ROOT = Path(__file__).parents[3]
LABEL = "Headset"
WAIT_S = 15.0
LATE_S = 0.45  # between the first state and the last word of a worker on a busy machine

pytestmark = pytest.mark.skipif(bool(missing_programs()), reason=f"not installed: {', '.join(missing_programs())}")


class Ear:
    """A process that listens."""

    def __init__(self, process: subprocess.Popen[str], sound: Path) -> None:
        self._process, self.sound = process, sound
        self.told: list[list[Any]] = []
        self._lines: SimpleQueue[str] = SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def tell(self, command: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()

    def until(self, kind: str) -> list[Any]:
        """The next thing of this kind that it says."""
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline and (line := self._lines.get(timeout=WAIT_S)):
            self.told.append(json.loads(line))
            if self.told[-1][0] == kind:
                return self.told[-1]
        raise AssertionError(f"it did not say {kind!r}: {self.told}")

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put("")

    def stop(self) -> tuple[float, float, float]:
        """Seconds of sound, of wall time, and lost."""
        self.tell("stop")
        _end, heard_s, wall_s, lost_s, failure = self.until("end")
        assert failure == ""
        assert soundfile.info(self.sound).duration == pytest.approx(heard_s, abs=0.001)
        return heard_s, wall_s, lost_s


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SoundServer]:
    folder = tmp_path / "server"
    folder.mkdir()
    server = SoundServer(folder)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def noise(tmp_path: Path) -> Path:
    """Half a minute of a tone in noise: never silent, and its pitch can be measured."""
    n = 30 * 16_000
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(n) / 16_000)
    path = tmp_path / "tone.wav"
    soundfile.write(path, tone + np.random.default_rng(1).normal(0, 0.01, n), 16_000)
    return path


@contextmanager
def listening(server: SoundServer, sound: Path, name: str = LABEL) -> Iterator[Ear]:
    command = [sys.executable, "-m", "tests.support.capture_worker", name, str(sound)]
    environment = os.environ | server.environment
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        ear = Ear(process, sound)
        ear.until("listening")
        yield ear
    finally:
        process.kill()
        process.communicate()


def pitch(sound: Path, start_s: float, end_s: float) -> float:
    """The strongest frequency, in Hz."""
    samples, rate = soundfile.read(sound)
    part = samples[round(start_s * rate) : round(end_s * rate)]
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part))))
    return float(spectrum.argmax() * rate / len(part))


@pytest.mark.slow
def test_a_server_that_hangs_is_waited_for(server: SoundServer, noise: Path, tmp_path: Path) -> None:
    server.add_sink("room")
    server.plug_in("headset", "room", LABEL)
    with server.playing(noise, "room"), listening(server, tmp_path / "heard.flac") as ear:
        time.sleep(1.0)
        server.freeze()
        stalled = ear.until("stalled")
        assert (stalled[1], "does not answer" in stalled[2], "by itself" in stalled[3]) == (LABEL, True, True)
        server.thaw()
        ear.until("listening")
        server.control("suspend-source", "headset", "1")
        assert ear.until("suspended")[1] == LABEL
        server.control("suspend-source", "headset", "0")
        while ear.until("gap")[2] - ear.told[-1][1] < 1.0:  # what was not heard meanwhile, whatever else was lost
            pass
        time.sleep(0.5)
        heard_s, wall_s, lost_s = ear.stop()
    assert heard_s == pytest.approx(wall_s, abs=LATE_S)  # every time is true
    assert lost_s > 1.5
    assert pitch(tmp_path / "heard.flac", heard_s - 0.5, heard_s) == pytest.approx(440, abs=5)


@pytest.mark.slow
def test_a_server_that_dies_and_comes_back_is_found(server: SoundServer, noise: Path, tmp_path: Path) -> None:
    server.add_sink("room")
    server.plug_in("headset", "room", LABEL)
    with listening(server, tmp_path / "heard.flac") as ear:
        with server.playing(noise, "room"):
            time.sleep(1.0)
            server.stop()
            assert "Connect it" in ear.until("gone")[3]
        server.start()
        server.add_sink("room")
        with server.playing(noise, "room"):
            server.plug_in("headset", "room", LABEL)
            ear.until("listening")
            _gap, start_s, end_s = ear.until("gap")
            time.sleep(1.0)
            heard_s, wall_s, lost_s = ear.stop()
    assert heard_s == pytest.approx(wall_s, abs=LATE_S)
    assert end_s - start_s == pytest.approx(lost_s, abs=0.01)
    samples, rate = soundfile.read(tmp_path / "heard.flac")
    assert not samples[round(start_s * rate) : round(end_s * rate)].any()  # silence is in its place
    assert pitch(tmp_path / "heard.flac", heard_s - 0.7, heard_s) == pytest.approx(440, abs=5)


@pytest.mark.slow
def test_what_is_plugged_out_is_waited_for_and_nothing_else_is_heard(
    server: SoundServer, noise: Path, tmp_path: Path
) -> None:
    """The server would move the stream to another source without a word."""
    server.add_sink("room")
    server.add_sink("street")
    number = server.plug_in("headset", "room", LABEL)
    server.plug_in("webcam", "street", "Webcam")
    with server.playing(noise, "street"), listening(server, tmp_path / "heard.flac") as ear:
        time.sleep(0.7)
        server.pull_out(number)
        assert ear.until("gone")[1] == LABEL
        time.sleep(1.5)
        server.plug_in("headset", "room", LABEL)
        assert ear.until("listening")[1] == LABEL
        ear.until("gap")
        time.sleep(0.5)
        heard_s, wall_s, _lost_s = ear.stop()
    assert heard_s == pytest.approx(wall_s, abs=LATE_S)
    samples, _rate = soundfile.read(tmp_path / "heard.flac")
    assert np.abs(samples).max() < 1e-3  # only the room, which is still


@pytest.mark.slow
def test_the_systems_choice_may_change(server: SoundServer, noise: Path, tmp_path: Path) -> None:
    server.add_sink("room")
    server.add_sink("street")
    number = server.plug_in("headset", "room", LABEL)
    server.plug_in("webcam", "street", "Webcam")
    server.control("set-default-source", "headset")
    with server.playing(noise, "street"), listening(server, tmp_path / "heard.flac", "") as ear:
        assert ear.told[-1][1] == LABEL
        time.sleep(0.5)
        server.control("set-default-source", "webcam")
        server.pull_out(number)
        assert ear.until("listening")[1] == "Webcam"
        time.sleep(1.0)
        heard_s, wall_s, _lost_s = ear.stop()
    assert heard_s == pytest.approx(wall_s, abs=LATE_S)
    assert pitch(tmp_path / "heard.flac", heard_s - 0.7, heard_s) == pytest.approx(440, abs=5)


@pytest.mark.slow
def test_muted_silent_and_paused_are_told_apart(server: SoundServer, noise: Path, tmp_path: Path) -> None:
    server.add_sink("room")
    server.plug_in("headset", "room", LABEL)
    with listening(server, tmp_path / "heard.flac") as ear:
        assert "switch" in ear.until("silent")[3]
        with server.playing(noise, "room"):
            ear.until("listening")
            server.control("set-source-mute", "headset", "1")
            assert "is muted" in ear.until("muted")[2]
            server.control("set-source-mute", "headset", "0")
            ear.until("listening")
            ear.tell("pause")
            ear.until("paused")
            assert "protocol-native" not in server.control("list", "short", "source-outputs")  # it is given back
            time.sleep(1.0)
            ear.tell("resume")
            ear.until("listening")
            time.sleep(0.3)
            heard_s, wall_s, lost_s = ear.stop()
    assert heard_s == pytest.approx(wall_s - 1.0, abs=LATE_S)  # a pause is no time
    assert lost_s == 0


@pytest.mark.slow
def test_another_microphone_is_chosen_meanwhile(server: SoundServer, noise: Path, tmp_path: Path) -> None:
    server.add_sink("room")
    server.add_sink("street")
    server.plug_in("headset", "room", LABEL)
    server.plug_in("webcam", "street", "Webcam")
    with server.playing(noise, "street"), listening(server, tmp_path / "heard.flac") as ear:
        time.sleep(0.5)
        ear.tell("choose Webcam")
        assert ear.until("listening")[1] == "Webcam"
        time.sleep(1.0)
        heard_s, wall_s, lost_s = ear.stop()
    assert heard_s == pytest.approx(wall_s, abs=LATE_S)
    assert lost_s < 0.5
    assert pitch(tmp_path / "heard.flac", heard_s - 0.7, heard_s) == pytest.approx(440, abs=5)


@pytest.mark.slow
@pytest.mark.parametrize(("rate", "channels"), [(44_100, 2), (16_000, 1)])
def test_any_rate_and_any_channels(server: SoundServer, noise: Path, tmp_path: Path, rate: int, channels: int) -> None:
    server.add_sink("room", rate, channels)
    server.plug_in("headset", "room", LABEL)
    with server.playing(noise, "room"), listening(server, tmp_path / "heard.flac") as ear:
        time.sleep(1.5)
        heard_s, wall_s, lost_s = ear.stop()
    assert heard_s == pytest.approx(wall_s, abs=LATE_S)
    assert lost_s == 0
    assert pitch(tmp_path / "heard.flac", 0.5, 1.2) == pytest.approx(440, abs=5)
    samples, _rate = soundfile.read(tmp_path / "heard.flac")
    assert np.sqrt(np.square(samples[8000:16000]).mean()) == pytest.approx(0.3 / np.sqrt(2), rel=0.1)


@pytest.mark.slow
def test_what_the_computer_plays(server: SoundServer, noise: Path, tmp_path: Path) -> None:
    server.control("set-default-sink", "speaker")
    with listening(server, tmp_path / "heard.flac", "system") as ear, server.playing(noise, "speaker"):
        time.sleep(2.0)
        heard_s, _wall_s, _lost_s = ear.stop()
    assert pitch(tmp_path / "heard.flac", heard_s - 0.7, heard_s) == pytest.approx(440, abs=5)
    assert [
        told[0] for told in ear.told if told[0] in ("silent", "muted")
    ] == []  # that nothing is played is no trouble
