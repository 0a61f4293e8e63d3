"""The reference network against openai-whisper: same weights, same spectrogram (tests/data/make_openai_logits.py)."""

import math
from pathlib import Path

import numpy as np
import pytest

from gpu import beam_search
from gpu.backends.reference import ReferenceBackend, ReferenceLogits
from gpu.backends.reference_model import KVCache, LayerNorm, erf, gelu
from gpu.cancel import CancelToken
from gpu.decoding import WindowDecoder
from gpu.errors import Cancelled
from gpu.model_file import open_model
from gpu.tokenizer import Tokenizer
from gpu.types import TranscribeOptions

ROOT = Path(__file__).parents[3]
MODEL = ROOT / "resources" / "models" / "ggml-base-q5_1.bin"
OPENAI = ROOT / "tests" / "data" / "openai_logits_jfk.npz"


@pytest.fixture(scope="module")
def openai():
    with np.load(OPENAI) as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def backend():
    with open_model(MODEL) as model:
        backend = ReferenceBackend(model)
    yield backend
    backend.close()


@pytest.fixture(scope="module")
def network(backend):
    return backend.network


@pytest.fixture(scope="module")
def encoded(network, openai):
    mel = np.full((80, 3000), openai["mel_silence"], np.float32)
    mel[:, : openai["mel"].shape[1]] = openai["mel"]
    return network.encode(mel, CancelToken())


@pytest.fixture(scope="module")
def cross(network, encoded):
    return network.cross_kv(encoded)


def test_erf_follows_math_erf():
    x = np.concatenate([np.linspace(-6, 6, 200_001), [-1e30, -np.inf, np.inf, 1e-30]]).astype(np.float32)
    expected = np.array([math.erf(value) for value in x])
    np.testing.assert_allclose(erf(x), expected, rtol=0, atol=1.2e-7)
    assert not np.signbit(erf(np.float32([0.0, 1e-30]))).any()


def test_gelu_follows_its_definition():
    x = np.linspace(-8, 8, 10_001, dtype=np.float32)
    expected = [0.5 * value * (1 + math.erf(value / math.sqrt(2))) for value in x.astype(float)]
    np.testing.assert_allclose(gelu(x), expected, rtol=0, atol=1e-6)


def test_layer_norm_follows_its_definition():
    rng = np.random.default_rng(1)
    x, weight, bias = rng.normal(3, 50, (7, 512)), rng.normal(size=512), rng.normal(size=512)
    expected = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5) * weight + bias
    norm = LayerNorm(weight.astype(np.float32), bias.astype(np.float32))
    np.testing.assert_allclose(norm(x.astype(np.float32)), expected, rtol=0, atol=2e-5)


def test_encoder_equals_openai_whisper(encoded, openai):
    assert encoded.shape == (1500, 512)
    sampled = encoded[:: int(openai["encoded_step"])]
    np.testing.assert_allclose(sampled, openai["encoded"], rtol=0, atol=2e-4)


def test_logits_equal_openai_whisper(network, cross, openai):
    logits = network.decode(openai["tokens"], network.new_cache(), cross)  # (n_tokens, n_vocab)
    assert logits.shape == (len(openai["tokens"]), network.dims.n_vocab)
    np.testing.assert_allclose(logits[:, openai["sampled_ids"]], openai["sampled_logits"], rtol=0, atol=2e-4)
    top = np.take_along_axis(logits, openai["top_ids"].astype(int), axis=1)
    np.testing.assert_allclose(top, openai["top_logits"], rtol=0, atol=2e-4)
    log_sum_exp = np.logaddexp.reduce(logits, axis=1, dtype=np.float64)
    np.testing.assert_allclose(log_sum_exp, openai["log_sum_exp"], rtol=0, atol=2e-4)
    assert (logits.argmax(1) == openai["top_ids"][:, 0]).all()


@pytest.mark.slow
def test_token_by_token_equals_all_at_once(network, cross, openai):
    tokens = openai["tokens"]
    at_once = network.decode(tokens, network.new_cache(), cross)
    cache = network.new_cache()
    chunks = [network.decode(chunk, cache, cross) for chunk in (tokens[:4], tokens[4:9], *tokens[9:, np.newaxis])]
    assert cache.offset == len(tokens)
    np.testing.assert_allclose(np.concatenate(chunks), at_once, rtol=0, atol=1e-4)


@pytest.fixture(scope="module")
def tokenizer():
    with open_model(MODEL) as model:
        return Tokenizer(model.vocabulary, model.dims)


def decode(backend, tokenizer, cross, options):
    return WindowDecoder(backend, backend.network.dims, tokenizer, options, CancelToken()).decode(
        cross, tokenizer.sot_sequence("en", "transcribe")
    )


def test_greedy_decoding_chooses_openai_whispers_tokens(backend, tokenizer, cross, openai):
    window = decode(backend, tokenizer, cross, TranscribeOptions(temperature=(0.0,)))
    assert window.tokens == tuple(openai["tokens"][3:])  # after sot, language and task
    assert window.avg_logprob == pytest.approx(float(openai["avg_logprob"]), abs=1e-4)
    assert window.no_speech_prob == pytest.approx(float(openai["no_speech_prob"]), rel=1e-3)


@pytest.mark.slow
def test_beam_search_chooses_openai_whispers_tokens(backend, tokenizer, cross, openai, monkeypatch):
    """As long as no beam is given up."""
    monkeypatch.setattr(beam_search, "FARTHEST_BEHIND", np.inf)
    monkeypatch.setattr(beam_search, "SAME_END", 1000)
    window = decode(backend, tokenizer, cross, TranscribeOptions(temperature=(0.0,), beam_size=5))
    assert window.tokens == tuple(openai["beam_tokens"])
    assert window.avg_logprob == pytest.approx(float(openai["beam_avg_logprob"]), abs=1e-4)


def test_language_is_as_probable_as_to_openai_whisper(backend, tokenizer, cross, openai):
    decoder = WindowDecoder(backend, backend.network.dims, tokenizer, TranscribeOptions(), CancelToken())
    probabilities = decoder.language_probabilities(cross)
    assert tokenizer.languages[probabilities.argmax()] == "en"
    assert probabilities.sum() == pytest.approx(1)
    assert probabilities.max() == pytest.approx(float(openai["english_probability"]), abs=1e-4)


def test_sequences_continue_their_parents(backend, network, cross, openai):
    tokens = [int(token) for token in openai["tokens"]]
    model = ReferenceLogits(network, 2)
    model.prefill(0, cross, tokens[:4], [3])
    model.step({0: [tokens[4], tokens[9]]})
    model.reorder(0, [1, 0])
    model.step({0: [tokens[5], tokens[5]]})
    model.reorder(0, [1, 1])
    logits = model.step({0: [tokens[6], tokens[7]]})[0]
    for row, last in zip(logits, tokens[6:8], strict=True):
        expected = network.decode([*tokens[:6], last], network.new_cache(), cross)[-1]
        np.testing.assert_allclose(row, expected, rtol=0, atol=1e-4)


def test_a_freed_window_holds_nothing(network, encoded):
    cross = network.cross_kv(encoded)
    assert cross.nbytes == 2 * 6 * 1500 * 512 * 4
    cross.free()
    assert cross.nbytes == 0


def test_a_cache_that_is_full_is_refused(network, cross):
    cache = network.new_cache()
    cache.offset = network.dims.n_text_ctx
    with pytest.raises(ValueError, match="449 tokens, at most n_text_ctx = 448"):
        network.decode([1], cache, cross)


def test_a_copied_cache_is_independent():
    cache, copy = KVCache(2, 8, 4), KVCache(2, 8, 4)
    cache.keys[:, :3] = 1
    cache.offset = 3
    copy.copy_from(cache)
    cache.keys[:] = 2
    assert copy.offset == 3
    assert (copy.keys[:, :3] == 1).all()
    assert copy.nbytes == 2 * 2 * 8 * 4 * 4


def test_encode_stops_when_cancelled(network):
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        network.encode(np.zeros((80, 3000), np.float32), cancel)
