import sys
from pathlib import Path

import pytest

from wa.model.errors import ConfigError, TerminalUnreachable, WezTermError
from wa.wezterm.executable import Executable, find_executable, read_version
from wezterm.waiting import run


@pytest.fixture
def on_path(tmp_path: Path) -> str:
    command = tmp_path / "wezterm"
    command.write_text("#!/bin/sh\necho wezterm 20240203-110809-5046fc22\n")
    command.chmod(0o755)
    return str(tmp_path)


def test_the_variable_beats_the_configuration_which_beats_path(on_path: str) -> None:
    """Each place is asked in its turn, and the answer says which one spoke."""
    env = {"PATH": on_path}

    assert find_executable((), env) == Executable((f"{on_path}/wezterm",), "PATH")
    assert find_executable(("/opt/wezterm",), env) == Executable(("/opt/wezterm",), "config")
    assert find_executable(("/opt/wezterm",), {**env, "WA_WEZTERM": "py -m 'a b'"}) == Executable(
        ("py", "-m", "a b"), "WA_WEZTERM"
    )


def test_nothing_found_is_none(tmp_path: Path) -> None:
    """A machine without WezTerm is no error here."""
    assert find_executable((), {"PATH": str(tmp_path)}) is None


def test_a_variable_that_does_not_parse_is_told() -> None:
    """An open quote is the person's mistake and is named as such."""
    with pytest.raises(ConfigError, match="WA_WEZTERM"):
        find_executable((), {"WA_WEZTERM": "wezterm 'open"})


def test_reads_the_version(on_path: str) -> None:
    """The last word of what it prints."""
    assert run(read_version([f"{on_path}/wezterm"])) == "20240203-110809-5046fc22"


@pytest.mark.parametrize(
    ("argv", "error"),
    [
        (["/nowhere/wezterm"], TerminalUnreachable),
        ([sys.executable, "-c", "import time; time.sleep(60)"], TerminalUnreachable),
        ([sys.executable, "-c", "raise SystemExit(3)"], WezTermError),
        ([sys.executable, "-c", ""], WezTermError),
    ],
)
def test_a_command_that_is_none_has_no_version(argv: list[str], error: type[Exception]) -> None:
    """Missing, hanging, failing or silent: an error with a next step, within the time-out."""
    with pytest.raises(error):
        run(read_version(argv, timeout_s=1.0))
