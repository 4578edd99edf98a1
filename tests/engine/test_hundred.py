"""A hundred panes at their limit in one second: all parked, all resumed once, spread out, and nobody else waits for them."""

import asyncio
import time
from collections import Counter
from datetime import UTC, datetime

import pytest

from engine.flow_world import FlowWorld, flow
from wa.act.builtin.limits import HANDLE_USAGE_LIMITS
from wa.model.action import Action, ActionKind
from wa.model.agent import Limit, PaneState
from wa.model.command import Act, Ending, Look

PANES = 100
RESET_S = 4.0
SPREAD_S = 4.0
LIMITS = HANDLE_USAGE_LIMITS._replace(
    settings={
        **HANDLE_USAGE_LIMITS.settings,
        "box_wait_s": 0.05,
        "margin_s": 0.5,
        "spread_s": SPREAD_S,
        "confirm_s": 0.1,
    }
)


def reacts(context):
    yield Look()
    yield Act(Action(ActionKind.SEND, "other", submit=True))
    return Ending("reacted")


OTHER = flow("other", reacts, "turn.done")


class Timed(FlowWorld):
    """Notes when each text reached its pane; one pane belongs to somebody else."""

    async def limited(self, uids):
        until_ms = self.clock.now_ms() + round(RESET_S * 1000)
        printed = datetime.fromtimestamp(until_ms / 1000, UTC).isoformat()
        for uid in uids:
            self.state(uid, PaneState.LIMITED, limit=Limit("at 1:08 AM", until_ms, None, None, False))
        for uid in uids:
            await self.say(uid, "usage.limit", resets_at=printed, reset="at 1:08 AM")
        return until_ms

    async def reaction_s(self, uid, number):
        """From an event in the database to its send."""
        before = len([one for one in self.desk.asked if one[0] == uid])
        began = time.monotonic()
        await self.say(uid, "turn.done", n=number)
        await self.until(lambda: len([one for one in self.desk.asked if one[0] == uid]) > before, 30)
        return time.monotonic() - began


def test_a_hundred_limits_in_one_second(tmp_path):
    """Each pane goes on once, after its reset, not together; a pane beside them reacts meanwhile as before."""

    async def scenario(world):
        uids = [await world.add(number, state=PaneState.LIMITED) for number in range(PANES)]
        other = await world.add(PANES)
        at = {}
        act = world.desk.act

        async def timed(pane_uid, action, *args, **kwargs):
            if action.text == "proceed.":
                at.setdefault(pane_uid, []).append(world.clock.now_ms())
            return await act(pane_uid, action, *args, **kwargs)

        world.desk.act = timed
        for name in ("handle_usage_limits", "other"):
            await world.flows.switch(name, None, enabled=True)
        calm = [await world.reaction_s(other, number) for number in range(5)]
        reset_ms = await world.limited(uids)
        await world.until(lambda: parked(world), 30)
        busy, number = [], 100
        while len(at) < PANES:
            busy.append(await world.reaction_s(other, number))
            number += 1
            await asyncio.sleep(0.1)
        for uid in uids:
            world.state(uid, PaneState.WORKING)
        await world.ended(PANES, 30, workflow="handle_usage_limits")

        assert {uid: len(times) for uid, times in at.items()} == dict.fromkeys(uids, 1)
        times = [one for (one,) in at.values()]
        assert min(times) >= reset_ms + 500
        in_a_second = Counter((one - reset_ms) // 1000 for one in times)
        assert max(in_a_second.values()) <= PANES // 2, in_a_second
        assert len(in_a_second) >= SPREAD_S
        assert sorted(busy)[len(busy) // 2] <= 5 * max(calm) + 0.25, (calm, busy)

    async def inside():
        world = Timed(tmp_path / "wa.db", [LIMITS, OTHER])
        await world.open()
        try:
            async with world.running():
                await asyncio.wait_for(scenario(world), 120)
        finally:
            await world.close()

    asyncio.run(inside())


async def parked(world):
    runs = await world.read.runs(workflow="handle_usage_limits", is_open=True, limit=200)
    return sum(run.status == "parked" for run in runs) == PANES


@pytest.mark.parametrize("seconds", [30.0])
def test_ten_panes_of_one_account_do_not_wake_in_one_second(seconds):
    """With the shipped spread, whichever their events were."""
    from wa.act.runner import drawn

    for account in range(50):
        wakes = [int(seconds * drawn(account * 1000 + pane, 7)) for pane in range(10)]
        assert max(Counter(wakes).values()) < 6
