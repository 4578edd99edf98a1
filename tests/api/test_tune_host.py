"""`wa tune --host` on hosts behind real sshds, and what the doctor says of them."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.ssh_hosts import SSHD, Host, Hosts, ssh_hosts
from wa import __version__
from wa.api import plans
from wa.api.doctor_hosts import host_findings
from wa.api.setup_remote import undo_there
from wa.api.tune import Tuned, plan_restore, plan_tune
from wa.config.paths import Paths
from wa.model.errors import ConfigError, NotFound, Refused, WaError
from wa.protocol.results_tune import TuneResult
from wa.provision.local_config import FRESH
from wa.provision.tune_tables import usual_gb

pytestmark = [pytest.mark.ssh, pytest.mark.skipif(SSHD is None, reason="sshd is not installed")]

LUA = "-- \N{HOT BEVERAGE}\r\nlocal c = {}\r\nc.scrollback_lines = 9000\r\nreturn c"


class Stage:
    def __init__(self, hosts: Hosts, add: Callable[..., Host], home: Path) -> None:
        self.hosts, self.add = hosts, add
        self.paths = Paths.from_env({"HOME": str(home), "XDG_RUNTIME_DIR": str(home / "r")})

    def tune(self, host: str, *, make: bool = True, restore: bool = False, **asked: object) -> TuneResult:
        async def scene() -> TuneResult:
            tuned: Tuned
            if restore:
                tuned = await plan_restore(self.paths, host=host)
            else:
                values = {"ram_gb": None, "profile": None} | asked
                tuned = await plan_tune(self.paths, host=host, **values)  # type: ignore[arg-type]
            try:
                return tuned.result(await (tuned.make(self.paths) if make else tuned.look()))
            finally:
                await tuned.desk.leave()

        return asyncio.run(scene())

    def undo(self) -> None:
        async def there(host: str, plan_id: str) -> plans.PlanResult:
            return await undo_there(self.paths, host, plan_id)

        asyncio.run(plans.undo(self.paths, None, on_host=there))


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with ssh_hosts() as (hosts, add):
        home = hosts.root / "me"
        home.mkdir()
        monkeypatch.setenv("HOME", str(home))
        monkeypatch.setenv("PATH", hosts.path)
        for name in ("WA_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "WA_WEZTERM"):
            monkeypatch.delenv(name, raising=False)
        yield Stage(hosts, add, home)


def test_there_and_back_to_the_byte(stage: Stage) -> None:
    """By its own memory; the second time nothing is to do; undone with its time, and taken out by --restore."""
    host = stage.add("lab")
    lua = host.home / ".wezterm.lua"
    lua.write_bytes(LUA.encode())
    os.utime(lua, ns=(1_700_000_000_123_456_789, 1_700_000_000_123_456_789))
    planned = stage.tune("lab", make=False)
    here = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")

    assert lua.read_bytes() == LUA.encode()
    assert (planned["machine"], planned["profile"]) == ("lab", "guide")
    assert planned["ram_gb"] == usual_gb(here)
    assert planned["ram_from"] == "/proc/meminfo of lab"
    assert planned["values"][0]["yours"] == "9000"
    assert planned["plan"]["command"] == "tune --host lab"
    assert not planned["restart"]["known"]

    made = stage.tune("lab", ram_gb=64.0)
    assert made["plan"]["state"] == "finished"
    assert b"\r\nc.scrollback_lines = 1000000\r\n" in lua.read_bytes()
    assert stage.tune("lab", ram_gb=64.0)["plan"]["id"] is None
    stage.undo()
    assert lua.read_bytes() == LUA.encode()
    assert lua.stat().st_mtime_ns == 1_700_000_000_123_456_789

    stage.tune("lab", profile="swarm")
    assert b"c.scrollback_lines = 50000\r\n" in lua.read_bytes()
    stage.tune("lab", restore=True)
    assert lua.read_bytes() == LUA.encode()


def test_a_host_without_a_file_gets_one_and_loses_it_again(stage: Stage) -> None:
    """And one that was made by hand stays, though it holds nothing."""
    host = stage.add("lab")
    lua = host.home / ".wezterm.lua"
    stage.tune("lab", profile="64")
    assert "config.scrollback_lines = 1000000" in lua.read_text()
    stage.tune("lab", restore=True)
    assert not lua.exists()

    other = stage.add("own")
    (other.home / ".config/wezterm").mkdir(parents=True)
    lua = other.home / ".config/wezterm/wezterm.lua"
    lua.write_text(FRESH)
    stage.tune("own", profile="64")
    stage.tune("own", restore=True)
    assert lua.read_text() == FRESH


def test_noise_of_start_up_files_does_not_matter(stage: Stage) -> None:
    """What they print stands around the answers."""
    host = stage.add("loud")
    (host.folder / "noise").write_text("Welcome!\n<wa-memory>\nMemTotal: nonsense\n")
    stage.tune("loud", profile="64")

    assert "scrollback_lines = 1000000" in (host.home / ".wezterm.lua").read_text()


def test_what_is_wrong_there_is_told(stage: Stage) -> None:
    """A broken file with its host and line, a name that leads nowhere, an unknown key: nothing is written."""
    host = stage.add("lab")
    lua = host.home / ".wezterm.lua"
    lua.write_text("local c = = 3\nreturn c\n")
    with pytest.raises(ConfigError, match=rf"^lab:{lua}:1: "):
        stage.tune("lab", profile="64")
    assert lua.read_text() == "local c = = 3\nreturn c\n"

    stage.add("unknown", known="no")
    with pytest.raises(WaError, match="host key"):
        stage.tune("unknown", profile="64")
    for name in ("-oProxyCommand=touch x", "two words", ""):
        with pytest.raises(NotFound):
            stage.tune(name, profile="64")


def test_one_that_was_cut_off_comes_first(stage: Stage) -> None:
    """A connection that was lost in the middle: told with the way back, and after that all is as it was."""
    host = stage.add("lab")
    lua = host.home / ".wezterm.lua"
    lua.write_bytes(LUA.encode())
    stage.tune("lab", profile="64")
    (here,) = (stage.paths.data / "setup").glob("2*")
    (there,) = (host.home / ".local/share/wa/setup").glob("2*")
    for folder in (here, there):
        (folder / "journal").write_text("begin\n1 begun\n")

    with pytest.raises(Refused, match=f"cut off .{here.name}.") as error:
        stage.tune("lab", profile="128")
    assert f"wa setup undo {here.name}" in error.value.next_step
    stage.undo()
    assert lua.read_bytes() == LUA.encode()
    assert stage.tune("lab", profile="128")["plan"]["state"] == "finished"


def test_one_that_never_arrived_is_forgotten(stage: Stage) -> None:
    """It was written down here, and nothing of it is there."""
    host = stage.add("lab")
    stage.tune("lab", profile="64")
    (here,) = (stage.paths.data / "setup").glob("2*")
    (here / "journal").write_text("begin\n")
    shutil.rmtree(host.home / ".local/share/wa/setup" / here.name)
    (host.home / ".wezterm.lua").unlink()
    stage.undo()

    assert stage.tune("lab", profile="128")["plan"]["state"] == "finished"


@pytest.mark.parametrize("shell", ["/bin/sh", "/bin/bash"])
def test_the_doctor_asks_them(stage: Stage, shell: str) -> None:
    """An old one, one without, by a real shell there."""
    old, bare = stage.add("old", shell=shell), stage.add("bare", shell=shell)
    for host in (old, bare):
        stage.tune(host.name, profile="64")
    old.put("wa", "#!/bin/sh\necho wa 0.0.1\n")
    told = {one["what"] for one in asyncio.run(host_findings(stage.paths))}
    assert told == {f"old has wa 0.0.1, this is {__version__}", "bare has no wa"}
