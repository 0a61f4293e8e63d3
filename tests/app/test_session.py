from dataclasses import replace
from pathlib import Path

import pytest

from app.engine.messages import (
    JobCancelled,
    JobFailed,
    JobFinished,
    JobLanguage,
    JobSegment,
    JobStarted,
    JobStats,
    JobWarning,
    Settled,
)
from app.session import Session, State
from gpu.types import RunStats, TranscribeOptions
from tests.support.engine_messages import make_segment, make_stats

PATH = Path("/recordings/talk.mp3")


@pytest.fixture
def session() -> Session:
    return Session()


def add(session: Session) -> int:
    return session.add(PATH, TranscribeOptions()).job_id


def test_a_run_from_waiting_to_done(session: Session) -> None:
    job = add(session)
    recording = session.recordings[0]
    assert recording.state is State.WAITING
    assert session.is_busy
    assert session.running is None
    session.apply(JobStarted(job, PATH))
    assert session.running is recording
    assert recording.progress is None
    session.apply(JobLanguage(job, "de", 0.9))
    session.apply(JobSegment(job, make_segment(0)))
    session.apply(JobStats(job, make_stats(15.0)))
    session.apply(JobWarning(job, "The file is cut off"))
    assert (recording.transcript.language, recording.probability) == ("de", 0.9)
    assert recording.progress == 0.25
    assert recording.time_left_s == pytest.approx(45.0 * 10.0 / 15.0)
    session.apply(JobFinished(job, make_stats(60.0)))
    assert recording.state is State.DONE
    assert recording.progress == 1.0
    assert recording.time_left_s is None
    assert recording.warnings == ["The file is cut off"]
    assert not recording.is_partial
    assert not session.is_busy


def test_progress_is_unknown_without_a_length(session: Session) -> None:
    job = add(session)
    session.apply(JobStarted(job, PATH))
    recording = session.apply(JobStats(job, make_stats(15.0, duration_s=None)))
    assert recording is not None
    assert recording.progress is None
    assert recording.time_left_s is None


def test_progress_never_passes_the_end(session: Session) -> None:
    job = add(session)
    session.apply(JobStarted(job, PATH))
    recording = session.apply(JobStats(job, make_stats(61.0, duration_s=60.0)))
    assert recording is not None
    assert recording.progress == 1.0
    assert recording.time_left_s == 0.0


def test_a_cancelled_run_keeps_its_text_and_last_statistics(session: Session) -> None:
    job = add(session)
    session.apply(JobStarted(job, PATH))
    session.apply(JobSegment(job, make_segment(0)))
    session.apply(JobStats(job, make_stats(30.0)))
    recording = session.apply(JobCancelled(job, None))
    assert recording is not None
    assert recording.is_partial
    assert recording.stats == make_stats(30.0)


def settled(n_segments: int, audio_s: float) -> RunStats:
    return replace(make_stats(audio_s), n_segments=n_segments, settled_s=audio_s)


def test_a_run_that_was_cut_short_goes_on_where_its_text_is_settled(session: Session) -> None:
    job = add(session)
    recording = session.recordings[0]
    assert recording.job.settled is None
    session.apply(JobStarted(job, PATH))
    session.apply(JobLanguage(job, "de", 0.9))
    for number in range(3):
        session.apply(JobSegment(job, make_segment(number)))
    session.apply(JobStats(job, settled(2, 6.0)))
    assert not recording.can_resume
    session.apply(JobCancelled(job, None))
    assert recording.can_resume
    shown = recording.transcript
    session.resume(recording)
    assert recording.state is State.WAITING
    assert recording.transcript.segments == [make_segment(0), make_segment(1)]
    assert len(shown.segments) == 3  # whoever shows it is told to show another one
    assert recording.job.settled == Settled(6.0, 2, "de", recording.transcript.text)
    assert session.apply(JobSegment(job, make_segment(2))) is None
    session.apply(JobLanguage(recording.job_id, "de", None))
    assert recording.probability == 0.9  # it was detected, if not by this run


def test_text_that_is_not_settled_is_no_place_to_go_on_from(session: Session) -> None:
    job = add(session)
    session.apply(JobStarted(job, PATH))
    session.apply(JobSegment(job, make_segment(0)))
    session.apply(JobCancelled(job, None))
    assert session.recordings[0].is_partial
    assert not session.recordings[0].can_resume


def test_restored_recordings_keep_their_numbers_and_new_ones_get_others(session: Session) -> None:
    kept = Session()
    recordings = [kept.add(PATH, TranscribeOptions()) for _ in range(3)]
    session.restore(recordings[1:])
    assert list(session) == recordings[1:]
    assert session.recording(recordings[1].job_id) is recordings[1]
    assert session.add(PATH, TranscribeOptions()).job_id > recordings[2].job_id


def test_a_failure_after_some_text_leaves_it_partial(session: Session) -> None:
    job = add(session)
    session.apply(JobStarted(job, PATH))
    session.apply(JobSegment(job, make_segment(0)))
    failed = JobFailed(job, PATH, "UndecodableAudioError", "cause", "remedy")
    recording = session.apply(failed)
    assert recording is not None
    assert recording.is_partial
    assert recording.failure is failed


def test_a_restarted_recording_heeds_its_new_job_only(session: Session) -> None:
    old = add(session)
    recording = session.recordings[0]
    session.apply(JobFailed(old, PATH, "AudioError", "cause", "remedy"))
    session.restart(recording, TranscribeOptions(language="de"))
    assert recording.job_id != old
    assert (recording.state, recording.failure, recording.options.language) == (State.WAITING, None, "de")
    assert session.apply(JobStarted(old, PATH)) is None
    assert session.apply(JobStarted(recording.job_id, PATH)) is recording


def test_messages_about_a_removed_recording_are_ignored(session: Session) -> None:
    job = add(session)
    session.remove(session.recordings[0])
    assert session.apply(JobStarted(job, PATH)) is None
    assert list(session) == []


def test_two_equal_recordings_are_two(session: Session) -> None:
    first, second = (session.add(PATH, TranscribeOptions()) for _ in range(2))
    session.remove(second)
    assert session.recordings == [first]
