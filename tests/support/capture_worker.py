"""Listens to NAME ("" for the default, "system" for what is played) and writes FILE, until it is told "stop".

Prints, as JSON lines, all but the sound: [kind, name] of states, ["gap", from, to], and at the end what was heard.
"""

import json
import sys
import threading
import time
from pathlib import Path

from app.capture.listener import Listener
from app.capture.states import CaptureState, Gap
from app.capture.stream import Choice


def obey(listener: Listener) -> None:
    for line in sys.stdin:
        match line.split():
            case ["pause"]:
                listener.pause(True)
            case ["resume"]:
                listener.pause(False)
            case ["choose", name]:
                listener.choose(Choice(name))
            case ["stop"]:
                listener.stop()


def main() -> None:
    name, path = sys.argv[1], Path(sys.argv[2])
    listener = Listener(Choice(system=True) if name == "system" else Choice(name), path, patient=True)
    threading.Thread(target=obey, args=(listener,), daemon=True).start()
    began = 0.0
    listener.start()
    is_over = False
    while not is_over:
        is_over = listener.ended  # asked first
        for item in listener.take():
            match item:
                case CaptureState(kind, device):
                    began = began or (time.monotonic() if kind == "listening" else 0.0)
                    print(json.dumps([kind, device, item.message, item.remedy]), flush=True)
                case Gap(start_s, end_s):
                    print(json.dumps(["gap", start_s, end_s]), flush=True)
        time.sleep(0.01)
    wall_s = time.monotonic() - began
    print(json.dumps(["end", listener.heard_s, wall_s, listener.lost_s, str(listener.failure or "")]), flush=True)


if __name__ == "__main__":
    main()
