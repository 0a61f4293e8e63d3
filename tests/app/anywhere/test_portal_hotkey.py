"""A hotkey from the desktop's portal, of a desktop that is made up, on a real bus."""

import os
import queue
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from app.anywhere.combination import Combination
from app.anywhere.portal_hotkey import PortalHotkey
from tests.support.portal import PortalServer

pytestmark = pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="needs dbus-daemon")

KEYS = Combination.parse("Ctrl+Alt+Space")
TIMEOUT_S = 20


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[str]]:
    command = ["dbus-daemon", "--session", "--nofork", "--print-address"]
    daemon = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert daemon.stdout is not None
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", daemon.stdout.readline().strip())
    yield daemon
    daemon.kill()
    daemon.communicate()


@pytest.fixture
def portal(bus: subprocess.Popen[str]) -> Iterator[PortalServer]:
    server = PortalServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def heard() -> queue.Queue[object]:
    return queue.Queue()


@pytest.fixture
def hotkey(heard: queue.Queue[object]) -> Iterator[PortalHotkey]:
    hotkey = PortalHotkey()
    yield hotkey
    hotkey.let_go()


def hold(hotkey: PortalHotkey, heard: queue.Queue[object], keys: Combination = KEYS) -> None:
    hotkey.hold(keys, lambda: heard.put("pressed"), lambda: heard.put("released"), lambda e: heard.put(str(e)))


def test_the_desktop_is_asked_and_tells_of_the_key(
    portal: PortalServer, hotkey: PortalHotkey, heard: queue.Queue[object]
) -> None:
    hold(hotkey, heard)
    assert portal.is_bound.wait(TIMEOUT_S)
    [(name, about)] = portal.body("BindShortcuts")[1]
    assert (name, about["preferred_trigger"]) == ("dictate", ("s", "CTRL+ALT+space"))
    for member in ("Activated", "Activated", "Deactivated"):  # some desktops repeat a key that is held
        portal.signal(member)
    portal.signal("Activated", "another program's")
    assert [heard.get(timeout=TIMEOUT_S) for _ in range(2)] == ["pressed", "released"]
    portal.signal("Activated")
    assert heard.get(timeout=TIMEOUT_S) == "pressed"
    hotkey.let_go()
    assert heard.get(timeout=TIMEOUT_S) == "released"  # nobody is left dictating
    portal.signal("Activated")
    assert heard.empty()


def test_why_there_is_none(portal: PortalServer, hotkey: PortalHotkey, heard: queue.Queue[object]) -> None:
    portal.refuses.add("BindShortcuts")
    hold(hotkey, heard)
    assert heard.get(timeout=TIMEOUT_S) == "The desktop, or you, did not allow it."
    portal.unknown.add("CreateSession")
    hold(hotkey, heard)
    assert heard.get(timeout=TIMEOUT_S) == "The desktop's portal does not answer: No such method CreateSession."


def test_a_bus_that_goes(
    bus: subprocess.Popen[str], portal: PortalServer, hotkey: PortalHotkey, heard: queue.Queue[object]
) -> None:
    hold(hotkey, heard)
    assert portal.is_bound.wait(TIMEOUT_S)
    portal.signal("Activated")
    assert heard.get(timeout=TIMEOUT_S) == "pressed"
    bus.kill()
    said = {heard.get(timeout=TIMEOUT_S) for _ in range(2)}
    assert said == {"released", "The desktop's portal is gone, and the hotkey with it."}


def test_no_bus(hotkey: PortalHotkey, heard: queue.Queue[object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path=/nowhere-{os.getpid()}")
    hold(hotkey, heard)
    assert str(heard.get(timeout=TIMEOUT_S)).startswith("The desktop's portal does not answer:")
