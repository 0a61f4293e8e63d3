"""How text gets into which program, and what a settings file may hold."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.anywhere.combination import MODIFIERS, Combination
from app.anywhere.hotkey_mode import HOLD_S, HotkeyMeaning
from app.anywhere.interfaces import Program
from app.anywhere.rules import HOTKEY_MODES, PACES, WAYS, HotkeyMode, Insertion, Rules

words = st.text(min_size=1).filter(str.strip)
rules = st.builds(
    Rules,
    hotkey=st.sampled_from(["", "F9", "Ctrl+Alt+Space", "Meta++"]),
    mode=st.sampled_from(HOTKEY_MODES),
    way=st.sampled_from(WAYS),
    pace=st.sampled_from(PACES),
    programs=st.lists(st.tuples(words, st.text()), max_size=3).map(tuple),
    replacements=st.lists(st.tuples(words, st.text()), max_size=3).map(tuple),
    commands=st.booleans(),
    tidy=st.booleans(),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda v: st.lists(v, max_size=3), max_leaves=5
)


@given(rules)
def test_rules_are_kept(kept: Rules) -> None:
    assert Rules.from_json(kept.to_json()) == kept


@given(st.dictionaries(st.sampled_from([*Rules.__dataclass_fields__, "else"]), json_values))
def test_nonsense_counts_as_the_default(values: dict[str, object]) -> None:
    found = Rules.from_json(json.dumps(values))
    assert found.mode in HOTKEY_MODES
    assert found.way in WAYS
    assert all(name.strip() for name, _ in (*found.programs, *found.replacements))
    assert Rules.from_json("[") == Rules.from_json("7") == Rules()


@given(st.sets(st.sampled_from(MODIFIERS)), st.sampled_from(["V", "F12", "Space", "Ins", "+", "é"]))
def test_combinations_read_what_they_write(modifiers: set[str], key: str) -> None:
    combination = Combination(frozenset(modifiers), key.upper() if len(key) == 1 else key)
    assert Combination.parse(str(combination)) == combination


@pytest.mark.parametrize("text", ["", "Ctrl+", "Hyper+V", "V+Ctrl+Ins"])
def test_what_is_no_combination(text: str) -> None:
    with pytest.raises(ValueError, match="expected keys"):
        Combination.parse(text)


@pytest.mark.parametrize(
    ("names", "chosen", "insertion"),
    [
        (("mousepad",), Rules(), ("paste", "Ctrl+V", False)),
        (("xterm",), Rules(), ("paste", "Shift+Ins", True)),
        (("gnome-terminal-server",), Rules(), ("paste", "Ctrl+Shift+V", False)),
        (("emacs",), Rules(), ("paste", "Shift+Ins", False)),
        (("xterm",), Rules(way="type"), ("type", "Ctrl+V", False)),
        (("xterm",), Rules(programs=(("XTerm", "clipboard"),)), ("clipboard", "Ctrl+V", False)),
        (("xterm",), Rules(programs=(("xterm", "Ctrl+Shift+V"),)), ("paste", "Ctrl+Shift+V", False)),
        (("vnc",), Rules(programs=(("vnc", "type"),)), ("type", "Ctrl+V", False)),
        (("vnc",), Rules(programs=(("vnc", "nonsense+"),)), ("paste", "Ctrl+V", False)),
        (("a", "vnc"), Rules(way="clipboard", programs=(("vnc", "Shift+Insert"),)), ("paste", "Shift+Ins", False)),
    ],
)
def test_how_text_gets_into_a_program(names: tuple[str, ...], chosen: Rules, insertion: tuple[str, str, bool]) -> None:
    found: Insertion = chosen.insertion(Program(names, 1))
    assert (found.way, str(found.keys), found.primary) == insertion


@pytest.mark.parametrize(
    ("mode", "tapped", "held"),
    [
        ("toggle", ["start", None, "stop", None], ["start", None, "stop", None]),
        ("hold", ["start", "stop", "start", "stop"], ["start", "stop", "start", "stop"]),
        ("hybrid", ["start", None, "stop", None], ["start", "stop", "start", "stop"]),
    ],
)
def test_what_a_hotkey_means(mode: HotkeyMode, tapped: list[str | None], held: list[str | None]) -> None:
    for seconds, expected in ((HOLD_S / 2, tapped), (2 * HOLD_S, held)):
        meaning, active, now, wishes = HotkeyMeaning(mode), False, 0.0, []
        for _ in range(2):
            for wish in (meaning.press(now, is_active=active), meaning.release(now + seconds)):
                wishes.append(wish)
                active = {"start": True, "stop": False, None: active}[wish]
            now += 10
        assert wishes == expected
