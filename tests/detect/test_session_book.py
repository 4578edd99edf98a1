"""Sessions, turns, limits and compactions from what was read off a pane."""

from __future__ import annotations

import pytest

from detect.told import ID, OTHER_ID, World, became, limit, said
from wa.detect import session_ops as ops
from wa.detect.own_id import Candidate
from wa.detect.session_book import SessionBook
from wa.model.agent import PaneState, Signal, SignalSource

BANNER = {"version": "0.87.0", "model": "gpt-5.2-codex", "cwd": "/home/dev/demo"}
END = {"session_id": ID, "total": 2426, "input": 2105, "cached": 10_240, "output": 321, "reasoning": 128}
LIMIT = {"reset": "6:38 AM", "reset_kind": "absolute", "window": "5h", "resets_at": "2026-11-21T06:38:00Z"}
TITLE_SPINS = Signal(SignalSource.TITLE, PaneState.WORKING, "codex", "codex.title.working", "⠙ work", 0, None)


def at_work() -> World:
    world = World()
    world.state(PaneState.SHELL, agent=None)
    world.look(said("session.start", **BANNER))
    world.state(PaneState.WORKING)
    return world


class TestSessions:
    def test_a_banner_opens_and_an_exit_text_closes(self) -> None:
        """With all that both say."""
        world = at_work()
        world.look(said("session.end", **END, mode="detached"))
        session = world.tables.newest

        assert (session.agent, session.joined, session.mode, session.session_id) == ("codex", False, "detached", ID)
        assert session.about == {"version": "0.87.0", "model": "gpt-5.2-codex", "project": "/home/dev/demo"}
        assert [one[3:] for one in session.usage] == [(2426, 2105, 10_240, 321, 128)]
        assert world.book.session is None

    def test_figures_per_model_times_and_calls_are_taken(self) -> None:
        """As gemini prints them; a figure that is none is left out."""
        world = World()
        rows = {"gemini-2.5-pro": {"reqs": 4, "input": 2105, "cached": 10_240, "output": 321}, "bad": 7}
        calls = {"total": 26, "ok": 25, "failed": 1}
        world.look(said("session.start", agent="gemini", version="0.61.0"))
        fields = {"models": rows, "wall_s": 61.5, "agent_active_s": 12, "api_s": "?", "tool_calls": calls}
        world.look(said("session.end", agent="gemini", session_id=ID, **fields))
        session = world.tables.newest

        assert session.models == (ops.ModelUsage("gemini-2.5-pro", 4, 2105, 10_240, 321),)
        assert session.times is not None
        assert session.times[1:] == (61.5, 12.0, None, None, 26, 25, 1)
        assert session.mode == "closed"

    @pytest.mark.parametrize(
        ("second", "agent"),
        [({"cwd": "/home/dev/other"}, "codex"), ({"version": "0.169.0"}, "codex"), ({}, "claude_code")],
        ids=["another folder", "another version", "another agent"],
    )
    def test_another_banner_replaces_a_session_nobody_saw_end(self, second: dict[str, str], agent: str) -> None:
        """Of another agent, version or folder."""
        world = at_work()
        world.look(said("session.start", agent=agent, **{**BANNER, **second}))

        assert [one.mode for one in world.tables.sessions.values()] == ["replaced", None]
        assert world.tables.sessions[1].turns[1].outcome == "interrupted"

    @pytest.mark.parametrize(
        "again",
        [
            BANNER,
            {**BANNER, "model": "gpt-5.5"},
            {**BANNER, "cwd": "~/demo"},
            {**BANNER, "cwd": "/home/…/demo"},
            {"version": "v0.87.0"},
            {**BANNER, "plan": "Plus"},
        ],
        ids=str,
    )
    def test_the_same_banner_painted_again_does_not(self, again: dict[str, str]) -> None:
        """With another model, in a narrower pane, in part."""
        world = at_work()
        world.look(said("turn.working"))
        world.look(said("session.start", **again), rows=(700,))

        assert len(world.tables.sessions) == 1

    def test_state_opens_where_no_banner_was_read(self) -> None:
        """Seen to begin after a shell; joined where the agent was there when wa came."""
        seen, joined = World(), World()
        seen.state(PaneState.SHELL, agent=None)
        seen.state(PaneState.STARTING)
        joined.state(PaneState.IDLE, version="2.1.328", model="opus", plan="Max", project="/x", session_id=ID)

        assert [one.tables.newest.joined for one in (seen, joined)] == [False, True]
        assert joined.tables.newest.about == {"version": "2.1.328", "model": "opus", "plan": "Max", "project": "/x"}
        assert joined.tables.newest.session_id == ID

    def test_the_banner_of_a_session_that_state_opened_describes_it(self) -> None:
        """One session, not two."""
        world = World()
        world.state(PaneState.SHELL, agent=None)
        world.state(PaneState.STARTING)
        world.look(said("session.start", **BANNER))

        assert len(world.tables.sessions) == 1
        assert world.tables.newest.about["version"] == "0.87.0"
        assert world.tables.names(1) == ["session.start"]

    @pytest.mark.parametrize("state", [PaneState.EXITED, PaneState.SHELL])
    def test_an_agent_that_is_gone_ends_its_session(self, state: PaneState) -> None:
        """And the turn it was in; what its exit text says later is still its."""
        world = at_work()
        world.state(state)
        ended_ms = world.at_ms
        world.look(said("session.end", **END, mode="stopped"), said("session.resume_hint", session_id=ID))
        session = world.tables.newest

        assert len(world.tables.sessions) == 1
        assert (session.ended_ms, session.mode, session.session_id) == (ended_ms, "stopped", ID)

    def test_an_exit_text_read_in_part_is_amended(self) -> None:
        """First the tokens, then the id below them."""
        world = at_work()
        world.state(PaneState.EXITED)
        world.look(said("session.end", total=2426, input=2105, output=321))
        world.look(said("session.end", **END, mode="detached"), said("session.resume_hint", session_id=ID))
        session = world.tables.newest

        assert len(world.tables.sessions) == 1
        assert (session.mode, session.session_id, session.usage[-1].reasoning) == ("detached", ID, 128)

    def test_parts_of_an_exit_text_in_any_order_give_one_end(self) -> None:
        """One has the id and says that work goes on, another the tokens."""
        parts = {"session_id": ID, "mode": "detached"}, {**END, "mode": "closed"}
        del parts[1]["session_id"]
        for first, second in (parts, parts[::-1]):
            world = at_work()
            world.look(said("session.end", **first), said("session.end", **second))
            session = world.tables.newest

            assert len(world.tables.sessions) == 1
            assert (session.mode, session.session_id, session.usage[-1].total) == ("detached", ID, 2426)

    @pytest.mark.parametrize(
        ("printed", "counts"),
        [
            ("26 ( ✓ 25 x 1 )", (26, 25, 1)),
            ("1,026 ( ✓ 1,026 x 0 )", (1026, 1026, 0)),
            ("7", (7, None, None)),
            (7, (7, None, None)),
            ("some", (None, None, None)),
        ],
    )
    def test_calls_are_read_as_they_are_printed(self, printed: object, counts: tuple[int | None, ...]) -> None:
        """In one piece, or alone."""
        world = at_work()
        world.look(said("session.end", wall_s=1.0, tool_calls=printed))

        assert world.tables.newest.times is not None
        assert world.tables.newest.times[5:] == counts

    def test_unknown_ends_nothing(self) -> None:
        """Not even where no agent is seen any more."""
        world = at_work()
        world.state(PaneState.UNKNOWN)
        world.state(PaneState.UNKNOWN, agent=None)

        assert world.tables.newest.ended_ms is None
        assert world.tables.newest.turns[1].ended_ms is None

    def test_a_second_run_is_a_second_session(self) -> None:
        """Though the first one's banner and exit text still stand above it."""
        world = at_work()
        old = said("session.start", **BANNER), said("session.end", **END), said("session.resume_hint", session_id=ID)
        world.look(*old)
        world.state(PaneState.EXITED)
        world.look(*old)
        world.state(PaneState.STARTING)
        world.look(*old)
        world.look(said("turn.working"))
        world.state(PaneState.WORKING)
        world.look(*old)
        first, second = world.tables.sessions.values()

        assert (first.mode, second.mode) == ("closed", "closed")
        assert world.tables.names(1).count("session.end") == 1

    @pytest.mark.parametrize(
        ("first", "second"),
        [((4, 5, 6), (24, 25, 26)), ((), ()), ((4, 5, 6), (4, 5, 6))],
        ids=["below", "no rows", "same"],
    )
    def test_one_that_is_resumed_and_left_at_once_prints_the_same_again(
        self, first: tuple[int, ...], second: tuple[int, ...]
    ) -> None:
        """What stands further down, or had been out of sight, is the second one's own."""
        world = World()
        banner, farewell = (
            said("session.start", **BANNER),
            [
                said("session.end", **END),
                said("session.resume_hint", session_id=ID),
            ],
        )
        for rows in (first, second):
            world.state(PaneState.STARTING)
            world.look(banner, rows=rows[:1])
            world.state(PaneState.IDLE)
            world.look(said("state.idle"))
            world.look(banner, *farewell, rows=rows)
            world.state(PaneState.EXITED)
            world.look(banner, *farewell, rows=rows)
            if rows is first and second == first:
                world.look()
                world.look()

        assert [one.session_id for one in world.tables.sessions.values()] == [ID, ID]
        assert [one.mode for one in world.tables.sessions.values()] == ["closed", "closed"]
        assert world.tables.names(2)[-2:] == ["session.end", "session.resume_hint"]
        assert second == () or "session.start" in world.tables.names(2)

    def test_an_end_whose_beginning_nobody_saw_is_a_session(self) -> None:
        """Found on the screen when wa came; once, however often it is read."""
        world = World()
        for _ in range(3):
            world.look(said("session.end", **END))
            world.state(PaneState.EXITED, agent=None)
        world.look(said("error.crash", agent="gemini"))
        world.look(said("session.end", **END), after_ms=600_000)

        assert len(world.tables.sessions) == 1
        assert (world.tables.newest.joined, world.tables.newest.session_id) == (True, ID)
        assert world.tables.names().count("session.end") == 1

    def test_a_pane_that_closes_ends_all(self) -> None:
        """Session and turn; a second time nothing."""
        world = at_work()
        world.tables.perform(world.book.close(world.at_ms + 5))

        assert (world.tables.newest.mode, world.tables.newest.turns[1].outcome) == ("pane_closed", "interrupted")
        assert world.book.close(world.at_ms + 9) == []


class TestIds:
    def test_one_that_fits_is_taken_and_a_print_beats_it(self) -> None:
        """The file's with its confidence; what the agent prints is sure."""
        world = at_work()
        noted = world.book.feed_candidates(
            [Candidate(OTHER_ID, 0.7, "file"), Candidate(OTHER_ID.upper(), 0.6, "file")], 5
        )
        printed = world.book.feed(said("session.resume_hint", session_id=ID), world.at_ms)

        assert [(one.session_id, one.confidence, one.source) for one in noted] == [(OTHER_ID, 0.7, "file")]
        assert printed[1][2:] == (ID, 1.0, "printed")
        assert world.book.feed_candidates([Candidate(OTHER_ID, 0.99, "file")], 9) == []

    def test_none_is_guessed_where_two_fit(self) -> None:
        """What was believed before a second one fitted is withdrawn; what was printed is not."""
        two = [Candidate(ID, 0.9, "file"), Candidate(OTHER_ID, 0.4, "file")]
        guessing, sure = at_work(), at_work()
        first = guessing.book.feed_candidates(two, 5)
        guessing.book.feed_candidates(two[:1], 6)
        withdrawn = guessing.book.feed_candidates(two, 7)
        sure.book.feed(said("session.resume_hint", session_id=ID), 5)

        assert first == []
        assert [one.session_id for one in withdrawn] == [None]
        assert guessing.book.session_id is None
        assert sure.book.feed_candidates(two, 7) == []
        assert sure.book.session_id == ID

    def test_without_a_session_none_is_taken(self) -> None:
        """Nor after its end."""
        assert SessionBook().feed_candidates([Candidate(ID, 0.9, "file")], 1) == []

    @pytest.mark.parametrize(
        ("command", "expected"),
        [
            (f"codex resume {ID}", ID),
            (f"codex --yolo resume '{ID}' -m gpt-5.5", ID),
            (f"cd demo && claude --resume {ID}", ID),
            (f"claude -r={ID}", ID),
            (f"npx gemini --resume {ID}", ID),
            (f"codex fork {ID}", None),
            (f"claude --resume {ID} --fork-session", None),
            ("codex resume --last", None),
            (f"echo {ID}", None),
            (f"git checkout -r{ID}", None),
        ],
    )
    def test_a_command_that_resumes_says_which(self, command: str, expected: str | None) -> None:
        """By wa's shell integration; a fork is another session."""
        world = World()
        world.look(said("command.start", agent="shell", command=command))
        world.look(said("session.start", **BANNER))

        assert world.tables.newest.session_id == expected


class TestTurns:
    def test_an_agent_that_only_starts_has_no_turn(self) -> None:
        """Codex spins in its title, or counts in a row, while it waits for its tools; nobody has asked it anything."""
        world = World()
        world.state(PaneState.IDLE)
        world.state(PaneState.WORKING, signals=(TITLE_SPINS,))
        world.state(PaneState.IDLE)
        world.look(said("turn.working", startup=True, elapsed_s=1), after_ms=100)
        world.state(PaneState.WORKING, after_ms=0)
        world.state(PaneState.IDLE)

        assert world.tables.newest.turns == {}

    def test_the_first_turn_begins_when_its_work_shows(self) -> None:
        """The later ones with the title."""
        world = World()
        world.state(PaneState.IDLE)
        world.state(PaneState.WORKING, signals=(TITLE_SPINS,))
        world.look(said("turn.working", elapsed_s=1))
        shown_ms = world.at_ms
        world.state(PaneState.IDLE)
        world.state(PaneState.WORKING, signals=(TITLE_SPINS,))

        assert [turn.started_ms for turn in world.tables.newest.turns.values()] == [shown_ms, world.at_ms]

    def test_from_work_to_idle(self) -> None:
        """A dialog in between is part of it; the last figure of the spinner stays."""
        world = at_work()
        world.look(said("turn.working", tokens=100, elapsed_s=1))
        world.state(PaneState.WAITING_APPROVAL)
        world.state(PaneState.WORKING)
        world.look(said("turn.working", tokens=812, elapsed_s=9))
        world.state(PaneState.IDLE)
        world.look(said("turn.done", duration="9s", duration_s=9.0))
        (turn,) = world.tables.newest.turns.values()

        assert (turn.started_ms, turn.ended_ms) == (1300, 1800)
        assert (turn.outcome, turn.duration, turn.tokens) == ("done", "9s", 812)

    @pytest.mark.parametrize(
        ("state", "outcome"),
        [
            (PaneState.IDLE, "done"),
            (PaneState.LIMITED, "limited"),
            (PaneState.ERROR, "failed"),
            (PaneState.AUTH_ERROR, "failed"),
            (PaneState.EXITED, "interrupted"),
        ],
    )
    def test_the_state_says_how_it_ended(self, state: PaneState, outcome: str) -> None:
        """Where the agent prints nothing."""
        world = at_work()
        world.state(state)

        assert [one.outcome for one in world.tables.newest.turns.values()] == [outcome]

    @pytest.mark.parametrize(
        ("event", "outcome"), [("turn.interrupted", "interrupted"), ("error.api", "failed"), ("usage.limit", "limited")]
    )
    def test_what_is_printed_at_its_end_says_it_better(self, event: str, outcome: str) -> None:
        """Read before the state became idle."""
        world = at_work()
        world.look(said(event))
        world.state(PaneState.IDLE)

        assert [one.outcome for one in world.tables.newest.turns.values()] == [outcome]

    def test_an_error_that_was_got_over_fails_no_turn(self) -> None:
        """It went on for longer than an end takes."""
        world = at_work()
        world.look(said("error.network"))
        world.state(PaneState.IDLE, after_ms=60_000)

        assert [one.outcome for one in world.tables.newest.turns.values()] == ["done"]

    def test_an_interruption_told_a_moment_later_still_counts(self) -> None:
        """State may change before the words are read."""
        world = at_work()
        world.state(PaneState.IDLE)
        world.look(said("turn.interrupted"))

        assert [one.outcome for one in world.tables.newest.turns.values()] == ["interrupted"]

    def test_work_goes_on_after_words_about_an_end(self) -> None:
        """While it is seen at work a turn stays open, and the words stand for its end."""
        world = at_work()
        world.look(said("turn.done", duration="9s"))

        assert world.tables.newest.turns[1].ended_ms is None
        world.state(PaneState.IDLE)
        assert world.tables.newest.turns[1].duration == "9s"

    @pytest.mark.parametrize(("first", "second"), [((5,), (25,)), ((), ())], ids=["below", "out of sight"])
    def test_two_turns_may_end_in_the_same_words(self, first: tuple[int, ...], second: tuple[int, ...]) -> None:
        """While the first one's are in sight the second one's stand further down; else they come anew."""
        world = at_work()
        world.look(said("turn.interrupted"), rows=first)
        world.state(PaneState.IDLE)
        world.look(said("turn.interrupted"), rows=first)
        world.state(PaneState.WORKING)
        if second:
            world.look(said("turn.interrupted"), rows=first)
        else:
            world.look(said("turn.working"))
        assert world.tables.names().count("turn.interrupted") == 1
        world.look(said("turn.interrupted"), rows=second)
        world.look(said("turn.interrupted"), rows=second)
        world.state(PaneState.IDLE)

        assert world.tables.names().count("turn.interrupted") == 2
        assert [one.outcome for one in world.tables.newest.turns.values()] == ["interrupted"] * 2

    def test_words_that_still_stand_there_end_no_second_turn(self) -> None:
        """They are read at every look."""
        world = at_work()
        for state in (PaneState.IDLE, PaneState.WORKING, PaneState.IDLE):
            world.look(said("turn.interrupted"), rows=(5,))
            world.state(state)

        assert [one.outcome for one in world.tables.newest.turns.values()] == ["interrupted", "done"]

    def test_a_turn_that_nobody_saw_at_work_is_told_by_its_end(self) -> None:
        """If there was time for it since the one before, or since the session began."""
        world = World()
        world.state(PaneState.SHELL, agent=None)
        world.look(said("session.start", **BANNER))
        world.state(PaneState.IDLE)
        world.look(said("turn.done", duration="1s", duration_s=1.0), after_ms=4000)
        world.look(said("turn.done", duration="50s", duration_s=50.0))

        assert [(one.started_ms, one.ended_ms, one.duration) for one in world.tables.newest.turns.values()] == [
            (4300, 5300, "1s")
        ]


class TestLimitsAndCompactions:
    def test_a_limit_is_noted_once_and_lifted_by_work(self) -> None:
        """Row, footer and state tell of the same one; what each knows is joined."""
        world = at_work()
        world.look(said("usage.limit", **LIMIT))
        world.state(PaneState.LIMITED, limit=limit(until_ms=1_795_243_080_000 + 30_000, plan="Plus"))
        world.look(said("usage.limit", **LIMIT, plan="Plus"), said("usage.autoresume", at="6:38am"))
        world.state(PaneState.WORKING)
        session = world.tables.newest
        (noted,) = session.limits.values()

        assert noted[3:] == ("5h", None, "6:38 AM", "absolute", 1_795_243_080_000, "Plus", True)
        assert session.lifted == {1: world.at_ms}

    def test_the_next_one_is_another(self) -> None:
        """Its reset lies elsewhere, though it reads the same."""
        world = at_work()
        for day in (21, 22):
            world.look(said("usage.limit", **{**LIMIT, "resets_at": f"2026-11-{day}T06:38:00Z"}), after_ms=20_000)
            world.state(PaneState.LIMITED, limit=limit(until_ms=1_795_243_080_000 + (day - 21) * 86_400_000))
            world.state(PaneState.WORKING)

        assert sorted(world.tables.newest.limits) == sorted(world.tables.newest.lifted) == [1, 2]

    def test_a_try_that_fails_lifts_nothing(self) -> None:
        """Work for a moment, then the same words again: still limited."""
        world = at_work()
        world.look(said("usage.limit", **LIMIT))
        world.state(PaneState.LIMITED)
        world.state(PaneState.WORKING)
        world.look(said("usage.limit", **LIMIT))
        world.state(PaneState.LIMITED)

        assert (len(world.tables.newest.limits), world.tables.newest.lifted) == (1, {})
        assert [one.outcome for one in world.tables.newest.turns.values()] == ["limited", "limited"]

    def test_a_compaction_that_was_seen_running_and_done_is_one(self) -> None:
        """Twice in a session are two, though they read the same."""
        world = at_work()
        for _ in range(2):
            world.state(PaneState.COMPACTING)
            world.look(said("compaction.running", trigger="auto"))
            world.look(said("compaction.running", trigger="auto"))
            world.state(PaneState.WORKING)
            world.look(said("compaction.done", before=120_000, after=9000))
            world.look(said("compaction.done", before=120_000, after=9000))
            world.look(said("turn.working"))

        assert [one[3:] for one in world.tables.newest.compactions.values()] == [("auto", 120_000, 9000)] * 2
        assert len(world.tables.newest.turns) == 1


class TestOnce:
    def test_what_stands_there_is_recorded_once(self) -> None:
        """Whatever is painted again; counters and markers are no news."""
        world = at_work()
        for at in range(5):
            world.look(
                said("turn.working", elapsed_s=at, verb=str(at)),
                said("background.tasks", n=1),
                said("error.api", status=503),
                said("rate.retry", attempt=1, max=5, wait=at),
            )

        assert world.tables.names() == ["session.start", "turn.working", "background.tasks", "error.api", "rate.retry"]

    def test_two_of_a_kind_at_once_are_two(self) -> None:
        """And stay two; one that changes is new."""
        world = at_work()
        for _ in range(3):
            world.look(said("background.tasks", n=1), said("background.tasks", n=2))
        world.look(said("background.tasks", n=3))

        assert world.tables.names().count("background.tasks") == 3

    def test_the_same_question_asked_again_is_another(self) -> None:
        """Once the state it belongs to is over; a moved marker is the same."""
        world = at_work()
        for _ in range(2):
            for selected in ("Yes", "No"):
                world.look(said("waiting.approval", command="make", selected=selected))
                world.state(PaneState.WAITING_APPROVAL)
            world.state(PaneState.WORKING)

        assert world.tables.names().count("waiting.approval") == 2

    def test_a_window_ends(self) -> None:
        """Counted from the last reading: what stays in sight stays the same."""
        world = at_work()
        for after_ms in (0, 800, 800, 1001, 50):
            world.look(said("error.capacity", window_ms=1000), after_ms=after_ms)
        world.look(said("error.capacity", window_ms=1000), after_ms=5000, rows=(7,))
        world.look(said("error.capacity", window_ms=1000), after_ms=5000, rows=(7,))

        assert world.tables.names().count("error.capacity") == 3

    def test_commands_are_no_readings(self) -> None:
        """The shell tells each as it happens."""
        world = World()
        for _ in range(2):
            world.look(said("command.start", agent="shell", command="make"))

        assert world.tables.names() == ["command.start"] * 2
        assert [one.session for one in world.tables.events] == [None, None]

    def test_secrets_are_taken_out_first(self) -> None:
        """Two codes that read the same without their secrets are one event."""
        world = World(clean=lambda found: found._replace(fields={**found.fields, "code": "***"}))
        world.look(said("auth.device_code", code="AAAA-BBBB"))
        world.look(said("auth.device_code", code="CCCC-DDDD"))

        assert [one.detection.fields for one in world.tables.events] == [{"code": "***"}]

    def test_another_agents_events_are_not_the_sessions(self) -> None:
        """They are kept, beside it."""
        world = at_work()
        world.look(said("error.api", agent="gemini", status=500))

        assert (world.tables.events[-1].session, len(world.tables.sessions)) == (None, 1)

    def test_transitions_name_the_session_they_end(self) -> None:
        """And the one they begin."""
        world = at_work()
        world.state(PaneState.EXITED)
        world.state(PaneState.SHELL, agent=None)
        world.state(PaneState.STARTING)

        numbers = [one.session.number if one.session else None for one in world.tables.transitions]
        assert numbers == [None, 1, 1, None, 2]


def test_the_clock_may_go_back() -> None:
    """Ends lie no earlier than beginnings."""
    world = at_work()
    for _ in range(3):
        world.tables.perform(world.book.feed_state(became(PaneState.IDLE, 10)))
        world.tables.perform(world.book.feed_state(became(PaneState.WORKING, 20)))
    world.tables.perform(world.book.feed(said("session.end", **END), 5))

    assert (world.tables.newest.started_ms, world.tables.newest.mode) == (1200, "closed")
