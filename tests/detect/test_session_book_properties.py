"""Whatever is fed in whatever order: the records hold together, and nothing is recorded twice."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from detect.told import ID, OTHER_ID, Tables, became, limit, said
from wa.detect import session_ops as ops
from wa.detect.once import identity
from wa.detect.own_id import Candidate
from wa.detect.session_book import SessionBook
from wa.model.agent import Detection, PaneState

AGENTS = st.sampled_from(["codex", "claude_code"])
SESSION_IDS = st.sampled_from([ID, OTHER_ID])
EVENTS = st.one_of(
    st.builds(
        lambda **about: said("session.start", **about),
        agent=AGENTS,
        version=st.sampled_from(["1", "2"]),
        cwd=st.sampled_from(["/a", "/b"]),
    ),
    st.builds(
        lambda **about: said("session.end", **about),
        agent=AGENTS,
        session_id=SESSION_IDS,
        total=st.integers(0, 2),
        mode=st.sampled_from(["closed", "detached", "nonsense"]),
    ),
    st.builds(lambda **about: said("session.resume_hint", **about), agent=AGENTS, session_id=SESSION_IDS),
    st.builds(
        lambda **about: said("turn.done", **about),
        agent=AGENTS,
        duration=st.sampled_from(["1s", "2s"]),
        duration_s=st.sampled_from([0.0, 0.5, 1e300, -1.0, float("nan")]),
    ),
    st.builds(
        lambda event, agent, window_ms: said(event, agent=agent, window_ms=window_ms),
        st.sampled_from(
            [
                *("turn.interrupted", "turn.working", "state.idle", "waiting.approval", "usage.popup", "error.api"),
                *("compaction.running", "compaction.done", "usage.autoresume", "usage.limit", "context.low"),
            ]
        ),
        AGENTS,
        st.sampled_from([0, 0, 500]),
    ),
    st.builds(
        lambda reset, resets_at: said("usage.limit", reset=reset, resets_at=resets_at),
        st.sampled_from(["5pm", "6pm", ""]),
        st.sampled_from(["2026-11-21T05:00:00Z", "2026-11-21T06:00:00Z", "nonsense", 10**30]),
    ),
    st.builds(lambda n: said("background.tasks", n=n), st.integers(0, 2)),
    st.builds(lambda id_: said("command.start", agent="shell", command=f"codex resume {id_}"), SESSION_IDS),
)
STATES = st.builds(
    lambda state, agent, session_id, until: (
        state,
        agent,
        {"session_id": session_id, "limit": None if until is None else limit(until_ms=until)},
    ),
    st.sampled_from(PaneState),
    st.one_of(st.none(), AGENTS),
    st.one_of(st.none(), SESSION_IDS),
    st.one_of(st.none(), st.integers(0, 10**6)),
)
CANDIDATES = st.lists(st.builds(Candidate, SESSION_IDS, st.floats(0, 1), st.just("file")), max_size=2)
LOOKS = st.lists(st.tuples(EVENTS, st.one_of(st.none(), st.integers(0, 5))), max_size=4)
STEPS = st.lists(
    st.tuples(st.one_of(LOOKS, STATES, CANDIDATES, st.just("close")), st.sampled_from([0, 1, 100, 600, 90_000, -700])),
    max_size=40,
)


def play(book: SessionBook, steps: list[tuple[object, int]], tables: Tables, at_ms: int = 1_000_000) -> int:
    for step, after_ms in steps:
        at_ms += after_ms
        if step == "close":
            tables.perform(book.close(at_ms))
        elif isinstance(step, tuple):
            state, agent, more = step
            tables.perform(book.feed_state(became(state, at_ms, agent=agent, **more)))
        elif step and isinstance(step[0], Candidate):
            tables.perform(book.feed_candidates(step, at_ms))
        else:
            tables.perform(book.look([one for one, _ in step], at_ms, [row for _, row in step]))
    return at_ms


@given(STEPS)
def test_any_order_makes_records_that_hold_together(steps):
    """One session open at most, one turn in it, ends after beginnings, numbers in order: Tables refuses all else."""
    tables = Tables()
    book = SessionBook()
    at_ms = play(book, steps, tables)
    still_open = [number for number, one in tables.sessions.items() if one.ended_ms is None]

    assert still_open == ([] if book.session is None else [book.session.number])
    tables.perform(book.close(at_ms))
    assert all(one.ended_ms is not None and one.mode for one in tables.sessions.values())
    assert all(turn.ended_ms is not None for one in tables.sessions.values() for turn in one.turns.values())


REPEATED = ("turn.done", "turn.interrupted", "compaction.done", "usage.limit", "command.start")


@given(STEPS)
def test_nothing_is_recorded_twice(steps):
    """In a session each thing that happened is one event, limits, ends of turns and compactions and timed windows aside."""
    tables = Tables()
    play(SessionBook(), steps, tables)

    def is_single(found: Detection) -> bool:
        return not (found.present or found.window_ms or found.event in REPEATED)

    seen = Counter(
        (one.session.number, identity(one.detection))
        for one in tables.events
        if one.session is not None and is_single(one.detection)
    )
    assert set(seen.values()) <= {1}
    for event in ("turn.done", "turn.interrupted", "usage.limit"):
        ends = Counter(
            (one.session.number, identity(one.detection))
            for one in tables.events
            if one.session is not None and one.detection.event == event and not one.detection.window_ms
        )
        assert all(count <= 1 + begun(tables, number) for (number, _), count in ends.items())


def begun(tables: Tables, session: int) -> int:
    """Turns and compactions."""
    found = tables.sessions[session]
    return len(found.turns) + len(found.compactions)


@given(STEPS)
def test_a_look_repeated_adds_nothing(steps):
    """What stands there is read again and again: each step's readings twice give the records of once."""
    once, twice = Tables(), Tables()
    play(SessionBook(), steps, once)
    play(SessionBook(), [(doubled(step), after_ms) for step, after_ms in steps], twice)

    assert [one.detection for one in twice.events if not one.detection.event.startswith("command.")] == [
        one.detection for one in once.events if not one.detection.event.startswith("command.")
    ]
    assert twice.sessions == once.sessions


def doubled(step):
    """A look whose every reading comes twice."""
    if isinstance(step, list):
        return [one for one in step for _ in range(1 if isinstance(one, Candidate) else 2)]
    return step


@given(STEPS, STEPS)
def test_ends_and_numbers_survive_any_second_half(first, second):
    """A book goes on where it stands, whatever came before: operations name only sessions that were opened."""
    tables = Tables()
    book = SessionBook()
    at_ms = play(book, first, tables)
    play(book, second, tables, at_ms)

    assert list(tables.sessions) == list(range(1, len(tables.sessions) + 1))
    assert all(isinstance(one, ops.NoteEvent) for one in tables.events)
