"""config.toml changes while the sidecar runs."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from support.embedded import running_embedded_mux
from support.sidecar import Home, eventually
from wa.config.settings import Settings
from wa.engine import config_watch
from wa.engine.config_watch import GONE_LOOKS, ConfigWatch
from wa.engine.sidecar import with_log_level

FIRST = "[policy]\nhuman_quiet_s = 20\n"


class World:
    def __init__(self, folder: Path, text: str | None = FIRST) -> None:
        self.path = folder / "config.toml"
        if text is not None:
            self.path.write_text(text)
        self.used: list[Settings] = []
        self.watch = ConfigWatch(self.path, Settings.load(self.path))
        self.watch.use = self.used.append
        self.writes = 0

    def write(self, text: str) -> None:
        """With another time than before, however coarse the file system's are."""
        self.path.write_text(text)
        self.writes += 1
        os.utime(self.path, ns=(0, self.writes))

    async def looks(self, times: int = 2) -> list[int]:
        """`policy.human_quiet_s` of each that was put in force since."""
        self.used.clear()
        for _ in range(times):
            await self.watch.look()
        return [one.policy.human_quiet_s for one in self.used]


def test_what_changes_is_in_force_once_and_nothing_is_where_nothing_changed(tmp_path: Path) -> None:
    """Policy and ways of telling; the rest is named as waiting for a restart."""

    async def inside() -> None:
        world = World(tmp_path)
        assert await world.looks(5) == []
        world.write("[policy]\nhuman_quiet_s = 5\n")
        assert await world.looks(5) == [5]
        world.write("# a word more\n[policy]\nhuman_quiet_s = 5\n")
        assert await world.looks() == []
        world.write("[policy]\nhuman_quiet_s = 5\n[notify]\nwaits_s = 3\n[capture]\nmemory_mb = 99\n")
        assert await world.looks() == [5]
        assert world.used[0].notify.waits_s == 3
        assert world.watch.waiting == ("capture.memory_mb",)
        world.write("[policy]\nhuman_quiet_s = 6\n[notify]\nwaits_s = 3\n")
        assert await world.looks() == [6]
        assert world.watch.waiting == ()

    asyncio.run(inside())


def test_what_an_option_set_is_not_told_as_waiting(tmp_path: Path) -> None:
    """`--log-level` stands above the file, which says what it said."""

    async def inside() -> None:
        world = World(tmp_path)
        world.watch = ConfigWatch(world.path, with_log_level(Settings.load(world.path), "debug"))
        world.watch.use = world.used.append
        world.write("[policy]\nhuman_quiet_s = 5\n")
        assert await world.looks() == [5]
        assert world.watch.waiting == ()

    asyncio.run(inside())


def test_a_broken_file_changes_nothing_until_it_is_mended(tmp_path: Path) -> None:
    """It is refused with line and reason, once."""

    async def inside() -> None:
        world = World(tmp_path)
        world.write("[policy]\nhuman_quiet_s = 5\nhuman_quite_s = 7\n")
        assert await world.looks(5) == []
        assert world.watch.trouble is not None
        assert "line 3" in world.watch.trouble.message
        world.write("[policy\n")
        assert await world.looks() == []
        world.write("[[policy.rule]]\ndecision = 'perhaps'\n")
        assert await world.looks() == []
        assert "line 2" in world.watch.trouble.message
        world.write("[policy]\nhuman_quiet_s = 7\n")
        assert await world.looks() == [7]
        assert world.watch.trouble is None

    asyncio.run(inside())


def test_a_file_that_is_being_written_is_not_read_half(tmp_path: Path) -> None:
    """An editor empties it first: an empty file would be the defaults, without a person's rules."""

    async def inside() -> None:
        world = World(tmp_path, "[policy]\nhuman_quiet_s = 33\n")
        for text in ("", "[policy]\n", "[policy]\nhuman_quiet_s = 44\n"):
            world.write(text)
            assert await world.looks(1) == []
        assert await world.looks(1) == [44]

    asyncio.run(inside())


def test_a_file_that_is_replaced_is_missing_for_a_moment(tmp_path: Path) -> None:
    """One that is gone for good leaves the defaults."""

    async def inside() -> None:
        world = World(tmp_path, "[policy]\nhuman_quiet_s = 33\n")
        world.path.unlink()
        assert await world.looks(GONE_LOOKS - 1) == []
        world.write("[policy]\nhuman_quiet_s = 34\n")
        assert await world.looks() == [34]
        world.path.unlink()
        assert await world.looks(GONE_LOOKS + 3) == [Settings.defaults().policy.human_quiet_s]
        world.write("[policy]\nhuman_quiet_s = 35\n")
        assert await world.looks() == [35]

    asyncio.run(inside())


def test_a_fault_of_ours_does_not_end_the_watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next change is taken."""
    monkeypatch.setattr(config_watch, "LOOK_EVERY_S", 0.01)

    async def inside() -> None:
        world = World(tmp_path)
        taken = {seconds: asyncio.Event() for seconds in (5, 6)}

        def fails(settings: Settings) -> None:
            taken[settings.policy.human_quiet_s].set()
            if settings.policy.human_quiet_s == 5:
                raise RuntimeError("no")

        world.watch.use = fails
        async with asyncio.TaskGroup() as group:
            running = group.create_task(world.watch.run())
            for seconds, heard in taken.items():
                world.write(f"[policy]\nhuman_quiet_s = {seconds}\n")
                await asyncio.wait_for(heard.wait(), 5)
            running.cancel()

    asyncio.run(inside())


def test_a_sidecar_goes_by_the_file_as_it_is_now(tmp_path: Path) -> None:
    """A rule that forbids, then one that is broken: the last good one holds, and the doctor says where the trouble is."""
    quiet = "[wezterm]\ndiscover = false\n"
    rule = "[[policy.rule]]\ndecision = 'deny'\naction = 'send'\nreason = 'not today'\n"
    with running_embedded_mux(("cat",)) as mux:
        home = Home(tmp_path / "h", quiet)
        with home.sidecar("--socket", f"m={mux.socket}"):
            eventually(lambda: home.panes())

            def decided() -> str:
                return str(home.ask("policy", action="send", pane="p1", text="x", actor="human")["decision"])

            assert decided() == "allow"
            home.paths.config_file.write_text(quiet + rule)
            eventually(lambda: decided() == "deny")
            home.paths.config_file.write_text(quiet + rule + "when = 'now'\n")
            found = eventually(lambda: [one for one in home.ask("doctor")["findings"] if "line 7" in one["what"]])
            assert "stays in force" in found[0]["what"]
            assert decided() == "deny"
            home.paths.config_file.write_text(quiet + "[capture]\nmemory_mb = 77\n")
            eventually(lambda: decided() == "allow")
            (note,) = [one for one in home.ask("doctor")["findings"] if "capture.memory_mb" in one["what"]]
            assert note["level"] == "note"
