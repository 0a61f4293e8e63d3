"""run.py for real, in a folder with spaces and Chinese characters; the package index is a folder of tiny wheels."""

import ast
import base64
import hashlib
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
posix_only = pytest.mark.skipif(os.name != "posix", reason="Windows has no exec and no POSIX signals")

APP = """
import os, sys, tinydep
print(tinydep.VERSION, os.getpid(), os.getcwd(), sys.argv[1:], sys.stdin.read(), sep="|")
sys.exit(int(sys.argv[2]) if sys.argv[1] == "exit" else 0)
"""
CHECKS = "import sys, tinydep, tinytest\nprint('checks', sys.argv[1:])\n"


@dataclass
class Checkout:
    """A folder as a user has it, with one tiny dependency, and the environment it is used in."""

    folder: Path
    environment: dict[str, str]
    hooks: Path = field(init=False)

    def __post_init__(self) -> None:
        self.hooks = self.folder.parent / "hooks"

    def start(self, *args: str, cwd: Path | None = None, python: str = sys.executable) -> subprocess.Popen[str]:
        command = [python, str(self.folder / "run.py"), *args]
        return subprocess.Popen(
            command,
            cwd=cwd,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def run(self, *args: str, stdin: str = "", **options: Path | str) -> subprocess.CompletedProcess[str]:
        with self.start(*args, **options) as process:
            out, err = process.communicate(stdin, timeout=120)
        return subprocess.CompletedProcess(args, process.returncode, out, err)

    def hook(self, code: str) -> None:
        """Have every Python begin with `code`: puts the machine into a state that this one is not in."""
        self.hooks.mkdir(exist_ok=True)
        (self.hooks / "sitecustomize.py").write_text(code, encoding="utf-8")
        self.environment["PYTHONPATH"] = str(self.hooks)

    def offline(self) -> None:
        """Take the index away: nothing listens on that port."""
        self.environment |= {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "1"}
        self.environment.pop("PIP_NO_INDEX", None)
        self.environment.pop("PIP_FIND_LINKS", None)

    def lock(self, name: str, *wheels: Path) -> None:
        lines = []
        for wheel in wheels:
            package, version = wheel.name.split("-")[:2]
            lines.append(
                f"{package}=={version} \\\n    --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"
            )
        locks = self.folder / "resources" / "locks"
        locks.mkdir(parents=True, exist_ok=True)
        (locks / f"{name}.txt").write_text("".join(lines), encoding="utf-8")


def make_wheel(folder: Path, name: str, version: str) -> Path:
    files = {
        f"{name}.py": f"VERSION = {version!r}\n",
        f"{name}-{version}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{name}-{version}.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = f"{name}-{version}.dist-info/RECORD"
    sums = {
        path: base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
        for path, text in files.items()
    }
    files[record] = "".join(f"{path},sha256={digest},{len(files[path])}\n" for path, digest in sums.items()) + record
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return wheel


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("wheels")
    return {
        f"{name} {version}": make_wheel(folder, name, version)
        for name, version in (("tinydep", "1.0"), ("tinydep", "2.0"), ("tinytest", "1.0"))
    }


def new_checkout(parent: Path, wheels: dict[str, Path]) -> Checkout:
    folder = parent / "带 空格 folder"
    files = {"app/__init__.py": "", "app/__main__.py": APP, "tests/tools/checks.py": CHECKS}
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    shutil.copy(ROOT / "run.py", folder)
    checkout = Checkout(folder, environment_for(parent, wheels["tinydep 1.0"].parent))
    checkout.lock("app", wheels["tinydep 1.0"])
    checkout.lock("test", wheels["tinydep 1.0"], wheels["tinytest 1.0"])
    return checkout


def environment_for(parent: Path, index: Path) -> dict[str, str]:
    programs = parent / "bin"  # empty: no apt-get may be found that would change this machine
    programs.mkdir()
    kept = {name: os.environ[name] for name in ("SYSTEMROOT", "TEMP", "TMP") if name in os.environ}
    return kept | {
        "PATH": str(programs),
        "HOME": str(parent),
        "PYTHONUTF8": "1",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(index),
    }


def have_what_the_tests_call(checkout: Checkout) -> None:
    """Let `run.py test` find its system packages, whether this machine has them or not."""
    checkout.hook("import ctypes\nctypes.CDLL = lambda name: None\n")
    called = "Xvfb cc import openbox xauth xclip xdotool xprop pulseaudio parec xterm mousepad"
    for program in called.split():
        add_program(checkout, program, "")


def add_program(checkout: Checkout, name: str, script: str) -> None:
    program = Path(checkout.environment["PATH"]) / name
    program.write_text("#!/bin/sh\n" + script, encoding="utf-8")
    program.chmod(0o755)


@pytest.fixture
def fresh(tmp_path: Path, wheels: dict[str, Path]) -> Checkout:
    """A checkout nobody has run yet."""
    return new_checkout(tmp_path, wheels)


Streams = tuple[str, str]  # standard output, standard error
FirstRuns = tuple[Checkout, Streams, list[Streams]]


@pytest.fixture(scope="session")
def first_runs(tmp_path_factory: pytest.TempPathFactory, wheels: dict[str, Path]) -> FirstRuns:
    """Two at once: a checkout, what the one said that set it up, and what the others said."""
    checkout = new_checkout(tmp_path_factory.mktemp("first"), wheels)
    words = ("transcribe", "a b.wav", "名字", "--x=1", "")
    processes = [checkout.start(*words, cwd=checkout.folder.parent) for _ in range(2)]
    said = [process.communicate("typed", timeout=300) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    said.sort(key=lambda streams: "Set-up done." not in streams[1])
    return checkout, said[0], said[1:]


@pytest.fixture
def ready(tmp_path: Path, wheels: dict[str, Path], first_runs: FirstRuns) -> Checkout:
    """A checkout that is set up, and was moved since."""
    folder = tmp_path / "搬 moved"
    shutil.copytree(first_runs[0].folder, folder, symlinks=True)
    return Checkout(folder, environment_for(tmp_path, wheels["tinydep 1.0"].parent))


def test_first_run_sets_up_and_hands_everything_over(first_runs: FirstRuns) -> None:
    checkout, (out, err), _ = first_runs
    version, _, folder, args, stdin = out.split("|")
    assert (version, folder) == ("1.0", str(checkout.folder.parent))  # the user's folder stays the current one
    assert (args, stdin) == ("['transcribe', 'a b.wav', '名字', '--x=1', '']", "typed\n")
    assert "[1/1] tinydep==1.0" in err or "[1/1] tinydep-1.0" in err
    assert err.endswith("Set-up done.\n")


def test_later_runs_start_nothing_but_the_program(ready: Checkout) -> None:
    ready.offline()
    ready.hook(
        "import sys\n"
        "def refuse(event, args):\n"
        "    if event.startswith(('subprocess', 'socket', 'os.fork', 'os.posix_spawn')): raise SystemExit(99)\n"
        "sys.addaudithook(refuse)\n"
    )
    result = ready.run("transcribe")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("1.0|")


def test_later_runs_add_less_than_a_fifth_of_a_second(ready: Checkout) -> None:
    python = ready.folder / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    def cpu_seconds(command: list[str]) -> float:
        before = os.times()
        subprocess.run(command, env=ready.environment, stdin=subprocess.DEVNULL, capture_output=True, check=True)
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    pairs = [
        (
            cpu_seconds([sys.executable, str(ready.folder / "run.py"), "x"]),
            cpu_seconds([str(python), "-P", "-m", "app", "x"]),
        )
        for _ in range(5)
    ]
    assert statistics.median(through_run - direct for through_run, direct in pairs) < 0.2


@pytest.mark.parametrize("code", [0, 1, 2, 77])
def test_exit_codes_are_the_programs(ready: Checkout, code: int) -> None:
    assert ready.run("exit", str(code)).returncode == code


@posix_only
def test_the_program_takes_the_process_over_so_signals_reach_it(ready: Checkout) -> None:
    with ready.start("wait") as process:
        out, _ = process.communicate("", timeout=60)
    assert out.split("|")[1] == str(process.pid)


def test_a_module_named_app_in_the_users_folder_is_not_run(ready: Checkout, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("print('not me')", encoding="utf-8")
    assert ready.run("transcribe", cwd=tmp_path).stdout.startswith("1.0|")


def test_two_first_runs_at_once_share_one_set_up(first_runs: FirstRuns) -> None:
    _, (out, err), [(other_out, other_err)] = first_runs
    assert err.count("Set-up done.") == 1
    assert "Set-up done." not in other_err
    assert other_out.split("|")[0] == out.split("|")[0] == "1.0"


@posix_only
@pytest.mark.long
def test_a_set_up_that_was_killed_is_done_again_from_the_start(ready: Checkout) -> None:
    have_what_the_tests_call(ready)
    index = dict(ready.environment)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        ready.offline()
        ready.environment["PIP_INDEX_URL"] = f"http://127.0.0.1:{server.getsockname()[1]}/simple"
        with ready.start("test") as process:
            connection, _ = server.accept()  # pip asks, and never gets an answer
            process.send_signal(signal.SIGKILL)
        connection.close()
    assert ready.run("transcribe").stderr == ""  # what was complete still is
    left_over = ready.folder / ".venv" / "left over"
    left_over.touch()
    ready.environment = index
    result = ready.run("test", "--fast", "tests/x y.py")
    assert (result.returncode, result.stdout) == (0, "checks ['--fast', 'tests/x y.py']\n"), result.stderr
    assert not left_over.exists()
    ready.offline()
    assert ready.run("transcribe").stderr == ""  # the tests' list contains the program's


@pytest.mark.long
def test_a_changed_lock_is_installed(ready: Checkout, wheels: dict[str, Path]) -> None:
    ready.lock("app", wheels["tinydep 2.0"])
    assert ready.run("transcribe").stdout.startswith("2.0|")
    ready.offline()
    assert ready.run("transcribe").stdout.startswith("2.0|")


def test_without_network_it_says_so_and_leaves_what_works(ready: Checkout) -> None:
    have_what_the_tests_call(ready)
    ready.offline()
    result = ready.run("test")
    assert result.returncode == 1
    assert "error: the package index cannot be reached: no network?" in result.stderr
    assert "Traceback" not in result.stderr
    later = ready.run("transcribe")
    assert later.stdout.startswith("1.0|"), later.stderr
    assert later.stderr == ""


def test_a_package_that_is_not_the_locked_one_is_refused(ready: Checkout) -> None:
    have_what_the_tests_call(ready)
    (ready.folder / "resources" / "locks" / "test.txt").write_text("tinytest==1.0 --hash=sha256:" + "0" * 64, "utf-8")
    result = ready.run("test")
    assert result.returncode == 1
    assert "error: a package differs from the one that was locked" in result.stderr


def test_a_platform_without_wheels_is_told(ready: Checkout) -> None:
    have_what_the_tests_call(ready)
    ready.environment["PIP_FIND_LINKS"] = ready.environment["PATH"]
    result = ready.run("test")
    assert result.returncode == 1
    assert "has no package ready-made for this Python and system" in result.stderr


def test_a_folder_that_cannot_be_written_is_told(fresh: Checkout) -> None:
    (fresh.folder / ".venv.lock").mkdir()
    result = fresh.run("transcribe")
    assert result.returncode == 1
    assert result.stderr.startswith(f"error: cannot write in {fresh.folder}")


def test_a_full_disk_is_told(fresh: Checkout) -> None:
    fresh.hook(
        "import collections, shutil\nshutil.disk_usage = lambda p: collections.namedtuple('U', 'free')(5_000_000)\n"
    )
    result = fresh.run("transcribe")
    assert result.returncode == 1
    assert "error: 5 MB are free" in result.stderr


NO_ENSUREPIP = "import os, sys\nsys.modules['ensurepip'] = None\nos.geteuid = lambda: {uid}\n"
VENV_PACKAGE = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"


def fake_apt_get(checkout: Checkout) -> Path:
    """An apt-get that succeeds and installs nothing; returns the list of its calls."""
    calls = checkout.folder.parent / "apt-get-calls"
    add_program(checkout, "apt-get", f'echo "$@" >> "{calls}"\n')
    return calls


@posix_only
def test_debian_without_venv_root_installs_it(fresh: Checkout) -> None:
    calls = fake_apt_get(fresh)
    fresh.hook(NO_ENSUREPIP.format(uid=0))
    result = fresh.run("transcribe")
    assert calls.read_text("utf-8").splitlines() == ["update", f"install -y {VENV_PACKAGE} --no-install-recommends"]
    assert result.returncode == 1
    assert "error: apt-get did not bring ensurepip" in result.stderr


@posix_only
def test_debian_without_venv_a_user_gets_the_line_to_type(fresh: Checkout) -> None:
    calls = fake_apt_get(fresh)
    fresh.hook(NO_ENSUREPIP.format(uid=1000))
    result = fresh.run("transcribe")
    assert result.returncode == 1
    assert f"sudo apt-get install -y {VENV_PACKAGE}\n" in result.stderr
    assert not calls.exists()


@posix_only
def test_other_systems_are_told_what_is_missing(fresh: Checkout) -> None:
    fresh.hook(NO_ENSUREPIP.format(uid=0))
    result = fresh.run("transcribe")
    assert result.returncode == 1
    assert "error: missing on this system: ensurepip" in result.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere Qt brings what it needs")
def test_the_window_asks_for_qts_libraries_and_the_command_line_does_not(ready: Checkout) -> None:
    fake_apt_get(ready)
    ready.hook(
        "import ctypes, os\n"
        "os.geteuid = lambda: 1000\n"
        "def load(name):\n"
        "    if name == 'libxcb-cursor.so.0': raise OSError(name)\n"
        "ctypes.CDLL = load\n"
    )
    for words in ([], ["open", "a.wav"]):
        result = ready.run(*words)
        assert result.returncode == 1
        assert "sudo apt-get install -y libxcb-cursor0\n" in result.stderr
    assert ready.run("transcribe").returncode == 0


def test_an_old_python_says_that_it_is_too_old(fresh: Checkout) -> None:
    ast.parse((ROOT / "run.py").read_text("utf-8"), feature_version=(3, 7))  # or it could only say SyntaxError
    fresh.hook("import sys\nsys.version_info = (3, 9, 2, 'final', 0)\n")
    result = fresh.run("transcribe")
    assert result.returncode == 1
    assert result.stderr.startswith("error: WhisperDesktop NG needs Python 3.11 or newer, this is 3.9 ")


def old_pythons() -> list[str]:
    installed = [shutil.which(f"python3.{minor}") for minor in range(6, 11)]
    installed += map(str, Path.home().glob(".pyenv/versions/3.*/bin/python"))
    code = "import sys; sys.exit(sys.version_info >= (3, 11))"
    return [
        python for python in installed if python and subprocess.run([python, "-c", code], check=False).returncode == 0
    ]


def test_every_old_python_of_this_machine_says_so(fresh: Checkout) -> None:
    for python in old_pythons():
        result = fresh.run("transcribe", python=python)
        assert result.returncode == 1
        assert "needs Python 3.11 or newer, this is 3." in result.stderr
