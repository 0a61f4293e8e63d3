"""The engine service with the real engine and the real model: every run ends in one message, whatever happens."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.engine.messages import (
    JobCancelled,
    JobFailed,
    JobFinished,
    JobLanguage,
    JobMessage,
    JobSegment,
    JobStarted,
    JobStats,
    ModelFailed,
    ModelLoaded,
    ModelLoading,
    TranscribeFile,
)
from app.engine.service import EngineService, expand, language_code, languages
from app.paths import default_model, log_file
from gpu.cancel import CancelToken
from gpu.errors import OptionsError
from gpu.types import TranscribeOptions

AUDIO = Path(__file__).parents[2] / "data" / "audio"
SHORT = AUDIO / "librivox_0880.wav"


@pytest.fixture(scope="module")
def service() -> Iterator[EngineService]:
    service = EngineService(default_model(), "cpu")
    loading, loaded = service.load()
    assert loading == ModelLoading(default_model())
    assert isinstance(loaded, ModelLoaded)
    assert (loaded.model.name, loaded.model.size, loaded.model.quantization) == ("ggml-base-q5_1", "base", "Q5_1")
    assert loaded.model.n_bytes == default_model().stat().st_size
    assert loaded.device.kind == "cpu"
    yield service
    service.close()


def run(service: EngineService, path: Path, cancel: CancelToken | None = None, **options: object) -> list[JobMessage]:
    job = TranscribeFile(7, path, replace(TranscribeOptions(), **options))
    messages = list(service.run(job, cancel or CancelToken()))
    assert messages[0] == JobStarted(7, path)
    assert all(message.job_id == 7 for message in messages)
    assert [isinstance(m, JobFinished | JobCancelled | JobFailed) for m in messages] == [False] * (
        len(messages) - 1
    ) + [True]
    return messages


def test_a_recording_becomes_messages_in_order(service: EngineService) -> None:
    messages = run(service, SHORT)
    _, language, *others, last = messages
    assert isinstance(language, JobLanguage)
    assert language.language == "en"
    assert language.probability is not None
    assert language.probability > 0.5
    text = " ".join(m.segment.text for m in others if isinstance(m, JobSegment))
    assert "not an ill" in text
    assert isinstance(last, JobFinished)
    assert last.stats.audio_s == pytest.approx(2.99, abs=0.02)
    assert others[-1] == JobStats(7, last.stats)
    memory = service.memory()
    assert memory is not None
    assert 0 < memory.used <= memory.peak < memory.total


@pytest.mark.slow
def test_a_named_language_is_not_guessed(service: EngineService) -> None:
    assert run(service, SHORT, language="en")[1] == JobLanguage(7, "en", None)


def test_a_cancelled_job_says_so(service: EngineService) -> None:
    cancel = CancelToken()
    cancel.cancel()
    assert run(service, SHORT, cancel)[-1] == JobCancelled(7, None)


def test_cancelling_in_the_middle_keeps_what_was_sent(service: EngineService) -> None:
    cancel = CancelToken()
    seen = []
    for message in service.run(TranscribeFile(1, SHORT, TranscribeOptions()), cancel):
        seen.append(message)
        if isinstance(message, JobLanguage):
            cancel.cancel()
    assert isinstance(seen[-1], JobCancelled)


@pytest.mark.parametrize(
    ("content", "kind"),
    [(None, "AudioNotFoundError"), (b"", "UndecodableAudioError"), (b"hello", "UndecodableAudioError")],
)
def test_an_unusable_file_fails_with_cause_and_remedy(
    service: EngineService, tmp_path: Path, content: bytes | None, kind: str
) -> None:
    path = tmp_path / "talk.wav"
    if content is not None:
        path.write_bytes(content)
    failed = run(service, path)[-1]
    assert isinstance(failed, JobFailed)
    assert (failed.path, failed.kind) == (path, kind)
    assert failed.message
    assert failed.remedy
    assert "\n" not in failed.message + failed.remedy


def test_options_that_do_not_fit_the_model_fail(service: EngineService) -> None:
    failed = run(service, SHORT, language="klingon")[-1]
    assert isinstance(failed, JobFailed)
    assert failed.kind == "OptionsError"


@pytest.mark.slow
def test_an_unforeseen_error_ends_the_job_and_goes_to_the_log(
    service: EngineService, caplog: pytest.LogCaptureFixture
) -> None:
    failed = run(service, SHORT, temperature=("warm",))[-1]  # no type the engine expects
    assert isinstance(failed, JobFailed)
    assert failed.kind == "InternalError"
    assert str(log_file()) in failed.remedy
    [record] = [r for r in caplog.records if r.name == "app.engine.service" and r.exc_info is not None]
    assert str(SHORT) in record.getMessage()
    assert isinstance(run(service, SHORT)[-1], JobFinished)


def test_without_a_model_every_job_fails_for_the_reason_of_the_load(tmp_path: Path) -> None:
    model = tmp_path / "model.bin"
    model.write_bytes(b"no model at all")
    service = EngineService(model)
    assert "No model" in run(service, SHORT)[-1].message
    _, failed = service.load()
    assert isinstance(failed, ModelFailed)
    assert (failed.path, failed.kind) == (model, "UnknownModelFormatError")
    job_failed = run(service, SHORT)[-1]
    assert isinstance(job_failed, JobFailed)
    assert (job_failed.kind, job_failed.message, job_failed.remedy) == (failed.kind, failed.message, failed.remedy)
    assert service.memory() is None


def test_a_device_that_is_not_there_fails_the_load() -> None:
    failed = list(EngineService(default_model(), "cuda").load())[-1]
    assert isinstance(failed, ModelFailed)
    assert failed.kind == "DeviceUnavailableError"


def test_expand_finds_each_recording_once(tmp_path: Path) -> None:
    for name in ("b.wav", "a.mp3", "deep/c.flac", "notes.txt", "odd.bin"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "nothing").mkdir()
    given = [
        tmp_path / "odd.bin",
        tmp_path,
        tmp_path / "deep" / ".." / "a.mp3",
        tmp_path / "gone.wav",
        tmp_path / "nothing",
    ]
    recordings, failures = expand(given)
    assert recordings == [tmp_path / name for name in ("odd.bin", "a.mp3", "b.wav", "deep/c.flac")]
    assert [(f.path, f.kind) for f in failures] == [(path, "AudioNotFoundError") for path in given[3:]]
    assert all(f.message and f.remedy for f in failures)


@pytest.mark.parametrize(
    ("language", "code"),
    [("auto", None), ("de", "de"), ("German", "de"), (" CHINESE ", "zh"), ("mandarin", "zh"), ("Castilian", "es")],
)
def test_languages_by_name_and_code(language: str, code: str | None) -> None:
    assert language_code(language) == code


def test_every_language_is_understood_by_both() -> None:
    assert len(languages()) == 100
    for code, name in languages().items():
        assert language_code(code) == language_code(name) == code


def test_an_unknown_language_gets_a_hint() -> None:
    with pytest.raises(OptionsError, match="'germann'") as caught:
        language_code("germann")
    assert "'german'" in caught.value.remedy
