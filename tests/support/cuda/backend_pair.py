"""The CUDA backend on the emulator and the reference backend, on one tiny model; and what tests ask of both."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gpu.backends.base import DecodePlan, RowParams
from gpu.backends.cuda import CudaBackend
from gpu.backends.reference import ReferenceBackend
from gpu.cancel import CancelToken
from gpu.token_rules import RuleState, apply
from gpu.types import DeviceInfo, Words
from tests.support.requantize import FORMAT_NAMES
from tests.support.tiny_whisper import EOT, PROMPT, RULES, tiny_mel, tiny_whisper

ENDLESS = replace(RULES, suppressed=(*RULES.suppressed, EOT))
PLAN = DecodePlan(rows=1, sequences=1, rules=ENDLESS, max_tokens=40, max_prompt=20)
# Relative L2 of the logits: activations in 8 bits with quantized weights, else halves on tensor cores.
BOUNDS = {name: 3e-2 if name.startswith("Q") else 3e-3 for name in FORMAT_NAMES}


class Pair:
    """Both backends on one model, and windows that both have encoded."""

    def __init__(self, device, format_name, n_windows):
        self.device, self.model, self.bound = device, tiny_whisper(format_name), BOUNDS[format_name]
        self.ours = CudaBackend(self.model, device, DeviceInfo("cuda", "emulated", Words("For a test")))
        self.reference = ReferenceBackend(self.model)
        mel = tiny_mel(n_windows)
        self.crosses = self.ours.encode(mel, CancelToken())
        for cross in self.crosses:
            device.wait(cross.encoded)
        self.expected = self.reference.encode(mel, CancelToken())

    def check(self, tokens, window=0, rules=RULES, slack=0.0):
        """Each the reference's best, or so near it that rounding may choose; on the whole, there is little of that.

        `slack`: logits by which another one may be chosen on purpose.
        """
        network = self.reference.network
        text = [*PROMPT, *tokens[:-1]]
        logits = network.decode(text, network.new_cache(), self.expected[window])[len(PROMPT) - 1 :]
        state, parted = RuleState(), 0
        for token, row in zip(tokens, logits, strict=True):
            near = slack + 4 * self.bound * row.std()
            apply(rules, state, row)
            assert row[token] >= row.max() - near, f"{token} instead of {row.argmax()} after {state}"
            parted += token != row.argmax()
            state = state.after(token, rules)
        assert slack or parted <= len(tokens) / 8


def relative_error(ours, reference):
    return np.linalg.norm(ours - reference) / np.linalg.norm(reference - reference.mean(axis=-1, keepdims=True))


def all_tokens(decoder, n_sequences=1):
    """Of every sequence, from now to its end."""
    tokens = [[] for _ in range(n_sequences)]
    done = False
    while not done:
        steps = decoder.advance(8)
        for sequence, new in enumerate(steps.tokens):
            tokens[sequence] += new
        done = all(steps.done)
    return tokens


def opened(pair, window=0, plan=PLAN, **params):
    """Our decoder with a window in its only slot."""
    decoder = pair.ours.open(plan, CancelToken())
    decoder.admit(0, pair.crosses[window], PROMPT, RowParams(**params))
    return decoder


def greedy(pair, window=0, plan=PLAN, n_tokens=16):
    [tokens] = all_tokens(opened(pair, window, plan, max_tokens=n_tokens))
    return tokens
