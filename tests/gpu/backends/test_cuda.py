"""The CUDA backend on the emulator against the reference: a tiny model of every type, token by token."""

import numpy as np
import pytest

from gpu.backends.base import DecodePlan, RowParams
from gpu.backends.cuda import CudaBackend
from gpu.backends.reference import ReferenceBackend
from gpu.cancel import CancelToken
from gpu.token_rules import RuleState, apply
from gpu.types import DeviceInfo, Words
from tests.support.requantize import FORMAT_NAMES
from tests.support.tiny_whisper import EOT, PROMPT, RULES, tiny_mel, tiny_whisper

N_TOKENS = 26
PLAN = DecodePlan(rows=1, sequences=1, rules=RULES, max_tokens=40, max_prompt=20)


class Pair:
    """Both backends on one model, and windows that both have encoded."""

    def __init__(self, device, format_name, n_windows=1):
        model = tiny_whisper(format_name)
        self.ours = CudaBackend(model, device, DeviceInfo("cuda", "emulated", Words("For a test")))
        self.reference = ReferenceBackend(model)
        mel = tiny_mel(n_windows)
        self.crosses = self.ours.encode(mel, CancelToken())
        self.expected = self.reference.encode(mel, CancelToken())


def relative_error(ours, reference):
    return np.linalg.norm(ours - reference) / np.linalg.norm(reference - reference.mean(axis=-1, keepdims=True))


def continued(pair, tokens, window=0):
    """The reference's logits after the prompt and after each of the tokens, (len(tokens) + 1, n_vocab)."""
    network = pair.reference.network
    return network.decode([*PROMPT, *tokens], network.new_cache(), pair.expected[window])[len(PROMPT) - 1 :]


def assert_chosen_well(pair, tokens, bound, window=0):
    """Each the reference's best token, or one that is behind it by less than `bound` standard deviations."""
    state, parted = RuleState(), 0
    for token, logits in zip(tokens, continued(pair, tokens[:-1], window), strict=True):
        spread = logits.std()
        apply(RULES, state, logits)
        assert logits[token] > logits.max() - bound * spread
        parted += int(token != logits.argmax())
        state = state.after(token, RULES)
    assert parted <= len(tokens) / 8


def all_tokens(decoder, n_slots=1):
    """Of every slot, from now to its end."""
    tokens = [[] for _ in range(n_slots)]
    done = False
    while not done:
        steps = decoder.advance(8)
        for slot, new in enumerate(steps.tokens):
            tokens[slot] += new
        done = all(steps.done)
    return tokens


def greedy(pair, window=0, n_tokens=N_TOKENS, plan=PLAN):
    """Our decoder and its tokens."""
    decoder = pair.ours.open(plan, CancelToken())
    decoder.admit(0, pair.crosses[window], PROMPT, RowParams(max_tokens=n_tokens))
    [tokens] = all_tokens(decoder)
    return decoder, tokens
