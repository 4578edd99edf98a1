"""Panes that end while their source was held back: what they printed last may be missing, and the log says so."""

from __future__ import annotations

import pytest

from engine.fakes import FakeServer
from engine.wire import until
from engine.world import play, shell
from wa.model.log import GapReason
from wa.model.observation import PaneGone


def gaps(w, uid):
    return [(gap.missing, gap.reason) for gap in w.store.gaps.get(uid, [])]


@pytest.mark.parametrize("unheard", [True, False])
def test_a_pane_that_closed_unheard_ends_in_a_gap(tmp_path, unheard):
    """After what stood on its screen; where everything was heard there is none."""
    server = FakeServer()
    server.add(shell(0, 6))

    async def scenario(w):
        pane = await w.watched(0)
        await until(lambda: w.store.texts(pane.uid)[:3] == ["old 0", "old 1", "old 2"])
        w.server.print(0, "last ")
        w.server.print(0, "heard\nat all\n")
        del w.server.panes[0]
        w.server.tell(PaneGone(0, w.server.clock.now_ms(), unheard))
        await until(lambda: w.store.closed == [pane.uid])
        texts = [text for text in w.store.texts(pane.uid) if text]
        assert texts[-2:] == ["$ last heard", "at all"]
        assert gaps(w, pane.uid) == ([(None, GapReason.CLOSED)] if unheard else [])
        if unheard:
            assert w.store.gaps[pane.uid][0].row >= len(texts)

    play(tmp_path, scenario, server=server)


@pytest.mark.parametrize("unheard", [True, False])
def test_the_panes_of_a_server_that_died_unheard_end_in_gaps(tmp_path, unheard):
    """Another run of the server has come, so they are over, and nobody can ask what they printed last."""
    server = FakeServer()
    server.add(shell(0, 6))
    server.add(shell(1, 2))

    async def scenario(w):
        panes = [await w.watched(0), await w.watched(1)]
        w.server.restart(unheard=unheard)
        await until(lambda: "old 5" in w.store.texts(panes[0].uid) and "old 1" in w.store.texts(panes[1].uid))
        for pane in panes:
            assert gaps(w, pane.uid) == ([(None, GapReason.CLOSED)] if unheard else [])

    play(tmp_path, scenario, server=server)


def test_panes_that_live_on_after_a_break_have_no_gap(tmp_path):
    """The connection broke while the server was held back; it is made anew, and what was printed is read."""
    server = FakeServer()
    server.add(shell(0, 6))

    async def scenario(w):
        pane = await w.watched(0)
        w.server.drop("a cable", unheard=True)
        w.server.panes[0].print("meanwhile\n" * 8)
        await until(lambda: "meanwhile" in w.store.texts(pane.uid))
        w.server.tell(PaneGone(0, w.server.clock.now_ms()))
        await until(lambda: w.store.closed == [pane.uid])
        assert gaps(w, pane.uid) == []

    play(tmp_path, scenario, server=server)
