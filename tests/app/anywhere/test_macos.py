"""What of a Mac's keys can be told without one: which events are the hotkey. Nothing here has seen a Mac."""

from app.anywhere.macos import _KEY_CODE, _KEY_DOWN, _KEY_UP, _Matcher, place_of

CMD, SHIFT = 1 << 20, 1 << 17
OTHER = 0x100  # as every event has


class Library:
    """An event is its key and its modifiers."""

    def CGEventGetIntegerValueField(self, event: tuple[int, int], field: int) -> int:  # noqa: N802
        assert field == _KEY_CODE
        return event[0]

    def CGEventGetFlags(self, event: tuple[int, int]) -> int:  # noqa: N802
        return event[1] | OTHER


def test_only_the_hotkey_is_kept_from_other_programs() -> None:
    heard: list[str] = []
    matcher = _Matcher(Library(), 49, CMD, lambda: heard.append("pressed"), lambda: heard.append("released"))
    for kind, event, is_ours in (
        (_KEY_DOWN, (49, CMD | SHIFT), False),
        (_KEY_DOWN, (9, CMD), False),
        (_KEY_UP, (49, 0), False),
        (_KEY_DOWN, (49, CMD), True),
        (_KEY_DOWN, (49, CMD), True),  # it repeats
        (_KEY_UP, (49, 0), True),  # Command went up first
    ):
        assert matcher.take(None, kind, event, None) == (None if is_ours else event)
    assert heard == ["pressed", "released"]


def test_places_of_keys() -> None:
    assert [place_of(key) for key in ("A", "V", "Space", "F9", "Ins")] == [0, 9, 49, 101, None]
