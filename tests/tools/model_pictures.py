"""The window of models in its states, for `screenshots.py`."""

from __future__ import annotations

import os
from pathlib import Path

from PySide6.QtWidgets import QWidget

from app.model_work import JobState
from app.models import catalogue
from app.models.settings import add_folder
from app.paths import default_model, models_dir
from app.widgets.convert_dialog import ConvertDialog
from app.widgets.folders_dialog import FoldersDialog
from app.widgets.verify_window import VerifyWindow
from tests.support.file_server import FileServer, Turn
from tests.support.foreign_models import write_side_files
from tests.support.synthetic_model import synthetic_dimensions, synthetic_model
from tests.tools.photographer import Photographer

N_SERVED = 150_000_000  # bytes that arrive of every download


class ModelPictures(Photographer):
    """Brings the window of models into each state."""

    def run(self, server: FileServer) -> None:
        os.environ["HF_ENDPOINT"] = server.address
        self._app.models.show()
        self._wait(lambda: self._app.models.manager is not None and self._app.models.manager.window._seen is not None)
        assert self._app.models.manager is not None
        self._manager = self._app.models.manager
        self._list()
        self._disk()
        self._downloading(server)
        self._dialogs()
        self._folders()
        self._verify()
        self._error(server)

    @property
    def _window(self) -> QWidget:
        return self._manager.window

    def _list(self) -> None:
        self._shoot("8-models", self._window)

    def _disk(self) -> None:
        folder = Path(os.environ["HOME"], ".cache/huggingface/hub/models--openai--whisper-small/snapshots/973afd24")
        folder.mkdir(parents=True)
        write_side_files(folder, synthetic_model(synthetic_dimensions(64, 1)))
        (folder / "model.safetensors").write_bytes(bytes(40_000_000))
        models_dir().mkdir(parents=True, exist_ok=True)
        content = default_model().read_bytes()
        (models_dir() / "ggml-lectures-q5_1.bin").write_bytes(content)
        (models_dir() / "ggml-half-q5_1.bin").write_bytes(content[:20_000_000])
        self._look_again(4)
        self._manager.window.tabs.setCurrentIndex(1)
        self._manager.window.disk_view.select(folder)
        self._shoot("9-on-disk", self._window)
        self._manager.window.tabs.setCurrentIndex(0)

    def _downloading(self, server: FileServer) -> None:
        window, jobs = self._manager.window, self._manager.queue.jobs
        n_bytes = catalogue.load_catalogue().find("large-v3-turbo-q5_0").n_bytes
        server.turns.append(Turn(length=n_bytes, stall_after=N_SERVED))
        for name in ("large-v3-turbo-q5_0", "small-q5_1", "medium-q5_0"):
            window.catalogue_view.select(name)
            window.details.buttons["download"].click()
        self._wait(lambda: jobs[0].n_done >= N_SERVED)
        self._manager.queue.pause(jobs[1])
        window.catalogue_view.select("large-v3-turbo-q5_0")
        self._shoot("10-downloading", self._window)
        for job in list(jobs):
            self._manager.queue.cancel(job)
        self._wait(lambda: not jobs and not self._manager._downloads)

    def _dialogs(self) -> None:
        manager = self._manager
        manager._ask_convert(models_dir() / "ggml-lectures-q5_1.bin", quantizing=True)
        [dialog] = self._window.findChildren(ConvertDialog)
        self._shoot("11-quantize", dialog)
        dialog.reject()
        manager._ask_import()
        dialog = self._window.findChildren(ConvertDialog)[-1]
        self._shoot("12-import", dialog)
        dialog.reject()

    def _folders(self) -> None:
        """One with a model, and one that is gone, which is added once more."""
        home = Path(os.environ["HOME"])
        full, gone = home / "recordings" / "models – 模型", home / "usb stick" / "whisper"
        for folder in (full, gone):
            folder.mkdir(parents=True)
            add_folder(str(folder))
        (models_dir() / "ggml-half-q5_1.bin").rename(full / "ggml-half-q5_1.bin")
        gone.rmdir()
        self._look_again(4)
        self._manager.window.folders_button.click()
        self._wait(lambda: bool(self._window.findChildren(FoldersDialog)))
        [dialog] = self._window.findChildren(FoldersDialog)
        self._shoot("15-folders", dialog)
        dialog.add_wanted.emit(gone)
        self._wait(dialog.problem.isVisible)
        self._shoot("16-folders-problem", dialog)
        dialog.reject()

    def _verify(self) -> None:
        window = self._manager.window
        window.catalogue_view.select("base-q5_1")
        window.details.buttons["verify"].click()
        [view] = window.findChildren(VerifyWindow)
        self._wait(lambda: view.job.state.is_over)
        assert view.job.state is JobState.DONE
        self._shoot("13-verified", view)
        view.reject()

    def _error(self, server: FileServer) -> None:
        window = self._manager.window
        model = catalogue.load_catalogue().find("tiny-q5_1")
        server.every_turn = Turn(content=bytes(model.n_bytes))
        window.catalogue_view.select("tiny-q5_1")
        window.details.buttons["download"].click()
        self._wait(lambda: window.message_bar.isVisible() and window.message_bar.severity == "error")
        self._wait(lambda: not self._manager._looking)
        self._shoot("14-models-error", self._window)

    def _look_again(self, n_rows: int) -> None:
        self._manager.refresh()
        self._wait(lambda: len(self._manager.window.disk.rows) == n_rows)
