"""The layout in a real wezterm-gui: its windows, its colours on the screen, and nothing to complain of in the log."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.wezterm_hosts import Host, focused, press, raise_one_with, shown_panes, until
from support.wezterm_screen import MISSING, Gui, gui
from wa.config.paths import Paths
from wa.provision.lua import write_plugin

NEEDED = [*MISSING, *(name for name in ("wezterm-mux-server", "xdotool") if shutil.which(name) is None)]
pytestmark = [
    pytest.mark.wezterm,
    pytest.mark.skipif(bool(NEEDED), reason=f"needs {', '.join(NEEDED)} on PATH"),
]
BADGE = "#ff01fe"
THEIRS = "#01fef0"
CONFIG = """
local wezterm = require("wezterm")
local config = wezterm.config_builder()
config.front_end = "Software"
config.enable_wayland = false
config.use_fancy_tab_bar = false
config.check_for_updates = false
config.audible_bell = "Disabled"
config.window_close_confirmation = "NeverPrompt"
config.default_prog = { "cat" }
config.color_schemes = { theirs = { background = "#01fef0" }, usual = { background = "#203040" } }
config.color_scheme = "usual"
config.unix_domains = {
  { name = "full", socket_path = "%(root)s/full/rt/wezterm/sock", no_serve_automatically = true },
  { name = "empty", socket_path = "%(root)s/empty/rt/wezterm/sock", no_serve_automatically = true },
  { name = "hangs", socket_path = "%(root)s/hangs", no_serve_automatically = true },
  { name = "down", socket_path = "%(root)s/nowhere/sock", no_serve_automatically = true },
}
require("wa_plugin").apply_to_config(config, { layout = {
  startup = { tabs = 2, domains = { "hangs", "down", "empty", "full" } },
  looks = { full = { scheme = "theirs", color = "%(badge)s", text = "█████" } },
  keys = { domains = { "full", "empty" } },
} })
return config
"""


@contextmanager
def desk(root: Path) -> Iterator[tuple[Gui, Host, Host]]:
    full, empty = Host(root / "full"), Host(root / "empty")
    folder = root / "config" / "wezterm"
    write_plugin(folder, Paths.from_env({"WA_HOME": str(root / "wa")}))
    (folder / "wezterm.lua").write_text(CONFIG % {"root": root, "badge": BADGE})
    with full.running(), empty.running(), socket.socket(socket.AF_UNIX) as hangs:
        # It takes connections, and says nothing.
        hangs.bind(str(root / "hangs"))
        hangs.listen(8)
        full.cli("spawn", "--pane-id", str(full.panes()[0]["pane_id"]), "--", "cat")
        empty.cli("kill-pane", "--pane-id", str(empty.panes()[0]["pane_id"]))
        until(lambda: not empty.panes())
        with gui(root, None) as shown:
            yield shown, full, empty


def test_a_start_opens_the_windows_and_paints_them(tmp_path: Path) -> None:
    """Two tabs here; what runs on the full host; two new tabs on the empty one; hosts that hang or are down stop nothing."""
    with desk(tmp_path) as (at, full, empty):
        until(lambda: len(shown_panes(at)) >= 6 and len(empty.panes()) == 2)
        windows: dict[int, list[str]] = {}
        for pane in shown_panes(at):
            windows.setdefault(pane["window_id"], []).append(pane["cwd"].rstrip("/").rpartition("/")[2])

        # Of a tab that was just made WezTerm may show a second picture; on the server there is one.
        assert len(windows) == 3
        assert sorted(map(len, windows.values()))[:2] == [2, 2]
        assert ["full", "full"] in windows.values()
        assert (len(full.panes()), len(empty.panes())) == (2, 2)
        raise_one_with(at, BADGE)
        # Its window has the focus now.
        at.wait_for(THEIRS)
        # A tab of this machine beside those of the host: a key goes there and back, and the colours with it.
        there = next(one for one in shown_panes(at) if one["cwd"].rstrip("/").endswith("/full"))
        new = int(at.cli("spawn", "--pane-id", str(there["pane_id"]), "--domain-name", "local", "--", "cat"))
        until(lambda: focused(at) == new)
        press(at, "ctrl+shift+Left")
        until(lambda: focused(at) != new)
        at.wait_for(THEIRS)
        press(at, "ctrl+shift+Right")
        until(lambda: focused(at) == new)
        at.wait_for(THEIRS, shown=False)
        press(at, "ctrl+shift+Left")
        at.wait_for(THEIRS)
    log = (tmp_path / "gui.log").read_text(errors="replace")
    lines = [line for line in log.splitlines() if "WARN" in line or "ERROR" in line]
    assert [line for line in lines if "the domain down is not attached" in line]
    mine = [line for line in lines if "lua" in line.lower() and "events are kept for later" not in line]
    assert len(mine) == 1, mine
