import math

import numpy as np
import pytest

from gpu.model_file import open_model
from gpu.model_file.mel_filters import mel_filters


def test_equal_to_the_filters_openai_published(shipped_model):
    with open_model(shipped_model) as model:
        assert np.abs(mel_filters(80) - model.mel_filters).max() <= 1e-8


def slaney_hz(mel: float) -> float:
    return mel * 200 / 3 if mel < 15 else 1000 * 6.4 ** ((mel - 15) / 27)


@pytest.mark.parametrize("n_mels", [80, 128])
def test_follows_the_definition(n_mels):
    """Bin by bin: triangles between neighbouring mels, of area one."""
    filters = mel_filters(n_mels)
    assert filters.shape == (n_mels, 201)
    assert filters.dtype == np.float32
    top = 15 + 27 * math.log(8) / math.log(6.4)  # 8000 Hz in mels
    hz = [slaney_hz(top * i / (n_mels + 1)) for i in range(n_mels + 2)]
    for mel in range(n_mels):
        left, center, right = hz[mel : mel + 3]
        for i in range(201):
            f = i * 40.0
            height = 2 / (right - left)
            side = (f - left) / (center - left) if f <= center else (right - f) / (right - center)
            assert filters[mel, i] == pytest.approx(height * max(0, side), abs=1e-8)


def test_the_first_weight_is_positive_zero():
    assert not np.signbit(mel_filters(80)[0, 0])
