import pytest

from gpu.model_file import ModelDimensions

# n_mels, n_state, n_audio_layer, n_vocab, n_text_layer of OpenAI's and distil-whisper's published models
PUBLISHED = {
    "tiny": (80, 384, 4, 51865, 4),
    "base": (80, 512, 6, 51865, 6),
    "small": (80, 768, 12, 51865, 12),
    "medium": (80, 1024, 24, 51865, 24),
    "large": (80, 1280, 32, 51865, 32),
    "large-v3": (128, 1280, 32, 51866, 32),
    "large-v3-turbo": (128, 1280, 32, 51866, 4),
    "distil-small": (80, 768, 12, 51864, 4),
    "distil-medium": (80, 1024, 24, 51864, 2),
    "distil-large-v2": (80, 1280, 32, 51865, 2),
    "distil-large-v3": (128, 1280, 32, 51866, 2),
    "custom": (80, 512, 6, 51865, 4),
}


def dimensions(n_mels: int, n_state: int, n_audio_layer: int, n_vocab: int, n_text_layer: int) -> ModelDimensions:
    heads = n_state // 64
    return ModelDimensions(
        n_mels, 1500, n_state, heads, n_audio_layer, n_vocab, 448, n_state, heads, n_text_layer
    )  # fmt: skip


@pytest.mark.parametrize("size", PUBLISHED)
def test_size_names(size):
    assert dimensions(*PUBLISHED[size]).size_name == size


@pytest.mark.parametrize(
    ("n_vocab", "is_multilingual", "n_languages"), [(51864, False, 99), (51865, True, 99), (51866, True, 100)]
)
def test_languages(n_vocab, is_multilingual, n_languages):
    dims = dimensions(80, 512, 6, n_vocab, 6)
    assert dims.is_multilingual is is_multilingual
    assert dims.n_languages == n_languages
