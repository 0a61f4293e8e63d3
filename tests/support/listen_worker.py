"""Listens to the default microphone of a made-up sound card while something is played: `test_microphone.py`.

Prints, as JSON, the level in silence and while FILE is played.
"""

import json
import subprocess
import sys
import time

from app.capture.microphone import LevelMeter, microphones


def loudest(meter: LevelMeter, seconds: float) -> float:
    end, level = time.monotonic() + seconds, -200.0
    while time.monotonic() < end:
        level = max(level, meter.level_db)
        time.sleep(0.02)  # another thread measures
    return level


def main() -> None:
    found = microphones()
    meter = LevelMeter()
    meter.open(found[0])
    loudest(meter, 1.0)
    silence = meter.level_db
    with subprocess.Popen(["paplay", sys.argv[1]]) as player:
        speech = loudest(meter, 3.0)
        player.kill()
    n_blocks = meter.n_blocks
    meter.close()
    heard = {"default": found[0].is_default, "silence": silence, "speech": speech, "n": n_blocks}
    print(json.dumps(heard))


if __name__ == "__main__":
    main()
