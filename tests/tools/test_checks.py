"""checks.py on a small project of its own."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = """
[tool.mypy]
packages = ["pack"]
[tool.importlinter]
root_package = "pack"
[[tool.importlinter.contracts]]
name = "no way up"
type = "layers"
layers = ["pack.high", "pack.low"]
[tool.pytest.ini_options]
markers = ["slow", "long"]
[tool.coverage.run]
source = ["pack"]
"""
TESTS = """
import pytest

def test_quick(): ...
@pytest.mark.slow
def test_slow(): ...
@pytest.mark.long
def test_long(): ...
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    files = {
        "pyproject.toml": PROJECT,
        "pack/__init__.py": "",
        "pack/high.py": "from pack.low import ONE\n\nTWO: int = ONE + 1\n",
        "pack/low.py": "ONE = 1\n",
        "tests/test_pack.py": TESTS,
        "ruff.toml": 'exclude = ["tests"]\n',
    }
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    (tmp_path / "tests" / "tools").mkdir()
    shutil.copy(Path(__file__).with_name("checks.py"), tmp_path / "tests" / "tools")
    return tmp_path


def check(project: Path, *args: str) -> tuple[int, str]:
    command = [sys.executable, "tests/tools/checks.py", *args]
    result = subprocess.run(command, cwd=project, capture_output=True, encoding="utf-8", check=False)
    return result.returncode, result.stdout


@pytest.mark.long
def test_all_well_and_pytest_has_the_last_word(project: Path) -> None:
    code, out = check(project, "--fast", "-k", "quick or slow")
    assert code == 0, out
    assert " 1 passed in " in out.splitlines()[-1]


@pytest.mark.slow
def test_every_step_runs_also_after_failures(project: Path) -> None:
    (project / "pack" / "low.py").write_text("from pack import high\n\nONE: str = high.TWO\n", encoding="utf-8")
    code, out = check(project)
    assert code == 1
    assert [line for line in out.splitlines() if line.startswith("== ")] == [
        "== ruff check",
        "== ruff format",
        "== mypy",
        "== import-linter",
        "== pytest",
    ]
    assert out.splitlines()[-2:] == ["Failed: mypy, import-linter", "3 passed, 2 failed"]
    assert " 2 passed in " in out


@pytest.mark.slow
def test_lint_alone(project: Path) -> None:
    assert check(project, "--lint")[1].splitlines()[-1] == "4 passed, 0 failed"
