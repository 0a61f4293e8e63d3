"""Dictation in the window's program: real speech through a made-up microphone, the real model, the real list."""

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import soundfile

from app.session import State
from app.store.database import open_database
from app.store.restore import restore
from gpu.audio import load_audio
from tests.bench.metrics import count_errors
from tests.support.corpus import FREE_AUDIO, read_manifest

ROOT = Path(__file__).parents[2]
CLIP = next(clip for clip in read_manifest(FREE_AUDIO) if clip.path.stem == "librivox_0880")


def dictate(home: Path, end: str = "stop") -> list[tuple[str, object]]:
    script = (
        f'. "{ROOT}/tests/tools/virtual_mic.sh"\n'
        f'"{sys.executable}" -m tests.support.dictation_worker "{CLIP.path}" "{home}" {end}\nvm_stop'
    )
    environment = os.environ | {
        "QT_QPA_PLATFORM": "offscreen",
        "WHISPERDESKTOP_LANG": "en",
        "XDG_DATA_HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "XDG_CACHE_HOME": str(home),
    }
    done = subprocess.run(
        ["bash", "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=150, check=False
    )
    assert done.stdout, done.stderr
    return [tuple(json.loads(line)) for line in done.stdout.splitlines()]


@pytest.mark.slow
def test_what_is_said_is_committed_word_by_word_and_kept(tmp_path: Path) -> None:
    said = dictate(tmp_path)
    kinds = [kind for kind, _value in said]
    assert kinds.count("finished") == 1
    assert "failed" not in kinds
    text = next(value for kind, value in said if kind == "finished")
    committed = [value for kind, value in said if kind == "committed"]
    assert "".join(committed) == text
    assert len(committed) > 1  # while it was spoken, not at its end
    assert "".join(value for kind, value in said if kind == "utterance") == text
    assert count_errors(CLIP.reference, text, "en").percent <= 15
    phases = [value[0] for kind, value in said if kind == "state"]
    assert [phase for phase, following in pairwise([*phases, None]) if phase != following] == [
        "starting", "listening", "stopping", "idle",
    ]  # fmt: skip
    assert any(value[1] and value[2] for kind, value in said if kind == "state")  # voice and transcribing, both told
    state, kept, sound = next(value for kind, value in said if kind == "recording")
    assert (state, kept) == ("DONE", text)
    assert soundfile.info(sound).duration > CLIP.seconds
    [restored] = restore(open_database(tmp_path / "recordings.sqlite"))
    assert restored.state is State.DONE
    assert "".join(segment.text for segment in restored.transcript.segments) == text
    assert restored.stats is not None
    assert restored.stats.settled_s == pytest.approx(soundfile.info(sound).duration, abs=0.1)


@pytest.mark.slow
def test_a_kill_takes_no_word_and_no_sound(tmp_path: Path) -> None:
    said = dictate(tmp_path, "kill")
    committed = "".join(value for kind, value in said if kind == "committed")
    assert committed
    [restored] = restore(open_database(tmp_path / "recordings.sqlite"))
    assert restored.state is State.PAUSED  # it does not go on before somebody wants that
    text = "".join(segment.text for segment in restored.transcript.segments)
    assert text.startswith(committed)  # the latest may be on the disk before they were told here
    assert restored.stats is not None
    assert restored.stats.n_segments == len(restored.transcript.segments)
    heard_s = next(value for kind, value in said if kind == "killing")
    assert len(load_audio(restored.path)) / 16_000 > heard_s - 0.5
