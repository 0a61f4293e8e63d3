"""Keys by the desktop's portal, of a desktop that is made up, on a real bus."""

import shutil
import subprocess
from collections.abc import Iterator

import pytest

from app.anywhere.errors import KeyboardError
from app.anywhere.portal_keyboard import PortalKeyboard
from tests.app.anywhere.test_portal_hotkey import bus, portal
from tests.support.portal import PortalServer

__all__ = ["bus", "portal"]
pytestmark = pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="needs dbus-daemon")


@pytest.fixture
def tokens() -> list[str]:
    return []


@pytest.fixture
def keyboard(tokens: list[str]) -> Iterator[PortalKeyboard]:
    keyboard = PortalKeyboard("", tokens.append)
    yield keyboard
    keyboard.close()


def struck(portal: PortalServer) -> list[int]:
    return [body[2] for name, body in portal.calls if name == "NotifyKeyboardKeysym" and body[3] == 1]


def test_text_is_typed_and_the_user_asked_once(
    portal: PortalServer, keyboard: PortalKeyboard, tokens: list[str]
) -> None:
    keyboard.type("aé你🎉\n")
    keyboard.erase(2)
    assert struck(portal) == [0x61, 0xE9, 0x01004F60, 0x0101F389, 0xFF0D, 0xFF08, 0xFF08]
    assert [name for name, _ in portal.calls].count("Start") == 1
    assert tokens == ["kept"]
    again = PortalKeyboard("kept", tokens.append)
    again.type("a")
    again.close()
    chosen = [body[1] for name, body in portal.calls if name == "SelectDevices"]
    assert [options.get("restore_token") for options in chosen] == [None, ("s", "kept")]


def test_why_nothing_is_typed(bus: subprocess.Popen[str], portal: PortalServer, keyboard: PortalKeyboard) -> None:
    portal.refuses.add("Start")
    with pytest.raises(KeyboardError, match="did not allow it"):
        keyboard.type("a")
    portal.refuses.clear()
    keyboard.type("b")
    assert struck(portal) == [0x62]
    bus.kill()
    bus.wait()
    with pytest.raises(KeyboardError, match="portal does not answer"):
        keyboard.type("c")
