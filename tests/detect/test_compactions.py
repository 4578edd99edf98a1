"""A compaction that both the screen and the session's file tell of is one."""

from wa.detect.compactions import MERGE_MS, Compactions
from wa.detect.session_ops import NoteCompaction, SessionRef
from wa.protocol.session_files import Compacted

REF = SessionRef(1, "codex")
NOTHING = (None, None, None)


def note(number, at_ms, *said):
    return [NoteCompaction(REF, number, at_ms, *(said or NOTHING))]


def test_the_screen_first_then_the_file():
    """The file fills in its figures; told again it changes nothing."""
    one = Compactions(REF)
    assert one.running(1_000, *NOTHING) == note(1, 1_000)
    assert one.done(5_000, *NOTHING) == note(1, 5_000)
    told = Compacted(4_900, "manual", 90_123, 3_000)
    assert one.filed(told, alone=True) == note(1, 5_000, "manual", 90_123, 3_000)
    assert one.filed(Compacted(4_900 + 2 * MERGE_MS, None, None, None), alone=True) == note(2, 4_900 + 2 * MERGE_MS)


def test_the_file_first_then_the_screen():
    """What the screen rounds does not replace the file's figures."""
    one = Compactions(REF)
    one.running(1_000, *NOTHING)
    assert one.filed(Compacted(4_900, "auto", 90_123, 3_000), alone=True) == note(1, 1_000, "auto", 90_123, 3_000)
    assert one.done(5_000, None, 90_000, None) == note(1, 5_000, "auto", 90_123, 3_000)

    unseen = Compactions(REF)
    assert unseen.filed(Compacted(4_900, None, None, None), alone=True) == note(1, 4_900)
    assert unseen.shown == 0
    assert unseen.done(5_000, "auto", None, None) == note(1, 5_000, "auto", None, None)
    assert unseen.shown == 1


def test_two_in_a_row_are_two():
    """Each telling finds its own."""
    one = Compactions(REF)
    one.done(10_000, *NOTHING)
    one.done(14_000, *NOTHING)
    assert one.filed(Compacted(9_900, None, 1, None), alone=True) == note(1, 10_000, None, 1, None)
    assert one.filed(Compacted(13_900, None, 2, None), alone=True) == note(2, 14_000, None, 2, None)


def test_after_a_restart_the_file_tells_of_known_ones():
    """They were noted before; a new one is new."""
    known = [*note(1, 10_000, "auto", 1, 2), *note(2, 90_000)]
    one = Compactions(REF, known)
    assert one.filed(Compacted(9_500, "auto", 1, 2), alone=True) == []
    assert one.filed(Compacted(90_100, None, None, None), alone=True) == []
    assert one.filed(Compacted(200_000, None, None, None), alone=True) == note(3, 200_000)


def test_a_file_that_is_only_likely_adds_none():
    """It says more of one that the screen told, and waits for that."""
    one = Compactions(REF)
    assert one.filed(Compacted(10_000, "auto", 5, 1), alone=False) is None
    one.done(10_200, *NOTHING)
    assert one.filed(Compacted(10_000, "auto", 5, 1), alone=False) == note(1, 10_200, "auto", 5, 1)
