"""In a real tmux: what it understands it keeps, and nothing of it is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from shell.terminal import SHELLS, environment, need, start_of, terminal


@pytest.mark.parametrize("shell", SHELLS)
def test_tmux_learns_the_folder_and_shows_nothing(shell: str, tmp_path: Path) -> None:
    """Its pane has the folder of the shell by OSC 7; no variable reaches the terminal around it, no sequence is seen as text."""
    tmux = need("tmux")
    argv = start_of(shell, tmp_path)
    (tmp_path / "conf").write_text("set -g default-terminal tmux-256color\nset -g status off\n")
    (tmp_path / "deep").mkdir()
    server = [tmux, "-S", str(tmp_path / "socket"), "-f", str(tmp_path / "conf"), "new", " ".join(argv)]
    with terminal(server, environment(tmp_path), tmp_path, cols=100) as term:
        term.wait(lambda: "ready> " in term.shown)
        term.type("cd deep\r")
        term.type("tmux display -p 'path=#{pane_path}='\r")
        term.wait(lambda: "/deep=" in term.shown)

        assert not [osc for osc in term.oscs if osc.startswith("1337;")]
        assert not any(word in term.shown for word in ("133;", "1337", "SetUserVar"))
        term.type("exit\r")
        term.ends()
