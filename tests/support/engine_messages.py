"""Values the engine would send, for tests of what shows them."""

from pathlib import Path

from app.session import Recording, Session
from gpu.types import MemoryUsage, RunStats, Segment, TranscribeOptions

MB = 10**6
MEMORY = MemoryUsage(used=400 * MB, peak=450 * MB, free=7800 * MB, total=16000 * MB)
SENTENCE = "He was not an ill-disposed young man, unless to be rather cold-hearted is to be ill-disposed."


def make_segment(number: int, text: str = SENTENCE) -> Segment:
    """Three seconds long each, one after the other."""
    return Segment(number, 3.0 * number, 3.0 * number + 3.0, f" {text}", (1, 2, 3), 0.0, -0.2, 1.4, 0.01)


def make_stats(audio_s: float, duration_s: float | None = 60.0, processing_s: float = 10.0) -> RunStats:
    return RunStats(audio_s, duration_s, processing_s, n_windows=1, n_tokens=50, n_fallbacks=0, memory=MEMORY)


def make_recording(name: str = "talk.mp3", session: Session | None = None) -> Recording:
    return (session or Session()).add(Path("/recordings") / name, TranscribeOptions())
