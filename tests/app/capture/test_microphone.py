"""The level at a microphone: of a made-up sound card, and of none."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from app.capture.microphone import SILENCE_DB, LevelMeter, Microphone, microphones
from gpu.errors import ExplainedError

ROOT = Path(__file__).parents[3]
JFK = ROOT / "tests" / "data" / "audio" / "jfk.wav"


@pytest.mark.slow
def test_speech_is_louder_than_silence():
    script = (
        f'. "{ROOT}/tests/tools/virtual_mic.sh"\n"{sys.executable}" -m tests.support.listen_worker "{JFK}"\nvm_stop'
    )
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout, done.stderr
    heard = json.loads(done.stdout)
    assert heard["default"]
    assert heard["silence"] < -60
    assert -40 < heard["speech"] <= 0
    assert heard["n"] > 10


def test_the_level_is_that_of_the_block_and_falls_slowly():
    meter = LevelMeter()
    meter._rate = 16000
    tone = np.sin(2 * np.pi * 440 * np.arange(1600) / 16000, dtype=np.float32)[:, np.newaxis]
    meter._hear(tone, 1600, None, None)
    assert meter.level_db == pytest.approx(-3.01, abs=0.05)
    meter._hear(np.zeros((1600, 1), np.float32), 1600, None, None)
    assert meter.level_db == pytest.approx(-5.01, abs=0.05)
    for _ in range(100):
        meter._hear(np.zeros((1600, 1), np.float32), 1600, None, None)
    assert meter.level_db == SILENCE_DB


def test_a_microphone_that_is_gone_says_so():
    with pytest.raises(ExplainedError, match="Headset") as caught:
        LevelMeter().open(Microphone(9999, "Headset", is_default=False))
    assert "connected" in caught.value.remedy


def test_a_machine_without_microphones_has_none(monkeypatch):
    import sounddevice

    def none_there(device=None, kind=None):
        if kind is not None:
            raise sounddevice.PortAudioError("Error querying device -1")
        return []

    monkeypatch.setattr(sounddevice, "query_devices", none_there)
    assert microphones() == []
