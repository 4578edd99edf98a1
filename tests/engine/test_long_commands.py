"""Long commands are told of when they end."""

import pytest

from engine.test_intake import Clock
from wa.engine.long_commands import LongCommands
from wa.engine.shell_pane import Ran


class Ear:
    def __init__(self):
        self.told = []

    def tell(self, pane_uid, notify, key, workflow):
        assert key not in {known for _, _, known in self.told}
        self.told.append((pane_uid, notify, key))


class Pane:
    uid = "p7"


def ran(number=1, *, command="make all", took_ms=61_000, status=0, cwd="/src"):
    return Ran("a" * 16, number, command, False, cwd, True, 0, status, took_ms)


@pytest.mark.parametrize(
    ("long_s", "took_ms", "is_told"), [(0, 9_999_999, False), (60, 59_999, False), (60, 60_000, True)]
)
def test_only_what_took_long_enough_is_told(long_s, took_ms, is_told):
    """0 turns it off."""
    ear = Ear()
    LongCommands(ear, Clock(), long_s=long_s).finished(Pane(), ran(took_ms=took_ms))

    assert bool(ear.told) is is_told


@pytest.mark.parametrize(
    ("one", "title", "body"),
    [
        (ran(), "make all has ended", "It took 1 min 1 s in /src."),
        (ran(status=2, took_ms=7_260_000), "make all failed (2)", "It took 2 h 1 min in /src."),
        (ran(command=None, cwd=None), "A command has ended", "It took 1 min 1 s."),
        (ran(command="a\x1b[2J\nb"), "a[2J b has ended", "It took 1 min 1 s in /src."),
    ],
)
def test_the_words_say_what_and_how(one, title, body):
    """Cleaned of what steers terminals."""
    ear = Ear()
    LongCommands(ear, Clock(), long_s=1).finished(Pane(), one)
    ((_, notify, _),) = ear.told

    assert (notify.title, notify.body, notify.needs_you) == (title, body, False)


def test_a_pane_that_claims_many_is_heard_seldom():
    """Three at once, then one in ten seconds."""
    ear, clock = Ear(), Clock()
    commands = LongCommands(ear, clock, long_s=1)
    for number in range(1_000):
        commands.finished(Pane(), ran(number))
    assert len(ear.told) == 3

    clock.ms += 10_000
    commands.finished(Pane(), ran(1_001))
    commands.finished(Pane(), ran(1_002))
    assert len(ear.told) == 4
