"""The sound on the disk, read while it is being written: as after a kill."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from app.capture.errors import CaptureError
from app.capture.recorder import Recorder
from app.capture.stream import RATE
from gpu.audio import load_audio

BLOCK = 320
LEAST_KEPT_S = 0.5


@pytest.mark.parametrize("scale", [0.0, 1e-4, 0.3])  # silence takes no room, noise much
def test_what_is_lost_by_a_kill_is_less_than_half_a_second(tmp_path: Path, scale: float) -> None:
    sound = (scale * np.random.default_rng(3).normal(0, 1, 9 * RATE)).clip(-1, 1).astype(np.float32)
    path = tmp_path / "sound.flac"
    recorder = Recorder(path)
    n_written = 0
    for first in range(0, len(sound), BLOCK):
        recorder.write(sound[first : first + BLOCK])
        n_written += BLOCK
        if n_written % (13 * BLOCK) == 0 and n_written > RATE:
            kept = load_audio(path)
            assert n_written - len(kept) <= LEAST_KEPT_S * RATE
    assert kept == pytest.approx(sound[: len(kept)], abs=2**-15)
    recorder.close()
    assert soundfile.info(path).frames == n_written


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CaptureError, match="cannot be written") as caught:
        Recorder(tmp_path / "file" / "sound.flac")
    assert "another folder" in caught.value.remedy
