"""A hundred agents, each a program in a pane of its own, limited in the same second."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from e2e.flow_stage import Agent, Watched, enable, write
from support.embedded import running_embedded_mux
from support.sidecar import Home, eventually

AGENTS = 100
PARK_WITHIN_S = 120.0
"""All of it on one machine: a hundred programs, the multiplexer that draws them, and the sidecar."""
SETTINGS = "[settings]\nmargin_s = 1.0\nspread_s = 20.0\nbox_wait_s = 1.0\n"
CONFIG = "[wezterm]\ndiscover = false\n"
ROW = "■ You’ve hit your usage limit. Visit https://chatgpt.com/settings/usage or try again at {at}."


def next_minute(at_least_s: float) -> datetime:
    """Printed resets have no seconds."""
    soon = datetime.now().astimezone() + timedelta(seconds=at_least_s)
    return soon.replace(second=0, microsecond=0) + timedelta(minutes=1)


def clock(at: datetime) -> str:
    return f"{at.hour % 12 or 12}:{at.minute:02d} {'AM' if at.hour < 12 else 'PM'}"


@pytest.mark.slow
@pytest.mark.trial
def test_a_hundred_agents_at_their_limit(tmp_path: Path) -> None:
    """All parked, all resumed once, after the reset and spread out; the sidecar answers others as fast as before."""
    with running_embedded_mux() as mux:
        home = Home(tmp_path / "h", CONFIG)
        write(home, "handle_usage_limits", SETTINGS)
        with home.sidecar("--socket", f"m={mux.socket}"):
            enable(home, "handle_usage_limits")
            with ThreadPoolExecutor(4) as pool:
                agents = list(pool.map(lambda n: Agent(mux, tmp_path / f"a{n}", work_s=20.0), range(AGENTS)))
            ids = {agent.pane_id for agent in agents}

            def are(state: str) -> bool:
                panes = home.panes().values()
                return sum(pane["pane_id"] in ids and pane["state"] == state for pane in panes) == AGENTS

            eventually(lambda: are("idle"), 300)
            calm = [answered_s(home) for _ in range(10)]
            reset = next_minute(PARK_WITHIN_S)
            for agent in agents:
                agent.limit(ROW.format(at=clock(reset)))
            watched = Watched(home)
            eventually(lambda: statuses(watched)["parked"] == AGENTS, PARK_WITHIN_S + 60)
            busy: list[float] = []
            while not all(agent.prompts for agent in agents):
                busy.append(answered_s(home))
                assert datetime.now().astimezone() < reset + timedelta(seconds=180), statuses(watched)
                time.sleep(0.2)
            eventually(lambda: statuses(watched)["done"] == AGENTS, 180)
            assert [agent.prompts for agent in agents] == [["proceed."]] * AGENTS
            after_s = [agent.said()[0]["at"] / 1e9 - reset.timestamp() for agent in agents]
            assert min(after_s) >= 1.0
            in_a_second = Counter(int(one) for one in after_s)
            assert max(in_a_second.values()) <= AGENTS // 4, in_a_second
            assert sorted(busy)[len(busy) // 2] <= 4 * max(calm) + 0.2, (calm, busy)


def statuses(watched: Watched) -> Counter[str]:
    return Counter(status for status, _, _ in watched.runs("handle_usage_limits"))


def answered_s(home: Home) -> float:
    began = time.monotonic()
    home.ask("status")
    return time.monotonic() - began
