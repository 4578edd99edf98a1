"""What a person chooses inside WezTerm is done as if asked for at the command line; what only says so is not."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

from e2e.flow_stage import Agent
from support.embedded import RunningMux, running_embedded_mux
from support.gui import frame, tell
from support.sidecar import Home, eventually

PROMPT = "Reread AGENTS.md so it's still fresh in your mind."
EMITTER = """
import fcntl, signal, socket, sys, termios
path, frames, as_child = sys.argv[1:]
if as_child == "yes":
    # As what a GUI itself starts: no pane is its terminal.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with open("/dev/tty") as tty:
        fcntl.ioctl(tty, termios.TIOCNOTTY)
with socket.socket(socket.AF_UNIX) as line:
    line.connect(path)
    line.sendall(open(frames, "rb").read())
    line.shutdown(socket.SHUT_WR)
    while line.recv(65536):
        pass
"""


class Stage:
    def __init__(self, mux: RunningMux, folder: Path) -> None:
        self.mux, self.folder = mux, folder
        self.agent = Agent(mux, folder / "agent", work_s=0.2)
        self.home = Home(folder / "home")
        self.script = folder / "emitter.py"
        self.script.write_text(EMITTER)
        self.sent = 0

    def act(self, what: str, **more: Any) -> bytes:
        fields = {"gui": self.mux.pid, "pane_id": self.agent.pane_id, "domain": "local", "what": what} | more
        return frame("act", **fields)

    def choose(self, what: str, *, as_child: bool = True, **more: Any) -> None:
        """The frame comes from a process that the mux has started; *as_child*: as its own, and not as one of a pane."""
        self.sent += 1
        frames = self.folder / f"frames{self.sent}"
        frames.write_bytes(self.act(what, **more))
        words = [sys.executable, self.script, self.home.paths.socket, frames, "yes" if as_child else "no"]
        before = self.taken()
        self.mux.run("spawn", "--new-window", "--", "/bin/sh", "-c", "exec " + shlex.join(map(str, words)))
        eventually(lambda: self.taken() > before)

    def taken(self) -> int:
        """How often the sidecar has said what became of a choice: in its log."""
        log = self.home.paths.log_file.read_text()
        return log.count("chosen in WezTerm") + log.count("choice not believed")

    def paused(self) -> list[str]:
        return [one["name"] for one in self.home.ask("status")["acting"]["pauses"]]


def test_a_choice_in_wezterm_is_a_persons_word(tmp_path):
    """Paused and resumed like by `wa pause`; the prompt goes the way of `wa send`, and the audit names who it was."""
    with running_embedded_mux() as mux:
        here = Stage(mux, tmp_path)
        with here.home.sidecar("--socket", f"m={mux.socket}"):
            uid = here.agent.until(here.home, "idle")
            here.choose("pause")
            assert here.paused() == [uid]
            here.choose("resume")
            assert here.paused() == []
            here.choose("reprime")
            assert [one["text"] for one in here.agent.said()] == [PROMPT]
            acts = here.home.json("audit")["actions"]
            assert [(one["actor"], one["outcome"]) for one in acts] == [
                ({"kind": "human", "name": "plugin"}, "submitted")
            ]
            here.agent.until(here.home, "idle")
            here.choose("reprime", pane_id=4711)
            notices = here.home.json("notices")["notices"]
            assert [one["title"] for one in notices if one["needs_you"]] == ["reprime: not done"]
            assert here.paused() == []


def test_who_only_says_that_a_person_chose_it_is_not_believed(tmp_path):
    """A program in a pane, one from elsewhere, and what lay in the spool while no sidecar ran."""
    with running_embedded_mux() as mux:
        here = Stage(mux, tmp_path)
        here.home.paths.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        (here.home.paths.state / "spool").write_bytes(here.act("pause"))
        with here.home.sidecar("--socket", f"m={mux.socket}"):
            here.agent.until(here.home, "idle")
            tell(here.home.paths.socket, here.act("pause"), here.act("reprime"))
            here.choose("pause", as_child=False)
            tell(here.home.paths.socket, here.act("exit"), here.act("pause", pane_id="1"), frame("act"))
            said = " ".join(one["what"] for one in here.home.json("doctor")["findings"])
            assert "sent by a program that is not WezTerm's own" in said
            assert "came while no sidecar ran" in said
            assert here.paused() == []
            assert here.agent.said() == []
            assert here.home.json("audit")["actions"] == []
