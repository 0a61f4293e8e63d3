from pathlib import Path

import pytest

from app.paths import vad_model
from gpu.cancel import CancelToken
from gpu.engine import Engine
from gpu.types import Segment, TranscribeOptions
from tests.support.cuda.devices import emulated_device
from tests.support.cuda.matrices import Bench
from tests.support.requantize import SHIPPED_MODEL
from tests.support.speech import make_reading


@pytest.fixture(scope="session")
def audio() -> Path:
    """Speech with references: see its manifest.tsv."""
    return Path(__file__).parents[1] / "data" / "audio"


@pytest.fixture(scope="session")
def engine():
    """The shipped model on the CPU."""
    engine = Engine(SHIPPED_MODEL, vad_model(), "cpu")
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def reading(tmp_path_factory):
    """85 s of English, and its length."""
    path = tmp_path_factory.mktemp("long") / "reading.wav"
    return path, make_reading(path)


@pytest.fixture(scope="session")
def reading_segments(engine, reading):
    """What is recognised of it by default: greedy, several windows at once."""
    events = engine.transcribe(reading[0], TranscribeOptions(language="en"), CancelToken())
    return [event for event in events if isinstance(event, Segment)]


@pytest.fixture(scope="session")
def cuda():
    """A GPU with all kernels but those of the linear layers."""
    choice = "embed.cu", "sampling.cu", "beams.cu"
    attention = "norm.cu", "conv.cu", "attention.cu", "decode_attention.cu", "kv_layout.cu", "word_times.cu"
    return emulated_device(*choice, *attention, "mel.cu")


@pytest.fixture(scope="session")
def bench():
    """A GPU with the linear layers."""
    return Bench()
