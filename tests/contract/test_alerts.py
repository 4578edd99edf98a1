"""Titles, bells, toasts, progress, folders and user variables, as they are announced."""

from __future__ import annotations

import base64

import pytest

from contract.live import LiveMux, Player
from contract.wire import Wire
from wa.protocol import mux as p


def announced(wire: Wire, player: Player, printed: bytes) -> list[object]:
    player.print(printed + b"\r\nannounced")
    wire.wait_for_text(player.pane_id, "announced")
    wire.quiet(0.05)
    return [alert for alert in wire.alerts(player.pane_id) if not isinstance(alert, p.OutputSinceFocusLost)]


@pytest.mark.parametrize(
    ("printed", "alerts"),
    [
        (b"\x1b]0;both\x1b\\", [p.PaneTitle("both"), p.IconTitle("both")]),
        (b"\x1b]1;icon\x1b\\", [p.IconTitle("icon")]),
        (b"\x1b]2;window; with semicolon\x07", [p.PaneTitle("window; with semicolon")]),
        (b"\x1b]2;same\x07\x1b]2;same\x07", [p.PaneTitle("same"), p.PaneTitle("same")]),
        (b"\x07", [p.Bell()]),
        (b"\x1b]9;toast\x07", [p.Toast(None, "toast")]),
        (b"\x1b]777;notify;title;body\x07", [p.Toast("title", "body")]),
        (b"\x1b]777;notify;only body\x07", [p.Toast(None, "only body")]),
        (b"\x1b]9;4;1;42\x07\x1b]9;4;3\x07", [p.Progress("percent", 42), p.Progress("indeterminate")]),
        (b"\x1b]9;4;2;150\x07\x1b]9;4;0\x07\x1b]9;4;0\x07", [p.Progress("error", 100), p.Progress("none")]),
        (b"\x1b]7;file://host/tmp/a%20b\x07", [p.CwdChanged()]),
        (b"\x1b]1337;SetUserVar=name=dmFsdWU=\x07", [p.UserVar("name", "value")]),
        (b"\x1b]1337;SetUserVar=bad=***\x07\x1b]7501;x\x07", []),
    ],
    ids=lambda value: value.decode("latin-1").replace("\x1b", "ESC")[:24] if isinstance(value, bytes) else "",
)
def test_a_sequence_is_announced(wire: Wire, player: Player, printed: bytes, alerts: list[object]) -> None:
    """Each sequence makes its alerts, in order, repeated ones too; what cannot be understood makes none."""
    got = announced(wire, player, printed)

    assert got == alerts


def test_titles_are_listed(mux: LiveMux, wire: Wire, player: Player) -> None:
    """The icon's title stands before the window's; a pane without any is named after its program."""

    def title() -> str:
        listed = wire.ask(p.ListPanes(), p.ListPanesResponse)
        entries = [entry for tab in listed.tabs for entry in p.entries_of(tab)]
        return next(entry.title for entry in entries if entry.pane_id == player.pane_id)

    assert title().startswith("python")
    announced(wire, player, b"\x1b]2;window\x07")
    assert title() == "window"
    announced(wire, player, b"\x1b]1;icon\x07")
    assert title() == "icon"
    announced(wire, player, b"\x1b]0;both\x07")
    assert title() == "both"


def test_a_large_user_variable_is_whole(wire: Wire, player: Player) -> None:
    """A value of 100,000 characters arrives in one piece however the terminal cuts its input."""
    value = "v" * 100_000

    got = announced(wire, player, b"\x1b]1337;SetUserVar=big=" + base64.b64encode(value.encode()) + b"\x07")

    assert [p.UserVar("big", value)] == got


def test_the_clipboard_is_pushed_to_everybody(wire: Wire, player: Player) -> None:
    """OSC 52 reaches every client in clear text: whoever stores pushes must drop it."""
    player.print(b"\x1b]52;c;c2VjcmV0\x07done")
    wire.wait_for_text(player.pane_id, "done")

    assert [p.SetClipboard(player.pane_id, "secret", 0)] == [x for x in wire.pushes if isinstance(x, p.SetClipboard)]


def test_titles_of_tabs_and_windows_are_announced_when_they_change(wire: Wire, player: Player) -> None:
    """A new title is told to all; the same title again is not."""
    for title in ("first", "first", "second"):
        wire.ask(p.TabTitleChanged(player.tab_id, title), p.UnitResponse)
    wire.ask(p.WindowTitleChanged(player.window_id, "window"), p.UnitResponse)
    wire.quiet(0.1)

    told = [push for push in wire.pushes if isinstance(push, (p.TabTitleChanged, p.WindowTitleChanged))]
    assert [
        p.TabTitleChanged(player.tab_id, "first"),
        p.TabTitleChanged(player.tab_id, "second"),
        p.WindowTitleChanged(player.window_id, "window"),
    ] == told


def test_a_renamed_workspace_is_announced(wire: Wire, player: Player) -> None:
    """The rename, then each window that moved with it."""
    wire.ask(p.SetWindowWorkspace(player.window_id, "here"), p.UnitResponse)
    wire.ask(p.RenameWorkspace("here", "there"), p.UnitResponse)
    wire.quiet(0.1)

    told = [push for push in wire.pushes if isinstance(push, (p.WindowWorkspaceChanged, p.RenameWorkspace))]
    assert [
        p.WindowWorkspaceChanged(player.window_id, "here"),
        p.RenameWorkspace("here", "there"),
        p.WindowWorkspaceChanged(player.window_id, "there"),
    ] == told
