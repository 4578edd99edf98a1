"""The roles of account recovery, planned over a real ssh and a real sshd on loopback."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from wa.api.distributed_hosts import Discovered, discover, mapping
from wa.api.distributed_there import RoleHost, Wishes, is_older
from wa.api.setup_distributed import Planned, is_needed, machine, make, plan_roles
from wa.config.distributed import load_distributed, read_token
from wa.config.paths import Paths
from wa.model.errors import ConfigError, NotFound, UsageError, WaError
from wa.protocol.results_distributed import DistributedResult
from wa.provision.journal import Journal, journal_of, journals
from wa.provision.plan import FileChange, Plan
from wa.provision.plan_lock import held
from wa.provision.remote_hosts import take_back
from wa.provision.undoing import undo
from wezterm.sshd import SSHD, RemoteHost, remote_host

STATUS = {
    "BackendState": "Running",
    "Self": {"HostName": "mini", "DNSName": "mini.t.ts.net.", "TailscaleIPs": ["100.64.0.1"], "Online": True},
    "Peer": {
        "a": {"HostName": "TRJ", "DNSName": "trj.t.ts.net.", "TailscaleIPs": ["100.64.0.3"], "Online": True},
        "b": {"HostName": "csd", "DNSName": "csd-1.t.ts.net.", "TailscaleIPs": ["100.64.0.4"], "Online": False},
        "c": {"HostName": "csd", "DNSName": "csd-2.t.ts.net.", "TailscaleIPs": ["100.64.0.5"], "Online": True},
    },
}
"""After the documented shape of `tailscale status --json`."""
DOMAIN = "{{ name = '{0}', remote_address = '{0}' }}"


class Stage:
    """A user's machine that is a folder."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "me"
        self.bin = folder / "bin"
        for one in (self.home / ".ssh", self.bin):
            one.mkdir(parents=True)
        self.env = {"HOME": str(self.home), "PATH": f"{self.bin}:/usr/bin:/bin"}
        self.paths = Paths.from_env(self.env)

    def knows(self, host: RemoteHost, *names: str, key: str = "id") -> None:
        host.client(key=key)
        text = (host.keys / f"config-True-{key}").read_text()
        with (self.home / ".ssh/config").open("a") as file:
            file.write("".join(text.replace("build-7", name) for name in names))

    def has_domains(self, *names: str) -> None:
        tables = ", ".join(DOMAIN.format(name) for name in names)
        (self.home / ".wezterm.lua").write_text(f"return {{ ssh_domains = {{ {tables} }} }}\n")

    def has_tailscale(self, status: object = STATUS) -> None:
        (self.home / "status.json").write_text(json.dumps(status))
        program = self.bin / "tailscale"
        program.write_text(f"#!/bin/sh\ncat {self.home}/status.json\n")
        program.chmod(0o755)

    def discover(self, **words: Any) -> Discovered:
        return asyncio.run(discover(self.home, self.env, **words))

    def plan(self, found: Discovered, wishes: Wishes | None = None, maps: tuple[str, ...] = ()) -> Planned:
        names = [one.name for one in found.hosts]
        mapped = mapping(maps, found)
        return asyncio.run(plan_roles(self.paths, self.env, found, names, wishes or Wishes(), mapped))


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[RemoteHost]:
    with remote_host(tmp_path) as host:
        has_wa(host)
        yield host


def has_wa(host: RemoteHost, version: str = "99.0.0", status: str = "{}") -> None:
    program = host.home / "bin/wa"
    program.write_text(
        f"#!/bin/sh\ncase \"$1\" in --version) echo wa {version};; status) echo '{status}';; *) exit 2;; esac\n"
    )
    program.chmod(0o755)


def text_of(plan: Plan | None, name: str) -> str:
    assert plan is not None
    (change,) = [one for one in plan.changes if isinstance(one, FileChange) and one.path.name == name]
    return (change.after or b"").decode()


def only(planned: Planned) -> RoleHost:
    (host,) = planned.hosts
    assert host.trouble is None, host.trouble
    return host


needs_sshd = pytest.mark.skipif(SSHD is None, reason="sshd is not installed")
over_ssh = [pytest.mark.ssh, needs_sshd]


# -- which hosts ----------------------------------------------------------------------------------------------------------


def test_without_a_wezterm_lua_the_paths_are_told(stage: Stage) -> None:
    """In the order in which WezTerm looks, and what to do."""
    with pytest.raises(NotFound) as told:
        stage.discover()

    assert told.value.details["candidates"][0] == f"{stage.home}/.wezterm.lua"
    assert "--wezterm-config" in told.value.next_step
    with pytest.raises(NotFound, match=r"no /nowhere/wezterm\.lua"):
        stage.discover(wezterm_config=Path("/nowhere/wezterm.lua"))


def test_without_ssh_domains_it_says_what_to_add(stage: Stage) -> None:
    """A line that can be pasted."""
    stage.has_domains()

    with pytest.raises(NotFound) as told:
        stage.discover()

    assert "has no ssh_domains" in told.value.message
    assert "multiplexing = 'WezTerm'" in told.value.next_step


def test_domains_without_a_multiplexer_are_none(stage: Stage) -> None:
    """There is nothing on such a host that an agent would run in."""
    (stage.home / ".wezterm.lua").write_text(
        "return { ssh_domains = { { name = 'x', remote_address = 'x', multiplexing = 'None' } } }\n"
    )

    with pytest.raises(NotFound, match="has a multiplexer: x"):
        stage.discover()


def test_a_wezterm_lua_that_cannot_be_read_is_told_with_its_reason(stage: Stage) -> None:
    """And hosts can be named in its place."""
    (stage.home / ".wezterm.lua").write_text("return {{{ nonsense\n")

    with pytest.raises(ConfigError, match=r"cannot be read"):
        stage.discover()
    assert [one.name for one in stage.discover(remotes=["trj"]).hosts] == ["trj"]


def test_hosts_that_are_named_need_no_wezterm_lua(stage: Stage) -> None:
    """That it is missing is a note."""
    found = stage.discover(remotes=["trj", "trj"])

    assert [one.name for one in found.hosts] == ["trj"]
    assert any("no wezterm.lua" in note for note in found.notes)


def test_a_name_of_two_machines_means_what_ssh_means(stage: Stage) -> None:
    """The other one is told."""
    (stage.home / ".ssh/config").write_text("Host trj\n HostName 10.0.0.3\n")
    (stage.home / ".zshrc").write_text("alias trj='ssh 10.0.0.9'\n")

    found = stage.discover(remotes=["trj"])

    assert [one.address for one in found.hosts] == ["10.0.0.3"]
    assert any("another machine in alias trj" in note for note in found.notes)


@pytest.mark.parametrize(
    ("status", "words"),
    [(None, "is not installed here"), ({"BackendState": "Stopped"}, "does not run"), ([], "does not tell its status")],
)
def test_without_tailscale_there_are_the_addresses_of_the_configuration(
    stage: Stage, status: object, words: str
) -> None:
    """Why it is not used is told."""
    stage.has_domains("trj")
    if status is not None:
        stage.has_tailscale(status)

    found = stage.discover(use_tailscale=True)

    assert [one.title for one in found.hosts] == ["trj"]
    assert any(f"Tailscale {words}" in note and "addresses of the configuration" in note for note in found.notes)


def test_hosts_that_the_tailnet_does_not_settle_are_asked_about(stage: Stage) -> None:
    """By nothing but one answer: none, or several, is a question; --map answers it."""
    stage.has_domains("trj", "csd", "elsewhere")
    stage.has_tailscale()
    found = stage.discover(use_tailscale=True)
    names = [one.name for one in found.hosts]

    assert [one.title for one in found.open_questions(names, {})] == ["csd", "elsewhere"]
    assert found.known()["csd"] == "tailnet: csd-1.t.ts.net or csd-2.t.ts.net"
    mapped = mapping(["csd=csd-2", "elsewhere=100.64.0.4"], found)
    assert [one.dns for one in mapped.values()] == ["csd-2.t.ts.net", "csd-1.t.ts.net"]
    assert found.open_questions(names, mapped) == []


@pytest.mark.parametrize("word", ["csd", "csd=", "=x", "nobody=trj", "csd=nobody", "csd=csd"])
def test_a_map_that_says_nothing_is_refused(stage: Stage, word: str) -> None:
    """With what there is."""
    stage.has_domains("csd")
    stage.has_tailscale()

    with pytest.raises(UsageError):
        mapping([word], stage.discover(use_tailscale=True))


def test_versions_are_compared_by_their_numbers() -> None:
    """What has none is older than all."""
    assert is_older("0.9.0", "0.10.0")
    assert not is_older("0.10.0", "0.10.0")
    assert not is_older("1.0.0.dev3+g12", "1.0.0")
    assert is_older("", "0.1")


# -- what of each host -----------------------------------------------------------------------------------------------------


@pytest.mark.ssh
@needs_sshd
class TestHosts:
    """Over ssh."""

    def test_a_host_gets_the_coordinator_and_this_machine_the_agent(self, stage: Stage, remote: RemoteHost) -> None:
        """With one token for both, and nothing changed by looking."""
        stage.knows(remote, "trj")
        stage.has_domains("trj")

        planned = stage.plan(stage.discover())

        host = only(planned)
        assert host.plan is not None
        assert host.plan.machine == "trj"
        assert text_of(host.plan, "coordinator") == text_of(planned.here, "trj")
        assert 'way = "ssh"' in text_of(planned.here, "distributed.toml")
        assert not (remote.home / ".config").exists()
        assert not (stage.home / ".config").exists()
        assert not (stage.home / ".local").exists()

    def test_one_that_is_offline_is_told_and_the_others_go_on(self, stage: Stage, remote: RemoteHost) -> None:
        """The agent is planned with those that answer, and keeps those that it knew before."""
        stage.knows(remote, "trj")
        (stage.home / ".wezterm.lua").write_text(
            "return { ssh_domains = { { name = 'off', remote_address = '127.0.0.1:1' }, "
            "{ name = 'trj', remote_address = 'trj' } } }\n"
        )
        config = stage.home / ".config/wa/distributed.toml"
        config.parent.mkdir(parents=True)
        config.write_text(
            '# wa agent: begin\n[agent]\nlisten = "127.0.0.1"\nport = 7999\ntoken_file = "tokens/agent"\n'
            '[[agent.host]]\nname = "old"\nway = "ssh"\nssh = "old"\naddress = "127.0.0.1"\nport = 7890\n'
            'token_file = "tokens/old"\n# wa agent: end\n'
        )

        planned = stage.plan(stage.discover())

        off, trj = planned.hosts
        assert off.trouble is not None
        assert "cannot be reached" in off.trouble.message
        assert trj.trouble is None
        text = text_of(planned.here, "distributed.toml")
        assert 'name = "trj"' in text
        assert 'name = "old"' in text
        assert 'name = "off"' not in text
        assert "port = 7999" in text

    def test_without_any_host_there_is_no_agent(self, stage: Stage) -> None:
        """Nobody to speak to."""
        (stage.home / ".wezterm.lua").write_text(
            "return { ssh_domains = { { name = 'off', remote_address = '127.0.0.1:1' } } }\n"
        )

        assert stage.plan(stage.discover()).here is None

    def test_in_the_tailnet_it_listens_there(self, stage: Stage, remote: RemoteHost) -> None:
        """And the agent speaks to it without ssh; one that is offline there is told; --map settles doubts."""
        stage.knows(remote, "trj", "csd")
        stage.has_domains("trj")
        stage.has_tailscale()

        planned = stage.plan(stage.discover(use_tailscale=True))
        host = only(planned)
        assert 'listen = "100.64.0.3"' in text_of(host.plan, "distributed.toml")
        assert 'way = "tailnet"' in text_of(planned.here, "distributed.toml")

        stage.has_domains("csd")
        found = stage.discover(use_tailscale=True)
        unsettled = only(stage.plan(found))
        assert any("--map csd=PEER" in note for note in unsettled.notes)
        assert 'listen = "127.0.0.1"' in text_of(unsettled.plan, "distributed.toml")
        settled = only(stage.plan(found, maps=("csd=csd-1",)))
        assert any("offline in the tailnet" in note for note in settled.notes)
        assert 'listen = "100.64.0.4"' in text_of(settled.plan, "distributed.toml")

    def test_this_very_machine_needs_no_way_to_itself(self, stage: Stage, remote: RemoteHost) -> None:
        """As the tailnet tells it."""
        stage.knows(remote, "mini")
        stage.has_domains("mini")
        stage.has_tailscale()

        (host,) = stage.plan(stage.discover(use_tailscale=True)).hosts

        assert host.trouble is not None
        assert "this very machine" in host.trouble.message

    @pytest.mark.parametrize(("version", "words"), [(None, "there is no wa"), ("0.0.1", "its wa is 0.0.1")])
    def test_a_host_without_this_wa_says_how_to_get_it(
        self, stage: Stage, remote: RemoteHost, version: str | None, words: str
    ) -> None:
        """Missing, or older."""
        stage.knows(remote, "trj")
        if version is None:
            (remote.home / "bin/wa").unlink()
        else:
            has_wa(remote, version)

        (host,) = stage.plan(stage.discover(remotes=["trj"]), Wishes(install=False)).hosts

        assert host.trouble is not None
        assert words in host.trouble.message
        assert host.trouble.next_step == "wa setup remote trj"

    def test_a_sidecar_that_runs_there_is_told(self, stage: Stage, remote: RemoteHost) -> None:
        """With its version, and how to begin it anew."""
        stage.knows(remote, "trj")
        has_wa(remote, status='{"ok":true,"data":{"sidecar":{"running":true,"pid":12,"version":"98.0"}}}')

        host = only(stage.plan(stage.discover(remotes=["trj"])))

        assert any("wa 98.0, pid 12" in note and "--restart-sidecars" in note for note in host.notes)

    def test_a_key_that_is_not_there_is_named(self, stage: Stage, remote: RemoteHost) -> None:
        """With the path where it was expected; where no other key opens the host, that is the next step."""
        stage.knows(remote, "trj", key="gone")

        (host,) = stage.plan(stage.discover(remotes=["trj"])).hosts

        assert any(f"{remote.keys}/gone was expected" in note for note in host.notes)
        assert host.trouble is not None
        assert f"expected at {remote.keys}/gone" in host.trouble.next_step

    def test_a_port_that_is_taken_is_told_with_its_holder(self, stage: Stage, remote: RemoteHost) -> None:
        """One that was asked for is not moved; a free one is named."""
        stage.knows(remote, "trj")
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            found = stage.discover(remotes=["trj"])
            (host,) = stage.plan(found, Wishes(remote_port=port)).hosts
            with pytest.raises(ConfigError, match=f"port {port} of this machine is taken by .*pid {os.getpid()}"):
                stage.plan(found, Wishes(local_port=port))

        assert host.trouble is not None
        assert f"port {port} of trj is taken by" in host.trouble.message
        assert str(os.getpid()) in host.trouble.message
        assert "is free there" in host.trouble.next_step

    def test_a_default_port_that_is_taken_moves(
        self, stage: Stage, remote: RemoteHost, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """To a free one, and that is told."""
        stage.knows(remote, "trj")
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            monkeypatch.setattr("wa.api.distributed_there.COORDINATOR_PORT", port)
            monkeypatch.setattr("wa.api.distributed_here.AGENT_PORT", port)
            planned = stage.plan(stage.discover(remotes=["trj"]))

        host = only(planned)
        assert host.settings is not None
        assert host.settings.port > port
        assert any(f"Port {port} of trj is taken" in note for note in host.notes)
        assert planned.here is not None
        assert any(f"Port {port} of this machine is taken" in note for note in planned.here.notes)

    def test_settings_of_the_host_are_kept(self, stage: Stage, remote: RemoteHost) -> None:
        """Its port and its token: other agents may use them."""
        stage.knows(remote, "trj")
        config = remote.home / ".config/wa"
        (config / "tokens").mkdir(parents=True)
        (config / "tokens/coordinator").write_text("k" * 43 + "\n")
        table = '[coordinator]\nname = "trj"\nlisten = "127.0.0.1"\nport = 7555\ntoken_file = "tokens/coordinator"\n'
        (config / "distributed.toml").write_text(f"# wa coordinator: begin\n{table}# wa coordinator: end\n# mine\n")

        planned = stage.plan(stage.discover(remotes=["trj"]))
        host = only(planned)
        assert "port = 7555" in text_of(host.plan, "distributed.toml")
        assert text_of(planned.here, "trj") == "k" * 43 + "\n"

        (config / "distributed.toml").write_text(table)
        (host,) = stage.plan(stage.discover(remotes=["trj"])).hosts
        assert host.trouble is not None
        assert "that wa did not write" in host.trouble.message

    def test_settings_that_are_not_understood_are_left_alone(self, stage: Stage, remote: RemoteHost) -> None:
        """The host is left out, with the file and the reason."""
        stage.knows(remote, "trj")
        (remote.home / ".config/wa").mkdir(parents=True)
        (remote.home / ".config/wa/distributed.toml").write_text("[coordinator\n")

        (host,) = stage.plan(stage.discover(remotes=["trj"])).hosts

        assert isinstance(host.trouble, ConfigError)
        assert "distributed.toml" in host.trouble.message

    def test_noise_of_startup_files_changes_nothing(self, stage: Stage, remote: RemoteHost) -> None:
        """What a shell prints stands around the answer."""
        stage.knows(remote, "trj")
        (remote.home / "greeting").write_text("home\t/nonsense\n<wa-end>\nWelcome!\n")

        assert only(stage.plan(stage.discover(remotes=["trj"]))).look is not None

    def test_an_unknown_host_key_stops_it(self, stage: Stage, remote: RemoteHost) -> None:
        """And says so."""
        stage.knows(remote, "trj")
        known = (stage.home / ".ssh/config").read_text()
        (stage.home / ".ssh/config").write_text(known.replace("known_hosts", "nobody"))

        (host,) = stage.plan(stage.discover(remotes=["trj"])).hosts

        assert host.trouble is not None
        assert "host key is unknown" in host.trouble.message


def test_names_that_are_odd_are_left_out(stage: Stage) -> None:
    """They never reach ssh."""
    found = stage.discover(remotes=["-oProxyCommand=touch x", "a b"])

    for host in stage.plan(found).hosts:
        assert isinstance(host.trouble, ConfigError)


def test_two_machines_of_one_name_are_not_mixed_up(stage: Stage) -> None:
    """Case aside; the second is left out, and both are named."""
    (stage.home / ".wezterm.lua").write_text(
        "return { ssh_domains = { { name = 'a', remote_address = '127.0.0.1:1' }, { name = 'A', remote_address = '127.0.0.1:2' } } }\n"
    )

    first, second = stage.plan(stage.discover()).hosts

    assert first.trouble is not None
    assert "cannot be reached" in first.trouble.message
    assert second.trouble is not None
    assert "also the name of" in second.trouble.message


# -- made ------------------------------------------------------------------------------------------------------------------


def made(stage: Stage, planned: Planned) -> DistributedResult:
    return asyncio.run(make(planned, stage.paths, stage.env))


def tree(folder: Path) -> dict[str, tuple[int, bytes | None]]:
    """Every file and folder with its mode."""
    return {
        str(one.relative_to(folder)): (one.lstat().st_mode, one.read_bytes() if one.is_file() else None)
        for one in sorted(folder.rglob("*"))
    }


@pytest.mark.ssh
@needs_sshd
class TestMaking:
    """Over ssh."""

    @pytest.fixture(autouse=True)
    def own_folders(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", str(stage.home))

    def test_both_sides_hold_one_token_that_nobody_else_can_read(self, stage: Stage, remote: RemoteHost) -> None:
        """And settings that are understood."""
        stage.knows(remote, "trj")
        stage.has_domains("trj")

        result = made(stage, stage.plan(stage.discover()))

        assert [(one["title"], one["trouble"]) for one in result["hosts"]] == [("trj", None)]
        here = load_distributed(stage.paths.config / "distributed.toml").agent
        there = load_distributed(remote.home / ".config/wa/distributed.toml").coordinator
        assert here is not None
        assert there is not None
        assert read_token(here.hosts[0].token_file) == read_token(there.token_file)
        assert read_token(here.token_file) != read_token(there.token_file)
        assert (there.listen, there.port) == (here.hosts[0].address, here.hosts[0].port) == ("127.0.0.1", 7890)
        token = read_token(there.token_file)
        assert token not in json.dumps(result)
        kept = [one for one in (stage.home / ".local").rglob("*") if one.is_file()]
        kept += [one for one in (remote.home / ".local").rglob("*") if one.is_file()]
        assert kept
        assert not any(token.encode() in one.read_bytes() for one in kept)

    def test_the_second_run_changes_nothing(self, stage: Stage, remote: RemoteHost) -> None:
        """On neither side, journals included."""
        stage.knows(remote, "trj")
        stage.has_domains("trj")
        made(stage, stage.plan(stage.discover()))
        before = tree(stage.home), tree(remote.home)

        result = made(stage, stage.plan(stage.discover()))

        assert (tree(stage.home), tree(remote.home)) == before
        assert [one["plan"]["id"] if one["plan"] else None for one in result["hosts"]] == [None]
        assert result["here"] is not None
        assert result["here"]["id"] is None

    def test_undo_leaves_both_sides_as_they_were(self, stage: Stage, remote: RemoteHost) -> None:
        """Each plan by its own way back."""
        stage.knows(remote, "trj")
        stage.has_domains("trj")
        before = tree(stage.home), tree(remote.home)
        result = made(stage, stage.plan(stage.discover()))
        (host,) = result["hosts"]
        assert host["plan"] is not None
        assert result["here"] is not None

        async def back() -> None:
            await undo(stage.paths, result["here"]["id"] if result["here"] else None)
            journal = journal_of(stage.paths, str(host["plan"]["id"] if host["plan"] else None))
            async with machine(planned_host, stage.env) as there:
                await take_back(there, journal)
            journal.drop()

        planned_host = stage.discover().hosts[0]
        asyncio.run(back())

        assert tree(remote.home) == before[1]
        after = {name: held for name, held in tree(stage.home).items() if not name.startswith((".local", ".cache"))}
        assert after == before[0]

    def test_what_fails_on_one_host_is_taken_back_and_this_machine_goes_on_without_it(
        self, stage: Stage, remote: RemoteHost
    ) -> None:
        """It is left out of the agent's settings; the trouble is told."""
        stage.knows(remote, "trj")
        planned = stage.plan(stage.discover(remotes=["trj"]))
        (remote.home / ".config").mkdir()
        (remote.home / ".config/wa").write_text("in the way")

        result = made(stage, planned)

        (host,) = result["hosts"]
        assert host["trouble"] is not None
        assert result["here"] is None
        assert not stage.paths.config.exists()
        assert tree(remote.home / ".config").keys() == {"wa"}

    def test_what_fails_here_names_what_is_made_elsewhere(self, stage: Stage, remote: RemoteHost) -> None:
        """With the way back."""
        stage.knows(remote, "trj")
        planned = stage.plan(stage.discover(remotes=["trj"]))
        (stage.home / ".config").write_text("in the way")

        with pytest.raises(WaError) as told:
            made(stage, planned)

        (line,) = told.value.details["candidates"]
        assert "coordinator on trj is made" in line
        assert "wa setup undo" in line

    def test_a_run_that_never_reached_the_host_is_forgotten(self, stage: Stage, remote: RemoteHost) -> None:
        """Only this machine's journal says that it was begun."""
        stage.knows(remote, "trj")
        plan = only(stage.plan(stage.discover(remotes=["trj"]))).plan
        assert plan is not None
        with held(stage.paths, "test") as house:
            Journal.begin(house, plan, "20260101-000000-abcd")

        (host,) = made(stage, stage.plan(stage.discover(remotes=["trj"])))["hosts"]

        assert (host["trouble"], len(host["notes"])) == (None, 0)
        assert [one.is_interrupted for one in journals(stage.paths)] == [False, False]

    def test_a_run_that_was_interrupted_there_is_taken_back_by_the_next(self, stage: Stage, remote: RemoteHost) -> None:
        """As both journals know it; and made anew, with the same token."""
        stage.knows(remote, "trj")
        made(stage, stage.plan(stage.discover(remotes=["trj"])))
        token = (remote.home / ".config/wa/tokens/coordinator").read_bytes()
        (begun,) = [one for one in journals(stage.paths) if one.plan.machine == "trj"]
        (begun.folder / "journal").write_text("begin\n")
        there = remote.home / ".local/share/wa/setup" / begun.id / "journal"
        there.write_text(there.read_text().replace("finished\n", ""))

        (host,) = made(stage, stage.plan(stage.discover(remotes=["trj"])))["hosts"]

        assert host["trouble"] is None
        assert any(begun.id in note for note in host["notes"])
        assert not any(one.is_interrupted for one in journals(stage.paths))
        assert not there.exists()
        assert (remote.home / ".config/wa/tokens/coordinator").read_bytes() == token

    def test_an_answer_that_was_lost_is_tied_up_by_the_next_run(self, stage: Stage, remote: RemoteHost) -> None:
        """The host finished, and this machine never heard of it: afterwards both journals agree, and the token is the same."""
        stage.knows(remote, "trj")
        made(stage, stage.plan(stage.discover(remotes=["trj"])))
        token = (remote.home / ".config/wa/tokens/coordinator").read_bytes()
        (lost,) = [one for one in journals(stage.paths) if one.plan.machine == "trj"]
        (lost.folder / "journal").write_text("begin\n")

        result = made(stage, stage.plan(stage.discover(remotes=["trj"])))

        assert [one["trouble"] for one in result["hosts"]] == [None]
        assert not any(one.is_interrupted for one in journals(stage.paths))
        there = remote.home / ".local/share/wa/setup"
        ids = {one.id for one in journals(stage.paths) if one.plan.machine == "trj"}
        assert {one.name for one in there.iterdir() if one.is_dir()} == ids
        assert (remote.home / ".config/wa/tokens/coordinator").read_bytes() == token

    def test_services_are_switched_on_where_their_command_is(self, stage: Stage, remote: RemoteHost) -> None:
        """By the host's manager (a script stands for systemctl: no user manager is alive in a container); a sidecar that is a
        service begins anew where that is wished."""
        stage.knows(remote, "trj")
        has_manager(remote)
        wa = remote.home / "bin/wa"
        status = '{"ok":true,"data":{"sidecar":{"running":true,"pid":12,"version":"98.0"}}}'
        wa.write_text(f"#!/bin/sh\ncase $1 in --version) echo wa 99.0.0;; status) echo '{status}';; esac\n")

        result = made(stage, stage.plan(stage.discover(remotes=["trj"]), Wishes(restart=True)))

        (host,) = result["hosts"]
        assert host["trouble"] is None
        calls = (remote.home / "calls").read_text().splitlines()
        assert "--user enable wa-coordinator.service" in calls
        assert "--user start wa-coordinator.service" in calls
        assert "--user restart wa.service" in calls
        assert host["plan"] is not None
        assert host["plan"]["notes"] == []

        again = stage.plan(stage.discover(remotes=["trj"]))
        assert only(again).plan is not None
        assert not is_needed(only(again).plan)  # type: ignore[arg-type]


def has_manager(host: RemoteHost) -> None:
    program = host.home / "bin/systemctl"
    program.write_text(
        "#!/bin/sh\n"
        f'echo "$*" >> {host.home}/calls\n'
        'case "$*" in\n'
        '"--user show --property=Version") echo Version=252;;\n'
        f'"--user enable wa-coordinator.service") touch {host.home}/enabled;;\n'
        f'"--user start wa-coordinator.service") touch {host.home}/active;;\n'
        f'"--user is-enabled wa-coordinator.service") [ -e {host.home}/enabled ] && echo enabled || {{ echo disabled; exit 1; }};;\n'
        f'"--user is-active wa-coordinator.service") [ -e {host.home}/active ] && echo active || {{ echo inactive; exit 3; }};;\n'
        '"--user is-active wa.service") echo active;;\n'
        '"--user is-enabled wa.service") echo enabled;;\n'
        "esac\n"
    )
    program.chmod(0o755)
