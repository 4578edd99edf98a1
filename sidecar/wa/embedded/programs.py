"""What a pane runs: from a client's command, or the user's shell."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from wa.embedded.pty import PtyProcess
from wa.protocol.mux import CommandBuilder, OsText

_NOT_INHERITED = ("OLDPWD", "PWD", "SHLVL", "WEZTERM_PANE", "WEZTERM_UNIX_SOCKET", "_", "TMUX", "TMUX_PANE", "STY")
"""A multiplexer's own surroundings say nothing about its panes."""


class Program(NamedTuple):
    argv: tuple[bytes, ...]
    executable: bytes | None
    env: dict[bytes, bytes]
    cwd: str

    def start(
        self, cols: int, rows: int, on_output: Callable[[bytes], None], on_exit: Callable[[], None]
    ) -> PtyProcess:
        """Raises OSError, or ValueError for an argument or variable that no program can be given."""
        return PtyProcess(
            self.argv,
            executable=self.executable,
            env=self.env,
            cwd=self.cwd,
            cols=cols,
            rows=rows,
            on_output=on_output,
            on_exit=on_exit,
        )


def program_of(
    command: CommandBuilder | None, cwd: str | None, base_env: Mapping[str, str], pane_id: int, socket_path: Path
) -> Program:
    """A command brings its whole environment, the shell gets the multiplexer's; both are told where they are."""
    if command is not None and command.args:
        argv: tuple[bytes, ...] = tuple(map(_bytes, command.args))
        executable = None
        env = {_bytes(entry.preferred_key): _bytes(entry.value) for _, entry in command.envs}
        cwd = cwd or (os.fsdecode(_bytes(command.cwd)) if command.cwd else None)
    else:
        env = {os.fsencode(k): os.fsencode(v) for k, v in base_env.items() if k not in _NOT_INHERITED}
        executable = env.get(b"SHELL") or os.fsencode(pwd.getpwuid(os.getuid()).pw_shell or "/bin/sh")
        argv = (b"-" + executable.rpartition(b"/")[2],)
    env |= {
        b"TERM": b"xterm-256color",
        b"COLORTERM": b"truecolor",
        b"TERM_PROGRAM": b"WezTerm",
        b"TERM_PROGRAM_VERSION": b"wa-embedded",
        b"WEZTERM_PANE": str(pane_id).encode(),
        b"WEZTERM_UNIX_SOCKET": os.fsencode(socket_path),
    }
    return Program(argv, executable, env, _folder(cwd, env))


def _bytes(text: OsText) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")


def _folder(wanted: str | None, env: Mapping[bytes, bytes]) -> str:
    """One that can be entered: an unreadable one is passed over, as WezTerm does."""
    home = os.fsdecode(env.get(b"HOME", b"")) or pwd.getpwuid(os.getuid()).pw_dir
    for folder in (wanted, home):
        if folder and Path(folder).is_dir() and os.access(folder, os.X_OK):
            return folder
    return "/"
