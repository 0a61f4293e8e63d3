"""How a work on a model stands, from the events of the real generators' kinds."""

from pathlib import Path

import pytest

from app.engine.model_jobs import ConvertModel
from app.engine.service import Failure
from app.model_work import FetchModel, JobState, Rate, VerifyModel, new_job, trouble_of
from app.models.catalogue import load_catalogue
from app.models.download import Progress, Resumed, Waiting
from app.models.errors import NoRoomError
from gpu.errors import Cancelled
from gpu.types import ConvertProgress, Words

MODEL = load_catalogue().find("tiny-q5_1")


def test_the_rate_is_that_of_the_last_seconds() -> None:
    now = 0.0
    rate = Rate(lambda: now)
    assert rate.per_second is None
    rate.note(0)
    assert rate.per_second is None
    for now in range(1, 20):
        rate.note(1000 * now if now < 10 else 10_000 + 500 * (now - 10))
    assert rate.per_second == pytest.approx(500)
    now = 20
    assert 0 < rate.per_second < 500
    now = 30
    assert rate.per_second == 0
    rate.note(5)  # begun anew
    assert rate.per_second is None


def test_a_download_goes_on_where_it_was() -> None:
    job = new_job(FetchModel(MODEL), 1000)
    assert (job.name, job.n_done, job.n_total, job.time_left_s) == ("tiny-q5_1", 1000, MODEL.n_bytes, None)
    job.start()
    job.apply(Resumed(2000))
    job.apply(Progress(MODEL.n_bytes // 2, MODEL.n_bytes))
    assert job.progress == pytest.approx(0.5, abs=1e-3)
    job.apply(Waiting("The server is away.", 2.0))
    assert job.note == "The server is away."
    job.apply(Progress(MODEL.n_bytes // 2 + 1, MODEL.n_bytes))
    assert job.note == ""
    job.pause_wanted = True
    job.end(Cancelled())
    assert (job.state, job.state.is_over) == (JobState.PAUSED, False)
    job.start()
    job.end(Cancelled())
    assert job.state is JobState.CANCELLED


def test_what_went_wrong_is_kept_in_words() -> None:
    job = new_job(FetchModel(MODEL))
    job.start()
    job.end(NoRoomError("The disk is full.", remedy="Make room there."))
    assert job.state is JobState.FAILED
    assert job.trouble is not None
    assert (job.trouble.kind, job.trouble.message) == ("NoRoomError", "The disk is full.")
    job.start()
    assert job.trouble is None

    convert = new_job(ConvertModel(Path("a.pt"), Path("out") / "a.bin", None))
    convert.start()
    assert (convert.name, convert.progress) == ("a.bin", None)
    convert.apply(ConvertProgress("OpenAI", "tiny", "F16", 10, 40))
    assert convert.progress == 0.25
    convert.apply(Failure(Path("a.pt"), "DamagedModelError", Words("It is cut short."), Words("Get it again.")))
    convert.end(None)
    assert convert.state is JobState.FAILED


def test_words_stay_words_for_the_translation() -> None:
    words = Words("{n} MB are missing.", n=3)
    assert trouble_of(NoRoomError(words, remedy="Make room."), "x").message is words


def test_a_mistake_of_the_programs_is_told_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    job = new_job(VerifyModel(Path("a.bin"), Path("a.bin"), is_readable=True))
    job.start()
    job.end(KeyError("no such key"))
    assert job.trouble is not None
    assert job.trouble.kind == "InternalError"
    assert "no such key" in caplog.text
