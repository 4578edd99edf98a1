"""What stands in front of a tab's title says what its agents do, and never costs the user's title."""

import re

from hypothesis import given
from hypothesis import strategies as st

from wa.model.agent import PaneState
from wa.protocol.badges import CLASSES, SIGN, Shown, counted, marked, own_title, taken_apart

LUA = re.compile("^\u2063wa1:([a-z=\\d,]*)\u2063(.*)$", re.DOTALL | re.ASCII)
"""The plugin's pattern, as the protocol's page gives it."""
COUNTS = st.dictionaries(st.sampled_from(CLASSES), st.integers(1, 99), max_size=6)
TITLES = st.one_of(st.text(), st.text(alphabet=[SIGN, "w", "a", "1", ":", "=", ",", "i", "\n", "é"]))


@given(COUNTS, TITLES.filter(lambda title: not taken_apart(title).marker))
def test_any_title_of_a_user_survives(counts, title):
    """Also one with the sign in it, a line break, or something like a marker behind its beginning."""
    assert own_title(marked(counts, title)) == title


@given(COUNTS.filter(bool), TITLES)
def test_the_plugins_pattern_reads_every_marker(counts, title):
    """And gives the user's title behind it, whatever that is."""
    found = LUA.match(marked(counts, title))
    assert found is not None
    assert found[2] == title
    assert dict(part.split("=") for part in found[1].split(",")) == {kind: str(n) for kind, n in counts.items()}


@given(TITLES)
def test_nothing_to_tell_is_no_marker(title):
    """A tab without an agent has the title that its user gave it."""
    assert marked({}, title) == title


@given(st.lists(st.builds(Shown, st.sampled_from(PaneState), st.booleans()), max_size=300))
def test_counts_stand_in_the_order_of_the_page_and_have_two_digits_at_most(shown):
    """However many agents a tab has."""
    counts = counted(shown)
    assert list(counts) == [kind for kind in CLASSES if kind in counts]
    assert all(1 <= count <= 99 for count in counts.values())


def test_each_state_has_the_class_of_the_page():
    """A pane without an agent's state has none, and a paused one counts beside its state."""
    classes = {state: next(iter(counted([Shown(state)])), None) for state in PaneState}
    assert {state.value for state, kind in classes.items() if kind == "waiting"} == {
        state.value for state in PaneState if state.value.startswith("waiting.")
    }
    assert [state.value for state, kind in classes.items() if kind is None] == ["shell", "exited", "unknown"]
    assert counted([Shown(PaneState.WORKING, is_paused=True), Shown(PaneState.SHELL, is_paused=True)]) == {
        "working": 1,
        "paused": 1,
    }
    assert counted([Shown(PaneState.IDLE)], idle=False) == {}
    assert marked({"idle": 2, "waiting": 1}, "mine") == f"{SIGN}wa1:waiting=1,idle=2{SIGN}mine"
