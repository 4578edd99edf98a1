"""Whole runs of real agents: what the log holds of them."""

from __future__ import annotations

import re

import pytest
from replay import DATA, Log, Recording, Replay, load

from wa.ingest import PaneTracker

COUNTED = {"codex": 190, "codex087": 159, "claude": 161, "claude2112": 155, "gemini": 184}
"""Rows that a person would count in each run (the recordings' README)."""


@pytest.mark.parametrize("agent", COUNTED)
def test_every_step_of_every_answer_is_told_once(agent: str) -> None:
    """Two answers of thirty steps, in order, each once, with their prompts, in little more than a person would count."""
    recording = load(DATA / "agents" / f"{agent}.json")
    log = Log()
    Replay(recording, PaneTracker(recording.seen[0].pane_id), log).run()

    told = log.all_texts()
    steps = [int(found[1]) for text in told if (found := re.search(r"step number (\d+) of", text))]
    prompts = [found[1] for text in told if (found := re.match(r"^\W{1,4}do part (\d)\W*$", text))]
    assert list(range(1, 31)) * 2 == steps
    assert prompts == ["1", "2"]
    assert len([text for text in log.texts if text.strip()]) <= 1.3 * COUNTED[agent]


def restarted(recording: Recording, at: int, *, away: int = 0) -> Log:
    """The log of a run, where the sidecar was killed before observation *at* and came back *away* observations later."""
    log = Log()
    replay = Replay(recording, PaneTracker(recording.seen[0].pane_id), log)
    replay.run(to=at)
    replay.pass_by(at + away)
    replay.restart()
    replay.run(from_=at + away)
    return log


@pytest.mark.parametrize("agent", ["claude", "claude2112", "codex087", "gemini"])
def test_a_restart_at_any_time_leaves_the_same_log(agent: str) -> None:
    """Where a history shows: row by row, without a gap."""
    recording = load(DATA / "agents" / f"{agent}.json")
    whole = Log()
    Replay(recording, PaneTracker(recording.seen[0].pane_id), whole).run()
    rows = [text.rstrip() for text in whole.all_texts()]

    for at in range(1, len(recording.seen), len(recording.seen) // 12):
        log = restarted(recording, at)
        assert [text.rstrip() for text in log.all_texts()] == rows, at
        assert not log.gaps, at


def test_a_restart_under_a_full_screen_leaves_the_same_log() -> None:
    """At any time, though the second answer reads like the first; and the shell's screen below is known again when the
    program ends.
    """
    recording = load(DATA / "agents" / "codex.json")
    whole = Log()
    Replay(recording, PaneTracker(recording.seen[0].pane_id), whole).run()
    for at in range(1, len(recording.seen), 53):
        log = restarted(recording, at)
        assert log.all_texts() == whole.all_texts(), at
        assert not log.gaps, at


@pytest.mark.parametrize(("away", "every"), [(10, 150), (60, 110), (150, 150)])
def test_what_a_full_screen_showed_while_nobody_listened_is_a_gap(away: int, every: int) -> None:
    """In either of two answers that read alike: each step is told, or a gap says that some are missing; none twice."""
    recording = load(DATA / "agents" / "codex.json")
    for at in range(40, len(recording.seen) - away - 5, every):
        log = restarted(recording, at, away=away)
        steps = [int(found[1]) for text in log.all_texts() if (found := re.search(r"step number (\d+) of", text))]
        assert len(steps) <= 60, at
        assert len(steps) == 60 or log.gaps, at
