"""A recording becomes segments, one after the other, as the generator is asked for them.

Two ways: windows of 30 s that advance by the timestamps the model gives, which is openai/whisper's `transcribe.py`;
and, for long recordings, windows cut at pauses, several of which are decoded at once.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np

from gpu.audio import AudioReader
from gpu.awake_clock import awake_s
from gpu.backends.base import Backend, Cross, Floats
from gpu.cancel import CancelToken
from gpu.decoding import DecodedWindow, OneByOne, WindowBatch, WindowDecoder
from gpu.doubts import DoubtKeeper
from gpu.encoded_windows import EncodedWindows
from gpu.mel import FRAMES_PER_SECOND, N_FRAMES, MelStream
from gpu.model_file import ModelDimensions
from gpu.sounds import sounds_in
from gpu.speech import AnySound, Speech, SpokenParts, Stretch
from gpu.speech_spans import VadOptions
from gpu.stage_clock import StageClock
from gpu.tokenizer import Tokenizer
from gpu.types import DeviceChanged, LanguageDetected, RunEvent, RunStats, RunWarning, Segment, TranscribeOptions, Word
from gpu.vad import SileroVad
from gpu.window_line import FRAMES_PER_TIMESTAMP, Recognised, TimedTokens, WindowLine
from gpu.windows import WORTHWHILE, ReadAhead, Window, cut_at_pauses, expected_windows, spoken_in
from gpu.words import words_of

AT_ONCE_FROM_S = 60.0  # of recording
FIRST_ROWS = 3  # so that the first words come soon
MANY_WINDOWS = 20  # of so many the first is decoded alone: sooner still, and next to nothing of the whole
SPOKEN = VadOptions(min_silence_s=0.8, pad_s=0.2)  # so 0.4 s remain of longer pauses
SPOKEN_IN_TURN = VadOptions()  # more of them, so that texts end where another speaker begins
SURE_OF_LANGUAGE = 0.8  # a probability ...
MOST_TO_TELL_LANGUAGE = 3  # ... or as many windows as this
PROMPT_RESET_TEMPERATURE = 0.5  # text found above it is no good as context
MOSTLY_SPOKEN = 0.5  # of a window: what it says is kept, as doubtful, even if the model takes it for silence
LONG_SILENCE = 2 * FRAMES_PER_SECOND  # worth leaving out where windows are OpenAI's


@dataclass(frozen=True)
class LoadedModel:
    """What a run needs of a model, whatever device it is on. `clock`: of a run that is measured."""

    backend: Backend
    dims: ModelDimensions
    tokenizer: Tokenizer
    vad: SileroVad
    clock: StageClock | None = None


class _Track:
    """What is heard: a recording, or one channel of it."""

    def __init__(
        self,
        model: LoadedModel,
        audio: AudioReader,
        speaker: int | None,
        options: TranscribeOptions,
        cancel: CancelToken,
    ) -> None:
        self.speaker = speaker
        spoken = SPOKEN if speaker is None else SPOKEN_IN_TURN
        self.speech: Speech = SpokenParts(model.vad, spoken, model.clock) if options.vad else AnySound()
        blocks = self.speech.listen(_cancellable(audio.blocks(), cancel))
        self.mel = MelStream(blocks, model.backend.spectrogram, model.clock)
        self.doubts = DoubtKeeper(options)


class Transcription:
    """One run over one recording. Iterate `events` once.

    Args:
        audios: the recording; or each of its channels, which are then recognised side by side.
    """

    def __init__(
        self, model: LoadedModel, audios: Sequence[AudioReader], options: TranscribeOptions, cancel: CancelToken
    ) -> None:
        self._model, self._audio, self._options, self._cancel = model, audios[0], options, cancel
        self._decoder = WindowDecoder(model.backend, model.dims, model.tokenizer, options, cancel)
        speakers = range(1, len(audios) + 1) if len(audios) > 1 else [None]
        heard = zip(audios, speakers, strict=True)
        self._tracks = [_Track(model, audio, speaker, options, cancel) for audio, speaker in heard]
        self._language = options.language
        self._news: list[RunEvent] = []  # to be told at the next occasion
        self._device = model.backend.device
        self._n_segments = self._n_windows = self._n_tokens = self._n_fallbacks = self._n_warned = 0
        self._started = awake_s()

    def events(self) -> Iterator[RunEvent]:
        """Yields LanguageDetected, again where it changes (`multilingual`); segments in order of time; statistics after
        each window; warnings, and a change of the device, as they come. The last event is the final statistics.

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
        if self._needs_order():
            yield from self._interspersed(self._in_sequence())
        else:  # nobody may read behind the recording's closing
            with closing(ReadAhead(self._windows())) as windows:
                yield from self._interspersed(self._at_once(windows, self._rows()))
        yield from self._told()
        yield self._stats(None)

    def _needs_order(self) -> bool:
        """Whether a window has to wait for the one before, or nothing is gained if it does not."""
        o = self._options
        if len(self._tracks) > 1:
            return False
        if o.condition_on_previous_text:
            return True
        if o.batch_size is not None:
            return o.batch_size == 1
        return (self._audio.duration_s or math.inf) < AT_ONCE_FROM_S

    def _rows(self) -> int:
        """Windows to decode at once."""
        o = self._options
        if (o.beam_size or 1) > 1 or o.temperature[0] > 0:
            return 1
        n_windows = expected_windows(self._audio.duration_s) * len(self._tracks)
        return min(self._model.backend.limits.rows, o.batch_size or n_windows, n_windows)

    def _in_sequence(self) -> Iterator[RunEvent]:
        context = self._initial_context()
        [track] = self._tracks
        seek = heard = 0
        while True:
            self._cancel.check()
            mel, n_frames = track.mel.window(seek)
            if n_frames == 0:
                return
            stretch = track.speech.next_stretch(seek, seek + n_frames)
            if stretch is None or stretch.start - seek > LONG_SILENCE:
                n_silent = n_frames if n_frames < N_FRAMES else n_frames - track.speech.margin
                seek = stretch.start if stretch else seek + n_silent
                yield self._stats(seek)
                continue
            stretches = (Stretch(seek, seek + n_frames),)
            sounds = sounds_in(stretches, track.mel, track.speech, heard)
            window = Window(stretches, mel, spoken_in(stretches, track.speech), sounds=sounds)
            cross, language = self._encoded(window)
            decoded = self._decoder.decode(cross, self._decoder.prompt(context, language))
            cross.free()
            pieces, advance = self._pieces(window, decoded, language)
            for segment in self._segments(Recognised(window, decoded, pieces, advance, language)):
                context += segment.tokens
                yield self._numbered(segment)
            if not self._options.condition_on_previous_text or decoded.temperature > PROMPT_RESET_TEMPERATURE:
                context = []
            seek += advance
            heard = max([seek, *(sound.end for sound in sounds if sound.first < advance)])
            yield self._stats(seek)

    def _at_once(self, windows: ReadAhead, rows: int) -> Iterator[RunEvent]:
        context = self._initial_context()
        encoded = EncodedWindows(windows, self._model.backend, self._cancel)
        coming = self._with_languages(encoded)
        batch: WindowBatch[tuple[Window, str]] | OneByOne[tuple[Window, str]] = self._decoder.batch(rows)
        line = WindowLine()
        ready: list[Segment] = []
        first_rows = 1 if expected_windows(self._audio.duration_s) >= MANY_WINDOWS else FIRST_ROWS
        while True:
            wanted = rows if self._n_windows else min(rows, first_rows)
            while len(batch) < wanted:
                rest = line.take()
                if (following := (rest, *self._encoded(rest)) if rest else next(coming, None)) is None:
                    break
                window, cross, language = following
                prompt = self._decoder.prompt(context, language)
                batch.admit((window, language), cross, prompt, _sound_end(window))
                line.begin(window)
                yield self._stats(line.frames_done // len(self._tracks), self._settled_s(line))
            if len(batch) == 0:
                yield from map(self._numbered, ready)
                return
            encoded.look_ahead()
            for (window, language), decoded in batch.advance():
                line.finish(Recognised(window, decoded, *self._pieces(window, decoded, language), language))
            for part in line.ready():
                ready += self._segments(part)
            ready.sort(key=lambda segment: segment.start)  # channels overlap
            while ready and (len(self._tracks) == 1 or ready[0].start < line.settled_s):
                yield self._numbered(ready.pop(0))
            yield self._stats(line.frames_done // len(self._tracks), self._settled_s(line))

    def _settled_s(self, line: WindowLine) -> float:
        """Up to where all text has been yielded; of several tracks, as much of it as begins there."""
        return line.passed_s if len(self._tracks) == 1 else line.settled_s

    def _windows(self) -> Iterator[Window]:
        """Of all tracks, in order of time."""
        duration_s = self._audio.duration_s
        tracks = [cut_at_pauses(t.mel, t.speech, duration_s, number) for number, t in enumerate(self._tracks)]
        return heapq.merge(*tracks, key=lambda window: window.start)

    def _encoded(self, window: Window) -> tuple[Cross, str]:
        """A window for the decoder, and its language."""
        [cross] = self._model.backend.encode(window.mel[None], self._cancel)
        return cross, self._language_of(cross)

    def _language_of(self, cross: Cross) -> str:
        if self._language is None or (self._options.multilingual and self._options.language is None):
            self._take_language(self._decoder.language_probabilities(cross))
        assert self._language is not None
        return self._language

    def _with_languages(self, windows: EncodedWindows) -> Iterator[tuple[Window, Cross, str]]:
        """One after the other as they are asked for; several at first where one is not enough to tell the language."""
        waiting: list[tuple[Window, Cross]] = []
        heard: list[Floats] = []
        while self._language is None and len(waiting) < MOST_TO_TELL_LANGUAGE and (following := windows.take()):
            waiting.append(following)
            heard.append(self._decoder.language_probabilities(following[1]))
            if np.mean(heard, axis=0).max() > SURE_OF_LANGUAGE or self._options.multilingual:
                break
        if waiting:
            self._take_language(np.mean(heard, axis=0))
        for window, cross in waiting:
            assert self._language is not None
            yield window, cross, self._language
        while following := windows.take():
            yield (*following, self._language_of(following[1]))

    def _take_language(self, probabilities: Floats) -> None:
        """The likeliest; a change of it only if that is more likely than not."""
        best = int(probabilities.argmax())
        language = self._model.tokenizer.languages[best]
        if self._language is None or (language != self._language and probabilities[best] > 0.5):
            self._language = language
            self._news.append(LanguageDetected(language, float(probabilities[best])))

    def _initial_context(self) -> list[int]:
        prompt = self._options.initial_prompt
        return self._model.tokenizer.encode(" " + prompt.strip()) if prompt else []

    def _pieces(self, window: Window, decoded: DecodedWindow, language: str) -> tuple[list[TimedTokens], int]:
        """Of a decoded window what to make segments of, and the frames it has settled."""
        self._n_windows += 1
        self._n_fallbacks += decoded.n_fallbacks
        if self._is_silence(decoded) and (window.spoken(0, window.n_frames) or 0) < MOSTLY_SPOKEN:
            return [], window.n_frames
        pieces, advance = split_window(decoded.tokens, self._model.tokenizer, window.n_frames)
        if decoded.alignment is not None:
            words = words_of([p.tokens for p in pieces], decoded, window.sounds, self._model.tokenizer, language)
            pieces = [replace(piece, words=of_piece) for piece, of_piece in zip(pieces, words, strict=True)]
        return pieces, advance

    def _segments(self, part: Recognised) -> Iterator[Segment]:
        """Without their numbers."""
        window, decoded, track = part.window, part.decoded, self._tracks[part.window.track]
        for piece in part.pieces:
            text = self._model.tokenizer.decode(piece.tokens)
            if not text.strip() or piece.end <= piece.start:
                continue
            start, end = window.trimmed(piece.start * FRAMES_PER_TIMESTAMP, piece.end * FRAMES_PER_TIMESTAMP)
            words = None if piece.words is None else tuple(_placed(word, window) for word in piece.words)
            yield Segment(
                id=0,
                start=words[0].start if words else window.place(start, is_end=False) / FRAMES_PER_SECOND,
                end=words[-1].end if words else window.place(end, is_end=True) / FRAMES_PER_SECOND,
                text=text,
                tokens=piece.tokens,
                temperature=decoded.temperature,
                avg_logprob=decoded.avg_logprob,
                compression_ratio=decoded.compression_ratio,
                no_speech_prob=decoded.no_speech_prob,
                doubts=track.doubts.of(text, decoded, window.spoken(start, end)),
                language=part.language,
                speaker=track.speaker,
                words=words,
            )

    def _numbered(self, segment: Segment) -> Segment:
        self._n_segments += 1
        self._n_tokens += len(segment.tokens)
        return replace(segment, id=self._n_segments - 1)

    def _is_silence(self, window: DecodedWindow) -> bool:
        o = self._options
        if o.no_speech_threshold is None or window.no_speech_prob <= o.no_speech_threshold:
            return False
        return o.logprob_threshold is None or window.avg_logprob <= o.logprob_threshold

    def _stats(self, seek: int | None, settled_s: float | None = None) -> RunStats:
        """Statistics with `seek` frames done, None: all of them; all before `settled_s`, None: before `seek`."""
        mel = self._tracks[0].mel
        audio_s = mel.audio_s if seek is None else min(seek / FRAMES_PER_SECOND, mel.audio_s)
        return RunStats(
            audio_s=audio_s,
            duration_s=mel.audio_s if mel.ended else self._audio.duration_s,
            processing_s=awake_s() - self._started,
            n_windows=self._n_windows,
            n_tokens=self._n_tokens,
            n_fallbacks=self._n_fallbacks,
            memory=self._model.backend.memory(),
            n_segments=self._n_segments,
            n_decoded=self._decoder.n_decoded,
            settled_s=audio_s if settled_s is None else min(settled_s, mel.audio_s),
        )

    def _interspersed(self, events: Iterator[RunEvent]) -> Iterator[RunEvent]:
        for event in events:
            yield from self._told()
            yield event

    def _told(self) -> Iterator[RunEvent]:
        """News, and the recording's new warnings."""
        if (device := self._model.backend.device) != self._device:
            self._device = device
            self._news += [DeviceChanged(device), RunWarning(device.note)]
        warnings = self._audio.warnings[self._n_warned :]
        self._n_warned += len(warnings)
        news, self._news = self._news, []
        yield from (*news, *map(RunWarning, warnings))


def _cancellable(blocks: Iterator[Floats], cancel: CancelToken) -> Iterator[Floats]:
    for block in blocks:
        cancel.check()
        yield block


def _placed(word: Word, window: Window) -> Word:
    """A word timed in its window, where it is in the recording."""
    start, end = window.timed(round(word.start * FRAMES_PER_SECOND), round(word.end * FRAMES_PER_SECOND))
    return replace(word, start=start / FRAMES_PER_SECOND, end=end / FRAMES_PER_SECOND)


def _sound_end(window: Window) -> int:
    """Up to where a window's text must go, in timestamp units."""
    return max(window.sound_end - WORTHWHILE, 0) // FRAMES_PER_TIMESTAMP


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
