"""A pause holds at once, outlives the sidecar, and ends when it should."""

import pytest

from engine.desk_world import FLOW, HUMAN, SEND, play
from wa.model.action import ActOutcome
from wa.model.errors import NotFound, StoreError, UsageError


def test_each_scope_holds_what_it_names(tmp_path):
    """All, one agent's panes, one pane; what holds is named."""

    async def scenario(w):
        await w.pauses.pause("agent", "codex", for_ms=None, reason="")
        await w.pauses.pause("pane", (await w.pane(1)).uid, for_ms=None, reason="I work here")
        assert w.pauses.holding("p9", "codex") == "codex"
        assert w.pauses.holding("p1", "gemini") == "p1"
        assert w.pauses.holding("p9", "gemini") is w.pauses.holding("p9", None) is None
        await w.pauses.pause("all", "", for_ms=5000, reason="")
        assert w.pauses.holding("p9", None) == "all"
        assert [one.scope for one in w.pauses.in_force()] == ["agent", "pane", "all"]
        w.clock.at_ms += 5000
        assert w.pauses.holding("p9", None) is None
        assert len(await w.pauses.resume("pane", "p1")) == 1
        assert await w.pauses.resume("pane", "p1") == []
        assert w.pauses.holding("p1", "gemini") is None

    play(tmp_path, scenario)


def test_it_outlives_the_sidecar(tmp_path):
    """And so does its end."""

    async def first(w):
        await w.pauses.pause("all", "", for_ms=5000, reason="lunch")

    async def second(w):
        run, pane = await w.run_of("live"), await w.pane()
        assert (await w.desk.act(pane.uid, SEND, FLOW, run=run)).evidence["rule"] == "pause"
        assert (await w.desk.act(pane.uid, SEND, HUMAN)).outcome is ActOutcome.SUBMITTED
        await w.pauses.resume(None, None)

    async def third(w):
        assert w.pauses.in_force() == []

    play(tmp_path, first)
    play(tmp_path, second)
    play(tmp_path, third)


@pytest.mark.parametrize(("scope", "name"), [("all", "p1"), ("pane", ""), ("agent", ""), ("tab", "1")])
def test_what_cannot_be_paused_is_refused(tmp_path, scope, name):
    """With what can be."""

    async def scenario(w):
        with pytest.raises(UsageError):
            await w.pauses.pause(scope, name, for_ms=None, reason="")
        assert w.pauses.in_force() == []

    play(tmp_path, scenario)


def test_a_pause_holds_though_the_database_does_not_take_it(tmp_path):
    """Who wants automations to stop is believed first; a pane that is not there is refused."""

    async def scenario(w):
        with pytest.raises(NotFound):
            await w.pauses.pause("pane", "p99", for_ms=None, reason="")
        assert w.pauses.in_force() == []

        async def full(_):
            raise StoreError("full")

        w.store.pause = full
        with pytest.raises(StoreError):
            await w.pauses.pause("all", "", for_ms=None, reason="")
        assert w.pauses.holding("p1", None) == "all"

    play(tmp_path, scenario)
