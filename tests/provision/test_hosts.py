"""Hosts as the user's files name them, by the real `ssh -G` where it is."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from wa.model.errors import TerminalUnreachable
from wa.model.host import FoundHost, SshDomain
from wa.provision.hosts import HostsFound, find_hosts, look_for_hosts

needs_ssh = pytest.mark.skipif(shutil.which("ssh") is None, reason="needs OpenSSH's client on PATH")
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0000000000000000000000000000000000000000"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".ssh").mkdir()
    return tmp_path


def look(
    home: Path,
    domains: tuple[SshDomain, ...] | None = None,
    wanted: tuple[str, ...] | None = None,
    path: str | None = None,
) -> HostsFound:
    env = {"HOME": str(home), "PATH": path or os.environ["PATH"], "USER": "me"}
    return asyncio.run(look_for_hosts(home, env, domains, wanted))


def named(found: HostsFound, title: str) -> FoundHost:
    (host,) = [one for one in found.hosts if one.title == title]
    return host


@needs_ssh
def test_one_machine_under_many_names_is_one_entry(home: Path) -> None:
    """By what ssh makes of each: all its names are kept, and all places that name it."""
    (home / ".ssh/config").write_text("Host trj\n  HostName 10.0.0.3\n  User ubuntu\n  Port 2222\n")
    (home / ".ssh/known_hosts").write_text(f"[10.0.0.3]:2222 {KEY}\n")
    (home / ".zshrc").write_text("alias t3='ssh ubuntu@10.0.0.3 -p 2222'\n")
    domains = (SshDomain("SSHMUX:big", "10.0.0.3", user="ubuntu", port=2222),)

    found = look(home, domains)

    (host,) = found.hosts
    assert (host.name, host.title) == ("trj", "trj")
    assert host.found_in == ("ssh config", "wezterm.lua", "alias t3 of ~/.zshrc", "known_hosts")
    assert (host.user, host.address, host.port) == ("ubuntu", "10.0.0.3", 2222)
    assert host.is_called("BIG")
    assert host.is_called("t3")


@needs_ssh
def test_other_users_and_other_ways_are_other_entries(home: Path) -> None:
    """The same private address behind two gates is two machines."""
    (home / ".ssh/config").write_text(
        "Host a\n HostName 10.0.0.3\n ProxyJump gate1\nHost b\n HostName 10.0.0.3\n ProxyJump gate2\n"
        "Host c\n HostName 10.0.0.3\n User other\n"
    )

    assert [(one.name, one.jump) for one in look(home).hosts] == [("a", "gate1"), ("b", "gate2"), ("c", None)]


@needs_ssh
def test_an_alias_makes_one_word_for_ssh(home: Path) -> None:
    """User and port stand in it; what cannot stand there goes along as options."""
    (home / ".bashrc").write_text("alias x='ssh -i ~/.ssh/k -p 2200 -l me 10.1.1.1 tmux attach'\n")

    host = named(look(home), "x")

    assert host.name == "ssh://me@10.1.1.1:2200"
    assert host.options == ("-i", f"{home}/.ssh/k")
    assert host.identities == (f"{home}/.ssh/k",)
    assert (host.user, host.address, host.port) == ("me", "10.1.1.1", 2200)


@needs_ssh
def test_keys_of_the_configuration_are_told_apart_from_those_that_ssh_tries_anyway(home: Path) -> None:
    """Only the first can be missing."""
    (home / ".ssh/config").write_text("Host a\n HostName 10.0.0.1\n IdentityFile ~/.ssh/%r_key\n User u\nHost b\n")

    found = look(home)

    assert named(found, "a").identities == (f"{home}/.ssh/u_key",)
    assert named(found, "b").identities == ()


@needs_ssh
@pytest.mark.parametrize(
    "name",
    ["-oProxyCommand=touch$IFS/tmp/x", "a b", "$(touch x)", "a;b", "`id`", "a'b", 'a\\"b', "a|b", "x\x07y", "a&"],
)
def test_a_hostile_name_never_reaches_ssh(home: Path, name: str) -> None:
    """It is listed as unusable, last, and no program hears of it."""
    recorder = home / "bin"
    recorder.mkdir()
    (recorder / "ssh").write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >> {home}/asked\nexec {shutil.which("ssh")} "$@"\n')
    (recorder / "ssh").chmod(0o755)
    (home / ".ssh/config").write_text(f'Host "{name}"\nHost fine\n')

    found = look(home, path=f"{recorder}:{os.environ['PATH']}")

    assert [one.is_usable for one in found.hosts] == [True, False]
    assert "take for something else" in (found.hosts[1].trouble or "")
    assert [line.split()[-1] for line in (home / "asked").read_text().splitlines()] == ["fine"]


@needs_ssh
def test_addresses_alone_come_last(home: Path) -> None:
    """Names of known_hosts before them; hashed names, patterns, revoked keys and authorities are none."""
    (home / ".ssh/known_hosts").write_text(
        f"10.9.9.9 {KEY}\n|1|abc=|def= {KEY}\n@revoked bad {KEY}\n@cert-authority *.x {KEY}\nbuild,10.9.9.8 {KEY}\n"
        f"*.corp {KEY}\n[nas]:2022 {KEY}\n::1 {KEY}\nbroken\n"
    )

    found = look(home)

    assert [(one.name, one.is_weak) for one in found.hosts] == [
        ("build", False),
        ("ssh://nas:2022", False),
        ("10.9.9.9", True),
        ("::1", True),
    ]


@needs_ssh
def test_places_that_keep_code_come_last(home: Path) -> None:
    """They stand in nearly every known_hosts, and give nobody a shell."""
    (home / ".ssh/config").write_text("Host work-git\n HostName git.corp.example\n User git\nHost trj\n")
    (home / ".ssh/known_hosts").write_text(f"github.com {KEY}\nnas {KEY}\n")

    assert [one.title for one in look(home).hosts] == ["trj", "nas", "work-git", "github.com"]


@needs_ssh
def test_only_what_is_wanted_is_asked_for(home: Path) -> None:
    """`Match exec` of others does not run; a name that no file has is taken as it is given."""
    (home / ".ssh/config").write_text(f'Host a b\nMatch host b exec "touch {home}/ran"\n  User x\n')

    found = look(home, wanted=("A", "nowhere.example"))

    assert [(one.name, one.found_in) for one in found.hosts] == [
        ("a", ("ssh config",)),
        ("nowhere.example", ("given",)),
    ]
    assert not (home / "ran").exists()


@needs_ssh
def test_a_match_exec_that_hangs_costs_its_host_the_address(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is listed, the reason told, and the others are there."""
    monkeypatch.setattr("wa.provision.hosts.ASK_WITHIN_S", 0.5)
    (home / ".ssh/config").write_text('Host slow fine\nMatch host slow exec "sleep 30"\n  User x\n')

    found = look(home)

    assert [(one.name, one.address) for one in found.hosts] == [("slow", None), ("fine", "fine")]
    assert any("Match exec" in note for note in found.notes)


def test_without_ssh_it_says_so(home: Path, tmp_path: Path) -> None:
    """And names who must act."""
    (home / ".ssh/config").write_text("Host a\n")

    with pytest.raises(TerminalUnreachable, match="no `ssh` on PATH"):
        look(home, path=str(tmp_path))


def test_a_bare_home_has_no_hosts(home: Path, tmp_path: Path) -> None:
    """Nothing is asked then, not even for ssh."""
    assert asyncio.run(find_hosts(home, {"PATH": str(tmp_path)})) == []


@needs_ssh
def test_domains_of_wezterm_are_hosts(home: Path) -> None:
    """By address, user, port and key, whatever the configuration computes them from."""
    (home / ".wezterm.lua").write_text(
        "local wezterm = require 'wezterm'\nlocal config = wezterm.config_builder()\nlocal hosts = { big = 3 }\n"
        "config.ssh_domains = {}\nfor name, at in pairs(hosts) do\n  table.insert(config.ssh_domains, {\n"
        "    name = name, remote_address = '10.0.0.' .. at .. ':2222', username = 'ubuntu',\n"
        "    ssh_option = { identityfile = wezterm.home_dir .. '/.ssh/big' },\n  })\nend\nreturn config\n"
    )

    host = named(look(home), "big")

    assert host.name == "ssh://ubuntu@10.0.0.3:2222"
    assert host.identities == (f"{home}/.ssh/big",)
    assert host.found_in == ("wezterm.lua",)


@needs_ssh
def test_a_broken_wezterm_lua_still_tells_its_domains(home: Path) -> None:
    """From the text of the table, and that is said; the other hosts are there."""
    (home / ".ssh/config").write_text("Host a\n")
    (home / ".wezterm.lua").write_text(
        "local config = {}\nconfig.ssh_domains = { { name = 'trj', remote_address = 'x.example' } }\nreturn config +\n"
    )

    found = look(home)

    assert [one.title for one in found.hosts] == ["a", "trj"]
    assert any("does not evaluate" in note for note in found.notes)
