"""A pane that a GUI names is found for certain, also behind a mirror, or not at all."""

import asyncio
import socket
from types import SimpleNamespace

import pytest

from store.world import pane as listed_pane
from wa.engine.gui_panes import NotOnePaneError, gui_pane
from wa.model.errors import TerminalUnreachable
from wa.model.identity import Client, MuxInstance

GUI, HERE = 4711, socket.gethostname()


class Session:
    """Watched panes are those listed that have a terminal of their own."""

    def __init__(self, name, pid, panes, clients=()):
        self.name, self.mux = name, MuxInstance(name, "", f"/run/{name}", f"{pid}-1")
        self.listed = panes
        self.panes = {
            one.pane_id: SimpleNamespace(uid=f"{name}/{one.pane_id}", listed=one) for one in panes if one.tty_name
        }
        self.terminal, self.found = self, list(clients)
        self.lists = 0

    async def clients(self):
        if self.found == ["fails"]:
            raise TerminalUnreachable("gone")
        return self.found

    async def list_now(self):
        self.lists += 1


def pane(number, cwd="file:///work", tty="/dev/pts/1", cols=80):
    return listed_pane(number, cwd=cwd)._replace(tty_name=tty, cols=cols)


def client(focused, pid=GUI, host=HERE):
    return Client(host, "me", pid, None, focused, 1.0, 1.0)


def meant(pane_id, *sessions, gui=GUI):
    muxes = SimpleNamespace(sessions={one.name: one for one in sessions})
    return asyncio.run(gui_pane(muxes, gui, pane_id)).uid


def test_a_pane_of_the_gui_itself_is_named_by_its_number():
    """Whatever other muxes call theirs."""
    gui = Session("gui", GUI, [pane(1), pane(2)])
    assert meant(2, gui, Session("other", 5, [pane(2)])) == "gui/2"


def test_a_mirror_is_the_pane_that_the_gui_has_in_focus_at_its_mux():
    """Over ssh too, where the mux adds the proxy to the GUI's host."""
    gui = Session("gui", GUI, [pane(1), pane(7, tty=None)])
    assert meant(7, gui, Session("other", 5, [pane(2), pane(3, cwd="file:///x")], [client(2)])) == "other/2"
    proxied = client(2, host=f"{HERE} (via proxy pid 9)")
    assert meant(7, gui, Session("other", 5, [pane(2)], [client(3, pid=8), proxied])) == "other/2"


@pytest.mark.parametrize(
    ("pane_id", "sessions"),
    [
        pytest.param(7, [], id="nobody is behind it"),
        pytest.param(9, [Session("other", 5, [pane(2)], [client(2)])], id="no such pane"),
        pytest.param(7, [Session("other", 5, [pane(2)], [client(None)])], id="nothing is in focus there"),
        pytest.param(7, [Session("other", 5, [pane(2)], [client(2, pid=8)])], id="another GUI's focus"),
        pytest.param(7, [Session("other", 5, [pane(2)], [client(2, host="elsewhere")])], id="a GUI of another host"),
        pytest.param(7, [Session("other", 5, [pane(2, cols=99)], [client(2)])], id="it does not look alike"),
        pytest.param(7, [Session("other", 5, [pane(2)], ["fails"])], id="the mux does not answer"),
        pytest.param(
            7,
            [Session("other", 5, [pane(2)], [client(2)]), Session("more", 6, [pane(4)], [client(4)])],
            id="two muxes have one in focus",
        ),
    ],
)
def test_where_it_is_not_certain_no_pane_is_named(pane_id, sessions):
    """A word that is meant for one pane must not reach another."""
    with pytest.raises(NotOnePaneError):
        meant(pane_id, Session("gui", GUI, [pane(1), pane(7, tty=None)]), *sessions)


def test_a_mirror_that_nobody_watches_the_original_of_is_not_taken_for_its_like():
    """The focus that a watched mux was told last may be of before: its pane and the other look the same."""
    gui = Session("gui", GUI, [pane(7, tty=None), pane(8, tty=None)])
    with pytest.raises(NotOnePaneError):
        meant(8, gui, Session("other", 5, [pane(2)], [client(2)]))
    assert meant(8, gui, Session("other", 5, [pane(2), pane(3)], [client(3)])) == "other/3"


def test_a_gui_that_is_not_watched_names_nothing():
    """Its numbers mean nothing anywhere else."""
    with pytest.raises(NotOnePaneError):
        meant(1, Session("gui", GUI, [pane(1)]), gui=8)
