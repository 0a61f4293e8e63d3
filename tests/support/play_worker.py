"""Plays a passage to the end in a process of its own, whose sound card is made up: `test_player.py`.

    python -m tests.support.play_worker FILE START END SPEED

Prints, as JSON, where the player said it was, with when, and how it ended.
"""

import json
import sys
import threading
import time
from pathlib import Path

from app.playback.player import Passage, Player


def main() -> None:
    path, start, end, speed = Path(sys.argv[1]), *map(float, sys.argv[2:5])
    over = threading.Event()
    ended: list[object] = []

    def stopped(error: object) -> None:
        ended.append(None if error is None else str(error))
        over.set()

    player = Player(stopped)
    began = time.monotonic()
    player.play(Passage(path, start, end, speed=speed))
    seen = []
    while not over.wait(0.05):
        seen.append((time.monotonic() - began, player.position_s))
    player.close()
    print(json.dumps({"seen": seen, "ended": ended}))


if __name__ == "__main__":
    main()
