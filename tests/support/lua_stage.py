"""The plugin in a Lua 5.4 of its own, with the fake `wezterm` in place of WezTerm."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lupa.lua54 import LuaRuntime

from wa.provision.lua import lua

ROOT = Path(__file__).parents[2]
LUA = ROOT / "lua"
FAKE = ROOT / "tests" / "lua" / "fake_wezterm.lua"
MARK = "\u2063"


class Stage:
    """One Lua state; `GLOBAL` is taken from *before*, as after a reload of the configuration."""

    def __init__(self, folder: Path, *, gui: bool = True, before: Stage | None = None, settings: str = "") -> None:
        self.lua: Any = LuaRuntime(unpack_returned_tuples=True)
        self.folder = folder
        self.lua.execute(f"package.path = {lua(f'{LUA}/?.lua;{LUA}/?/init.lua')}")
        self.wezterm: Any = self.lua.execute(f"return dofile({lua(str(FAKE))})")
        self.fake: Any = self.wezterm.fake
        self.lua.globals().package.loaded.wezterm = self.wezterm
        self.lua.execute(
            "package.loaded['wa_plugin.settings'] = "
            + (settings or "{" + ", ".join(f"{k} = {lua(v)}" for k, v in self.settings().items()) + "}")
        )
        if not gui:
            self.wezterm.gui = None
        if before is not None:
            for key, value in before.wezterm.GLOBAL.items():
                self.wezterm.GLOBAL[key] = value
            self.fake.now_ms = before.fake.now_ms
        self.batches: list[list[dict[str, Any]]] = []

    def settings(self) -> dict[str, object]:
        return {
            "python": "/py",
            "emit": "/emit.py",
            "socket": "/s",
            "spool": "/spool",
            "spool_dir": str(self.folder),
            "wa": ["/usr/bin/wa", "-x"],
            "version": "0.1.0",
        }

    def apply(self, opts: str = "nil", config: str = "{}") -> Any:
        return self.lua.execute(f"return require('wa_plugin').apply_to_config({config}, {opts})")

    def run_emitters(self, told: bool = True, *, removes: bool = True) -> None:
        """From now on each emitter ends at once: having taken its file, or not having run at all."""

        def run(args: Any) -> tuple[bool, str, str]:
            argv = list(args.values())
            if "--file" in argv and removes:
                self.take(Path(argv[argv.index("--file") + 1]))
            if "--folder" in argv:
                Path(argv[argv.index("--folder") + 1]).mkdir(parents=True)
                return True, "", ""
            return told, "", ""

        self.fake.run = run

    def take(self, file: Path) -> list[dict[str, Any]]:
        batch = [json.loads(line) for line in file.read_bytes().decode("utf-8").splitlines()]
        file.unlink()
        self.batches.append(batch)
        return batch

    @property
    def told(self) -> list[dict[str, Any]]:
        return [event for batch in self.batches for event in batch]

    def named(self, name: str) -> list[dict[str, Any]]:
        return [event for event in self.told if event["name"] == name]

    def processes(self) -> list[list[str]]:
        return [list(one.args.values()) for one in self.fake.processes.values()]

    def pane(self, ident: int = 1, domain: str = "local") -> tuple[Any, Any]:
        """A window with one tab and one pane: the GUI's window and the pane."""
        window = self.fake.add_window(ident)
        tab = self.fake.add_tab(window, ident)
        return self.fake.gui_window(window), self.fake.add_pane(tab, ident, domain)

    def logs(self) -> list[str]:
        return list(self.fake.logs.values())
