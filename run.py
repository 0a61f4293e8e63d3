#!/usr/bin/env python3
"""Sets WhisperDesktop NG up on first use, then runs it. Standard library only.

    python3 run.py transcribe FILE...       print the text of recordings
    python3 run.py                          open the window
    python3 run.py test [--fast|--long|--lint] [pytest's arguments]   (tests/tools/checks.py)
    python3 run.py WORD...                  whatever else `python -m app` understands

Set-up makes `.venv` beside this file and fills it from the hash-checked lists in resources/locks. A stamp in it says
what is installed: later runs compare the stamp and start the program, nothing else.
"""

import sys

# The whole file keeps to the syntax of Python 3.6, so that an old Python can say here that it is too old.
if sys.version_info < (3, 11):
    sys.exit(
        "error: WhisperDesktop NG needs Python 3.11 or newer, this is %d.%d (%s)\n"
        "       Install a newer Python and start run.py with it, for example: python3.12 run.py"
        % (sys.version_info[0], sys.version_info[1], sys.executable)
    )

import contextlib
import hashlib
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "set-up-stamp"
LOCK = ROOT / ".venv.lock"
LOG = ROOT / ".venv.log"

# What Qt loads from a Linux system, and what the tests and build_installer.py call; each with its Debian package.
WINDOW_LIBRARIES = (
    "libEGL.so.1=libegl1 libGL.so.1=libgl1 libdbus-1.so.3=libdbus-1-3 libfontconfig.so.1=libfontconfig1 "
    "libglib-2.0.so.0=libglib2.0-0 libxcb-cursor.so.0=libxcb-cursor0 libxcb-icccm.so.4=libxcb-icccm4 "
    "libxcb-keysyms.so.1=libxcb-keysyms1 libxcb-shape.so.0=libxcb-shape0 libxkbcommon-x11.so.0=libxkbcommon-x11-0 "
    "libxkbcommon.so.0=libxkbcommon0 libportaudio.so.2=libportaudio2"
)
TEST_PROGRAMS = (
    "Xvfb=xvfb cc=build-essential import=imagemagick openbox xauth xclip xdotool xprop=x11-utils pulseaudio "
    "parec=pulseaudio-utils /usr/lib/*/alsa-lib/libasound_module_pcm_pulse.so=libasound2-plugins xterm mousepad"
)
BUILD_PROGRAMS = "objdump=binutils"


class Need(NamedTuple):
    """What a command needs: a list in resources/locks, room on the disk, and on Linux libraries and programs."""

    lock: str
    disk_mb: int
    libraries: str = ""
    programs: str = ""


COMMAND_LINE = Need("app", 800)
WINDOW = Need("app", 800, WINDOW_LIBRARIES)
TEST = Need("test", 1000, WINDOW_LIBRARIES, TEST_PROGRAMS)
BUILD = Need("build", 1000, WINDOW_LIBRARIES, BUILD_PROGRAMS)
NEEDS = (COMMAND_LINE, WINDOW, TEST)

# First word -> what it needs; every other word is the command line's.
WORDS = {"": WINDOW, "open": WINDOW, "test": TEST}
ENTRY = re.compile(r"^\w.*(?:\n .*)*", re.MULTILINE)  # of a list: name with version, platforms and hashes

# What pip prints when it fails -> the cause, and what to do about it.
CAUSES = {
    "CERTIFICATE_VERIFY_FAILED|TLS CA certificate": (
        "the package index could not be trusted: certificates are missing, or a proxy puts in its own.\n"
        "On Debian/Ubuntu: apt-get install -y ca-certificates; behind a proxy set PIP_CERT to its certificate file."
    ),
    "No space left on device|Errno 28": "the disk is full.\nMake room (also in the folder for temporary files).",
    "NewConnectionError|NameResolutionError|Connect(ion)?Timeout|ReadTimeout|ProxyError|connection broken by": (
        "the package index cannot be reached: no network?\n"
        "Connect this machine, or set PIP_PROXY or PIP_INDEX_URL to what it can reach, and try again."
    ),
    "DO NOT MATCH THE HASHES": (
        "a package differs from the one that was locked and tested.\n"
        "Try again; if it stays so, something between the index and this machine changes packages."
    ),
    "No matching distribution found": (
        "the package index has no package ready-made for this Python and system.\n"
        "Use Python 3.11-3.13 on Linux (glibc 2.34, on ARM 2.39), Windows x64 or macOS 14 on Apple silicon."
    ),
    "No module named pip": "this Python comes without pip.\nInstall the pip and venv packages that belong to it.",
}


class SetUpError(Exception):
    """Set-up cannot go on: the cause in one line, below it what to do."""


def main(args: list[str]) -> int:
    word = args[0] if args else ""
    try:
        ensure(WORDS.get(word, COMMAND_LINE))
    except SetUpError as error:
        say("error: " + str(error).replace("\n", "\n       "))
        return 1
    except KeyboardInterrupt:
        say("\nSet-up interrupted; the next run begins it anew.")
        return 130
    if word == "test":
        return become([str(VENV_PYTHON), str(ROOT / "tests/tools/checks.py"), *args[1:]])
    # -P: an app.py in the folder the user stands in is not ours.
    return become([str(VENV_PYTHON), "-P", "-m", "app", *args])


def say(text: str) -> None:
    """Tell the user on standard error: standard output is the transcript's."""
    print(text, file=sys.stderr, flush=True)


def become(command: list[str]) -> int:
    """Hand this process over to `command`: signals, standard streams and exit code are its own."""
    if os.name == "posix":
        os.execv(command[0], command)
    import subprocess

    with subprocess.Popen(command) as child:
        while True:
            try:
                return child.wait()
            except KeyboardInterrupt:  # the child got it too and decides
                continue


# ------------------------------------------------------------------ set-up


def ensure(need: Need) -> None:
    """Install what `need` names, unless the stamp says that it is there.

    Raises:
        SetUpError: something is missing that this program cannot install.
    """
    if facts(need) <= read_stamp():
        return
    with only_one():
        stamp = read_stamp()
        if facts(need) <= stamp:
            return  # another process did it while this one waited
        LOG.write_text("")
        if system_fact(need) not in stamp:
            install_system_packages(need)
        if not {python_fact(), lock_fact(need)} <= stamp:
            stamp = install_python_packages(need, stamp)
        write_stamp(stamp | facts(need).union(*(facts(other) for other in NEEDS if contains(need, other))))


def contains(need: Need, other: Need) -> bool:
    """Whether `need` names all that `other` does: after the tests ran, transcribing needs no set-up of its own."""
    locks = [ENTRY.findall(lock_path(n).read_text(encoding="utf-8")) for n in (other, need)]
    system = [{*pairs(n.libraries), *pairs(n.programs)} for n in (other, need)]
    return system[0] <= system[1] and set(locks[0]) <= set(locks[1])


def facts(need: Need) -> set[str]:
    """The lines of a stamp that says: everything `need` names is installed."""
    return {python_fact(), lock_fact(need), system_fact(need)}


def python_fact() -> str:
    # The interpreter behind the link: an upgrade of the system's Python leaves .venv empty.
    return f"python {VENV_PYTHON.resolve()}" if VENV_PYTHON.exists() else "python missing"


def lock_fact(need: Need) -> str:
    return f"packages {need.lock} {hashlib.sha256(lock_path(need).read_bytes()).hexdigest()}"


def system_fact(need: Need) -> str:
    return f"system {need.libraries} {need.programs}"


def lock_path(need: Need) -> Path:
    return ROOT / "resources" / "locks" / f"{need.lock}.txt"


def read_stamp() -> set[str]:
    try:
        return set(STAMP.read_text(encoding="utf-8").split("\n"))
    except FileNotFoundError:
        return set()


def write_stamp(lines: set[str]) -> None:
    new = STAMP.with_suffix(".new")
    new.write_text("\n".join(sorted(lines)), encoding="utf-8")
    new.replace(STAMP)


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """One set-up at a time in this folder; the system lets go of the lock when its process dies."""
    try:
        file = LOCK.open("a")
    except OSError as error:
        cause = f"cannot write in {ROOT} ({error.strerror})."
        raise SetUpError(f"{cause}\nCopy the folder to a place where you may write.") from error
    with file:
        if not try_lock(file.fileno()):
            say("Another set-up is at work in this folder; waiting for it.")
            while not try_lock(file.fileno()):
                time.sleep(0.2)
        yield


def try_lock(descriptor: int) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


# ------------------------------------------------------------------ system packages


def install_system_packages(need: Need) -> None:
    """On Linux, install the Debian packages that are missing; as a plain user, say which line does it."""
    import shutil
    import subprocess

    if sys.platform != "linux":
        return
    missing = missing_from_system(need)
    line = ["apt-get", "install", "-y", *sorted(set(missing.values()))]
    if missing and not shutil.which("apt-get"):
        raise SetUpError(
            f"missing on this system: {', '.join(missing)}.\n"
            f"Install what holds them (Debian's packages are {', '.join(line[3:])})."
        )
    if missing and os.geteuid() != 0:
        raise SetUpError(f"system packages are missing.\nType this line, then try again: sudo {' '.join(line)}")
    if missing:
        say(f"Installing system packages: {' '.join(line[3:])}")
        logged(["apt-get", "update"])
        _, output = logged([*line, "--no-install-recommends"])
        still_missing = ", ".join(missing_from_system(need))
        if still_missing:
            raise SetUpError(
                f"apt-get did not bring {still_missing}: {last_line(output)}\n"
                f"Type this line and see what it says: {' '.join(line)}\nDetails: {LOG}"
            )
    if need.libraries and not (
        shutil.which("fc-list") and subprocess.run(["fc-list", ":lang=zh"], stdout=subprocess.PIPE).stdout
    ):
        say("Note: no font that shows Chinese was found; Debian's is in fonts-noto-cjk.")


def missing_from_system(need: Need) -> dict[str, str]:
    """What is not there -> the Debian package that has it."""
    import ctypes
    import importlib.util
    import shutil

    missing = {}
    for program, package in pairs(need.programs):
        if not (any(Path("/").glob(program[1:])) if program.startswith("/") else shutil.which(program)):
            missing[program] = package
    for library, package in pairs(need.libraries):
        try:
            ctypes.CDLL(library)
        except OSError:
            missing[library] = package
    importlib.invalidate_caches()
    if importlib.util.find_spec("ensurepip") is None:  # Debian splits it off
        missing["ensurepip"] = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    return missing


def pairs(text: str) -> list[tuple[str, str]]:
    """What is looked for, and its package, which may have the same name."""
    return [(name, package or name) for name, _, package in (pair.partition("=") for pair in text.split())]


# ------------------------------------------------------------------ Python packages


def install_python_packages(need: Need, stamp: set[str]) -> set[str]:
    """Bring .venv to what `need`'s list says; returns the stamp's lines that still hold.

    Packages are only ever added to a sound environment: after a change of the list or of Python, or an installation
    that was cut off, it is made anew.
    """
    import shutil

    free_mb = shutil.disk_usage(ROOT).free // 1_000_000
    if free_mb < need.disk_mb:
        raise SetUpError(f"{free_mb} MB are free in {ROOT}, {need.disk_mb} are needed.\nMake room, then try again.")
    say(f"Setting up in {VENV} (once; needs the network).")
    stale = ("installing", f"packages {need.lock} ")
    if python_fact() not in stamp or any(line.startswith(stale) for line in stamp):
        stamp = set()
        make_environment()
    write_stamp(stamp | {"installing"})
    progress = PipProgress(lock_path(need))
    options = ["--require-hashes", "--no-deps", "--only-binary", ":all:", "--no-input", "-r", str(lock_path(need))]
    pip = [str(VENV_PYTHON), "-I", "-X", "utf8", "-m", "pip"]
    code, output = logged([*pip, "install", *options], progress)
    if code != 0:
        if not progress.installing:
            write_stamp(stamp)  # pip fetches everything before it touches anything
        raise failure(output)
    link_project()
    say("Set-up done.")
    return stamp


def make_environment() -> None:
    import shutil

    try:
        if VENV.exists():
            shutil.rmtree(VENV)
    except OSError as error:
        cause = f"cannot remove the old {VENV} ({error.strerror})."
        raise SetUpError(f"{cause}\nClose WhisperDesktop NG where it still runs, then try again.") from error
    code, output = logged([sys._base_executable, "-m", "venv", str(VENV)])
    if code != 0:
        raise failure(output)


def link_project() -> None:
    """Let .venv's Python import this folder's packages; relative, so that the folder can be moved."""
    import sysconfig

    site_packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(VENV)}))
    (site_packages / "whisperdesktop_ng.pth").write_text(os.path.relpath(ROOT, site_packages) + "\n")


def failure(output: str) -> SetUpError:
    """The error for a step of the set-up that printed `output` and failed."""
    known = (text for pattern, text in CAUSES.items() if re.search(pattern, output))
    return SetUpError(next(known, f"a step failed: {last_line(output)}") + f"\nDetails: {LOG}")


def last_line(output: str) -> str:
    return (output.strip() or "it said nothing").split("\n")[-1]


class PipProgress:
    """Follows pip's output and says how far it is. `installing`: it has everything and changes the environment."""

    def __init__(self, lock: Path) -> None:
        self.total = len(re.findall(r"^\w", lock.read_text(encoding="utf-8"), re.MULTILINE))
        self.seen = 0
        self.installing = False

    def __call__(self, line: str) -> None:
        package = re.match(r"(?:Collecting|Processing (?:[^(]*/)?|Requirement already satisfied:) ?(\S+)", line)
        if package:
            self.seen += 1
            say(f"[{self.seen}/{self.total}] {package.group(1)}")
        elif line.startswith("Ignoring "):  # meant for another platform
            self.total -= 1
        elif line.startswith("Installing collected"):
            self.installing = True
            say("installing them")


def logged(command: list[str], follow: Callable[[str], None] = lambda line: None) -> tuple[int, str]:
    """Run `command`, its output to the log and line by line to `follow`; returns its exit code and output."""
    from subprocess import DEVNULL, PIPE, STDOUT, Popen

    fixed = {"PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "DEBIAN_FRONTEND": "noninteractive"}
    lines = []
    child = Popen(
        command, env=os.environ | fixed, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT, encoding="utf-8", errors="replace"
    )
    with child, LOG.open("a", encoding="utf-8") as log:
        try:
            for line in child.stdout:
                log.write(line)
                lines.append(line)
                follow(line)
        except BaseException:
            child.kill()
            raise
    return child.returncode, "".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
