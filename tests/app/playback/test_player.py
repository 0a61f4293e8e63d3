"""The player on a sound card: a made-up one whose output is recorded, and none at all."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from app.playback.player import Passage, Player
from gpu.errors import ExplainedError

ROOT = Path(__file__).parents[3]
JFK = ROOT / "tests" / "data" / "audio" / "jfk.wav"
RATE = 16000

# The recorder runs from before the first sound until after the last.
SCRIPT = """
. "{root}/tests/tools/virtual_mic.sh"
parec --device=vmic.monitor --rate={rate} --format=s16le --channels=1 --latency-msec=20 > "{recorded}" &
recorder=$!
"{python}" -m tests.support.play_worker "{path}" {start} {end} {speed}
kill $recorder
vm_stop
"""


def play(tmp_path, start, end, speed=1.0, path=JFK):
    """What was heard, (n,) float32, and what the player said of itself."""
    recorded = tmp_path / "heard.raw"
    script = SCRIPT.format(
        root=ROOT, rate=RATE, recorded=recorded, python=sys.executable, path=path, start=start, end=end, speed=speed
    )
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout, done.stderr
    return np.fromfile(recorded, np.int16).astype(np.float32) / 32768, json.loads(done.stdout)


@pytest.mark.slow
def test_what_is_played_is_the_passage(tmp_path):
    sound, said = play(tmp_path, 2.0, 5.0)
    wanted = soundfile.read(JFK, dtype="float32")[0][2 * RATE : 5 * RATE]
    likeness = np.correlate(sound, wanted, "valid")
    at = int(likeness.argmax())
    part = sound[at : at + len(wanted)]
    assert np.corrcoef(part, wanted)[0, 1] > 0.95
    assert np.abs(sound[at + len(wanted) + RATE // 10 :]).max(initial=0) < 0.01, "and nothing behind it"
    positions = [position for _, position in said["seen"]]
    assert positions == sorted(positions)
    assert positions[0] >= 2.0
    assert 4.0 < positions[-1] <= 5.01
    assert said["ended"] == [None]


def test_a_machine_without_sound_says_so(monkeypatch, tmp_path):
    import sounddevice

    def refuse(*_args, **_options):
        raise sounddevice.PortAudioError("Error querying device -1")

    monkeypatch.setattr(sounddevice, "query_devices", refuse)
    player = Player(lambda _error: None)
    with pytest.raises(ExplainedError, match="querying device") as caught:
        player.play(Passage(JFK, 0.0))
    assert "loudspeakers" in caught.value.remedy
    assert not player.is_playing


def test_a_machine_without_portaudio_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)  # as good as not installed: an ImportError
    with pytest.raises(ExplainedError, match="PortAudio") as caught:
        Player(lambda _error: None).play(Passage(JFK, 0.0))
    assert "libportaudio2" in caught.value.remedy
