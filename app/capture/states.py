"""How it stands with a microphone, in words: what is wrong, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gpu.types import Words

Kind = Literal["opening", "listening", "paused", "gone", "stalled", "suspended", "muted", "silent", "rate"]

_NOTHING = Words.from_parts("", {})  # no literal: there is nothing to translate


@dataclass(frozen=True)
class CaptureState:
    """What is heard now, or why nothing is.

    Attributes:
        name: of the device, as people know it; "" while nobody knows it.
        at_s: since when, in seconds of the sound.
    """

    kind: Kind
    name: str
    at_s: float

    @property
    def is_trouble(self) -> bool:
        return self.kind not in ("opening", "listening", "paused")

    @property
    def message(self) -> Words:
        """One line; empty where all is well."""
        return self._said[0]

    @property
    def remedy(self) -> Words:
        """What to do; empty where all is well."""
        return self._said[1]

    @property
    def _said(self) -> tuple[Words, Words]:
        name = self.name or Words("The microphone")
        match self.kind:
            case "gone":
                return (
                    Words("{name} is not there.", name=name),
                    Words("Connect it: it is listened to as soon as it is there. What was heard so far is kept."),
                )
            case "stalled":
                return (
                    Words("{name} gives nothing: the sound system does not answer.", name=name),
                    Words("It goes on by itself when the sound system does. What was heard so far is kept."),
                )
            case "suspended":
                return (
                    Words("{name} is suspended by the sound system.", name=name),
                    Words("Wake it in the system's sound settings, or unplug it and connect it again."),
                )
            case "muted":
                return (
                    Words("{name} is muted.", name=name),
                    Words("Switch it on in the system's sound settings, or by the key or switch that mutes it."),
                )
            case "silent":
                return (
                    Words("{name} gives no sound at all, not even noise.", name=name),
                    Words("Look for a switch on it that mutes it, or choose another microphone."),
                )
            case "rate":
                return (
                    Words("{name} runs at another speed than it says; that has been put right.", name=name),
                    Words("Nothing has to be done."),
                )
            case _:
                return _NOTHING, _NOTHING


@dataclass(frozen=True)
class Gap:
    """Sound that is lost, in seconds of the sound: silence is in its place, so that what follows keeps its time."""

    start_s: float
    end_s: float


Heard = NDArray[np.float32] | Gap | CaptureState  # the sound: (n,) mono 16 kHz
