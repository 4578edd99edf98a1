"""A person at a pane is seen by what terminals say and by what the composer shows, and wa is not taken for one."""

import asyncio
import os
import socket

import pytest

from engine.desk_world import Clock, FakePane
from store.world import MUX
from wa.engine.presence import FRESH_S, SETTLE_S, Presence
from wa.model.action import HumanSign
from wa.model.errors import TerminalUnreachable
from wa.model.identity import Client


class Terminal:
    def __init__(self, *clients):
        self.found, self.asked, self.failure, self.silent = list(clients), 0, None, False

    async def clients(self):
        self.asked += 1
        await asyncio.sleep(0)
        if self.silent:
            await asyncio.Event().wait()
        if self.failure:
            raise self.failure
        return self.found


class Session:
    def __init__(self, terminal):
        self.terminal = terminal


def client(focused=0, idle_s=5.0, pid=1, hostname="here"):
    return Client(hostname, "me", pid, None, focused, 100.0, idle_s)


def world(*clients):
    """A pane, its terminal and a Presence."""
    clock, terminal = Clock(), Terminal(*clients)
    pane = FakePane(uid="p1", pane_id=0, mux=MUX)
    return pane, terminal, clock, Presence(lambda _: Session(terminal), clock)


@pytest.mark.parametrize(
    ("clients", "sign"),
    [
        ([], HumanSign()),
        ([client(focused=0, idle_s=5)], HumanSign(True, 5)),
        ([client(focused=1, idle_s=5)], HumanSign()),
        ([client(focused=None)], HumanSign()),
        ([client(idle_s=50), client(idle_s=3), client(focused=9, idle_s=1)], HumanSign(True, 3)),
        ([client(idle_s=-3)], HumanSign(True, 0)),
        ([client(pid=os.getpid(), hostname=socket.gethostname())], HumanSign()),
        ([client(pid=os.getpid(), hostname="elsewhere")], HumanSign(True, 5)),
    ],
)
def test_the_terminal_that_was_used_last_and_has_the_pane_in_focus_counts(clients, sign):
    """Not one that has another pane in focus, and not the sidecar itself."""

    async def inside():
        pane, _, _, presence = world(*clients)
        await presence.poll(pane)
        return presence.sign(pane)

    assert asyncio.run(inside()) == sign


def test_clients_are_asked_for_once_a_second_at_most_and_their_answer_ages():
    """Many who ask at once are one; nobody is asked before somebody wants to act."""

    async def inside():
        pane, terminal, clock, presence = world(client(idle_s=5))
        assert presence.sign(pane) == HumanSign()
        assert terminal.asked == 0
        await asyncio.gather(*(presence.poll(pane) for _ in range(20)))
        assert terminal.asked == 1
        clock.at_ms += 700
        await presence.poll(pane)
        assert presence.sign(pane).input_s == pytest.approx(5.7)
        clock.at_ms += int(FRESH_S * 1000)
        await presence.poll(pane)
        assert terminal.asked == 2
        assert presence.sign(pane).input_s == pytest.approx(5)

    asyncio.run(inside())


def test_a_terminal_that_does_not_answer_leaves_what_was_known(monkeypatch):
    """The old answer ages; nobody waits for long."""
    monkeypatch.setattr("wa.engine.presence.ASK_WITHIN_S", 0.05)

    async def inside():
        pane, terminal, clock, presence = world(client(idle_s=1))
        await presence.poll(pane)
        for trouble in ({"failure": TerminalUnreachable("gone")}, {"failure": None, "silent": True}):
            vars(terminal).update(trouble)
            clock.at_ms += 2000
            await presence.poll(pane)
        assert presence.sign(pane).input_s == pytest.approx(5)
        nobody = Presence(lambda _: Session(None), clock)
        await nobody.poll(pane)
        assert nobody.sign(pane) == HumanSign()

    asyncio.run(inside())


def test_a_text_that_comes_into_the_composer_is_a_person_typing():
    """It is new, or another than before; a clock that is set back changes nothing."""
    pane, _, clock, presence = world()

    presence.composer(pane, "")
    assert presence.sign(pane).typed_s is None
    presence.composer(pane, "h")
    clock.at_ms += 3000
    assert presence.sign(pane).typed_s == pytest.approx(3)
    presence.composer(pane, "he")
    assert presence.sign(pane).typed_s == pytest.approx(0)
    clock.at_ms -= 60_000
    assert presence.sign(pane).typed_s == pytest.approx(0)


def test_what_was_there_already_what_goes_and_what_a_dialog_hides_is_no_sign():
    """A draft of yesterday is protected by being one; one that was sent was sent by anybody."""
    pane, _, _, presence = world()

    for draft in ("yesterday", None, "yesterday", "", None, ""):
        presence.composer(pane, draft)
    assert presence.sign(pane).typed_s is None


def test_what_wa_types_is_not_taken_for_a_person():
    """For a moment after each of its writes; later changes are a person's again."""
    pane, _, clock, presence = world()

    presence.composer(pane, "")
    presence.typed(pane)
    presence.composer(pane, "proceed.")
    clock.at_ms += int(SETTLE_S * 1000) - 1
    presence.composer(pane, "[Pasted text #1]")
    assert presence.sign(pane).typed_s is None
    clock.at_ms += 1
    presence.composer(pane, "[Pasted text #1]")
    assert presence.sign(pane).typed_s is None
    presence.composer(pane, "[Pasted text #1] and")
    assert presence.sign(pane).typed_s == pytest.approx(0)
    presence.gone("p1")
    assert presence.sign(pane) == HumanSign()
