"""distributed.toml."""

from __future__ import annotations

from pathlib import Path

import pytest

from wa.config.distributed import Distributed, load_distributed, parse_distributed, read_token
from wa.model.errors import ConfigError

WHOLE = """
[coordinator]
name = "trj"
listen = "127.0.0.1"
port = 7890
token_file = "tokens/coordinator"

[agent]
listen = "127.0.0.1"
port = 7891
token_file = "tokens/agent"

[[agent.host]]
name = "trj"
way = "tailnet"
ssh = "trj"
address = "100.64.0.3"
port = 7890
token_file = "/elsewhere/trj"
"""


def test_both_roles_are_read(tmp_path: Path) -> None:
    """Token files lie beside the file, unless they are absolute."""
    (tmp_path / "distributed.toml").write_text(WHOLE)

    found = load_distributed(tmp_path / "distributed.toml")

    assert found.coordinator is not None
    assert found.coordinator.token_file == tmp_path / "tokens/coordinator"
    assert found.agent is not None
    (host,) = found.agent.hosts
    assert (host.way, host.address, host.port, host.token_file) == (
        "tailnet",
        "100.64.0.3",
        7890,
        Path("/elsewhere/trj"),
    )


def test_without_a_file_there_is_no_role(tmp_path: Path) -> None:
    """That is no fault."""
    assert load_distributed(tmp_path / "distributed.toml") == Distributed()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("port = 7891", "port = 0", "agent.port"),
        ("port = 7891", 'port = "7891"', "agent.port"),
        ("port = 7891", "port = true", "agent.port"),
        ('way = "tailnet"', 'way = "carrier pigeon"', "agent.host.way"),
        ('ssh = "trj"', 'ssh = "-oProxyCommand=x"', "agent.host.ssh"),
        ('name = "trj"', 'nmae = "trj"', "nmae"),
        ("[coordinator]", "[coordinator", "distributed.toml"),
        ("[[agent.host]]", "[agent.host]", "agent.host"),
        ("[coordinator]", "[other]\n[coordinator]", "other"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, old: str, new: str, words: str) -> None:
    """With the file and the key."""
    with pytest.raises(ConfigError, match=words):
        parse_distributed(WHOLE.replace(old, new, 1), tmp_path / "distributed.toml")


def test_a_host_stands_there_once(tmp_path: Path) -> None:
    """Two of one name would share a token file."""
    twice = WHOLE + WHOLE[WHOLE.index("[[agent.host]]") :]

    with pytest.raises(ConfigError, match="twice"):
        parse_distributed(twice, tmp_path / "distributed.toml")


def test_a_token_is_the_users_alone(tmp_path: Path) -> None:
    """One that others can read is refused, as is one that is none."""
    token = tmp_path / "token"
    token.write_text("x" * 40 + "\n")
    token.chmod(0o640)
    with pytest.raises(ConfigError, match="read by others"):
        read_token(token)

    token.chmod(0o600)
    assert read_token(token) == "x" * 40

    token.write_text("short\n")
    with pytest.raises(ConfigError, match="no token"):
        read_token(token)
    with pytest.raises(ConfigError):
        read_token(tmp_path / "missing")
