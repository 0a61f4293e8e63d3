"""The predictions of docs/gpu.md are what the tool predicts."""

from pathlib import Path

from tests.tools.predict_gpu import tables


def test_the_documents_tables() -> None:
    assert tables() in (Path(__file__).parents[2] / "docs" / "gpu.md").read_text(encoding="utf-8")
