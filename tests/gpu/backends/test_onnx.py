"""The CPU backend against the reference, number by number on a small model, word by word on the real one."""

import threading
import time

import numpy as np
import pytest

from gpu.audio import load_audio
from gpu.backends.base import DecodePlan, RowParams
from gpu.backends.host_decoder import CLEARLY_BETTER, NEAR_TIE
from gpu.backends.onnx import OnnxBackend
from gpu.backends.reference import ReferenceBackend
from gpu.cancel import CancelToken
from gpu.decoding import WindowDecoder
from gpu.devices import select_device
from gpu.errors import Cancelled
from gpu.mel import N_SAMPLES, MelStream, NumpySpectrogram, log_mel
from gpu.model_file import open_model
from gpu.sounds import sounds_in
from gpu.speech import AnySound, Stretch
from gpu.token_rules import TokenRules
from gpu.tokenizer import Tokenizer
from gpu.types import TranscribeOptions
from gpu.words import words_of
from tests.support.heard_clip import HeardClip
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


def decoders(small, crosses, sequences, prompt=PROMPT, *, align=False):
    opened = []
    for backend, cross in zip(small, crosses, strict=True):
        decoder = backend.open(DecodePlan(1, sequences, RULES, 224, 224, top_k=3, align=align), CancelToken())
        prefill = decoder.admit(0, cross, prompt, RowParams())
        opened.append((decoder, prefill))
    return opened


def assert_close(ours, reference, tolerance=0.02):
    """The rounding of activations and cross-attention to int8 is all that may differ."""
    scale = np.linalg.norm(reference - reference.mean(axis=-1, keepdims=True))
    assert np.linalg.norm(ours - reference) <= tolerance * scale


def test_cross_attention_is_the_references(crosses):
    ours, reference = crosses
    references = [part for layer in zip(reference.keys, reference.values, strict=True) for part in layer]
    for values, scales, expected in zip(ours.values, ours.scales, references, strict=True):
        expected = expected.reshape(1500, -1, 64).swapaxes(0, 1)  # (n_head, 1500, 64)
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
    decoder.advance(2)
    decoder.retire(0)
    decoder.admit(0, crosses[0], PROMPT, RowParams())
    np.testing.assert_array_equal(decoder.debug_logits(), first)


def test_sampling_follows_its_seed(small, crosses):
    def sample(seed):
        decoder = small[0].open(DecodePlan(1, 2, RULES, 224, 224), CancelToken())
        decoder.admit(0, crosses[0], PROMPT, RowParams(temperature=1.0, seed=seed))
        return decoder.advance(12).tokens

    assert sample(1) == sample(1)
    assert sample(1) != sample(2)
    assert sample(1)[0] != sample(1)[1]


@pytest.mark.parametrize("n_frames", [200, 1500])
def test_short_windows_are_the_references(small, n_frames):
    """Behind a window of 30 s in the same slot, whose end must not be heard."""
    mel = np.random.default_rng(6).standard_normal((1, 80, 3000)).astype(np.float32) * 0.3
    long, short = ([backend.encode(mel[:, :, :n], CancelToken())[0] for backend in small] for n in (3000, n_frames))
    attention = []
    for (decoder, _), cross in zip(decoders(small, long, 1, align=True), short, strict=True):
        decoder.retire(0)
        decoder.admit(0, cross, PROMPT, RowParams())
        attention.append((decoder.debug_logits().copy(), decoder.attention(0, cross, 0)))
    (ours, our_attention), (reference, reference_attention) = attention
    assert_close(ours, reference)
    assert our_attention.shape[-1] == reference_attention.shape[-1] == n_frames // 2
    assert_close(our_attention, reference_attention, 0.05)


def test_given_tokens_count_as_chosen(small, crosses):
    """What a window's first tokens are told beforehand, it goes on as if it had chosen them."""
    for (decoder, _), cross in zip(decoders(small, crosses, 1), crosses, strict=True):
        [tokens] = greedy(decoder, 1)
        decoder.admit(0, cross, (*PROMPT, *tokens[:3]), RowParams(n_given=3, max_tokens=9))
        assert greedy(decoder, 1) == [tokens[3:9]]


def different_windows(backends, n):
    mel = np.random.default_rng(8).standard_normal((n, 80, 3000)).astype(np.float32) * 0.3
    return [backend.encode(mel, CancelToken()) for backend in backends]


def greedy(decoder, n_slots):
    """All tokens of every slot, from now to its end."""
    tokens = [[] for _ in range(n_slots)]
    done = False
    while not done:
        steps = decoder.advance(4)
        for slot, new in enumerate(steps.tokens):
            tokens[slot] += new
        done = all(steps.done)
    return tokens


@pytest.mark.long
def test_windows_at_once_are_as_alone(small):
    """Three windows side by side, admitted one after the other: each as on its own, on both backends."""
    for backend, crosses in zip(small, different_windows(small, 3), strict=True):
        alone = []
        for cross in crosses:
            decoder = backend.open(DecodePlan(1, 1, RULES, 24, 8), CancelToken())
            decoder.admit(0, cross, PROMPT, RowParams())
            alone += greedy(decoder, 1)
        batch = backend.open(DecodePlan(3, 1, RULES, 24, 8), CancelToken())
        tokens = [[], [], []]
        for slot, cross in ((2, crosses[0]), (0, crosses[1]), (1, crosses[2])):
            batch.admit(slot, cross, PROMPT, RowParams())
            for i, new in enumerate(batch.advance(1).tokens):
                tokens[i] += new
        both = [a + b for a, b in zip(tokens, greedy(batch, 3), strict=True)]
        assert both == [alone[1], alone[2], alone[0]]


@pytest.mark.slow
def test_a_slot_is_refilled_beside_others(small):
    """Retiring moves the last window into the gap: neither it nor the newcomer may notice."""
    backend, _ = small
    crosses = different_windows(small[:1], 4)[0]
    expected = []
    for cross in crosses:
        decoder = backend.open(DecodePlan(1, 1, RULES, 30, 8), CancelToken())
        decoder.admit(0, cross, PROMPT, RowParams())
        expected += greedy(decoder, 1)
    batch = backend.open(DecodePlan(3, 1, RULES, 30, 8), CancelToken())
    for slot in range(3):
        batch.admit(slot, crosses[slot], PROMPT, RowParams())
    first = batch.advance(1).tokens
    assert len(first[0]) < 30
    batch.retire(0)
    kept = [values.copy() for values in crosses[0].values]
    again = backend.open(DecodePlan(1, 1, RULES, 30, 8), CancelToken())
    again.admit(0, crosses[0], PROMPT, RowParams())  # a retired window can be decoded again elsewhere
    assert greedy(again, 1) == [expected[0]]
    assert all((a == b).all() for a, b in zip(kept, crosses[0].values, strict=True))
    batch.admit(0, crosses[3], PROMPT, RowParams())
    rest = greedy(batch, 3)
    assert rest[0] == expected[3]
    assert first[1] + rest[1] == expected[1]
    assert first[2] + rest[2] == expected[2]


def test_looking_ahead_leaves_no_traces(small, crosses):
    """Two continuations tried beside each other: each as if it had been chosen, and the one that is stays."""
    for backend, cross in zip(small, crosses, strict=True):
        models = [backend.open(DecodePlan(2, 1, RULES, 30, 8), CancelToken())._model for _ in range(2)]
        for model in models:
            model.prefill(1, cross, PROMPT, (2,))
            model.prefill(0, cross, PROMPT, (2,))
        branched, straight = models
        first, second = branched.branch(0, (11, 22)).copy()
        branched.take_branch(0, 1)
        assert_close(second[np.newaxis], straight.step({1: [7], 0: [22]})[0])
        assert np.abs(first - second).max() > 1e-3
        beside = branched.step({1: [7], 0: [33]})
        expected = straight.step({1: [7], 0: [33]})
        assert_close(beside[0], expected[0])
        assert np.abs(beside[1] - expected[1]).max() > 1e-3, "the other window has one token less"


def test_attention_is_the_references(small, crosses):
    """Two windows side by side, one with a longer prompt: of each the alignment heads' attention while it was decoded,
    against the reference's of the whole sequence at once."""
    prompts = {1: PROMPT, 0: (50361, *range(100, 140), *PROMPT)}
    attention = []
    tokens = {}
    for backend, cross in zip(small, crosses, strict=True):
        decoder = backend.open(DecodePlan(2, 1, RULES, 40, 60, align=True), CancelToken())
        for slot, prompt in prompts.items():
            decoder.admit(slot, cross, (*prompt, *tokens.get(slot, ())), RowParams())
        if not tokens:
            tokens = dict(enumerate(greedy(decoder, 2)))
        attention.append([decoder.attention(slot, cross, len(prompts[slot]) - 1) for slot in (0, 1)])
    for slot, (ours, reference) in enumerate(zip(*attention, strict=True)):
        n = len(tokens[slot])
        assert n > 3
        assert ours.shape in [(2 * 4, n, 1500), (2 * 4, n + 1, 1500)], "heads of the later half of three layers"
        assert_close(ours[:, :n], reference[:, :n], 0.05)  # of another token's: 0.25 and more
    with pytest.raises(ValueError, match="one sequence"):
        small[0].open(DecodePlan(1, 2, RULES, 24, 8, align=True), CancelToken())


def test_several_sequences_of_several_windows_are_refused(small):
    with pytest.raises(ValueError, match="one sequence"):
        small[0].open(DecodePlan(2, 5, RULES, 224, 8), CancelToken())
    decoder = small[0].open(DecodePlan(2, 1, RULES, 224, 8), CancelToken())
    with pytest.raises(ValueError, match="slot 2"):
        decoder.admit(2, different_windows(small[:1], 1)[0][0], PROMPT, RowParams())


def test_a_freed_window_is_refused(small):
    mel = np.zeros((1, 80, 3000), np.float32)
    cross = small[0].encode(mel, CancelToken())[0]
    assert cross.nbytes > 0
    cross.free()
    assert cross.nbytes == 0
    with pytest.raises(AssertionError, match="freed"):
        small[0].open(DecodePlan(1, 1, RULES, 224, 224), CancelToken()).admit(0, cross, PROMPT, RowParams())


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


# Every clip in every type: the reference and the requantizing take 10-25 s of CPU time for each, so all but one are
# long. Of those in SAME the text is the very same.
CLIPS = {
    "jfk.wav": "en",
    "ast_fr_enter_filename.flac": "fr",
    "ast_es_enter_filename.flac": "es",
    "ast_it_queue-periodic-announce.flac": "it",
    "ast_ru_queue-periodic-announce.flac": "ru",
}
SAME = [("Q5_1", "jfk.wav"), ("Q5_1", "ast_ru_queue-periodic-announce.flac"), ("Q6_K", "jfk.wav")]
LONG = [(f, name) for f in FORMAT_NAMES for name in CLIPS if (f, name) not in SAME]


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


def check_same_text(real, audio, format_name, name, *, or_near_tie):
    ours, reference, model = real(format_name)
    heard = HeardClip(model, load_audio(audio / name), CLIPS[name], RULES)
    our_tokens, its_tokens = heard.tokens(ours), heard.tokens(reference)
    text, its_text = map(heard.tokenizer.decode, (our_tokens, its_tokens))
    assert len(text) > (0 if format_name == "Q2_K" else 30), "two bits leave base a few words"
    if or_near_tie and text != its_text:
        first = next(i for i, pair in enumerate(zip(our_tokens, its_tokens, strict=False)) if len(set(pair)) == 2)
        gap = gap_between(our_tokens[first], its_tokens[first], heard.logits(reference, its_tokens[:first]))
        assert gap < NEAR_TIE + CLEARLY_BETTER, "to the reference too it is nearly the same"
    else:
        assert text == its_text


def gap_between(one, other, logits):
    """Of two tokens, as the decoder sees it: a timestamp counts with all of them."""
    timestamps = np.logaddexp.reduce(logits[RULES.timestamp_begin :])
    a, b = (timestamps if token >= RULES.timestamp_begin else logits[token] for token in (one, other))
    return abs(float(a) - float(b)) if a != b else abs(float(logits[one]) - float(logits[other]))


@pytest.mark.long
def test_words_are_timed_as_by_the_reference(real, audio):
    *backends, model = real("Q5_1")
    clip = load_audio(audio / "jfk.wav")
    mel = log_mel(np.pad(clip, (0, N_SAMPLES - len(clip))), model.mel_filters)
    tokenizer = Tokenizer(model.vocabulary, model.dims)
    options = TranscribeOptions(language="en", temperature=(0.0,), word_timestamps=True)
    stream = MelStream(iter([clip]), NumpySpectrogram(model.mel_filters))
    stream.read(0)
    heard = sounds_in([Stretch(0, len(clip) // 160)], stream, AnySound(), 0)
    timed = []
    for backend in backends:
        decoder = WindowDecoder(backend, model.dims, tokenizer, options, CancelToken())
        window = decoder.decode(backend.encode(mel[None], CancelToken())[0], decoder.prompt((), "en"))
        timed += words_of([window.tokens], window, heard, tokenizer, "en")
    for ours, reference in zip(*timed, strict=True):
        assert ours.word == reference.word
        assert (ours.start, ours.end) == pytest.approx((reference.start, reference.end), abs=0.061)
        assert ours.probability == pytest.approx(reference.probability, abs=0.15)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("format_name", "name"), [SAME[0], *(pytest.param(*pair, marks=pytest.mark.long) for pair in SAME[1:])]
)
def test_same_text_as_the_reference(real, audio, format_name, name):
    check_same_text(real, audio, format_name, name, or_near_tie=False)


@pytest.mark.long
@pytest.mark.parametrize(("format_name", "name"), LONG)
def test_same_text_as_the_reference_on_every_clip(real, audio, format_name, name):
    """Or one that parts from it where the reference's own two best tokens are as near as rounding moves them."""
    check_same_text(real, audio, format_name, name, or_near_tie=name != "jfk.wav")


def test_work_meanwhile_is_done_once_and_its_errors_come_through(tmp_path):
    path = synthetic_model(synthetic_dimensions()).write_ggml(tmp_path / "tiny.bin", "Q8_0")
    done = []

    def fail():
        raise ValueError("meanwhile")

    with open_model(path) as model:
        OnnxBackend(model, select_device("cpu"), 1, meanwhile=lambda: done.append(1)).close()
        assert done == [1]
        with pytest.raises(ValueError, match="meanwhile"):
            OnnxBackend(model, select_device("cpu"), 1, meanwhile=fail)
