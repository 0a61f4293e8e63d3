"""The command `selftest` on a machine without a GPU: a table, what is skipped, and a report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.cli import run
from app.selftest_command import _WIDTH
from app.selftest_report import write_report
from gpu.types import Check, Words
from tests.support.homes import use_home


@pytest.mark.slow
def test_a_table_and_a_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use_home(tmp_path, monkeypatch)
    report = tmp_path / "report.json"
    assert run(["selftest", "--device", "cpu", "--json", str(report)]) == 0
    *rows, total = capsys.readouterr().out.splitlines()
    assert rows[0].startswith(f"passed  {'A recording on the CPU':{_WIDTH}}“And so my fellow Americans")
    assert all(row.startswith("skipped ") and row.endswith("  only the CPU was asked for") for row in rows[1:])
    assert any("Speed beside whisper.cpp" in row for row in rows)
    written = json.loads(report.read_text(encoding="utf-8"))
    assert total == f"1 passed, 0 failed, {len(rows) - 1} skipped"
    assert (written["passed"], written["failed"], written["skipped"]) == (1, 0, len(rows) - 1)
    assert set(written["packages"]) >= {"numpy", "onnxruntime"}
    assert [check["outcome"] for check in written["checks"]] == [row.split()[0] for row in rows]


def test_figures_and_kernels_are_in_the_report(tmp_path: Path) -> None:
    check = Check(Words("It"), "failed", Words("wrong"), {"difference": 0.5}, ("gemm_small_q5_1",))
    write_report(tmp_path / "report.json", Path("model.bin"), iter([check]))
    written = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    expected = {"what": "It", "outcome": "failed", "detail": "wrong", "difference": 0.5, "kernels": ["gemm_small_q5_1"]}
    assert written["checks"] == [expected]
    assert written["failed"] == 1
