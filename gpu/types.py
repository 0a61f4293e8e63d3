"""Frozen value types shared by the engine and the application. No Qt, no NumPy, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Self

Task = Literal["transcribe", "translate"]

# Why a segment's text may be no good; see `gpu.doubts`.
Doubt = Literal["improbable", "repetitive", "repeated", "no speech", "stock phrase"]


class Words(str):
    """What the engine has to say to people: a line of English that knows how it was made, so that it can be translated.

    A string like any other. `app.i18n` says how the templates, which must be literals, get their translations.

    Attributes:
        template: the line with gaps in braces: "{name} is empty."
        values: what fills the gaps, in one line each; `Words` where that is for translation too. One that is called
            `language` is the English name of a language.
    """

    template: str
    values: Mapping[str, str]

    def __new__(cls, template: str, **values: object) -> Self:
        lines = {name: value if isinstance(value, Words) else _one_line(str(value)) for name, value in values.items()}
        words = super().__new__(cls, template.format(**lines))
        words.template, words.values = template, lines
        return words

    @classmethod
    def from_parts(cls, template: str, values: Mapping[str, object]) -> Self:
        """What was kept of them, `template` and `values`, as they were."""
        return cls(template, **values)


def _one_line(text: str) -> str:
    """The text without line breaks: names of files may hold any."""
    return " ".join(text.split())


# openai/whisper's fallback ladder: greedy first, then sampling at rising temperature.
DEFAULT_TEMPERATURES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True)
class TranscribeOptions:
    """What to do with a recording; names and defaults as in openai/whisper, except where noted.

    Attributes:
        language: ISO 639-1 code as OpenAI lists them ("en", "zh", ...), or None to detect it.
        task: "transcribe", or "translate" into English.
        temperature: the fallback ladder; 0 is greedy or beam search, above 0 samples.
        beam_size: beams at temperature 0; None is greedy (ours by default, 5 is the accurate preset).
        best_of: sequences sampled at temperature > 0.
        patience: beam search patience (arXiv:2204.05424); 1.0 is conventional beam search.
        length_penalty: alpha of Google NMT's length penalty; None divides by the length.
        initial_prompt: text given as context to the first window.
        condition_on_previous_text: give each window the text before it (off: it drives repetition loops).
        compression_ratio_threshold: zlib ratio above which a window is decoded again.
        logprob_threshold: mean log-probability below which a window is decoded again.
        no_speech_threshold: no-speech probability above which a poorly decoded window counts as silence.
        suppress_blank: no blank at the beginning of a window.
        max_initial_timestamp_s: latest start of the first segment of a window, in seconds.
        word_timestamps: time every word, and segments by their words.
        batch_size: windows decoded at once; 1 is OpenAI's way, in which each begins where the timestamps of the one
            before end. None: several where the recording is long, from a minute on: it is then cut at its pauses. So it
            is with beams, and with samples from the start, which are decoded one after the other; with the text before
            as context it is always 1.
        multilingual: listen for the language in every window, not only at the beginning.
        split_channels: recognise each channel for itself, as a speaker of its own.
        hotwords: words that are likely, given as context to every window (names, terms).
        repetition_penalty: what the logits of tokens that are there already are divided by (CTRL's); 1 is none.
        no_repeat_ngram_size: runs of so many text tokens do not come twice in a window; 0: they may.
        vad: recognise only where somebody is heard speaking (Silero VAD); otherwise everything but digital silence.
        clip_timestamps: start, end, start, end, ... in seconds of what is to be heard; the last clip goes on to the end
            of the recording where it has no end. Empty: all of it.
    """

    language: str | None = None
    task: Task = "transcribe"
    temperature: tuple[float, ...] = DEFAULT_TEMPERATURES
    beam_size: int | None = None
    best_of: int = 5
    patience: float = 1.0
    length_penalty: float | None = None
    initial_prompt: str | None = None
    condition_on_previous_text: bool = False
    compression_ratio_threshold: float | None = 2.4
    logprob_threshold: float | None = -1.0
    no_speech_threshold: float | None = 0.6
    suppress_blank: bool = True
    max_initial_timestamp_s: float = 1.0
    word_timestamps: bool = False
    batch_size: int | None = None
    multilingual: bool = False
    split_channels: bool = False
    hotwords: str | None = None
    repetition_penalty: float = 1.0
    no_repeat_ngram_size: int = 0
    vad: bool = True
    clip_timestamps: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Word:
    """A word with the space before it and the punctuation around it. Times in seconds of the file."""

    word: str
    start: float
    end: float
    probability: float


@dataclass(frozen=True, slots=True)
class Segment:
    """One stretch of text with its times, in openai/whisper's fields. Times in seconds of the file.

    Attributes:
        doubts: what speaks against its text. It is kept: only a person can tell.
        language: what it was recognised as; with `multilingual` not the same everywhere.
        speaker: number of the channel, from 1, where each channel has its speaker; or the name a person gave.
        words: None where they were not asked for.
    """

    id: int
    start: float
    end: float
    text: str
    tokens: tuple[int, ...] = field(repr=False)
    temperature: float
    avg_logprob: float
    compression_ratio: float
    no_speech_prob: float
    doubts: tuple[Doubt, ...] = ()
    language: str | None = None
    speaker: int | str | None = None
    words: tuple[Word, ...] | None = None


@dataclass(frozen=True)
class LanguageDetected:
    """The language the run uses. `probability` is None when the user named it."""

    language: str
    probability: float | None


@dataclass(frozen=True)
class RunWarning:
    """Something the user should know about a run that goes on (a truncated file, an odd stream)."""

    message: Words


@dataclass(frozen=True)
class MemoryUsage:
    """Bytes. `used` and `peak` are this process's resident memory (CPU) or our share of the device's."""

    used: int
    peak: int
    free: int
    total: int


@dataclass(frozen=True)
class RunStats:
    """How a run stands; yielded after each window and at the end.

    Attributes:
        audio_s: seconds of the recording finished so far.
        duration_s: length of the whole recording as far as known (exact once it is read through), or None.
        processing_s: wall seconds spent so far, model load and the machine's sleep aside.
        n_windows: windows decoded, n_tokens: tokens kept, n_fallbacks: windows decoded again at T > 0.
        memory: of the device.
        n_segments: yielded so far.
        settled_s: a run that begins there (`clip_timestamps`) goes on where these end: nothing is missed, and nothing
            comes twice (with `split_channels` what lasts beyond it may).
        skipped_s: seconds before `audio_s` that were not to be heard.
        n_decoded: tokens decoded so far, of all beams and samples, those of decodings that were thrown away too.
    """

    audio_s: float
    duration_s: float | None
    processing_s: float
    n_windows: int
    n_tokens: int
    n_fallbacks: int
    memory: MemoryUsage
    n_segments: int = 0
    settled_s: float = 0.0
    skipped_s: float = 0.0
    n_decoded: int = 0

    @property
    def real_time_factor(self) -> float:
        """Processing seconds per second of audio; below 1 is faster than real time."""
        heard_s = self.audio_s - self.skipped_s
        return self.processing_s / heard_s if heard_s > 0 else 0.0


@dataclass(frozen=True)
class DeviceInfo:
    """The device in use.

    Attributes:
        note: why it is this one ("No NVIDIA driver was found"), for the user.
        ordinal: the GPU's number among those CUDA shows.
    """

    kind: Literal["cpu", "cuda"]
    name: str
    note: Words
    ordinal: int = 0


@dataclass(frozen=True)
class ModelInfo:
    """The loaded model, for status panel and statistics.

    Attributes:
        name: the file's stem ("ggml-base-q5_1"); size: "base", "large-v3", ... or "custom".
        quantization: the ggml type most weights have, "Q5_1".
        n_bytes: size of the file; load_s: seconds it took to load.
    """

    name: str
    size: str
    quantization: str
    n_bytes: int
    is_multilingual: bool
    load_s: float


@dataclass(frozen=True)
class DeviceChanged:
    """Another device does the work from now on; its note says why."""

    device: DeviceInfo


@dataclass(frozen=True)
class Committed:
    """Words of live speech that will not change any more: the new ones only."""

    words: tuple[Word, ...]


@dataclass(frozen=True)
class Tentative:
    """What follows them as it was read last, `heard_s` seconds into the stream. Each replaces the one before."""

    words: tuple[Word, ...]
    heard_s: float


@dataclass(frozen=True)
class Final:
    """An utterance is over, at `end` seconds: its words behind those that were committed."""

    words: tuple[Word, ...]
    end: float


@dataclass(frozen=True)
class Speaking:
    """Somebody began to speak, or stopped, `at` seconds into the stream."""

    speaking: bool
    at: float


@dataclass(frozen=True)
class LivePace:
    """What the latest reading of live speech took, and how long after it the next one comes. Seconds."""

    cost_s: float
    step_s: float


# What live decoding yields.
LiveEvent = LanguageDetected | Committed | Tentative | Final | Speaking | LivePace

# What a run yields, in order of time.
RunEvent = LanguageDetected | Segment | RunStats | RunWarning | DeviceChanged


@dataclass(frozen=True)
class ConvertProgress:
    """How far the conversion of a model file is.

    Attributes:
        source: what is read, in words: "OpenAI", "CTranslate2", "ggml, Q5_1".
        size: the model's, "base".
        type: what its matrices are written as, "Q5_1".
        n_done, n_bytes: bytes written, and of the whole file (roughly).
    """

    source: str
    size: str
    type: str
    n_done: int
    n_bytes: int


@dataclass(frozen=True)
class TensorReport:
    """What the check of a model file found in one tensor.

    Attributes:
        type: how it is stored, "Q5_1".
        shape: row-major.
        min, max, mean, std: of its finite weights; NaN if there are none.
        n_nan, n_inf: weights that are not finite.
        errors: by backend: the largest difference between a weight that it computes with and the golden standard's,
            divided by the tensor's largest weight where that is above 1. A backend that does not use the stored
            blocks, but the golden standard's own numbers, is not in it.
        n_tensors: in the file.
    """

    name: str
    type: str
    shape: tuple[int, ...]
    min: float
    max: float
    mean: float
    std: float
    n_nan: int
    n_inf: int
    errors: dict[str, float]
    n_tensors: int


Outcome = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True)
class Check:
    """One check of the self-test.

    Attributes:
        detail: what was measured, or why it was skipped.
        figures: the same in numbers; seconds and bytes unless their names say otherwise.
        kernels: of a GPU, whose results were compared.
    """

    what: Words
    outcome: Outcome
    detail: Words
    figures: Mapping[str, float] = field(default_factory=dict)
    kernels: tuple[str, ...] = ()


@dataclass(frozen=True)
class NodeProfile:
    """One operator of a graph, all layers and runs together.

    Attributes:
        op: "MatMulNBits"; node: the weight or input it is for, with layers as "*"; "" if there is none.
        seconds: wall seconds of all `n_calls`.
        flops: floating-point operations of all calls, a multiplication and an addition being two; 0: not a product.
        output_bytes: the most that one call put out.
    """

    op: str
    node: str
    n_calls: int
    seconds: float
    flops: float
    output_bytes: int


@dataclass(frozen=True)
class KernelTime:
    """All launches of one GPU kernel in a run. `n_bytes`: of the arrays it was given, which it moves at most."""

    name: str
    n_launches: int
    seconds: float
    n_bytes: int


@dataclass(frozen=True)
class GraphProfile:
    """One way of using a graph: "encoder", or the decoder's "prompt", "step" or "look ahead" (of two tokens).

    `seconds`: wall seconds of all runs; `nodes`: slowest first.
    """

    graph: str
    n_runs: int
    seconds: float
    nodes: tuple[NodeProfile, ...]
