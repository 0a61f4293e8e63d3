"""A recording becomes segments, one after the other, as the generator is asked for them.

Two ways: windows of 30 s that advance by the timestamps the model gives, which is openai/whisper's `transcribe.py`;
and, for long recordings, windows cut at pauses, several of which are decoded at once.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from gpu.audio import AudioReader
from gpu.backends.base import Backend, Cross, Floats
from gpu.cancel import CancelToken
from gpu.decoding import SECONDS_PER_TIMESTAMP, DecodedWindow, WindowDecoder
from gpu.mel import FRAMES_PER_SECOND, MelStream
from gpu.model_file import ModelDimensions
from gpu.sounds import sounds
from gpu.tokenizer import Tokenizer
from gpu.types import LanguageDetected, RunEvent, RunStats, RunWarning, Segment, TranscribeOptions, Word
from gpu.windows import WORTHWHILE, Window, cut_at_pauses, expected_windows, read_ahead
from gpu.words import words_of

FRAMES_PER_TIMESTAMP = 2  # 20 ms
AT_ONCE_FROM_S = 60.0  # of recording
FIRST_ROWS = 3  # so that the first words come soon
PROMPT_RESET_TEMPERATURE = 0.5  # text found above it is no good as context


@dataclass(frozen=True)
class LoadedModel:
    """What a run needs of a model, whatever device it is on."""

    backend: Backend
    dims: ModelDimensions
    mel_filters: Floats
    tokenizer: Tokenizer


@dataclass(frozen=True)
class TimedTokens:
    """Tokens of one segment, timestamps included, and its times in timestamp units from the window's start.

    `words` with their times in the window, if they are to be timed.
    """

    start: int
    end: int
    tokens: tuple[int, ...]
    words: tuple[Word, ...] | None = None


class Transcription:
    """One run over one recording. Iterate `events` once."""

    def __init__(self, model: LoadedModel, audio: AudioReader, options: TranscribeOptions, cancel: CancelToken) -> None:
        self._model, self._audio, self._options, self._cancel = model, audio, options, cancel
        self._decoder = WindowDecoder(model.backend, model.dims, model.tokenizer, options, cancel)
        self._mel = MelStream(self._cancellable(audio.blocks()), model.mel_filters)
        self._language = options.language
        self._n_segments = self._n_windows = self._n_tokens = self._n_fallbacks = self._n_warned = 0
        self._started = time.perf_counter()

    def events(self) -> Iterator[RunEvent]:
        """Yields LanguageDetected once, then segments in order of time, statistics after each window, warnings as
        they come; the last event is the final statistics.

        Raises:
            Cancelled: the token was set.
            EngineError: the recording or the options turned out to be unusable.
        """
        tokenizer = self._model.tokenizer
        if self._language is not None:
            self._language = tokenizer.language_code(self._language)
            yield LanguageDetected(self._language, None)
        elif not tokenizer.is_multilingual:
            self._language = "en"
            yield LanguageDetected("en", None)
        rows = self._rows()
        yield from self._at_once(rows) if rows > 1 else self._in_sequence()
        yield self._stats(None)

    def _rows(self) -> int:
        """Windows to decode at once."""
        o = self._options
        if o.batch_size is None and (self._audio.duration_s or math.inf) < AT_ONCE_FROM_S:
            return 1
        if o.condition_on_previous_text or o.beam_size is not None or o.temperature[0] > 0:
            return 1
        n_windows = expected_windows(self._audio.duration_s)
        return min(self._model.backend.limits.rows, o.batch_size or n_windows, n_windows)

    def _in_sequence(self) -> Iterator[RunEvent]:
        context = self._initial_context()
        seek = 0
        while True:
            self._cancel.check()
            mel, n_frames = self._mel.window(seek)
            yield from self._warnings()
            if n_frames == 0:
                return
            if not self._mel.has_sound():  # Whisper hears "you" or "thank you" in it
                seek += n_frames
                yield self._stats(seek)
                continue
            [cross] = self._model.backend.encode(mel[None], self._cancel)
            yield from self._detect_language(cross)
            window = self._decoder.decode(cross, self._decoder.prompt(context, self._language))
            cross.free()
            pieces, advance = self._pieces(window, mel[:, :n_frames])
            for segment in self._segments(pieces, window, seek):
                context += segment.tokens
                yield segment
            if not self._options.condition_on_previous_text or window.temperature > PROMPT_RESET_TEMPERATURE:
                context = []
            seek += advance
            yield self._stats(seek)

    def _at_once(self, rows: int) -> Iterator[RunEvent]:
        context = self._initial_context()
        windows = read_ahead(cut_at_pauses(self._mel, self._audio.duration_s))
        batch = self._decoder.batch(rows)
        line = _Line()
        while True:
            wanted = rows if self._n_windows else min(rows, FIRST_ROWS)
            while len(batch) < wanted and (window := line.take() or next(windows, None)):
                yield from self._warnings()
                if not window.has_sound:
                    line.skip(window)
                    continue
                [cross] = self._model.backend.encode(window.mel[None], self._cancel)
                yield from self._detect_language(cross)
                batch.admit(window.start, cross, self._decoder.prompt(context, self._language), _sound_end(window))
                line.begin(window)
                yield self._stats(line.frames_done)
            yield from self._warnings()
            if len(batch) == 0:
                return
            for start, decoded in batch.advance():
                window = line.window(start)
                line.finish(start, decoded, *self._pieces(decoded, window.mel[:, : window.n_frames]))
            for window, decoded, pieces in line.ready():
                yield from self._segments(pieces, decoded, window.start)
            yield self._stats(line.frames_done)

    def _initial_context(self) -> list[int]:
        prompt = self._options.initial_prompt
        return self._model.tokenizer.encode(" " + prompt.strip()) if prompt else []

    def _detect_language(self, cross: Cross) -> Iterator[LanguageDetected]:
        if self._language is None:
            self._language, probability = self._decoder.detect_language(cross)
            yield LanguageDetected(self._language, probability)

    def _pieces(self, window: DecodedWindow, mel: Floats) -> tuple[list[TimedTokens], int]:
        """Of a decoded window what to make segments of, and the frames it has settled.

        Args:
            mel: (n_mels, n_frames) what of it is in the recording.
        """
        self._n_windows += 1
        self._n_fallbacks += window.n_fallbacks
        if self._is_silence(window):
            return [], mel.shape[1]
        pieces, advance = split_window(window.tokens, self._model.tokenizer, mel.shape[1])
        if window.alignment is not None:
            texts = [piece.tokens for piece in pieces]
            words = words_of(texts, window, sounds(mel), self._model.tokenizer, self._language)
            pieces = [replace(piece, words=of_piece) for piece, of_piece in zip(pieces, words, strict=True)]
        return pieces, advance

    def _segments(self, pieces: Sequence[TimedTokens], window: DecodedWindow, seek: int) -> Iterator[Segment]:
        offset_s = seek / FRAMES_PER_SECOND
        for piece in pieces:
            text = self._model.tokenizer.decode(piece.tokens)
            if not text.strip() or piece.end <= piece.start:
                continue
            self._n_tokens += len(piece.tokens)
            words = None if piece.words is None else tuple(word.later(offset_s) for word in piece.words)
            yield Segment(
                id=self._n_segments,
                start=words[0].start if words else round(offset_s + piece.start * SECONDS_PER_TIMESTAMP, 2),
                end=words[-1].end if words else round(offset_s + piece.end * SECONDS_PER_TIMESTAMP, 2),
                text=text,
                tokens=piece.tokens,
                temperature=window.temperature,
                avg_logprob=window.avg_logprob,
                compression_ratio=window.compression_ratio,
                no_speech_prob=window.no_speech_prob,
                words=words,
            )
            self._n_segments += 1

    def _is_silence(self, window: DecodedWindow) -> bool:
        o = self._options
        if o.no_speech_threshold is None or window.no_speech_prob <= o.no_speech_threshold:
            return False
        return o.logprob_threshold is None or window.avg_logprob <= o.logprob_threshold

    def _stats(self, seek: int | None) -> RunStats:
        """Statistics with everything before frame `seek` done; None: everything."""
        duration_s = self._mel.audio_s if self._mel.ended else self._audio.duration_s
        return RunStats(
            audio_s=self._mel.audio_s if seek is None else min(seek / FRAMES_PER_SECOND, self._mel.audio_s),
            duration_s=duration_s,
            processing_s=time.perf_counter() - self._started,
            n_windows=self._n_windows,
            n_tokens=self._n_tokens,
            n_fallbacks=self._n_fallbacks,
            memory=self._model.backend.memory(),
        )

    def _warnings(self) -> Iterator[RunWarning]:
        new = self._audio.warnings[self._n_warned :]
        self._n_warned += len(new)
        yield from map(RunWarning, new)

    def _cancellable(self, blocks: Iterator[Floats]) -> Iterator[Floats]:
        for block in blocks:
            self._cancel.check()
            yield block


def _sound_end(window: Window) -> int:
    """Up to where a window's text must go, in timestamp units."""
    return max(window.sound_end - WORTHWHILE, 0) // FRAMES_PER_TIMESTAMP


class _Line:
    """The windows that are being decoded at once, or wait for those before them, in order of time."""

    def __init__(self) -> None:
        self._windows: list[Window] = []
        self._finished: dict[int, tuple[DecodedWindow, list[TimedTokens]]] = {}  # by their windows' start
        self._rests: deque[Window] = deque()
        self.frames_done = 0

    def window(self, start: int) -> Window:
        return next(window for window in self._windows if window.start == start)

    def take(self) -> Window | None:
        """The rest of a window, to be decoded on its own."""
        return self._rests.popleft() if self._rests else None

    def skip(self, window: Window) -> None:
        self.frames_done += window.n_frames

    def begin(self, window: Window) -> None:
        if window not in self._windows:
            self._windows.append(window)

    def finish(self, start: int, decoded: DecodedWindow, pieces: list[TimedTokens], advance: int) -> None:
        """A window is decoded up to its frame `advance`; if there is sound after it, that is the next window."""
        window = self.window(start)
        self._finished[start] = decoded, pieces
        if window.sound_end - advance <= WORTHWHILE:
            self.frames_done += window.n_frames
            return
        rest = window.rest(advance)
        self._rests.append(rest)
        self._windows.insert(self._windows.index(window) + 1, rest)
        self.frames_done += advance

    def ready(self) -> Iterator[tuple[Window, DecodedWindow, list[TimedTokens]]]:
        """What is finished and has nothing unfinished before it."""
        while self._windows and self._windows[0].start in self._finished:
            window = self._windows.pop(0)
            yield window, *self._finished.pop(window.start)


def split_window(tokens: Sequence[int], tokenizer: Tokenizer, n_frames: int) -> tuple[list[TimedTokens], int]:
    """Cut a window's tokens into segments at its pairs of timestamps.

    Args:
        tokens: as decoded, without eot.
        n_frames: frames of the window that are in the recording.

    Returns:
        The segments, and the frames to advance by: up to the last closed segment when text after it was left open
        (the next window hears that again), else the whole window.
    """
    begin = tokenizer.timestamp_begin
    last = n_frames // FRAMES_PER_TIMESTAMP
    is_timestamp = [token >= begin for token in tokens]
    cuts = [i for i in range(1, len(tokens)) if is_timestamp[i - 1] and is_timestamp[i]]
    closed_at_end = is_timestamp[-2:] == [False, True]
    if not cuts:
        times = [token - begin for token in tokens if token >= begin]
        start = times[0] if times and is_timestamp[0] else 0
        end = times[-1] if times and times[-1] > start else last
        pieces = [TimedTokens(min(start, last), min(end, last), tuple(tokens))]
        return _whole_characters(pieces, tokenizer), n_frames
    if closed_at_end:
        cuts.append(len(tokens))
    pieces = []
    for first, stop in zip([0, *cuts], cuts, strict=False):
        piece = tuple(tokens[first:stop])
        start, end = (min(max(token - begin, 0), last) for token in (piece[0], piece[-1]))
        pieces.append(TimedTokens(start, end, piece))
    advance = n_frames if closed_at_end else (tokens[cuts[-1] - 1] - begin) * FRAMES_PER_TIMESTAMP
    return _whole_characters(pieces, tokenizer), min(advance, n_frames) or n_frames


def _whole_characters(pieces: Sequence[TimedTokens], tokenizer: Tokenizer) -> list[TimedTokens]:
    """A character whose bytes are spread over two segments goes to the second; one that never ends is dropped."""
    whole: list[TimedTokens] = []
    rest: list[int] = []
    for piece in pieces:
        timestamps = [token for token in piece.tokens if token >= tokenizer.timestamp_begin]
        text, rest = tokenizer.split_to_complete([*rest, *(t for t in piece.tokens if t < tokenizer.timestamp_begin)])
        whole.append(replace(piece, tokens=(*timestamps[:1], *text, *timestamps[1:])))
    return whole
