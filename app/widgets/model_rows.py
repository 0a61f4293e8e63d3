"""What the tables of models show: a row of each kind, its texts, and what can be done with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QLocale

from app.model_work import Job, JobState
from app.models.on_disk import OURS
from app.models.overview import ListedModel, OnDisk, Overview
from app.paths import models_dir
from app.widgets import engine_texts
from app.widgets.rows_table import Column, RowsModel
from app.widgets.texts import data_size, percent, translate
from gpu.types import Words

Action = Literal[
    "download", "pause", "resume", "cancel", "use", "import", "quantize", "verify", "show", "remove"
]  # fmt: skip


@dataclass(frozen=True)
class CatalogueRow:
    """A published model.

    Attributes:
        job: its download, as long as the list has not been made anew since it ended.
        recommended: why, if it is the one for this machine.
        fits: into the memory that is free now, on the CPU.
    """

    listed: ListedModel
    job: Job | None
    recommended: Words | None
    is_current: bool
    fits: bool

    @property
    def key(self) -> str:
        return self.listed.model.name

    @property
    def path(self) -> Path | None:
        return self.listed.path

    @property
    def progress(self) -> float | None:
        """Of what has arrived; None where nothing is on its way."""
        if self.job is not None and not self.job.state.is_over:
            return self.job.progress
        return self.listed.n_bytes_there / self.listed.model.n_bytes if self.listed.state == "begun" else None

    @property
    def actions(self) -> tuple[Action, ...]:
        """What can be done now; the first is what most want."""
        if self.job is not None:
            match self.job.state:
                case JobState.RUNNING:
                    return ("pause", "cancel")
                case JobState.WAITING:
                    return ("cancel",)
                case JobState.PAUSED:
                    return ("resume", "cancel")
                case JobState.CANCELLED | JobState.DONE:
                    return ()
        match self.listed.state:
            case "available":
                return ("download",)
            case "begun":
                return ("resume", "cancel")
        use: tuple[Action, ...] = () if self.is_current else ("use",)
        remove: tuple[Action, ...] = ("remove",) if self.listed.state == "downloaded" else ()
        return (*use, "quantize", "verify", "show", *remove)


@dataclass(frozen=True)
class DiskRow:
    """A model on this disk."""

    found: OnDisk
    is_current: bool

    @property
    def key(self) -> Path:
        return self.found.model.path

    @property
    def path(self) -> Path:
        return self.found.model.path

    @property
    def actions(self) -> tuple[Action, ...]:
        model = self.found.model
        actions: list[Action] = []
        if model.is_usable:
            actions = ["quantize"] if self.is_current else ["use", "quantize"]
        elif not model.problem:
            actions = ["import"]
        actions += ["verify", "show"]
        if model.origin == OURS and model.path.parent == models_dir():
            actions.append("remove")
        return tuple(actions)


ModelRow = CatalogueRow | DiskRow


def catalogue_rows(seen: Overview, jobs: dict[str, Job], current: Path | None) -> list[CatalogueRow]:
    """`jobs`: downloads by the model's name; `current`: the model file in use."""
    best = seen.recommendation
    return [
        CatalogueRow(
            listed,
            jobs.get(listed.model.name),
            recommended=best.reason if best is not None and best.model == listed.model else None,
            is_current=listed.path is not None and listed.path == current,
            fits=listed.cpu_bytes <= seen.free_bytes,
        )
        for listed in seen.listed
    ]


def disk_rows(seen: Overview, current: Path | None) -> list[DiskRow]:
    return [DiskRow(found, found.model.path == current) for found in seen.on_disk]


def action_text(action: Action) -> str:
    texts = {
        "download": translate("Models", "Download"),
        "pause": translate("Models", "Pause"),
        "resume": translate("Models", "Resume"),
        "cancel": translate("Models", "Cancel download"),
        "use": translate("Models", "Use this model"),
        "import": translate("Models", "Import…"),
        "quantize": translate("Models", "Quantize…"),
        "verify": translate("Models", "Verify"),
        "show": translate("Models", "Open folder"),
        "remove": translate("Models", "Remove…"),
    }
    return texts[action]


def action_explanation(action: Action) -> str:
    texts = {
        "download": translate("Models", "Fetches the file; it can be paused, and goes on after a lost connection"),
        "pause": translate("Models", "What has been fetched stays"),
        "resume": translate("Models", "Goes on where it stopped"),
        "cancel": translate("Models", "Stops, and deletes what has been fetched"),
        "use": translate("Models", "Transcribes with this model from now on"),
        "import": translate("Models", "Turns it into a file that this program reads"),
        "quantize": translate("Models", "Writes a smaller file beside it"),
        "verify": translate("Models", "Looks for damage, and compares what the program computes with"),
        "show": translate("Models", "Shows where the file lies"),
        "remove": translate("Models", "Deletes the file, after a question"),
    }
    return texts[action]


def languages_text(row: CatalogueRow) -> str:
    n = row.listed.model.n_languages
    return translate("Models", "{n} languages").format(n=n) if n > 1 else translate("Models", "English only")


def yes_no(value: bool) -> str:
    return translate("Models", "yes") if value else translate("Models", "no")


def speed_text(row: CatalogueRow) -> str:
    """Times as fast as real time."""
    factor = row.listed.real_time_factor
    if not factor:
        return "–"
    return translate("Models", "{speed}×").format(speed=QLocale().toString(1 / factor, "f", 1))


def state_text(row: CatalogueRow) -> str:
    job, listed = row.job, row.listed
    if job is not None and job.state is not JobState.FAILED:
        return _download_text(job)
    match listed.state:
        case "available":
            text = ""
        case "begun":
            text = translate("Models", "{percent} arrived").format(percent=percent(row.progress or 0.0))
        case "downloaded":
            text = translate("Models", "Downloaded")
        case "built in":
            text = translate("Models", "Built in")
    failed = translate("Models", "Failed") if job is not None else ""
    return " · ".join(part for part in (failed, text) if part) or "–"


def _download_text(job: Job) -> str:
    match job.state:
        case JobState.WAITING:
            return translate("Models", "Waiting")
        case JobState.PAUSED:
            return translate("Models", "Paused at {percent}").format(percent=percent(job.progress or 0.0))
        case JobState.CANCELLED:
            return translate("Models", "Cancelled")
        case JobState.DONE:
            return translate("Models", "Downloaded")
    return translate("Models", "Downloading, {percent}").format(percent=percent(job.progress or 0.0))


def _state_color(row: CatalogueRow) -> str:
    if row.job is not None and row.job.state is JobState.FAILED:
        return "danger"
    return "success" if row.listed.state in ("downloaded", "built in") else "muted"


def kind_text(row: DiskRow) -> str:
    model = row.found.model
    return " · ".join(part for part in (model.kind, model.size, model.quantization) if part)


def check_text(row: DiskRow) -> str:
    if row.found.model.problem:
        return translate("Models", "damaged")
    texts = {
        "verified": translate("Models", "published file"),
        "unpublished": translate("Models", "unpublished"),
        "not checked": translate("Models", "not checked"),
    }
    return texts[row.found.verification]


def _check_color(row: DiskRow) -> str:
    if row.found.model.problem:
        return "danger"
    return {"verified": "success", "unpublished": "warning"}.get(row.found.verification, "muted")


def badge_text(row: ModelRow) -> str:
    marks = []
    if row.is_current:
        marks.append(translate("Models", "in use"))
    if isinstance(row, CatalogueRow) and row.recommended is not None:
        marks.append(translate("Models", "recommended"))
    return " · ".join(marks)


def _estimate() -> str:
    return translate("Models", "Estimated for a transcription, in this machine's memory")


def _gpu_estimate() -> str:
    return translate("Models", "Estimated; nothing was measured on a GPU yet")


def _speed_hint() -> str:
    return translate("Models", "Times as fast as real time, expected from the last transcription on this machine")


def catalogue_columns() -> list[Column[CatalogueRow]]:
    return [
        Column(lambda: translate("Models", "Model"), lambda r: r.listed.model.name, badge=badge_text),
        Column(
            lambda: translate("Models", "Size"),
            lambda r: data_size(r.listed.model.n_bytes),
            lambda r: r.listed.model.n_bytes,
            is_figure=True,
        ),
        Column(
            lambda: translate("Models", "Languages"), languages_text, lambda r: r.listed.model.n_languages
        ),
        Column(
            lambda: translate("Models", "Translates"),
            lambda r: yes_no(r.listed.model.can_translate),
            hint=lambda: translate("Models", "Whether it can translate speech into English"),
            color=lambda r: "" if r.listed.model.can_translate else "muted",
        ),
        Column(
            lambda: translate("Models", "CPU memory"),
            lambda r: data_size(r.listed.cpu_bytes),
            lambda r: r.listed.cpu_bytes,
            _estimate,
            color=lambda r: "" if r.fits else "warning",
            is_figure=True,
        ),
        Column(
            lambda: translate("Models", "GPU memory"),
            lambda r: data_size(r.listed.gpu_bytes),
            lambda r: r.listed.gpu_bytes,
            _gpu_estimate,
            is_figure=True,
        ),
        Column(
            lambda: translate("Models", "Speed here"),
            speed_text,
            lambda r: 1 / r.listed.real_time_factor if r.listed.real_time_factor else 0.0,
            _speed_hint,
            is_figure=True,
        ),
        Column(
            lambda: translate("Models", "State"),
            state_text,
            color=_state_color,
            progress=lambda r: r.progress,
            room_for=lambda: translate("Models", "Downloading, {percent}").format(percent=percent(1.0)),
        ),
    ]  # fmt: skip


def disk_columns() -> list[Column[DiskRow]]:
    return [
        Column(lambda: translate("Models", "Model"), lambda r: name_of(r.found.model.path), badge=badge_text),
        Column(lambda: translate("Models", "Type"), kind_text),
        Column(
            lambda: translate("Models", "Size"),
            lambda r: data_size(r.found.model.n_bytes),
            lambda r: r.found.model.n_bytes,
            is_figure=True,
        ),
        Column(lambda: translate("Models", "Origin"), lambda r: engine_texts.translated(r.found.model.origin)),
        Column(
            lambda: translate("Models", "Check"),
            check_text,
            hint=lambda: translate("Models", "Whether it is, byte by byte, a file that was published"),
            color=_check_color,
        ),
        Column(
            lambda: translate("Models", "Folder"), lambda r: str(r.found.model.path.parent), color=lambda _: "muted"
        ),
    ]  # fmt: skip


def name_of(path: Path) -> str:
    """What a model is called: of a snapshot in the Hugging Face cache the repository, not the revision."""
    if path.parent.name == "snapshots" and path.parent.parent.name.startswith("models--"):
        return path.parent.parent.name.removeprefix("models--").replace("--", "/", 1)
    return path.name


class CatalogueTable(RowsModel[CatalogueRow]):
    def tool_tip(self, row: CatalogueRow) -> str:
        if row.job is not None and (trouble := row.job.trouble):
            problem = engine_texts.problem(trouble.kind, trouble.message, trouble.remedy)
            return f"{problem.headline}\n{problem.detail}\n{problem.remedy}"
        model = row.listed.model
        return f"{row.path or model.file}\nSHA-256 {model.sha256}\n{row.listed.urls[0]}"


class DiskTable(RowsModel[DiskRow]):
    def tool_tip(self, row: DiskRow) -> str | None:
        return "\n".join(part for part in (str(row.path), engine_texts.translated(row.found.model.problem)) if part)
