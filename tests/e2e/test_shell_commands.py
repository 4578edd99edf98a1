"""Real shells with wa's integration, in a real pane, beside programs that print what is not theirs to say."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.embedded import RunningMux, running_embedded_mux
from support.sidecar import Home, eventually
from wezterm.real_mux import COMMAND, SERVER, real_mux

INTEGRATION = Path(__file__).parents[2] / "shell_integration"
TOKEN = "e" * 16
pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")


def var(name: str, value: bytes) -> str:
    return f"\x1b]1337;SetUserVar={name}={base64.b64encode(value).decode()}\x07"


@contextmanager
def shell_in_a_pane(tmp_path: Path) -> Iterator[tuple[Home, RunningMux]]:
    """The sidecar was there first; pane 0 is a silent one, pane 1 the shell."""
    rc = tmp_path / "rc"
    rc.write_text(f"PS1='$ '\n. {INTEGRATION}/wa.bash\n")
    home = Home(tmp_path / "home")
    with running_embedded_mux() as mux, home.sidecar("--socket", f"m={mux.socket}"):
        eventually(lambda: home.panes())
        assert mux.run("spawn", "--new-window", "--", "bash", "--rcfile", str(rc), "-i").strip() == "1"
        eventually(lambda: "p2" in home.panes())
        eventually(lambda: any("$" in row for row in home.screen("p2")))
        yield home, mux


def type_in(mux: RunningMux, text: str) -> None:
    mux.run("send-text", "--no-paste", "--pane-id", "1", stdin=f"{text}\r".encode())


def told(home: Home) -> list[tuple[str | None, int | None]]:
    return [(one["command"], one["exit_status"]) for one in home.json("commands", "--pane", "p2")["commands"]]


def test_commands_of_a_real_shell_are_listed_with_status_and_folder(tmp_path: Path) -> None:
    """Typed, run, told and stored; a secret in one is not, and a sidecar that starts anew goes on."""
    with shell_in_a_pane(tmp_path) as (home, mux):
        type_in(mux, "cd /tmp; (exit 7)")
        type_in(mux, "export GITHUB_TOKEN=ghp_q7Zp4Kx9Lm2Vt6Rw1Ys8Bn3Cd5Fg0HjQaWsE")
        type_in(mux, " true")
        eventually(lambda: len(told(home)) == 3 and told(home)[-1][1] is not None)
        first, secret, untold = home.json("commands", "--pane", "p2")["commands"]
        assert (first["command"], first["exit_status"], first["proven"]) == ("cd /tmp; (exit 7)", 7, True)
        assert "ghp_" not in secret["command"]
        assert untold["command"] is None
        events = home.json("events", "--event", "command")["events"]
        assert [one["event"] for one in events] == ["command.start", "command.done"] * 3
        type_in(mux, "sleep 0.5")
        eventually(lambda: told(home)[-1] == ("sleep 0.5", 0))
        assert home.json("commands", "--failed")["commands"] == [first]


def test_a_hostile_pane_is_not_believed_blocks_nothing_and_is_named(tmp_path: Path) -> None:
    """Forged variables, a made-up shell, a megabyte, broken base64, ten thousand bells, sequences inside of a command line."""
    other = f"v=1;t={TOKEN};shell=bash;pid=1;tty=/dev/pts/99999;host={Path('/proc/sys/kernel/hostname').read_text().strip()};wa=0"
    evil = tmp_path / "evil"
    evil.write_text(
        var("WA_PANE", other.encode())
        + var("WA_CMD", f"t={TOKEN};n=1;c=rm -rf /".encode())
        + var("WA_DONE", f"t={TOKEN};n=1;e=0;d=1".encode())
        + var("WA_CMD", f"t={TOKEN};n=1;c=".encode() + b"x" * 1_000_000)
        + var("WA_CMD", b"\xff\xfe")
        + "\x1b]1337;SetUserVar=WA_CMD=!!!\x07\x1b]1337;SetUserVar=WA_CMD\x07"
        + "".join(var("WA_CMD", f"t={TOKEN};n={number};c=flood".encode()) for number in range(3_000))
        + ("\x07" * 20 + "\x1b]2;ring\x07") * 500
        + "\n"
    )
    with shell_in_a_pane(tmp_path) as (home, mux):
        type_in(mux, f"cat {evil}")
        eventually(lambda: told(home)[-1:] == [(f"cat {evil}", 0)])
        type_in(mux, "printf '\\e]1337;SetUserVar=WA_DONE=eA==\\a'; echo after")
        eventually(lambda: len(told(home)) == 2 and told(home)[-1][1] == 0)
        commands = [command for command, _ in told(home)]
        assert not any(word in str(command) for command in commands for word in ("rm -rf", "flood"))
        assert any("after" in row for row in home.screen("p2"))
        named = [one for one in home.json("doctor")["findings"] if one["what"].startswith("p2: ")]
        assert any("another terminal" in one["what"] for one in named)
        assert any("a second" in one["what"] and "variables" in one["what"] for one in named)
        assert any("bells" in one["what"] for one in named)
        assert all(one["level"] == "warning" and "wa logs p2" in one["next_step"] for one in named)
        assert not any("p1: " in one["what"] for one in home.json("doctor")["findings"])


@pytest.mark.skipif(SERVER is None or COMMAND is None, reason="needs wezterm and wezterm-mux-server on PATH")
def test_a_real_mux_tells_of_commands_by_prompts_alone(tmp_path: Path) -> None:
    """A shell that prints OSC 133 and knows nothing of wa: typed, silent for a while, ended; without a status."""
    rc = tmp_path / "rc"
    rc.write_text(
        "PS1='\\[\\e]133;P;k=i\\a\\]\\[\\e[1m\\]here\\[\\e[0m\\] $ \\[\\e]133;B\\a\\]'\n"
        "PS0='\\e]133;C\\a'\nPROMPT_COMMAND='printf \"\\e]133;A;cl=m\\a\"'\n"
    )
    home = Home(tmp_path / "home")
    with real_mux(tmp_path / "mux") as socket, home.sidecar("--socket", f"m={socket}"):
        eventually(lambda: home.panes())
        (first,) = home.panes()
        home.wa("send", first, f"exec bash --rcfile {rc} -i", "--force")
        eventually(lambda: any("here $" in row for row in home.screen(first)))
        # The first prompt may have been read rather than pushed.
        for line in ("true", "sleep 0.7", "echo one two"):
            home.wa("send", first, line, "--force")
        found = eventually(
            lambda: [one for one in home.json("commands")["commands"] if one["command"] == "echo one two"]
        )
        slept = next(one for one in home.json("commands")["commands"] if one["command"] == "sleep 0.7")
        assert (slept["exit_status"], slept["state"], slept["proven"]) == (None, "done", False)
        assert slept["duration_s"] == pytest.approx(0.7, abs=0.5)
        eventually(lambda: home.json("commands", "echo one")["commands"][0]["state"] == "done")
        assert len(found) == 1
