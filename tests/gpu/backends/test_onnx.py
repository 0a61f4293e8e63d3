"""The CPU backend against the reference, number by number on a small model, word by word on the real one."""

import threading
import time

import numpy as np
import pytest

from gpu.audio import load_audio
from gpu.backends.base import DecodePlan, RowParams
from gpu.backends.onnx import OnnxBackend
from gpu.backends.reference import ReferenceBackend
from gpu.cancel import CancelToken
from gpu.decoding import WindowDecoder
from gpu.devices import select_device
from gpu.errors import Cancelled
from gpu.mel import N_SAMPLES, log_mel
from gpu.model_file import open_model
from gpu.token_rules import TokenRules
from gpu.tokenizer import Tokenizer
from gpu.types import TranscribeOptions
from tests.support.requantize import FORMAT_NAMES, SHIPPED_MODEL, requantize
from tests.support.synthetic_model import synthetic_dimensions, synthetic_model

RULES = TokenRules(51865, 50258, 50257, 50363, 50364, (), (), 50)
PROMPT = (50258, 50259, 50359)


def both(path, threads=2):
    with open_model(path) as model:
        return OnnxBackend(model, select_device("cpu"), threads), ReferenceBackend(model), model


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Both backends on a model of random weights with heads and layers enough to be mixed up."""
    model = synthetic_model(synthetic_dimensions(n_state=256, n_layer=3))
    return both(model.write_ggml(tmp_path_factory.mktemp("small") / "small.bin", "Q8_0"))[:2]


@pytest.fixture(scope="module")
def crosses(small):
    mel = np.random.default_rng(5).standard_normal((1, 80, 3000)).astype(np.float32) * 0.3
    return [backend.encode(mel, CancelToken())[0] for backend in small]


def decoders(small, crosses, sequences, prompt=PROMPT):
    opened = []
    for backend, cross in zip(small, crosses, strict=True):
        decoder = backend.open(DecodePlan(1, sequences, RULES, 224, top_k=3), CancelToken())
        prefill = decoder.admit(0, cross, prompt, RowParams())
        opened.append((decoder, prefill))
    return opened


def assert_close(ours, reference):
    """The rounding of activations and cross-attention to int8 is all that may differ."""
    scale = np.linalg.norm(reference - reference.mean(axis=-1, keepdims=True))
    assert np.linalg.norm(ours - reference) <= 0.02 * scale


def test_cross_attention_is_the_references(crosses):
    ours, reference = crosses
    for layer, (values, scales) in enumerate(ours.layers):
        both = np.stack([reference.keys[layer], reference.values[layer]])  # (2, 1500, d)
        expected = both.reshape(2, 1500, -1, 64).swapaxes(1, 2).reshape(values.shape)  # (2 * n_head, 1500, 64)
        assert (np.abs(values * scales - expected) <= 0.501 * scales + 1e-5).all(), "off by more than the rounding"


@pytest.mark.parametrize("prompt", [PROMPT, (50361, *range(100, 320), *PROMPT)], ids=["short", "long"])
def test_prompt(small, crosses, prompt):
    (ours, our_prefill), (reference, reference_prefill) = decoders(small, crosses, 1, prompt)
    assert_close(ours.debug_logits(), reference.debug_logits())
    assert_close(our_prefill.sot_logprobs, reference_prefill.sot_logprobs)


def test_sequences_keep_their_own_past(small, crosses):
    """Three beams fed different tokens, reordered, fed again."""
    (ours, _), (reference, _) = decoders(small, crosses, 3)
    for parents, tokens in [
        ((0, 1, 2), (50364, 50370, 50380)),
        ((0, 1, 2), (11, 22, 33)),
        ((2, 0, 0), (44, 55, 66)),
        ((1, 1, 2), (77, 88, 99)),
    ]:
        for decoder in (ours, reference):
            decoder.choose(parents, tokens)
        assert_close(ours.debug_logits(), reference.debug_logits())
    rows = ours.debug_logits()
    assert np.abs(rows[0] - rows[2]).max() > 1e-3, "different pasts must give different futures"


def test_a_slot_is_used_again_without_traces(small, crosses):
    [(decoder, _), _] = decoders(small, crosses, 1)
    first = decoder.debug_logits().copy()
    decoder.advance(20)
    decoder.retire(0)
    decoder.admit(0, crosses[0], PROMPT, RowParams())
    np.testing.assert_array_equal(decoder.debug_logits(), first)


def test_sampling_follows_its_seed(small, crosses):
    def sample(seed):
        decoder = small[0].open(DecodePlan(1, 2, RULES, 224), CancelToken())
        decoder.admit(0, crosses[0], PROMPT, RowParams(temperature=1.0, seed=seed))
        return decoder.advance(12).tokens

    assert sample(1) == sample(1)
    assert sample(1) != sample(2)
    assert sample(1)[0] != sample(1)[1]


def test_a_freed_window_is_refused(small):
    mel = np.zeros((1, 80, 3000), np.float32)
    cross = small[0].encode(mel, CancelToken())[0]
    assert cross.nbytes > 0
    cross.free()
    assert cross.nbytes == 0
    with pytest.raises(AssertionError, match="freed"):
        small[0].open(DecodePlan(1, 1, RULES, 224), CancelToken()).admit(0, cross, PROMPT, RowParams())


@pytest.mark.slow
def test_cancel_stops_inside_an_encode(engine):
    backend = engine._loaded.backend
    mel = np.zeros((1, 80, 3000), np.float32)
    started = time.perf_counter()
    backend.encode(mel, CancelToken())
    whole = time.perf_counter() - started
    cancel = CancelToken()
    cancelled_at = []

    def stop():
        cancelled_at.append(time.perf_counter())
        cancel.cancel()

    timer = threading.Timer(0.2 * whole, stop)
    timer.start()
    with pytest.raises(Cancelled):
        backend.encode(mel, cancel)
    assert time.perf_counter() - cancelled_at[0] < 0.5 * whole, "it went on to the end"
    assert backend.encode(mel, CancelToken())[0].nbytes > 0, "and the next window encodes"


# Every clip in every type: the reference and the requantizing take 10-25 s of CPU time for each, so all but a few are
# long. The ordinary ones stand for what the weights become: halves, four bits, eight bits (Q5_1 shipped), K-quants.
CLIPS = {
    "jfk.wav": "en",
    "ast_fr_enter_filename.flac": "fr",
    "ast_es_enter_filename.flac": "es",
    "ast_it_queue-periodic-announce.flac": "it",
    "ast_ru_queue-periodic-announce.flac": "ru",
}
ORDINARY = [
    ("Q5_1", "jfk.wav"),
    ("Q5_1", "ast_ru_queue-periodic-announce.flac"),
    *((f, "jfk.wav") for f in ("F16", "Q4_0", "Q8_0", "Q6_K")),
]
LONG = [(f, name) for f in FORMAT_NAMES for name in CLIPS if (f, name) not in ORDINARY]


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """format name -> (both backends, model file facts) on the shipped weights in that format; the last one is kept."""
    kept = {}

    def load(format_name):
        if format_name not in kept:
            kept.clear()
            path = SHIPPED_MODEL
            if format_name != "Q5_1":
                path = requantize(tmp_path_factory.mktemp("real") / f"base-{format_name}.bin", format_name)
            kept[format_name] = both(path)
            if path != SHIPPED_MODEL:
                path.unlink()
        return kept[format_name]

    yield load
    kept.clear()


def text_of(backend, model, clip, language):
    tokenizer = Tokenizer(model.vocabulary, model.dims)
    mel = log_mel(np.pad(clip, (0, N_SAMPLES - len(clip))), model.mel_filters)[None]
    options = TranscribeOptions(language=language, temperature=(0.0,))
    decoder = WindowDecoder(backend, model.dims, tokenizer, options, CancelToken())
    return tokenizer.decode(decoder.decode(backend.encode(mel, CancelToken())[0], (), language).tokens)


def check_same_text(real, audio, format_name, name):
    *backends, model = real(format_name)
    clip = load_audio(audio / name)
    our_text, reference_text = (text_of(backend, model, clip, CLIPS[name]) for backend in backends)
    assert our_text == reference_text
    assert len(our_text) > (0 if format_name == "Q2_K" else 30), "two bits leave base a few words"


@pytest.mark.slow
@pytest.mark.parametrize(("format_name", "name"), ORDINARY)
def test_same_text_as_the_reference(real, audio, format_name, name):
    check_same_text(real, audio, format_name, name)


@pytest.mark.long
@pytest.mark.parametrize(("format_name", "name"), LONG)
def test_same_text_as_the_reference_on_every_clip(real, audio, format_name, name):
    check_same_text(real, audio, format_name, name)
