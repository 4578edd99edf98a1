"""Settings, tokens and services of the roles, as plans."""

from __future__ import annotations

import plistlib
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wa.config.distributed import AccountAgent, AgentHost, Coordinator, parse_distributed
from wa.model.errors import ConfigError
from wa.provision.plan import EnableUnit, FileChange, Plan, RunCommand
from wa.provision.role_look import HeldFile, HostLook
from wa.provision.role_units import Role, role_unit
from wa.provision.roles import (
    agent_text,
    coordinator_text,
    host_plan,
    kept_token,
    new_token,
    relative_token,
    token_name,
)
from wa.provision.shown import result_of

HOME = PurePosixPath("/home/ubuntu")
LOOK = HostLook(
    "Linux x86_64",
    HOME,
    HOME / ".config/wa",
    HOME / ".local/share/wa",
    {},
    "/opt/wa/bin/wa",
    "0.1.0",
    has_command=True,
    manager="systemd",
    sidecar=None,
)
SETTINGS = Coordinator("trj", "127.0.0.1", 7890, Path("tokens/coordinator"))
TOKEN = "t0ken" * 8
WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12).filter(str.isprintable)
PORTS = st.integers(1, 65535)


def files(plan: Plan) -> dict[str, FileChange]:
    return {one.path.name: one for one in plan.changes if isinstance(one, FileChange)}


def made(look: HostLook, plan: Plan) -> HostLook:
    """The machine after the plan."""
    after = files(plan)

    def held(name: str, mode: int) -> HeldFile:
        return HeldFile("held", after[name].after, mode)

    return replace(
        look,
        token=held("coordinator", 0o600),
        settings=held("distributed.toml", 0o600),
        unit=held("wa-coordinator.service", 0o644),
        unit_runs=any(isinstance(one, EnableUnit) for one in plan.changes),
    )


@given(
    name=WORDS,
    listen=WORDS,
    port=PORTS,
    hosts=st.lists(st.tuples(WORDS, WORDS, PORTS), max_size=3, unique_by=lambda one: one[0].casefold()),
)
def test_settings_that_are_written_are_settings_that_are_read(
    name: str, listen: str, port: int, hosts: list[tuple[str, str, int]]
) -> None:
    """Whatever hosts are called."""
    base = Path("/c")
    coordinator = Coordinator(name, listen, port, base / "tokens/coordinator")
    agent = AccountAgent(
        listen,
        port,
        base / "tokens/agent",
        tuple(
            AgentHost(host, "ssh", f"h{ssh}", ("-i", ssh), "127.0.0.1", at, base / "tokens/x")
            for host, ssh, at in hosts
        ),
    )

    found = parse_distributed(f"{coordinator_text(coordinator)}\n{agent_text(agent)}\n", base / "distributed.toml")

    assert (found.coordinator, found.agent) == (coordinator, agent)


def test_a_bare_host_gets_all_of_it() -> None:
    """Token, settings, service, and the service switched on; secrets 0600 and never shown."""
    plan = host_plan(LOOK, SETTINGS, TOKEN, "trj")

    by_name = files(plan)
    assert by_name["coordinator"].mode == by_name["distributed.toml"].mode == 0o600
    assert isinstance(plan.changes[-1], EnableUnit)
    assert TOKEN not in repr(result_of(plan))
    assert TOKEN not in repr([one for one in plan.changes if not isinstance(one, FileChange) or not one.is_secret])


def test_the_second_run_changes_nothing() -> None:
    """Of what the first has made."""
    look = made(LOOK, host_plan(LOOK, SETTINGS, TOKEN, "trj"))

    plan = host_plan(look, SETTINGS, kept_token(look.token) or "", "trj")

    assert all(isinstance(one, FileChange) and not one.is_needed for one in plan.changes)
    assert plan.notes == ()


def test_a_service_whose_command_does_not_exist_is_written_and_left_alone() -> None:
    """The plan says so; once the command is there, it is switched on."""
    look = replace(LOOK, has_command=False)
    plan = host_plan(look, SETTINGS, TOKEN, "trj")

    assert not any(isinstance(one, EnableUnit) for one in plan.changes)
    assert "wa-coordinator.service" in files(plan)
    assert "no command `wa coordinator`" in plan.notes[0]
    later = host_plan(replace(made(look, plan), has_command=True), SETTINGS, TOKEN, "trj")
    assert [type(one) for one in later.changes][-1] is EnableUnit


def test_without_a_manager_a_person_must_run_it() -> None:
    """It is written all the same."""
    plan = host_plan(replace(LOOK, manager=None), SETTINGS, TOKEN, "trj")

    assert not any(isinstance(one, EnableUnit) for one in plan.changes)
    assert "no service manager" in plan.notes[0]


def test_a_token_that_others_can_read_is_closed() -> None:
    """Once: where it is closed already, there is nothing to run."""
    held = HeldFile("held", f"{TOKEN}\n".encode(), 0o644)

    plan = host_plan(replace(LOOK, token=held), SETTINGS, TOKEN, "trj")

    (command,) = [one for one in plan.changes if isinstance(one, RunCommand)]
    assert command.argv == ("chmod", "600", "/home/ubuntu/.config/wa/tokens/coordinator")
    closed = host_plan(replace(LOOK, token=held._replace(mode=0o600)), SETTINGS, TOKEN, "trj")
    assert not any(isinstance(one, RunCommand) for one in closed.changes)


def test_what_else_stands_in_the_settings_stays() -> None:
    """A machine can be an agent, too; only the block of this role changes."""
    agent = agent_text(AccountAgent("127.0.0.1", 7891, Path("tokens/agent"), ()))
    before = f"# mine\n# wa agent: begin\n{agent}\n# wa agent: end\n".encode()

    plan = host_plan(replace(LOOK, settings=HeldFile("held", before, 0o644)), SETTINGS, TOKEN, "trj")

    after = files(plan)["distributed.toml"].after
    assert after is not None
    assert after.startswith(before)
    both = parse_distributed(after.decode(), Path("/c/distributed.toml"))
    assert both.agent is not None
    assert both.coordinator is not None


@pytest.mark.parametrize("state", ["unreadable", "broken"])
def test_a_file_that_cannot_be_read_is_not_written(state: str) -> None:
    """Its path is named."""
    with pytest.raises(ConfigError, match=r"distributed\.toml"):
        host_plan(replace(LOOK, settings=HeldFile(state)), SETTINGS, TOKEN, "trj")  # type: ignore[arg-type]


@given(one=st.text(min_size=1, max_size=20), other=st.text(min_size=1, max_size=20))
def test_token_files_of_two_hosts_are_two_plain_files(one: str, other: str) -> None:
    """Whatever the hosts are called; none is that of a role."""
    first, second = token_name(one), token_name(other)

    assert "/" not in first
    assert not first.startswith((".", "-"))
    assert first not in ("agent", "coordinator")
    assert (first == second) == (one == other)


def test_tokens_are_long_and_never_the_same() -> None:
    """And are taken for tokens again; what is none is not."""
    one = new_token()

    assert one != new_token()
    assert kept_token(HeldFile("held", f"{one}\n".encode(), 0o600)) == one
    assert kept_token(HeldFile("held", b"short\n", 0o600)) is None
    assert kept_token(HeldFile("held", b"\xff" * 60, 0o600)) is None
    assert kept_token(HeldFile()) is None
    assert str(relative_token("x")) == "tokens/x"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze on PATH")
@pytest.mark.parametrize("role", list(Role))
def test_systemd_takes_the_services(role: Role, tmp_path: Path) -> None:
    """Also with odd folders, which are handed on."""
    program = shutil.which("true")
    assert program is not None
    _, data = role_unit(role, program, "systemd", HOME, {"WA_HOME": "/h/a b%c"}, has_command=True)
    path = tmp_path / f"wa-{role}.service"
    path.write_bytes(data)

    said = subprocess.run(
        ["systemd-analyze", "--user", "--man=no", "verify", path],
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert [line for line in said.stderr.splitlines() if "wa-" in line] == []
    assert 'Environment="WA_HOME=/h/a b%%c"' in data.decode()


def test_launchd_gets_whole_paths_and_starts_nothing_that_is_not_there() -> None:
    """launchd expands no tilde, and would start what lies in its folder."""
    path, data = role_unit(Role.AGENT, "/opt/wa/bin/wa", "launchd", PurePosixPath("/Users/j"), {}, has_command=False)

    found = plistlib.loads(data)
    assert str(path) == "/Users/j/Library/LaunchAgents/org.wezterm-automata.agent.plist"
    assert found["ProgramArguments"] == ["/opt/wa/bin/wa", "agent"]
    assert found["RunAtLoad"] is True
    assert found["KeepAlive"] == {"SuccessfulExit": False}
    assert found["Disabled"] is True
    assert found["StandardErrorPath"].startswith("/Users/j/")
    _, there = role_unit(Role.AGENT, "/opt/wa/bin/wa", "launchd", PurePosixPath("/Users/j"), {}, has_command=True)
    assert "Disabled" not in plistlib.loads(there)
