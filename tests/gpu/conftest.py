from pathlib import Path

import pytest

from app.paths import vad_model
from gpu.engine import Engine
from tests.support.requantize import SHIPPED_MODEL


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
