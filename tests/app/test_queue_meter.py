"""What waits, with the lengths that the recordings' own headers state."""

from pathlib import Path

import pytest
import soundfile
from pytestqt.qtbot import QtBot

from app.engine.messages import JobFinished, JobStarted, JobStats
from app.queue_meter import QueueLag, QueueMeter
from app.session import Session
from gpu.types import TranscribeOptions
from tests.support.engine_messages import make_stats
from tests.support.speech import AUDIO

NAMES = ("jfk.wav", "librivox_0880.wav", "ast_fr_vm-intro.flac")


def lengths() -> list[float]:
    return [soundfile.info(AUDIO / name).duration for name in NAMES]


@pytest.fixture
def session() -> Session:
    session = Session()
    for name in NAMES:
        session.add(AUDIO / name, TranscribeOptions())
    return session


def test_lengths_are_found_out_one_by_one(session: Session, qtbot: QtBot) -> None:
    meter = QueueMeter(session)
    assert meter.lag == QueueLag(3, 0.0, 3, None)
    qtbot.waitUntil(lambda: meter.lag.n_unknown == 0)
    assert meter.lag.audio_s == pytest.approx(sum(lengths()), abs=0.1)
    assert meter.lag.until_done_s is None  # nothing has told yet how fast it goes


def test_what_runs_counts_with_what_is_left_of_it(session: Session, qtbot: QtBot) -> None:
    meter = QueueMeter(session)
    qtbot.waitUntil(lambda: meter.lag.n_unknown == 0)
    first = session.recordings[0]
    session.apply(JobStarted(first.job_id, first.path))
    session.apply(JobStats(first.job_id, make_stats(4.0, 11.0, processing_s=2.0)))
    left_s = 11.0 - 4.0 + sum(lengths()[1:])
    assert meter.lag.n_waiting == 2
    assert meter.lag.audio_s == pytest.approx(left_s, abs=0.1)
    assert meter.lag.until_done_s == pytest.approx(left_s * 0.5, abs=0.1)
    session.apply(JobFinished(first.job_id, make_stats(11.0, 11.0, processing_s=5.5)))
    assert meter.lag.audio_s == pytest.approx(sum(lengths()[1:]), abs=0.1)
    assert meter.lag.until_done_s is not None  # at the pace of the one before


def test_what_cannot_be_opened_stays_unknown(tmp_path: Path, qtbot: QtBot) -> None:
    session = Session()
    session.add(tmp_path / "gone.mp3", TranscribeOptions())
    session.add(AUDIO / NAMES[0], TranscribeOptions())
    meter = QueueMeter(session)
    qtbot.waitUntil(lambda: (meter.lag.n_unknown, meter.lag.audio_s > 0) == (1, True))
    assert QueueMeter(Session()).lag == QueueLag(0, 0.0, 0, None)
