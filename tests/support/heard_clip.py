"""One clip as several backends of the same model hear it."""

import numpy as np

from gpu.backends.base import DecodePlan, RowParams
from gpu.cancel import CancelToken
from gpu.decoding import WindowDecoder
from gpu.mel import N_SAMPLES, log_mel
from gpu.tokenizer import Tokenizer
from gpu.types import TranscribeOptions


class HeardClip:
    """As one window, by token and by number.

    Args:
        rules: of the decoder that gives the numbers.
    """

    def __init__(self, model, samples, language, rules):
        self.tokenizer = Tokenizer(model.vocabulary, model.dims)
        self._dims, self._options = model.dims, TranscribeOptions(language=language, temperature=(0.0,))
        self._mel = log_mel(np.pad(samples, (0, N_SAMPLES - len(samples))), model.mel_filters)[None]
        self._rules = rules

    def tokens(self, backend):
        """With the prompt before them."""
        decoder = WindowDecoder(backend, self._dims, self.tokenizer, self._options, CancelToken())
        prompt = decoder.prompt((), self._options.language)
        return [*prompt, *decoder.decode(backend.encode(self._mel, CancelToken())[0], prompt).tokens]

    def logits(self, backend, tokens):
        """(n_vocab,) after those."""
        decoder = backend.open(DecodePlan(1, 1, self._rules, 224, 224), CancelToken())
        decoder.admit(0, backend.encode(self._mel, CancelToken())[0], tokens, RowParams())
        return decoder.debug_logits()[0]
