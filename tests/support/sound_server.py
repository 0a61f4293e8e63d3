"""A sound server of the tests' own, whose only loudspeaker keeps what is played; it needs no hardware."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE = 48_000
PROGRAMS = ("pulseaudio", "pactl", "parec")
_START_S = 20.0


def missing_programs() -> list[str]:
    return [name for name in PROGRAMS if shutil.which(name) is None]


class SoundServer:
    """PulseAudio with a sink that leads nowhere.

    Attributes:
        environment: with which programs find it, and no other.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server: subprocess.Popen[bytes] | None = None
        self.environment = {
            "XDG_RUNTIME_DIR": str(folder),
            "PULSE_RUNTIME_PATH": str(folder / "pulse"),
            "PULSE_STATE_PATH": str(folder / "state"),
            "PULSE_SERVER": f"unix:{folder / 'socket'}",
            "ALSA_CONFIG_PATH": f"/usr/share/alsa/alsa.conf:{folder / 'asound.conf'}",
        }
        pcm = "pcm.!default { type pulse }\nctl.!default { type pulse }\n"
        (folder / "asound.conf").write_text(pcm, encoding="utf-8")
        (folder / "pulse").mkdir()
        folder.chmod(0o700)

    def start(self) -> None:
        modules = [
            f"module-native-protocol-unix socket={self._folder / 'socket'} auth-anonymous=1",
            f"module-null-sink sink_name=speaker norewinds=1 format=s16le rate={RATE} channels=2",
        ]
        options = ["-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--disable-shm=yes"]
        log = f"--log-target=file:{self._folder / 'pulse.log'}"
        loads = [word for module in modules for word in ("-L", module)]
        self._server = subprocess.Popen(["pulseaudio", *options, log, *loads], env=self._env)
        deadline = time.monotonic() + _START_S
        while subprocess.run(["pactl", "info"], env=self._env, capture_output=True).returncode:
            assert time.monotonic() < deadline, (self._folder / "pulse.log").read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        if self._server is not None:
            self._server.kill()
            self._server.wait()
            self._server = None

    def freeze(self) -> None:
        """It is there, and does nothing any more."""
        assert self._server is not None
        self._server.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._server is not None
        self._server.send_signal(signal.SIGCONT)

    def control(self, *words: str) -> str:
        """What `pactl` says to these."""
        done = subprocess.run(["pactl", *words], env=self._env, capture_output=True, text=True, timeout=10, check=True)
        return done.stdout.strip()

    def add_sink(self, name: str, rate: int = RATE, channels: int = 1) -> None:
        """A loudspeaker that leads nowhere: what is played on it, its monitor hears."""
        rates = (f"rate={rate}", f"channels={channels}")
        self.control("load-module", "module-null-sink", f"sink_name={name}", "norewinds=1", "format=s16le", *rates)

    def plug_in(self, name: str, sink: str, label: str) -> str:
        """A microphone that hears what is played on that sink; the number to `pull_out`."""
        properties = f"source_properties=device.description={label}"
        return self.control(
            "load-module", "module-remap-source", f"source_name={name}", f"master={sink}.monitor", properties
        )

    def pull_out(self, number: str) -> None:
        self.control("unload-module", number)

    @contextmanager
    def playing(self, file: Path, sink: str) -> Iterator[None]:
        """Over and over."""
        command = f'while true; do paplay -d {sink} "{file}" || sleep 0.1; done'
        player = subprocess.Popen(["bash", "-c", command], env=self._env, start_new_session=True)
        try:
            yield
        finally:
            os.killpg(player.pid, signal.SIGKILL)
            player.wait()

    @property
    def _env(self) -> dict[str, str]:
        return os.environ | self.environment

    @contextmanager
    def recording(self) -> Iterator[Tape]:
        """What is played meanwhile; the tape runs already."""
        file = self._folder / "tape.raw"
        file.write_bytes(b"")
        command = ["parec", "-d", "speaker.monitor", "--format=s16le", f"--rate={RATE}", "--channels=2", "--raw"]
        with file.open("wb") as out:
            tape = subprocess.Popen([*command, "--latency-msec=20"], env=self._env, stdout=out)
            try:
                deadline = time.monotonic() + _START_S
                while not file.stat().st_size:
                    assert time.monotonic() < deadline
                    time.sleep(0.01)
                yield Tape(file)
            finally:
                tape.terminate()
                tape.wait()


class Tape:
    def __init__(self, file: Path) -> None:
        self._file = file

    @property
    def seconds(self) -> float:
        return self._file.stat().st_size / (4 * RATE)

    @property
    def samples(self) -> NDArray[np.float32]:
        """(n,) of the left channel, so far."""
        raw = np.frombuffer(self._file.read_bytes()[: self._file.stat().st_size // 4 * 4], "<i2")
        return raw.reshape(-1, 2)[:, 0].astype(np.float32) / 32768
