"""The tables of models: what can be done with a row, filter and order, proposed names."""

from pathlib import Path

import pytest
from PySide6.QtCore import QPersistentModelIndex, Qt
from pytestqt.qtbot import QtBot

from app.i18n import Translation
from app.model_work import FetchModel, JobState, new_job
from app.models.catalogue import Catalogue, load_catalogue
from app.models.overview import ListedModel, State
from app.widgets.appearance import Appearance
from app.widgets.convert_dialog import ConvertDialog, suggested_name
from app.widgets.model_rows import CatalogueRow, CatalogueTable, catalogue_columns
from app.widgets.rows_view import RowsView
from gpu.types import Words

CATALOGUE: Catalogue = load_catalogue()


def make_row(name: str, state: State = "available", **changes: object) -> CatalogueRow:
    model = CATALOGUE.find(name)
    path = Path(model.file) if state in ("downloaded", "built in") else None
    n_there = model.n_bytes // 2 if state == "begun" else 0
    urls = CATALOGUE.remote_file(model).urls
    listed = ListedModel(model, state, n_there, 2 * model.n_bytes, model.n_bytes, None, urls, path)
    return CatalogueRow(
        **{"listed": listed, "job": None, "recommended": None, "is_current": False, "fits": True} | changes
    )


@pytest.mark.parametrize(
    ("state", "actions"),
    [
        ("available", ("download",)),
        ("begun", ("resume", "cancel")),
        ("downloaded", ("use", "quantize", "verify", "show", "remove")),
        ("built in", ("use", "quantize", "verify", "show")),
    ],
)
def test_what_can_be_done_follows_from_the_state(state: State, actions: tuple[str, ...]) -> None:
    assert make_row("tiny", state).actions == actions
    assert "use" not in make_row("tiny", state, is_current=True).actions


@pytest.mark.parametrize(
    ("state", "actions"),
    [
        (JobState.WAITING, ("cancel",)),
        (JobState.RUNNING, ("pause", "cancel")),
        (JobState.PAUSED, ("resume", "cancel")),
        (JobState.FAILED, ("resume", "cancel")),
        (JobState.CANCELLED, ()),
    ],
)
def test_what_can_be_done_follows_from_the_download(state: JobState, actions: tuple[str, ...]) -> None:
    job = new_job(FetchModel(CATALOGUE.find("tiny")))
    job.state = state
    assert make_row("tiny", "begun", job=job).actions == actions


@pytest.fixture
def table(qtbot: QtBot, translation: Translation) -> CatalogueTable:
    table = CatalogueTable(catalogue_columns(), lambda row: row.key)
    table.set_rows([make_row(name) for name in ("tiny", "base.en", "small-q5_1", "large-v3", "medium-q5_0")])
    return table


@pytest.fixture
def view(table: CatalogueTable, appearance: Appearance, qtbot: QtBot) -> RowsView[CatalogueRow]:
    view: RowsView[CatalogueRow] = RowsView(table, appearance, 0)
    qtbot.addWidget(view)
    view.show()
    return view


def shown(view: RowsView[CatalogueRow]) -> list[str]:
    return [view.filter.index(row, 0).data() for row in range(view.filter.rowCount())]


def test_all_words_of_the_filter_are_looked_for_in_all_columns(view: RowsView[CatalogueRow]) -> None:
    view.filter.set_filter("ENGLISH only")
    assert shown(view) == ["base.en"]
    view.filter.set_filter("q5 yes")
    assert shown(view) == ["small-q5_1", "medium-q5_0"]
    view.filter.set_filter("")
    assert len(shown(view)) == 5


def test_sizes_are_sorted_as_figures_and_a_third_click_restores_the_order(view: RowsView[CatalogueRow]) -> None:
    view.sortByColumn(1, Qt.SortOrder.DescendingOrder)
    assert shown(view) == ["large-v3", "medium-q5_0", "small-q5_1", "base.en", "tiny"]
    view.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
    assert shown(view) == ["tiny", "base.en", "small-q5_1", "large-v3", "medium-q5_0"]


def test_the_selected_row_stays_while_others_come_and_go(
    view: RowsView[CatalogueRow], table: CatalogueTable, qtbot: QtBot
) -> None:
    view.select("small-q5_1")
    place = QPersistentModelIndex(view.currentIndex())
    table.set_rows([*table.rows[:2], make_row("small-q5_1", "downloaded"), *table.rows[3:]])
    assert place.isValid()  # no row was taken away
    assert view.current is not None
    assert view.current.listed.state == "downloaded"
    with qtbot.waitSignal(view.row_selected):
        table.set_rows([make_row("small-q5_1", "begun")])
    assert view.current is not None
    assert view.current.listed.state == "begun"


def test_cells_name_their_column_to_screen_readers(table: CatalogueTable) -> None:
    table.set_rows([make_row("base-q5_1", "built in", recommended=Words("It fits."), is_current=True)])
    said = [table.index(0, i).data(Qt.ItemDataRole.AccessibleTextRole) for i in range(table.columnCount())]
    assert said[0] == "Model: base-q5_1, in use · recommended"
    assert said[-1] == "State: Built in"


@pytest.mark.parametrize(
    ("source", "type_name", "suffix", "expected"),
    [
        ("large-v3.pt", "", ".bin", "ggml-large-v3.bin"),
        ("ggml-base.bin", "q5_1", ".bin", "ggml-base-q5_1.bin"),
        ("ggml-base-q8_0.bin", "q5_1", ".gguf", "base-q5_1.gguf"),
        ("models--Systran--faster-whisper-small/snapshots/abc", "f16", ".bin", "ggml-small.bin"),
        ("models--openai--whisper-tiny/snapshots/abc/model.safetensors", "", ".bin", "ggml-tiny.bin"),
        ("my talks/pytorch_model.bin", "q4_0", ".bin", "ggml-my talks-q4_0.bin"),
        ("distil-large-v3.5", "", ".gguf", "distil-large-v3.5.gguf"),
    ],
)
def test_names_are_proposed_as_whisper_cpp_would(source: str, type_name: str, suffix: str, expected: str) -> None:
    assert suggested_name(Path("/somewhere") / source, type_name, suffix) == expected


def test_the_proposed_file_follows_the_choices_until_the_user_names_one(qtbot: QtBot, translation: Translation) -> None:
    dialog = ConvertDialog(Path("/models/ggml-base-q5_1.bin"), Path("/models"), None, quantizing=True)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, on=False)
    qtbot.addWidget(dialog)
    assert dialog.job().output == Path("/models/ggml-base-q4_0.bin")  # not the model itself
    dialog.type.setCurrentIndex(dialog.type.findData("q5_1"))
    assert not dialog.go.isEnabled()
    dialog.format.setCurrentIndex(1)
    assert dialog.job().output == Path("/models/base-q5_1.gguf")
    assert dialog.go.isEnabled()
    dialog.output.setText("")
    qtbot.keyClicks(dialog.output, "/else/mine.gguf")
    dialog.format.setCurrentIndex(0)
    assert dialog.job().output == Path("/else/mine.bin")
    dialog.type.setCurrentIndex(dialog.type.findData("q8_0"))
    assert dialog.job().output == Path("/else/mine.bin")
