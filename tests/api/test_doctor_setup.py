"""What the doctor says of WezTerm's configuration, the plugin, plans that were cut off, and hosts."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path

import pytest

from wa import __version__
from wa.api import doctor
from wa.api.doctor import examine
from wa.api.doctor_fix import mend
from wa.api.doctor_hosts import host_findings
from wa.api.doctor_plans import plan_findings, rescue_findings
from wa.api.doctor_setup import setup_findings
from wa.api.doctor_wezterm import Looked, look_at_wezterm
from wa.config.paths import Paths
from wa.protocol.results import FixableFinding
from wa.provision.applying import apply
from wa.provision.blocks import put_block
from wa.provision.files import file_change
from wa.provision.journal import Journal, house_of
from wa.provision.lua import write_plugin
from wa.provision.lua_text import put_lua_block
from wa.provision.plan import Plan, RunCommand
from wa.provision.undoing import undo
from wezterm.sshd import SSHD, remote_host


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    for name in ("WEZTERM_UNIX_SOCKET", "WA_WEZTERM", "WEZTERM_CONFIG_FILE", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("WA_HOME", str(tmp_path / "wa"))
    found = Paths.from_env()
    found.ensure()
    return found


def wezterm(paths: Paths) -> Looked:
    return asyncio.run(look_at_wezterm(paths, os.environ, None))


def by_level(findings: list[FixableFinding]) -> dict[str, str]:
    return {one["level"]: one["what"] for one in findings}


# -- WezTerm ----------------------------------------------------------------------------------------------------------------


def test_a_broken_configuration_is_named_with_its_line(paths: Paths, tmp_path: Path) -> None:
    """An error, since a WezTerm that starts uses its defaults; one that is whole is well, and says its rows."""
    lua = tmp_path / ".wezterm.lua"
    lua.write_text("local c = {}\nc.scrollback_lines = = 3\nreturn c\n")
    assert f"{lua}:2: " in by_level(wezterm(paths).findings)["error"]

    lua.write_text("local c = {}\nc.scrollback_lines = 7000\nreturn c\n")
    looked = wezterm(paths)
    assert ([one["level"] for one in looked.findings], looked.rows) == (["ok"], 7000)


@pytest.mark.parametrize("kind", ["none", "missing", "folder", "loop", "endless"])
def test_whatever_stands_there_is_told(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """No file, a name without one, a folder, links in a circle, a file that never ends: one finding, no failure."""
    lua = tmp_path / ".wezterm.lua"
    match kind:
        case "missing":
            monkeypatch.setenv("WEZTERM_CONFIG_FILE", str(lua))
        case "folder":
            lua.mkdir()
        case "loop":
            lua.symlink_to(".wezterm.lua")
        case "endless":
            lua.write_text("while true do end")
    (one,) = wezterm(paths).findings

    assert one["level"] == ("note" if kind == "none" else "error")


def test_a_plugin_that_nobody_loads(paths: Paths, tmp_path: Path) -> None:
    """Its files lie there, the configuration does not name it: a comment is no call."""
    write_plugin(tmp_path / ".config" / "wezterm", paths)
    lua = tmp_path / ".wezterm.lua"
    lua.write_text("-- require 'wa_plugin'\nreturn {}\n")
    (one,) = [one for one in wezterm(paths).findings if one["level"] == "warning"]
    assert (one["fix"], one["safe"]) == (["wa", "setup", "local"], False)
    assert "does not load it" in one["what"]

    lua.write_text("local c = {}\nrequire('wa_plugin').apply_to_config(c)\nreturn c\n")
    assert {one["level"] for one in wezterm(paths).findings} == {"ok"}


def test_plugin_files_of_another_version_are_written_anew(paths: Paths, tmp_path: Path) -> None:
    """Safe where they serve this installation; not where they serve another one or another WA_HOME."""
    folder = tmp_path / ".config" / "wezterm"
    write_plugin(folder, paths)
    (tmp_path / ".wezterm.lua").write_text("local c = {}\nrequire('wa_plugin').apply_to_config(c)\nreturn c\n")
    settings = folder / "wa_plugin" / "settings.lua"
    good = settings.read_text()
    settings.write_text(good.replace(f'"{__version__}"', '"0.0.1"'))
    (folder / "wa_plugin" / "badges.lua").write_text("return 1\n")

    (one,) = [one for one in wezterm(paths).findings if one["level"] == "warning"]
    assert (one["fix"], one["safe"]) == (["wa", "plugin", str(folder)], True)
    assert "of wa 0.0.1 (badges.lua, settings.lua)" in one["what"]
    after = asyncio.run(mend(paths, asyncio.run(examine(paths)), yes=False))
    assert [fix["state"] for fix in after["fixes"] if fix["argv"][:2] == ["wa", "plugin"]] == ["done"]
    assert settings.read_text() == good

    settings.write_text(good.replace("sidecar.sock", "other.sock"))
    (one,) = [one for one in wezterm(paths).findings if one["level"] == "warning"]
    assert not one["safe"]
    assert "another installation" in one["what"]


FAKE_WEZTERM = """#!/bin/sh
case $1 in --version) echo wezterm 20240203-110809-5046fc22; exit;; esac
[ -z "SAID" ] || echo "01:02:03.004  ERROR  wezterm_gui > SAID" >&2
"""


@pytest.mark.parametrize(
    ("text", "said", "level", "words"),
    [
        ("return { a = io.open('/etc/hostname'):read('a') }", "", "ok", "good for WezTerm"),
        ("return { a = io.open('/etc/hostname'):read('a') }", "runtime error: boom", "error", "is broken"),
        ("return {}", "Error converting lua value: font_size", "error", "does not take"),
        ("return {}", "no such color scheme", "warning", "no such color scheme"),
        ("return {}", "", "ok", "evaluates"),
    ],
)
def test_wezterm_itself_has_the_last_word(
    paths: Paths, tmp_path: Path, text: str, said: str, level: str, words: str
) -> None:
    """What wa's own Lua cannot run may be good, and what it can run may be wrong."""
    (tmp_path / ".wezterm.lua").write_text(text)
    command = tmp_path / "wezterm"
    command.write_text(FAKE_WEZTERM.replace("SAID", said))
    command.chmod(0o755)
    (one,) = asyncio.run(look_at_wezterm(paths, os.environ, [str(command)])).findings

    assert one["level"] == level
    assert words in one["what"]


# -- plans ------------------------------------------------------------------------------------------------------------------


def begun(paths: Paths, *changes: RunCommand, machine: str | None = None) -> Journal:
    """As a death leaves it: written down, and not ended."""
    house_of(paths).mkdir(mode=0o700, exist_ok=True)
    return Journal.begin(house_of(paths), Plan("setup local", changes, machine=machine))


def test_a_plan_that_was_cut_off_is_an_error(paths: Paths) -> None:
    """With how far it came, how to go on, and how to take it back; taken back only with --yes."""
    journal = begun(paths, RunCommand(("true",), "one"), RunCommand(("true",), "two"), machine="lab")
    journal.event("1 begun")
    journal.event("1 done")
    (one,) = plan_findings(paths)

    assert (one["level"], one["safe"]) == ("error", False)
    assert one["fix"] == ["wa", "setup", "undo", journal.id, "--yes"]
    assert f"`wa setup local` on lab of {journal.made_at[:10]}" in one["what"]
    assert "1 of its 2 changes" in one["what"]


def test_fix_with_yes_takes_it_back(paths: Paths, tmp_path: Path) -> None:
    """And looks again: what was told is gone."""
    file = tmp_path / "made"
    house_of(paths).mkdir(mode=0o700)
    journal = Journal.begin(house_of(paths), Plan("setup local", (file_change(file, b"new", "a file"),)))
    assert journal.is_interrupted
    before = asyncio.run(examine(paths))
    after = asyncio.run(mend(paths, before, yes=True))

    assert [(fix["argv"][:3], fix["state"]) for fix in after["fixes"]] == [(["wa", "setup", "undo"], "done")]
    assert not [one for one in after["findings"] if "interrupted" in one["what"]]
    assert not file.exists()


def test_one_that_is_made_just_now_is_no_trouble(paths: Paths) -> None:
    """Somebody holds the lock and lives."""
    begun(paths, RunCommand(("true",), "one"))
    (house_of(paths) / "lock").write_text(f'{{"pid": {os.getpid()}, "command": "setup local", "at": 1}}')
    (one,) = plan_findings(paths)
    assert (one["level"], one["fix"]) == ("note", None)

    gone = subprocess.Popen(["true"])
    gone.wait()
    (house_of(paths) / "lock").write_text(f'{{"pid": {gone.pid}, "command": "setup local", "at": 1}}')
    assert plan_findings(paths)[0]["level"] == "error"


def test_a_journal_that_cannot_be_read_is_told(paths: Paths) -> None:
    """Where its backups lie, and nothing fails."""
    journal = begun(paths, RunCommand(("true",), "one"))
    (journal.folder / "plan.json").write_text("{")
    (one,) = plan_findings(paths)

    assert one["level"] == "error"
    assert "before.N" in (one["next_step"] or "")
    assert setup_findings(paths) == []
    assert [one["level"] for one in asyncio.run(host_findings(paths))] == ["note"]


def test_what_setup_made_and_somebody_took_away(paths: Paths, tmp_path: Path) -> None:
    """Lines of wa's in a start-up file or in Lua, and whole files; what the user added is no trouble."""
    rc, lua, made = tmp_path / ".bashrc", tmp_path / "wezterm.lua", tmp_path / "made"
    rc.write_text("alias a=b\n")
    lua.write_text("return {}")
    in_lua = put_lua_block("return {}", "tune", lambda config: f"{config}.a = 1").encode()
    plan = Plan(
        "setup local",
        (
            file_change(rc, put_block("alias a=b\n", "shell", ". x").encode(), "a line for bash", block="shell"),
            file_change(lua, in_lua, "values", block="tune"),
            file_change(made, b"x", "a file"),
        ),
    )
    asyncio.run(apply(plan, paths))
    rc.write_text(rc.read_text() + "alias c=d\n")
    assert [one["level"] for one in setup_findings(paths)] == ["ok"]

    rc.write_text("alias a=b\n")
    lua.write_text("return {}")
    made.unlink()
    found = setup_findings(paths)
    assert [one["what"].partition(":")[0] for one in found] == [
        f"{rc} has lost wa's lines",
        f"{lua} has lost wa's lines",
        f"{made} is gone",
    ]
    assert all(one["fix"] == ["wa", "setup", "local"] and not one["safe"] for one in found)
    asyncio.run(undo(paths, None))
    assert setup_findings(paths) == []


# -- rescue -----------------------------------------------------------------------------------------------------------------


def rescue(paths: Paths, tmp_path: Path, *, now: str, was: str = "1") -> Path:
    scope = tmp_path / "ptrace_scope"
    scope.write_text(f"{now}\n")
    folder = paths.data / "rescue" / "20261122-010203-abcd"
    folder.mkdir(parents=True)
    (folder / "scope").write_text(f"{scope}\n{was}\n")
    return folder


def test_a_rescue_that_left_tracing_open(paths: Paths, tmp_path: Path) -> None:
    """An error that `wa rescue` mends by itself, safely."""
    rescue(paths, tmp_path, now="0")
    (one,) = rescue_findings(paths)

    assert (one["level"], one["fix"], one["safe"]) == ("error", ["wa", "rescue"], True)
    assert "it was 1" in one["what"]


@pytest.mark.parametrize("kind", ["restored", "back by itself", "was open before", "running", "torn"])
def test_a_rescue_that_is_over_or_under_way_is_not_told(paths: Paths, tmp_path: Path, kind: str) -> None:
    """What is as it was, and what its own rescue puts back."""
    folder = rescue(paths, tmp_path, now="1" if kind == "back by itself" else "0", was="0" if "open" in kind else "1")
    match kind:
        case "restored":
            (folder / "restored").touch()
        case "running":
            born = Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]
            (folder / "mover").write_text(f"{os.getpid()} {born}\n")
        case "torn":
            (folder / "scope").write_text("")
    assert rescue_findings(paths) == []


# -- hosts ------------------------------------------------------------------------------------------------------------------


def set_up(paths: Paths, host: str) -> None:
    journal = begun(paths, RunCommand(("true",), "one"), machine=host)
    journal.event("finished")


FAKE_SSH = """#!/bin/sh
case "$*" in *-G*) exit 0;; esac
for word; do before=$host; host=$last; last=$word; done
case $host in
good) echo noise; echo '<wa:wa VERSION>' ;;
old) echo '<wa:wa 0.0.1>' ;;
new) echo '<wa:wa 99.1.0>' ;;
bare) echo '<wa:none>' ;;
broken) echo '<wa:ModuleNotFoundError: No module named wa>' ;;
refuses) echo 'ssh: connect to host refuses port 22: Connection refused' >&2; exit 255 ;;
hangs) exec sleep 60 ;;
esac
"""


def test_each_host_is_judged_by_its_answer(paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Old, without one, one that does not start, refusing, hanging: each its own words, none stops the others."""
    monkeypatch.setattr("wa.api.doctor_hosts.WITHIN_S", 1.0)
    ssh = tmp_path / "ssh"
    ssh.write_text(FAKE_SSH.replace("VERSION", __version__))
    ssh.chmod(0o755)
    for host in ("good", "old", "new", "bare", "broken", "refuses", "hangs"):
        set_up(paths, host)
    told = {one["what"].split()[0].rstrip(":"): one for one in asyncio.run(host_findings(paths, (str(ssh),)))}

    assert {name: one["level"] for name, one in told.items() if name != "ssh"} == {
        "good": "ok",
        "old": "warning",
        "new": "note",
        "bare": "warning",
        "broken": "error",
        "hangs": "warning",
    }
    assert told["ssh"]["what"].startswith("ssh refuses: it cannot be reached")
    assert told["old"]["fix"] == ["wa", "setup", "remote", "old"]
    assert told["good"]["fix"] is None


def test_hosts_are_asked_only_when_wanted(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --hosts nothing goes over the network; with it, none is a note."""

    async def asked(_: Paths) -> list[FixableFinding]:
        raise AssertionError("over the network")

    monkeypatch.setattr(doctor, "host_findings", asked)
    assert not [one for one in asyncio.run(examine(paths))["findings"] if "over the network" in one["what"]]
    failed = [one for one in asyncio.run(examine(paths, hosts=True))["findings"] if "over the network" in one["what"]]
    assert failed[0]["what"] == "the doctor could not look at hosts: AssertionError: over the network"


@pytest.mark.ssh
@pytest.mark.skipif(SSHD is None, reason="sshd is not installed")
def test_through_a_real_ssh(paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The question is one that a real shell answers."""
    (tmp_path / "remote").mkdir()
    with remote_host(tmp_path / "remote") as found:
        set_up(paths, "build-7")
        (one,) = asyncio.run(host_findings(paths, tuple(found.client())))
        assert one["what"] in ("build-7 has no wa", f"build-7 has wa {__version__}")
