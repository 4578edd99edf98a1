import pytest

from act.hostile.screens import DIALOGS, Face, draw
from act.hostile.trial import AGENTS, NAMES, _read, run
from wa.model.agent import PaneState

TRIALS = 400


@pytest.mark.parametrize("first", range(0, TRIALS, 100))
def test_nothing_goes_where_it_is_not_meant(first):
    """No byte to a wrong place, no second submission, no draft lost or submitted, every outcome named; `make hostile` runs more."""
    failed = [found for seed in range(first, first + 100) if (found := run(seed)).failures]

    assert not failed, f"make hostile SEED={failed[0].seed}: {failed[0]}"


def test_a_seed_replays_what_happened():
    """Chance comes from the seed alone."""
    assert [run(seed) for seed in range(20)] == [run(seed) for seed in range(20)]


@pytest.mark.parametrize("name", NAMES)
def test_the_fake_agents_are_read_as_the_real_ones_are(name):
    """Idle, with a draft, working, and each dialog with its options and its selection."""
    idle, draft, working = (
        _read(name, draw(name, Face((("user", "hello"),), typed, busy, None, 0)).rows)
        for typed, busy in (("", False), ("a draft", False), ("", True))
    )
    assert (idle[0], idle[2]) == (PaneState.IDLE, "")
    assert (draft[0], draft[2]) == (PaneState.IDLE, "a draft")
    assert working[0] is PaneState.WORKING
    for asked in DIALOGS[name]:
        for at in range(len(asked.options)):
            state, dialog, _, row = _read(name, draw(name, Face((("user", "hello"),), "", False, asked, at)).rows)
            assert state.startswith("waiting.")
            assert (dialog.options, dialog.selected, row) == (asked.options, at, None)


def test_the_profiles_of_the_trials_are_the_shipped_ones():
    """What is proven is what is used."""
    assert {name for name, profile in AGENTS.profiles.items() if profile.composer} == set(NAMES)


def test_most_trials_end_well():
    """The invariants are not kept by doing nothing."""
    outcomes = [run(seed).outcome for seed in range(200)]

    assert sum(outcome in ("submitted", "chosen", "exited", "pressed") for outcome in outcomes) > 100
