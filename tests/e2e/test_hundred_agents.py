"""A hundred agents, each a program in a pane of its own, limited in the same second."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from e2e.flow_stage import Agent, Watched, enable, write
from support.embedded import RunningMux, running_embedded_mux
from support.sidecar import Home, end

AGENTS = 100
PARK_WITHIN_S = 90.0
"""All of it on one machine: a hundred programs, the multiplexer that draws them, and the sidecar."""
STOP_WITHIN_S = 5.0
LOOK_EVERY_S = 0.5
"""Whoever watches shares the processors with what is watched."""
SETTINGS = "[settings]\nmargin_s = 1.0\nspread_s = 20.0\nbox_wait_s = 1.0\n"
CONFIG = "[wezterm]\ndiscover = false\n"
ROW = "■ You’ve hit your usage limit. Visit https://chatgpt.com/settings/usage or try again at {at}."


def next_minute(at_least_s: float) -> datetime:
    """Printed resets have no seconds."""
    soon = datetime.now().astimezone() + timedelta(seconds=at_least_s)
    return soon.replace(second=0, microsecond=0) + timedelta(minutes=1)


def clock(at: datetime) -> str:
    return f"{at.hour % 12 or 12}:{at.minute:02d} {'AM' if at.hour < 12 else 'PM'}"


@contextmanager
def hundred(tmp_path: Path) -> Iterator[tuple[Home, RunningMux, list[Agent]]]:
    """The agents, and a home for the sidecars that watch them."""
    with running_embedded_mux() as mux:
        home = Home(tmp_path / "h", CONFIG)
        write(home, "handle_usage_limits", SETTINGS)
        with ThreadPoolExecutor(4) as pool:
            agents = list(pool.map(lambda n: Agent(mux, tmp_path / f"a{n}", work_s=20.0), range(AGENTS)))
        yield home, mux, agents


def all_idle(home: Home, agents: Sequence[Agent]) -> None:
    ids = {agent.pane_id for agent in agents}

    def are() -> bool:
        return sum(pane["pane_id"] in ids and pane["state"] == "idle" for pane in home.panes().values()) == AGENTS

    now_and_then(are, 300)


def limit_all(agents: Sequence[Agent]) -> datetime:
    """The reset that all of them print, in the same second."""
    reset = next_minute(PARK_WITHIN_S)
    for agent in agents:
        agent.limit(ROW.format(at=clock(reset)))
    return reset


@pytest.mark.slow
def test_a_hundred_agents_at_their_limit(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    """All parked, all resumed once, after the reset and spread out; the sidecar answers others as fast as before."""
    with hundred(tmp_path) as (home, mux, agents), home.sidecar("--socket", f"m={mux.socket}"):
        enable(home, "handle_usage_limits")
        all_idle(home, agents)
        calm = [answered_s(home) for _ in range(10)]
        watched, began, busy = Watched(home), time.monotonic(), list[float]()
        reset = limit_all(agents)

        def are_parked() -> bool:
            busy.append(answered_s(home))
            return statuses(watched)["parked"] == AGENTS

        now_and_then(are_parked, PARK_WITHIN_S)
        parked_s = time.monotonic() - began
        while not all(agent.prompts for agent in agents):
            busy.append(answered_s(home))
            assert datetime.now().astimezone() < reset + timedelta(seconds=180), statuses(watched)
            time.sleep(LOOK_EVERY_S)
        now_and_then(lambda: statuses(watched)["done"] == AGENTS, 180)
        assert [agent.prompts for agent in agents] == [["proceed."]] * AGENTS
        after_s = sorted(agent.said()[0]["at"] / 1e9 - reset.timestamp() for agent in agents)
        in_a_second = Counter(int(one) for one in after_s)
        figures = {
            "parked_s": round(parked_s, 1),
            "resumed_after_s": (round(after_s[0], 1), round(after_s[-1], 1)),
            "most_in_a_second": max(in_a_second.values()),
            "answer_ms_calm": round(1000 * sorted(calm)[len(calm) // 2], 1),
            "answer_ms_busy": (round(1000 * sorted(busy)[len(busy) // 2], 1), round(1000 * max(busy), 1)),
        }
        print(figures)
        for name, value in figures.items():
            record_property(name, value)
        assert after_s[0] >= 1.0
        assert max(in_a_second.values()) <= AGENTS // 4, in_a_second
        assert sorted(busy)[len(busy) // 2] <= 4 * max(calm) + 0.2, (calm, busy)


@pytest.mark.slow
def test_a_sidecar_that_is_asked_to_end_amid_a_hundred_runs_does_so_at_once(tmp_path: Path) -> None:
    """What was under way is taken up by the next one: all are parked, and nothing is typed twice or at the wrong time."""
    with hundred(tmp_path) as (home, mux, agents):
        process = home.start("--socket", f"m={mux.socket}")
        try:
            enable(home, "handle_usage_limits")
            all_idle(home, agents)
            watched = Watched(home)
            limit_all(agents)
            now_and_then(lambda: statuses(watched)["running"] >= AGENTS // 4, PARK_WITHIN_S, every_s=0.05)
            began = time.monotonic()
        finally:
            status = end(process, within_s=60)
        stopped_s = time.monotonic() - began
        print({"stopped_s": round(stopped_s, 2), "was": dict(statuses(watched))})
        assert status == 0
        assert stopped_s <= STOP_WITHIN_S
        with home.sidecar("--socket", f"m={mux.socket}"):
            now_and_then(lambda: statuses(watched)["parked"] == AGENTS, PARK_WITHIN_S)
        assert [agent.prompts for agent in agents] == [[]] * AGENTS


def now_and_then(look: Callable[[], bool], within_s: float, every_s: float = LOOK_EVERY_S) -> None:
    give_up = time.monotonic() + within_s
    while not look():
        assert time.monotonic() < give_up, f"not within {within_s} s"
        time.sleep(every_s)


def statuses(watched: Watched) -> Counter[str]:
    return Counter(status for status, _, _ in watched.runs("handle_usage_limits"))


def answered_s(home: Home) -> float:
    began = time.monotonic()
    home.ask("status")
    return time.monotonic() - began
