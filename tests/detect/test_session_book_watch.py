"""The watch over a pane and its session book together: what codex draws, look by look."""

from __future__ import annotations

from detect.test_watch import BANNER, COMPOSER, WORKING, World
from detect.told import Tables
from wa.detect.outcome import Changed, Looked, Outcome
from wa.detect.program import Program
from wa.detect.session_book import SessionBook

STOPPED = ["■ Conversation interrupted - use /feedback if something went wrong"]
GOODBYE = ["Token usage: total=2,426 input=2,105 output=321", "To continue this session, run:"]
RESUME = ["  codex resume 01a1f869-203f-7d21-bf3a-c6f11f9844da", "$ "]


class Pane(World):
    """With a book beside it, and the tables that it makes."""

    def __init__(self) -> None:
        self.book = SessionBook()
        self.tables = Tables()
        super().__init__()

    def _take(self, outcomes: list[Outcome]) -> None:
        super()._take(outcomes)
        for outcome in outcomes:
            if isinstance(outcome, Looked):
                self.tables.perform(self.book.look(outcome.detections, outcome.at_ms, outcome.rows))
            elif isinstance(outcome, Changed):
                self.tables.perform(self.book.feed_state(outcome.transition))

    def turn(self, *above: str) -> list[str]:
        """One that is stopped; the transcript after it."""
        asked = [*above, "› fix it", ""]
        self.show(*asked, *WORKING, *COMPOSER)
        self.show(*asked, *STOPPED, "", *COMPOSER)
        self.let_pass(2000)
        return [*asked, *STOPPED, ""]


def test_two_turns_that_are_stopped_are_two_that_are_stopped() -> None:
    """Though both say so in the same words, and both are in sight."""
    pane = Pane()
    pane.show(*BANNER, *COMPOSER)
    shown = pane.turn(*BANNER)
    pane.turn(*shown)
    for _ in range(5):
        pane.let_pass(2000)

    assert pane.tables.names().count("turn.interrupted") == 2
    assert [one.outcome for one in pane.tables.newest.turns.values()] == ["interrupted", "interrupted"]


def test_what_scrolls_into_the_log_is_the_same() -> None:
    """It leaves the screen row by row, and is looked at on both sides of its top."""
    pane = Pane()
    pane.show(*BANNER, *COMPOSER)
    shown = pane.turn(*BANNER)
    pane.show(*shown, "› again", "", *WORKING, *COMPOSER)
    for cut in range(1, len(shown)):
        pane.scroll(shown[cut - 1])
        pane.show(*shown[cut:], "› again", "", *WORKING, *COMPOSER)
    pane.show("• Done.", *COMPOSER, after_ms=3000)
    pane.let_pass(2000)

    assert pane.tables.names().count("turn.interrupted") == 1
    assert [one.outcome for one in pane.tables.newest.turns.values()] == ["interrupted", "done"]


def test_a_second_run_below_the_first_one_is_a_second_session() -> None:
    """The same program, version and folder; the first one's banner and goodbye stand above."""
    pane = Pane()
    above: list[str] = []
    for run in (1, 2):
        pane.run(Program("codex", "codex"))
        pane.show(*above, *BANNER, *COMPOSER)
        pane.let_pass(1000)
        goodbye = [f"Token usage: total=2,42{run} input=2,105 output=321", *GOODBYE[1:], *RESUME]
        pane.show(*above, *BANNER, *goodbye)
        pane.run(Program("bash", "bash"))
        pane.let_pass(10_000)
        above = [*above, *BANNER, *goodbye]
    first, second = pane.tables.sessions.values()

    assert [one.usage[-1].total for one in (first, second)] == [2421, 2422]
    assert first.session_id == second.session_id == "01a1f869-203f-7d21-bf3a-c6f11f9844da"
    assert [one.mode for one in (first, second)] == ["closed", "closed"]
    for number in (1, 2):
        assert [pane.tables.names(number).count(name) for name in ("session.start", "session.end")] == [1, 1]
