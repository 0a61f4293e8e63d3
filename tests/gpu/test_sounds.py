"""Sound and pauses of speech that was put together with silence and with noise."""

import numpy as np
import pytest

from gpu.audio import load_audio
from gpu.mel import log_mel
from gpu.model_file import open_model
from gpu.sounds import sounds
from tests.support.requantize import SHIPPED_MODEL
from tests.support.speech import SPEECH


def found(samples):
    with open_model(SHIPPED_MODEL) as model:
        return sounds(log_mel(samples, model.mel_filters))


@pytest.mark.parametrize("noise", [0.0, 1e-3])
def test_edges_are_where_the_sound_is(noise):
    speech = load_audio(SPEECH)
    frames = np.sqrt(np.square(speech[: len(speech) // 320 * 320].reshape(-1, 320)).mean(axis=1))
    loud = np.flatnonzero(frames > frames.max() * 10 ** (-25 / 20))
    speech = speech[loud[0] * 320 : loud[-1] * 320 + 320]
    gap = np.zeros(12000, np.float32)  # 0.75 s
    samples = np.concatenate([gap, speech, gap, speech, gap])
    samples += np.random.default_rng(0).standard_normal(len(samples)).astype(np.float32) * np.float32(noise)
    stretches = found(samples)
    edges = np.array(stretches)
    for start in (12000, 24000 + len(speech)):
        assert np.abs(edges[:, 0] - start / 160).min() <= (2 if noise == 0 else 8)
        assert np.abs(edges[:, 1] - (start + len(speech)) / 160).min() <= (2 if noise == 0 else 8)
    assert edges[0, 0] >= 70
    assert all(b > a for a, b in stretches)


def test_where_there_is_no_telling_it_is_all_sound():
    assert sounds(np.full((80, 50), -0.5, np.float32)) == [(0, 50)]
