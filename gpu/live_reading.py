"""One reading of an utterance that may not be over: its words behind those that are given, each with its tokens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gpu.audio import SAMPLE_RATE
from gpu.backends.base import Cross, Floats, RowParams
from gpu.cancel import CancelToken
from gpu.decoding import WindowDecoder
from gpu.mel import FRAMES_PER_SECOND, N_FRAMES, log_mel_by
from gpu.sounds import Sound
from gpu.transcribe import LoadedModel
from gpu.types import LanguageDetected, TranscribeOptions
from gpu.window_line import FRAMES_PER_TIMESTAMP
from gpu.words import FRAMES_PER_POSITION, Unit, merge_punctuations, split_to_units, time_words

MOST_CONTEXT = 100  # tokens of what was said before
MOST_PROMPT = 220  # with what is given
TOKENS_PER_SECOND = 8  # of speech; and of an utterance ...
SPARE_TOKENS = 12  # ... besides
SURE_OF_LANGUAGE = 0.8  # a probability ...
LONG_ENOUGH_S = 4.0  # ... or so much of speech
LATE = 10  # frames before the end of speech, in which nothing begins
LOOKED_BACK = 40  # positions of the encoder, 0.8 s
SENTENCE_ENDS = ".?!。？！…"


@dataclass(frozen=True)
class LiveWord:
    """A word as it was read. Times in seconds of the utterance."""

    text: str
    tokens: tuple[int, ...]
    start: float
    end: float
    probability: float

    @property
    def key(self) -> str:
        """What two readings have to agree on: case and punctuation may change."""
        return "".join(c for c in self.text.casefold() if c.isalnum()) or self.text.strip()

    @property
    def ends_sentence(self) -> bool:
        return self.text.rstrip("\"'”’)」』 ").endswith(tuple(SENTENCE_ENDS))

    def moved(self, by: float) -> LiveWord:
        return replace(self, start=self.start + by, end=self.end + by)


class LiveReader:
    """Reads utterances one after the other, each with what was said before as its context."""

    def __init__(self, model: LoadedModel, options: TranscribeOptions, cancel: CancelToken) -> None:
        self._model, self._cancel = model, cancel
        options = replace(
            options, temperature=(0.0,), beam_size=None, word_timestamps=True, condition_on_previous_text=True
        )
        self._options = options
        self._decoder = WindowDecoder(model.backend, model.dims, model.tokenizer, options, cancel)
        prompt = options.initial_prompt
        self._context = model.tokenizer.encode(" " + prompt.strip()) if prompt else []
        self._language: str | None = None
        self._news: list[LanguageDetected] = []
        if options.language is not None:
            self._decide(model.tokenizer.language_code(options.language), None)
        elif not model.tokenizer.is_multilingual:
            self._decide("en", None)

    def news(self) -> Iterator[LanguageDetected]:
        """What was found out since."""
        news, self._news = self._news, []
        yield from news

    def said(self, tokens: Sequence[int]) -> None:
        """Words that are settled and will not be given again: the context of what follows."""
        self._context = [*self._context, *tokens][-MOST_CONTEXT:]

    def read(self, audio: Floats, silence_s: float, given: Sequence[int]) -> list[LiveWord]:
        """The words in (n,) samples behind those whose tokens are given; `silence_s` is encoded behind them."""
        n_speech = len(audio) // (SAMPLE_RATE // FRAMES_PER_SECOND)
        [cross] = self._model.backend.encode(self._mel(audio, silence_s)[None], self._cancel)
        try:
            return self._decode(cross, n_speech, given)
        finally:
            cross.free()

    def _mel(self, audio: Floats, silence_s: float) -> Floats:
        """(n_mels, n_frames): an even number, 30 s where the device wants no less."""
        n_frames = N_FRAMES
        hop = SAMPLE_RATE // FRAMES_PER_SECOND
        if self._model.backend.limits.short_windows:
            n_frames = min(2 * (len(audio) // hop // 2) + 2 * round(silence_s * FRAMES_PER_SECOND / 2), N_FRAMES)
        padded = np.zeros(n_frames * hop, np.float32)
        padded[: len(audio)] = audio[: len(padded)]
        return log_mel_by(self._model.backend.spectrogram, padded)

    def _decode(self, cross: Cross, n_speech: int, given: Sequence[int]) -> list[LiveWord]:
        tokenizer = self._model.tokenizer
        language = self._language or self._listen(cross, n_speech)
        start = (tokenizer.timestamp_begin, *given)
        context = self._context[-min(MOST_CONTEXT, MOST_PROMPT - len(start)) :]
        prompt = (*self._decoder.prompt(context, language), *start)
        budget = len(start) + SPARE_TOKENS + round(TOKENS_PER_SECOND * n_speech / FRAMES_PER_SECOND)
        decoded = self._decoder.decode(cross, prompt, RowParams(max_tokens=budget, n_given=len(start)))
        found = [i for i in range(self._stop(decoded.tokens, n_speech)) if decoded.tokens[i] < tokenizer.eot]
        if decoded.alignment is None or not found or self._is_silence(decoded.no_speech_prob, decoded.avg_logprob):
            return []
        tokens = [*given, *(decoded.tokens[i] for i in found)]
        logprobs = [0.0] * len(given) + [decoded.logprobs[i] for i in found]
        rows = [*range(1, 1 + len(given)), *(len(start) + i for i in found)]
        matrix = decoded.alignment[rows]
        units = merge_punctuations(split_to_units(tokens, tokenizer, language))
        units = units[: _first_said_again(units, matrix[:, : n_speech // FRAMES_PER_POSITION])]
        stop = units[-1].stop if units else 0
        words = time_words(units, logprobs[:stop], matrix[:stop], [Sound(0, n_speech, 0, n_speech)])
        read = []
        for unit, word in zip(units, words, strict=True):
            if unit.stop > len(given):  # the end of a word that was given is one by itself: often punctuation
                new = tuple(tokens[max(unit.first, len(given)) : unit.stop])
                text = word.word if unit.first >= len(given) else tokenizer.decode(new)
                read.append(LiveWord(text, new, word.start, word.end, word.probability))
        return read

    def _stop(self, tokens: Sequence[int], n_speech: int) -> int:
        """Up to where tokens are about the speech: in the silence behind it Whisper likes to say it all again."""
        begin = self._model.tokenizer.timestamp_begin
        last = begin + (n_speech - LATE) // FRAMES_PER_TIMESTAMP
        return next((i for i, token in enumerate(tokens) if token >= max(last, begin + 1)), len(tokens))

    def _is_silence(self, no_speech_prob: float, avg_logprob: float) -> bool:
        o = self._options
        if o.no_speech_threshold is None or no_speech_prob <= o.no_speech_threshold:
            return False
        return o.logprob_threshold is None or avg_logprob <= o.logprob_threshold

    def _listen(self, cross: Cross, n_speech: int) -> str:
        """The language of what is said, decided once it is sure or long enough."""
        probabilities = self._decoder.language_probabilities(cross)
        best = int(probabilities.argmax())
        language = self._model.tokenizer.languages[best]
        if probabilities[best] > SURE_OF_LANGUAGE or n_speech > LONG_ENOUGH_S * FRAMES_PER_SECOND:
            self._decide(language, float(probabilities[best]))
        return language

    def _decide(self, language: str, probability: float | None) -> None:
        self._language = language
        self._news.append(LanguageDetected(language, probability))


def _first_said_again(units: Sequence[Unit], matrix: Floats) -> int:
    """The first word for which the decoder looks back to where it has been already, and stays there: with little behind
    the speech Whisper likes to say it all again.

    Args:
        matrix: of the tokens, (n_tokens, n_positions), see `gpu.alignment.alignment_matrix`.
    """
    if matrix.shape[1] == 0:
        return len(units)
    looked = [int(matrix[unit.spoken : unit.silent].sum(axis=0).argmax()) for unit in units]
    furthest = 0
    for i, position in enumerate(looked):
        behind = [p < furthest - LOOKED_BACK for p in looked[i : i + 2]]
        if all(behind):
            return i
        furthest = max(furthest, position)
    return len(units)
