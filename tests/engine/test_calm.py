import asyncio
import math
from dataclasses import replace

import pytest

from engine.fakes import FakePane, FakeServer
from engine.wire import until
from engine.world import play, shell
from wa.engine import calm as module
from wa.engine.calm import LATE_S, LATER_S
from wa.engine.foreground import Foreground
from wa.engine.hub import Kind, Subscription
from wa.model.observation import Lull


class Shells(Foreground):
    """Behind each program a shell waits, unless it is said that none does."""

    def __init__(self, adrift=()):
        super().__init__()
        self.adrift = adrift

    def is_anchored(self, tty_name):
        return tty_name not in self.adrift


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(module, "RESTLESS_S", 0.1)
    monkeypatch.setattr(module, "ADRIFT_S", 0.05)


def calm_world(tmp_path, scenario, *panes, adrift=(), **options):
    """Panes with a history, pushed once."""
    server = FakeServer()
    for pane in panes or [shell(0, 20)]:
        server.add(pane)

    async def inside(w):
        w.shared = replace(w.shared, foreground=Shells(adrift))
        w.session._calm._shared = w.shared
        for pane in list(server.panes):
            await w.watched(pane)
            server.print(pane, "more\n")
        await scenario(w, server.relaxed)

    play(tmp_path, inside, server=server, **options)


def printing(w, *pane_ids, text="x\n"):
    async def print_on():
        while True:
            for pane_id in pane_ids:
                w.server.print(pane_id, text)
            await asyncio.sleep(0.01)

    return asyncio.ensure_future(print_on())


async def becomes(w, relaxed, wanted, *, printing_in=(0,), text="x\n"):
    task = printing(w, *printing_in, text=text)
    try:
        await until(lambda: relaxed and relaxed[-1] == wanted)
    finally:
        task.cancel()


async def stays_eager(w, relaxed, *, printing_in=(0,)):
    task = printing(w, *printing_in)
    try:
        await until(lambda: not relaxed or relaxed[-1] == 0.0)
        told = len(relaxed)
        await asyncio.sleep(0.4)
        assert len(relaxed) == told
    finally:
        task.cancel()


def test_panes_that_print_into_a_history_may_be_heard_late(tmp_path):
    """Nobody looks, behind the program waits a shell: what comes late is not lost."""

    async def scenario(w, relaxed):
        await becomes(w, relaxed, LATE_S)

    calm_world(tmp_path, scenario)


def test_programs_that_only_draw_may_be_heard_later(tmp_path, monkeypatch):
    """No row passes above the screen for a while; with the next one that does it is as before."""
    monkeypatch.setattr(module, "STILL_S", 0.2)

    async def scenario(w, relaxed):
        await becomes(w, relaxed, LATE_S)
        await becomes(w, relaxed, LATER_S, text=".")
        await becomes(w, relaxed, LATE_S)

    calm_world(tmp_path, scenario)


def test_who_looks_at_badges_hears_in_time(tmp_path):
    """As long as somebody does; it is never later than it would be without."""

    async def scenario(w, relaxed):
        await becomes(w, relaxed, LATE_S)
        w.session.hear_within(0.03)
        await becomes(w, relaxed, 0.03)
        w.session.hear_within(math.inf)
        await becomes(w, relaxed, LATE_S)

    calm_world(tmp_path, scenario)


def test_a_subscriber_hears_at_once(tmp_path):
    """From the moment it subscribes to the moment it leaves."""

    async def scenario(w, relaxed):
        await becomes(w, relaxed, LATE_S)
        subscription = Subscription({Kind.SCREEN}, None, lambda packed: None)
        w.shared.hub.add(subscription)
        assert relaxed[-1] == 0.0
        w.shared.hub.remove(subscription)
        assert relaxed[-1] > 0.0

    calm_world(tmp_path, scenario)


def test_who_types_sees_at_once(tmp_path):
    """A send begins by reading the screen anew: from then on every push counts."""

    async def scenario(w, relaxed):
        await becomes(w, relaxed, LATE_S)
        await w.session.refresh(next(iter(w.panes.values())), 1.0)
        assert relaxed[-1] == 0.0
        task = printing(w, 0)
        await asyncio.sleep(0.3)
        task.cancel()
        assert relaxed[-1] == 0.0

    calm_world(tmp_path, scenario)


def test_an_alternate_screen_is_heard_at_once(tmp_path):
    """It keeps nothing of what scrolls away, so one pane that shows one is enough for the whole mux."""

    async def scenario(w, relaxed):
        await becomes(w, relaxed, LATE_S)
        w.server.add(FakePane(1, tty="/dev/pts/9999998"))
        await w.watched(1)
        w.server.print(1, "drawn")
        await until(lambda: relaxed[-1] == 0.0)
        await becomes(w, relaxed, LATE_S)

    calm_world(tmp_path, scenario)


def test_an_erased_history_makes_it_listen(tmp_path):
    """What was printed before it is gone, and the program prints it again."""

    async def scenario(w, relaxed):
        await becomes(w, relaxed, LATE_S)
        pane = w.server.panes[0]
        dropped = pane.top - pane.first - 2
        del pane.lines[:dropped]
        pane.first += dropped
        w.server.print(0, "again\n")
        await until(lambda: relaxed[-1] == 0.0)

    calm_world(tmp_path, scenario)


def test_a_program_with_no_shell_behind_it_is_heard_at_once(tmp_path):
    """When it ends, its pane closes with all that was not heard."""

    async def scenario(w, relaxed):
        await stays_eager(w, relaxed, printing_in=(0, 1))

    calm_world(tmp_path, scenario, shell(0, 20), shell(1, 20, tty="/dev/pts/9999998"), adrift={"/dev/pts/9999998"})


def test_rules_that_keep_panes_out_must_see_everything(tmp_path):
    """A title may stand for a tenth of a second only."""

    async def scenario(w, relaxed):
        await stays_eager(w, relaxed)
        assert relaxed == []

    calm_world(tmp_path, scenario, never={"title": ["*secret*"]})


def test_output_heard_late_is_stored_without_waiting_for_more(tmp_path):
    """A lull says that nothing more comes: the commit need not gather."""

    async def scenario(w, relaxed):
        loop = asyncio.get_running_loop()
        await w.stored("p1", [f"old {n}" for n in range(18)])
        await asyncio.sleep(0.2)
        begin = loop.time()
        w.server.print(0, "".join(f"new {n}\n" for n in range(3)))
        w.server.tell(Lull(0))
        await until(lambda: len(w.store.texts("p1")) == 21)
        assert loop.time() - begin < 0.07

    calm_world(tmp_path, scenario, shell(0, 20))
