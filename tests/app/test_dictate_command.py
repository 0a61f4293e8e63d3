"""Dictation on a made-up microphone that hears real speech, through the real command."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from gpu.audio import load_audio
from tests.bench.metrics import count_errors
from tests.support.corpus import FREE_AUDIO, read_manifest

ROOT = Path(__file__).parents[2]
CLIP = next(clip for clip in read_manifest(FREE_AUDIO) if clip.path.stem == "librivox_0880")

# The clip is played once the program listens, which it says on standard error.
SCRIPT = """
. "{root}/tests/tools/virtual_mic.sh"
{python} -m app dictate --language en {options} > "{out}" 2> "{err}" &
program=$!
echo $program > "{pid}"
until grep -q listening "{err}"; do sleep 0.1; kill -0 $program || exit 3; done
paplay "{clip}"
paplay "{clip}"
{after}
wait $program
echo "ended with $?" >> "{err}"
vm_stop
"""


def dictate(folder: Path, options: str, after: str) -> tuple[str, str]:
    """What it printed, and said."""
    script = SCRIPT.format(
        root=ROOT, python=sys.executable, options=options, out=folder / "out", err=folder / "err", pid=folder / "pid",
        clip=CLIP.path, after=after,
    )  # fmt: skip
    subprocess.run(["bash", "-c", script], cwd=ROOT, timeout=180, check=False)
    return (folder / "out").read_text("utf-8"), (folder / "err").read_text("utf-8")


@pytest.mark.slow
def test_a_signal_finishes_what_is_said(tmp_path: Path) -> None:
    """Ctrl-C's, too; here the other, since shells keep that one from what runs behind them."""
    sound = tmp_path / "talk.flac"
    out, err = dictate(tmp_path, f'--format jsonl --save-audio "{sound}"', "kill -TERM $program")
    assert "ended with 0" in err
    events = [json.loads(line) for line in out.splitlines()]
    assert {"state", "tentative", "final"} <= {event["type"] for event in events}
    settled = "".join(event["text"] for event in events if event["type"] in ("committed", "final"))
    assert count_errors(f"{CLIP.reference} {CLIP.reference}", settled, "en").percent <= 15
    assert all(event["time"] >= event["end"] - 0.1 for event in events if event["type"] == "committed")
    assert soundfile.info(sound).duration > 2 * CLIP.seconds - 0.5


@pytest.mark.slow
def test_a_microphone_that_goes_away_is_told_and_taken_up_again(tmp_path: Path) -> None:
    again = (
        "number=$(pactl list short modules | grep remap-source | cut -f1)\n"
        "pactl unload-module $number; sleep 1\n"
        "pactl load-module module-remap-source source_name=vmic_src master=vmic.monitor "
        "source_properties=device.description=VirtualMic\n"
        f'until grep -q gap "{tmp_path / "out"}"; do sleep 0.1; kill -0 $program || exit 3; done\n'
        f'paplay "{CLIP.path}"\nkill -TERM $program'
    )
    sound = tmp_path / "talk.flac"
    out, err = dictate(tmp_path, f'--format jsonl --input VirtualMic --save-audio "{sound}"', again)
    assert "ended with 0" in err
    events = [json.loads(line) for line in out.splitlines()]
    gone = next(event for event in events if event["text"] == "microphone gone")
    assert "VirtualMic is not there" in gone["message"]
    assert "Connect it" in gone["remedy"]
    gaps = [event for event in events if event["type"] == "gap"]
    gap = max(gaps, key=lambda event: event["end"] - event["start"])  # a busy machine may lose some more
    assert gap["end"] - gap["start"] > 0.9
    settled = "".join(event["text"] for event in events if event["type"] in ("committed", "final"))
    assert count_errors(" ".join(3 * [CLIP.reference]), settled, "en").percent <= 20
    behind = [event for event in events if event["type"] == "final" and event["start"] > gap["end"]]
    assert behind  # what follows keeps its time
    assert soundfile.info(sound).duration > behind[-1]["end"]


@pytest.mark.slow
def test_what_was_heard_is_on_the_disk_after_a_kill(tmp_path: Path) -> None:
    sound = tmp_path / "talk.flac"
    dictate(tmp_path, f'--save-audio "{sound}"', "kill -KILL $program")
    assert len(load_audio(sound)) / 16_000 > 2 * CLIP.seconds - 0.5


def test_a_machine_without_a_microphone_says_so(tmp_path: Path) -> None:
    nowhere = os.environ | {"PULSE_SERVER": f"unix:{tmp_path}/nowhere"}
    command = [sys.executable, "-m", "app", "dictate", "--duration", "1"]
    done = subprocess.run(command, cwd=ROOT, env=nowhere, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "No microphone can be heard" in done.stderr
    assert "Connect one" in done.stderr


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["--language", "klingon"], "--language"),
        (["--duration", "0"], "--duration"),
        (["--format", "xml"], "--format"),
        (["--model", "/nowhere.bin"], "--model"),
    ],
)
def test_what_means_nothing_is_told(typed: list[str], said: str) -> None:
    command = [sys.executable, "-m", "app", "dictate", *typed]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode in (1, 2)
    assert said in done.stderr or "nowhere" in done.stderr
