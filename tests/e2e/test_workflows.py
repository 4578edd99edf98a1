"""Workflows whole: the sidecar as a process, the embedded mux, an agent that is a program; killed at every step."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest

from e2e.flow_stage import Agent, Watched, enable, write
from support.embedded import running_embedded_mux
from support.sidecar import Home, eventually

TWICE = """
about = "Two prompts, one after the other."
[trigger]
event = "compaction.done"
[[step]]
send = "first prompt"
[[step]]
wait = { state = "idle", held = "300ms", within = "30s" }
[[step]]
sleep = "200ms"
[[step]]
send = "second prompt"
"""
CONFIG = "[wezterm]\ndiscover = false\n[policy]\npane_cooldown_s = 0\n"


def test_a_users_workflow_types_where_it_is_turned_on_and_only_there(tmp_path: Path) -> None:
    """Two agents, one switch: the other one is observed, and its run says what it would have sent."""
    with running_embedded_mux() as mux:
        home = Home(tmp_path / "h", CONFIG)
        write(home, "twice", TWICE)
        with home.sidecar("--socket", f"m={mux.socket}"):
            on, off = Agent(mux, tmp_path / "a"), Agent(mux, tmp_path / "b")
            uid, other = on.until(home, "idle"), off.until(home, "idle")
            enable(home, "twice", uid)
            on.compact()
            off.compact()
            eventually(lambda: on.prompts == ["first prompt", "second prompt"])
            watched = Watched(home)
            eventually(lambda: sorted(watched.runs("twice")) == [("done", "done", ""), ("observed", "done", "")])
            assert off.prompts == []
            runs = home.json("workflow", "history", "--workflow", "twice")["runs"]
            assert {(run["pane_uid"], run["mode"]) for run in runs} == {(uid, "live"), (other, "observe")}
            dry = home.json("workflow", "run", "twice", "--pane", other, "--dry-run")
            assert [(send["text"], send["submit"], send["outcome"]) for send in dry["sends"]] == [
                ("first prompt", True, "planned"),
                ("second prompt", True, "planned"),
            ]
            assert off.prompts == []


def killed_at(tmp_path: Path, number: int = 1_000, within_s: float = 40.0) -> bool:
    """Kills the sidecar at the number-th thing that it wrote down, or so long after the trigger; whether it came to that."""
    with running_embedded_mux() as mux:
        home = Home(tmp_path / "h", CONFIG)
        write(home, "twice", TWICE)
        agent = Agent(mux, tmp_path / "a")
        watched = Watched(home)
        process = home.start("--socket", f"m={mux.socket}")
        is_over = False
        try:
            uid = agent.until(home, "idle")
            enable(home, "twice", uid)
            seen = {watched.progress()}
            agent.compact()
            give_up = time.monotonic() + within_s
            while len(seen) <= number and time.monotonic() < give_up and not is_over:
                seen.add(watched.progress())
                is_over = watched.has_ended("twice")
        finally:
            os.kill(process.pid, signal.SIGTERM if is_over else signal.SIGKILL)
            process.communicate(timeout=30)
        if not is_over:
            with home.sidecar("--socket", f"m={mux.socket}"):
                eventually(lambda: watched.has_ended("twice"), 60)
        ended, prompts = watched.runs("twice"), agent.prompts
    where = (number, within_s, ended, prompts)
    assert prompts in ([], ["first prompt"], ["first prompt", "second prompt"]), where
    assert len(ended) == 1, where
    # What was begun is finished, or it says by name that nobody can know.
    assert ended[0][:2] in (("done", "done"), ("failed", "interrupted")), where
    if ended[0][1] == "done":
        assert prompts == ["first prompt", "second prompt"], where
    return not is_over


@pytest.mark.parametrize("number", [4, 8])
def test_killed_somewhere_in_the_middle_nothing_is_sent_twice(tmp_path: Path, number: int) -> None:
    """The next sidecar goes on where the killed one stopped."""
    killed_at(tmp_path, number)


@pytest.mark.slow
def test_killed_at_every_step_nothing_is_sent_twice(tmp_path: Path) -> None:
    """Each thing that is seen to be written down, one after the other; then at instants drawn at random."""
    number = 1
    while killed_at(tmp_path / str(number), number):
        number += 1
    assert number > 8
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    drawn = random.Random(seed)
    for turn in range(12):
        killed_at(tmp_path / f"t{turn}", within_s=drawn.uniform(0.02, 2.0))


def test_a_spinner_alone_is_stuck_and_a_turn_that_prints_is_not(tmp_path: Path) -> None:
    """Two agents work for as long as each other; one of them shows rows meanwhile."""
    with running_embedded_mux() as mux:
        home = Home(tmp_path / "h", CONFIG)
        write(home, "stuck", "[settings]\nstill_s = 3\n")
        with home.sidecar("--socket", f"m={mux.socket}"):
            silent, busy = Agent(mux, tmp_path / "a", work_s=60), Agent(mux, tmp_path / "b", work_s=60)
            uids = [agent.until(home, "idle") for agent in (silent, busy)]
            for agent, uid in zip((silent, busy), uids, strict=True):
                home.wa("send", uid, "work")
                agent.until(home, "working")

            def runs() -> list[str]:
                return [
                    uid
                    for (uid,) in Watched(home).rows("SELECT 'p' || pane FROM workflow_runs WHERE workflow = 'stuck'")
                ]

            for _ in range(4):
                busy.compact()
                # Shorter than `still_s`: what is claimed is that so much progress keeps it from being stuck.
                time.sleep(1.6)
            assert runs() == [uids[0]]
            eventually(lambda: len(runs()) == 2)
