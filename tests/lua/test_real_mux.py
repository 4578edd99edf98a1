"""The plugin in a real wezterm-mux-server: its Lua, its panes, its way of starting processes, the real emitter."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from support.event_listener import Listener, listening
from wa.config.paths import Paths
from wa.protocol import sidecar_wire as wire
from wa.provision.lua import write_plugin

SERVER = shutil.which("wezterm-mux-server")
pytestmark = [
    pytest.mark.wezterm,
    pytest.mark.skipif(SERVER is None, reason="needs wezterm-mux-server on PATH"),
]


class Server:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.paths = Paths.from_env({"WA_HOME": str(root / "wa")})
        self.folder = root / "config" / "wezterm"
        write_plugin(self.folder, self.paths)
        settings = self.folder / "wa_plugin" / "settings.lua"
        assert str(root) in settings.read_text()
        self.log = root / "log"

    def configure(self, before: str = "", after: str = "", opts: str = "nil") -> None:
        (self.folder / "wezterm.lua").write_text(
            f"""
            local wezterm = require("wezterm")
            local config = wezterm.config_builder()
            config.unix_domains = {{ {{ name = "a 'quoted' \\"domain\\"", socket_path = "{self.root}/sock" }} }}
            {before}
            require("wa_plugin").apply_to_config(config, {opts})
            {after}
            return config
            """
        )

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        runtime = self.root / "rt"
        runtime.mkdir(mode=0o700, exist_ok=True)
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root),
            "XDG_RUNTIME_DIR": str(runtime),
            "XDG_CONFIG_HOME": str(self.root / "config"),
            "XDG_DATA_HOME": str(self.root / "data"),
        }
        assert SERVER
        with self.log.open("wb") as log:
            process = subprocess.Popen([SERVER], env=env, stdout=log, stderr=log, cwd=self.root)
            try:
                yield process
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(10)


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


SPAWN = "wezterm.on('mux-startup', function() wezterm.mux.spawn_window({ args = { 'sleep', '60' } }) end)"


def test_the_start_and_its_panes_arrive(server: Server) -> None:
    """mux-startup: the server announces itself, and tells the pane that the user's own handler has made."""
    server.configure(before=SPAWN)
    with listening(server.paths.socket) as listener, server.running() as process:
        listener.wait(lambda all_: {"hello", "topology"} <= {one["name"] for one in all_})

        (hello,) = listener.named("hello")
        (topology,) = listener.named("topology")
        assert (hello["gui"], hello["server"], hello["badges"]) == (process.pid, True, False)
        assert hello["host"]
        assert hello["wezterm"].startswith("20")
        assert topology["attached"] == ["local"]
        assert [place["domain"] for place in topology["opened"]] == ["local"]
    assert list(server.paths.runtime.glob("lua-*")) == []
    assert b"ERROR" not in server.log.read_bytes()


def emitting(events: str) -> str:
    """A handler after ours that has WezTerm emit *events*, as a GUI would, about a real pane."""
    return f"""
    wezterm.on("mux-startup", function()
      local _, pane, window = wezterm.mux.spawn_window({{ args = {{ "sleep", "60" }} }})
      {events}
      wezterm.emit("user-var-changed", nil, pane, "WA_DONE", "end")
    end)
    """


def ended(listener: Listener) -> list[dict[str, Any]]:
    listener.wait(lambda all_: any(one.get("value") == "end" for one in all_))
    return listener.messages


def test_handlers_in_wezterms_own_lua_tell_what_they_are_given(server: Server) -> None:
    """Values that look like code, a megabyte, bells one after the other: as data, cut, and in order."""
    server.configure(
        after=emitting(
            r"""
            wezterm.emit("user-var-changed", nil, pane, "WA_CMD", "]] .. os.exit() \"'\n\u{2063}wa1:waiting=9\u{2063}")
            wezterm.emit("user-var-changed", nil, pane, "WEZTERM_PROG", "secret")
            wezterm.emit("user-var-changed", nil, pane, "WA_PANE", ("é"):rep(500000))
            for _ = 1, 20 do wezterm.emit("bell", nil, pane) end
            """
        )
    )
    with listening(server.paths.socket) as listener, server.running():
        told = ended(listener)

    assert [one["name"] for one in told].count("bell") == 20
    values = [one["value"] for one in told if one["name"] == "var"]
    assert values[0] == "]] .. os.exit() \"'\n\u2063wa1:waiting=9\u2063"
    assert 8192 < len(values[1].encode()) <= 8196
    assert values[2:] == ["end"]
    assert {one["domain"] for one in told if one["name"] == "var"} == {"local"}
    assert b"ERROR" not in server.log.read_bytes()


def test_a_server_without_a_sidecar_starts_and_spools(server: Server) -> None:
    """Nothing listens; the runtime folder is gone as after a login: the start is told later, from the spool."""
    shutil.rmtree(server.paths.runtime)
    server.configure(after=emitting(""))
    with server.running() as process:
        spool = server.paths.state / "spool"
        deadline = 200
        while not (spool.exists() and b"hello" in spool.read_bytes()) and deadline:
            deadline -= 1
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.1)
    names = [one["name"] for one in wire.FrameReader().feed(spool.read_bytes())]

    assert "hello" in names
    assert server.paths.runtime.stat().st_mode & 0o777 == 0o700
    assert b"ERROR" not in server.log.read_bytes()


def test_an_emitter_that_is_missing_keeps_nobody_from_starting(server: Server) -> None:
    """A Python that is gone after an update of the system: panes are there all the same."""
    settings = server.folder / "wa_plugin" / "settings.lua"
    settings.write_text(settings.read_text().replace("python = ", 'python = "/nowhere/python", was = '))
    server.configure(after=emitting(f"io.open('{server.root}/ran', 'w'):close()"))
    with server.running() as process:
        deadline = 200
        while not (server.root / "ran").exists() and deadline:
            deadline -= 1
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.1)

        assert (server.root / "ran").exists()
        assert process.poll() is None


def test_handlers_take_less_than_a_millisecond_of_wezterms_lua(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    """Thirty real panes; the time in Lua alone, as the processor counts it, the emitter left out."""
    server.configure(
        before="""
        local run, sleep = wezterm.run_child_process, wezterm.sleep_ms
        wezterm.sleep_ms = function() end
        wezterm.run_child_process = function(args) os.remove(args[#args]) return true, "", "" end
        """,
        after=emitting(
            f"""
            for _ = 1, 29 do window:spawn_tab({{ args = {{ "sleep", "60" }} }}) end
            local times = {{}}
            for i = 1, 300 do
              local began = os.clock()
              wezterm.emit("user-var-changed", nil, pane, "WA_CMD", "t=0123456789abcdef;n=" .. i .. ";c=make all")
              times[i] = (os.clock() - began) * 1000
            end
            table.sort(times)
            local out = io.open("{server.root}/times", "w")
            out:write(times[150], " ", times[285])
            out:close()
            wezterm.run_child_process, wezterm.sleep_ms = run, sleep
            """
        ),
    )
    with listening(server.paths.socket) as listener, server.running():
        ended(listener)
    middle, most = map(float, (server.root / "times").read_text().split())
    with capsys.disabled():
        print(f"\nlua in wezterm-mux-server, per event: p50 {middle:.3f} ms, p95 {most:.3f} ms")

    assert middle < 1.0


def test_what_is_drawn_and_asked_for_is_what_wezterm_understands(server: Server) -> None:
    """FormatItems, keys and overlays pass through WezTerm's own conversions; `wa explain` runs and its words are shown."""
    server.configure(
        opts="{ keys = true, palette = true, window_title = true }",
        after="assert(#config.keys == 4)"
        + emitting(
            rf"""
            local wa = require("wa_plugin")
            local tab = {{
              tab_index = 1,
              tab_title = "\u{{2063}}wa1:waiting=2,working=1\u{{2063}}mine",
              active_pane = {{ title = "zsh", is_zoomed = false }},
            }}
            local out = io.open("{server.root}/drawn", "w")
            out:write(wezterm.format(wa.format_tab_title(tab, {{ tab }}, {{}}, config, false, 40)), "\n")
            out:write(wa.format_window_title(tab, tab.active_pane, {{ tab }}, {{}}, config), "\n")
            for _, entry in ipairs(wa.palette(nil, pane)) do out:write(wezterm.to_string(entry.action), "\n") end
            wezterm.emit("wa-why", {{
              perform_action = function(_, action) out:write(wezterm.to_string(action), "\n") end,
            }}, pane)
            out:close()
            """
        ),
    )
    with listening(server.paths.socket) as listener, server.running() as process:
        ended(listener)
    drawn = (server.root / "drawn").read_text(encoding="utf-8")

    assert "✋2" in drawn.splitlines()[0]
    assert "mine" in drawn.splitlines()[0]
    assert "wa1:" not in drawn
    assert "\x1b[" in drawn.splitlines()[0]
    assert "✋2 ▶1  zsh" in drawn
    assert "wa-reprime" in drawn
    assert f"gui-{process.pid}/" not in drawn.splitlines()[0]
    assert "InputSelector" in drawn
    assert b"ERROR" not in server.log.read_bytes()
