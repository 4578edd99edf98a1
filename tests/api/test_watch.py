"""What `--socket` and `--ssh` name."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from wa.api.watch import WatchWish, nothing_to_watch, targets_of
from wa.config.paths import Paths
from wa.config.settings import Settings, parse
from wa.model.errors import ConfigError, TerminalUnreachable, UsageError
from wa.wezterm.targets import SocketTarget, SshTarget

NOTHING = Settings.defaults()


@pytest.mark.parametrize(
    ("option", "target"),
    [
        ("lab=/run/lab/sock", SocketTarget("lab", "/run/lab/sock")),
        ("/run/lab.sock", SocketTarget("lab", "/run/lab.sock")),
        ("/run/a=b/lab.sock", SocketTarget("lab", "/run/a=b/lab.sock")),
        ("lab=/run/a=b", SocketTarget("lab", "/run/a=b")),
    ],
)
def test_a_socket_has_a_name(option: str, target: SocketTarget) -> None:
    """NAME=PATH, or the file's stem; an equals sign inside a path is part of it."""
    assert targets_of(WatchWish(sockets=(option,)), NOTHING) == (target,)


def test_relative_sockets_and_hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path counts from where the command was given; an ssh host names itself."""
    monkeypatch.chdir(tmp_path)
    found = targets_of(WatchWish(sockets=("lab=sock",), ssh=("me@build.example",)), NOTHING)

    assert found == (SocketTarget("lab", str(tmp_path / "sock")), SshTarget("me@build.example", "me@build.example"))


@pytest.mark.parametrize(
    "wish",
    [
        WatchWish(sockets=("",)),
        WatchWish(sockets=("lab=",)),
        WatchWish(sockets=("a b=/x",)),
        WatchWish(sockets=("p17=/x",)),
        WatchWish(sockets=("gui-1=/x",)),
        WatchWish(sockets=("a=/x", "a=/y")),
        WatchWish(sockets=("build=/x",)),
        WatchWish(ssh=("-oProxyCommand=evil",)),
        WatchWish(ssh=("two words",)),
    ],
    ids=str,
)
def test_names_that_cannot_be_are_wrong_usage(wish: WatchWish) -> None:
    """Empty, reserved, taken, or an option of ssh in disguise: told before anything starts."""
    settings = parse('[[mux]]\nname = "build"\nssh = "build.example"\n', "config.toml")
    with pytest.raises(UsageError):
        targets_of(wish, settings)


def test_nothing_to_watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not installed is an error; installed and not running is a notice; named by hand is neither."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("WA_WEZTERM", raising=False)
    paths = Paths.from_env({"WA_HOME": str(tmp_path / "wa")})
    with pytest.raises(TerminalUnreachable, match="no WezTerm is here"):
        asyncio.run(nothing_to_watch(paths, WatchWish()))

    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "wezterm").write_text("#!/bin/sh\n")
    (tmp_path / "bin" / "wezterm").chmod(0o755)
    assert "as soon as it does" in (asyncio.run(nothing_to_watch(paths, WatchWish())) or "")
    assert asyncio.run(nothing_to_watch(paths, WatchWish(ssh=("build",)))) is None

    paths.config.mkdir(parents=True)
    paths.config_file.write_text("[wezterm]\ndiscover = false\n")
    with pytest.raises(ConfigError, match="nothing to watch"):
        asyncio.run(nothing_to_watch(paths, WatchWish()))
