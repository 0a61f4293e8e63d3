"""What is heard is the recording, from where it is wanted, and where the player says; on a real sound server."""

import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from numpy.typing import NDArray

from app.playback import output, player
from app.playback.errors import PlaybackError
from app.playback.player import Passage, Player
from tests.support.sound_server import RATE, SoundServer

Floats = NDArray[np.float32]
JFK = Path(__file__).parents[3] / "resources" / "samples" / "jfk.wav"
PATIENCE_S = 60.0

pytestmark = pytest.mark.slow


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


class Ends:
    """What the player said when it stopped."""

    def __init__(self) -> None:
        self.errors: list[Exception | None] = []

    def take(self, error: Exception | None) -> None:
        self.errors.append(error)


@pytest.fixture
def ends() -> Ends:
    return Ends()


@pytest.fixture
def player_(sound_server: SoundServer, ends: Ends) -> Iterator[Player]:
    sound_server.start()
    yield (made := Player(ends.take))
    close(made)


def close(player: Player) -> None:
    player.close()
    wait_for(lambda: player._thread is None)


@pytest.fixture(scope="module")
def speech() -> Floats:
    """The sample as the loudspeaker would have it."""
    samples, rate = soundfile.read(JFK, dtype="float32")
    return soxr.resample(samples, rate, RATE)


def heard_at(tape: Floats, source: Floats) -> tuple[float, float]:
    """Where in the tape, in seconds, a piece of the source is, and how like it (1: the same)."""
    n = 1 << (len(tape) + len(source)).bit_length()
    spectrum = np.fft.rfft(tape, n) * np.conj(np.fft.rfft(source, n))
    at = int(np.fft.irfft(spectrum, n)[: len(tape) - len(source) + 1].argmax())
    found = tape[at : at + len(source)]
    return at / RATE, float(found @ source / np.sqrt((found @ found) * (source @ source)))


def piece(speech: Floats, start_s: float, end_s: float) -> Floats:
    return speech[round(start_s * RATE) : round(end_s * RATE)]


def test_the_recording_is_heard_from_there_to_its_end(
    player_: Player, ends: Ends, sound_server: SoundServer, speech: Floats
) -> None:
    with sound_server.recording() as tape:
        player_.play(Passage(JFK, 8.6))
        wait_for(lambda: ends.errors)
        end_s = tape.seconds
        wait_for(lambda: tape.seconds > end_s + 0.4)
    assert ends.errors == [None]
    assert not player_.is_playing
    assert player_.position_s == pytest.approx(11.0, abs=0.01)
    _, likeness = heard_at(tape.samples, piece(speech, 8.7, 10.9))
    assert likeness > 0.98


def test_the_position_is_that_of_what_is_heard(player_: Player, sound_server: SoundServer, speech: Floats) -> None:
    with sound_server.recording() as tape:
        player_.play(Passage(JFK, 3.0))
        wait_for(lambda: player_.position_s > 4.5)
        said_s, n_taped = player_.position_s, tape.seconds
        wait_for(lambda: tape.seconds > n_taped + 0.4)
        player_.pause()
    at_s, likeness = heard_at(tape.samples, piece(speech, 3.2, 4.2))
    assert likeness > 0.98
    # The tape runs some hundredths behind the loudspeaker; a busy machine adds to that.
    assert n_taped - at_s == pytest.approx(said_s - 3.2, abs=0.25)


def test_a_pause_is_silent_and_it_goes_on_where_it_was(
    player_: Player, sound_server: SoundServer, speech: Floats
) -> None:
    with sound_server.recording() as tape:
        player_.play(Passage(JFK, 1.0))
        wait_for(lambda: player_.position_s > 1.5)
        position_s = player_.pause()
        assert not player_.is_playing
        n_taped = tape.seconds
        wait_for(lambda: tape.seconds > n_taped + 1.0)
        assert player_.position_s == position_s
        assert not tape.samples[round((n_taped + 0.5) * RATE) :].any()
        player_.play(Passage(JFK, position_s))
        wait_for(lambda: player_.position_s > position_s + 0.8)
        n_taped = tape.seconds
        wait_for(lambda: tape.seconds > n_taped + 0.4)
    _, likeness = heard_at(tape.samples, piece(speech, position_s + 0.02, position_s + 0.7))
    assert likeness > 0.95


def test_a_segment_again_and_again_twice_as_fast(player_: Player, sound_server: SoundServer) -> None:
    positions = []
    with sound_server.recording() as tape:
        player_.play(Passage(JFK, 4.0, 5.0, loop_s=4.0, speed=2.0))
        begun = time.monotonic()
        wait_for(lambda: player_.position_s > 4.0)
        while time.monotonic() < begun + 2.2:
            positions.append(player_.position_s)
            time.sleep(0.01)
        player_.pause()
    assert 4.0 <= min(positions) < max(positions) <= 5.0
    assert sum(b < a - 0.5 for a, b in pairwise(positions)) >= 2
    samples = tape.samples
    samples = samples[np.flatnonzero(samples)[0] :]
    again = samples[round(0.5 * RATE) : round(1.4 * RATE)]  # a second at twice the speed is half a second
    once = samples[: len(again)]
    best = max(
        float(a @ b / np.sqrt((a @ a) * (b @ b)))
        for shift in range(-400, 400, 8)
        for a, b in [(once[400:-400], again[400 + shift : len(again) - 400 + shift])]
    )
    assert best > 0.9


def test_another_place_is_heard_at_once(player_: Player) -> None:
    player_.play(Passage(JFK, 1.0))
    wait_for(lambda: player_.position_s > 1.2)
    for start_s in (9.0, 2.0, 6.0):
        player_.play(Passage(JFK, start_s))
        assert player_.position_s == start_s
    wait_for(lambda: player_.position_s > 6.3)
    assert player_.position_s < 8.0


def test_nobody_waits_for_the_device(player_: Player) -> None:
    begun = time.thread_time()
    for start_s in np.linspace(0, 10, 50):
        player_.play(Passage(JFK, float(start_s)))
        player_.position_s  # noqa: B018
        player_.pause()
    assert time.thread_time() - begun < 0.05


def test_the_louder_the_volume_the_louder(player_: Player, sound_server: SoundServer) -> None:
    player_.volume = 0.25
    with sound_server.recording() as tape:
        player_.play(Passage(JFK, 8.6, 9.6))
        wait_for(lambda: not player_.is_playing)
        n_taped = tape.seconds
        wait_for(lambda: tape.seconds > n_taped + 0.3)
    source, rate = soundfile.read(JFK, dtype="float32")
    assert np.abs(tape.samples).max() == pytest.approx(
        0.25 * np.abs(source[round(8.6 * rate) : round(9.6 * rate)]).max(), rel=0.1
    )


def test_a_recording_that_is_gone_says_so(player_: Player, ends: Ends, tmp_path: Path) -> None:
    player_.play(Passage(tmp_path / "gone.wav", 1.0))
    wait_for(lambda: ends.errors)
    [error] = ends.errors
    assert isinstance(error, PlaybackError)
    assert "gone.wav" in str(error)
    player_.play(Passage(JFK, 1.0))  # another one is heard all the same
    wait_for(lambda: player_.position_s > 1.2)


def test_a_server_that_ends_says_so_and_a_new_one_is_heard(
    player_: Player, ends: Ends, sound_server: SoundServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "STALLED_S", 1.0)
    player_.play(Passage(JFK, 1.0))
    wait_for(lambda: player_.position_s > 1.2)
    sound_server.stop()
    wait_for(lambda: ends.errors)
    assert isinstance(ends.errors[0], PlaybackError)
    player_.play(Passage(JFK, 1.0))
    wait_for(lambda: len(ends.errors) == 2)
    assert isinstance(ends.errors[1], PlaybackError)  # still none
    sound_server.start()
    player_.play(Passage(JFK, 5.0))
    wait_for(lambda: player_.position_s > 5.3)


def test_a_server_that_hangs_says_so(
    player_: Player, ends: Ends, sound_server: SoundServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "STALLED_S", 1.0)
    player_.play(Passage(JFK, 1.0))
    wait_for(lambda: player_.position_s > 1.2)
    sound_server.freeze()
    wait_for(lambda: ends.errors)
    [error] = ends.errors
    assert isinstance(error, PlaybackError)
    assert error.remedy
    sound_server.stop()


def test_no_device_says_so(sound_server: SoundServer, ends: Ends) -> None:
    player = Player(ends.take)
    player.play(Passage(JFK, 1.0))
    wait_for(lambda: ends.errors)
    [error] = ends.errors
    assert isinstance(error, PlaybackError)
    assert error.remedy
    close(player)


def test_without_the_library_the_remedy_names_it(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    """`import sounddevice` raises OSError where PortAudio is not installed."""
    import builtins

    real = builtins.__import__

    def without(name: str, *args: object) -> object:
        if name == "sounddevice":
            raise OSError("PortAudio library not found")
        return real(name, *args)

    monkeypatch.setattr(builtins, "__import__", without)
    player = Player(ends.take)
    player.play(Passage(JFK, 1.0))
    wait_for(lambda: ends.errors)
    [error] = ends.errors
    assert isinstance(error, PlaybackError)
    assert "libportaudio2" in str(error.remedy)
    close(player)


def test_the_device_is_given_back_when_nobody_listens(player_: Player, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(player, "IDLE_S", 0.2)
    player_.play(Passage(JFK, 1.0))
    wait_for(lambda: player_.position_s > 1.1)
    assert player_._output._stream is not None
    player_.pause()
    wait_for(lambda: player_._output._stream is None)
    player_.play(Passage(JFK, 1.0))
    wait_for(lambda: player_.position_s > 1.1)


def test_a_mistake_of_ours_is_told_too(player_: Player, ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_number: int) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(player_, "_hear_out", broken)
    player_.play(Passage(JFK, 10.9))
    wait_for(lambda: ends.errors)
    assert isinstance(ends.errors[0], ZeroDivisionError)
    assert not player_.is_playing
    assert threading.active_count() < 20
