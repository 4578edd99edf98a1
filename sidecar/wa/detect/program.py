"""Which agent, if any, a program in the foreground is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from wa.detect.pack import Pack

INTERPRETERS = frozenset({"node", "nodejs", "bun", "deno", "python", "python3", "sh", "bash", "env", "npx"})
SHELLS = frozenset({"bash", "zsh", "fish", "sh", "dash", "ksh", "nu", "pwsh", "tcsh", "csh", "elvish", "xonsh"})
CARRIERS = frozenset(
    {"ssh", "mosh-client", "tmux", "screen", "docker", "podman", "kubectl", "wezterm", "sudo", "su", "script"}
)
"""What they show comes from elsewhere, so their name says nothing."""


class Program(NamedTuple):
    name: str
    line: str = ""
    """All its arguments, joined by blanks."""

    @property
    def is_shell(self) -> bool:
        """An interactive one; a shell that runs a script is that script."""
        return self.name in SHELLS and all(word.startswith("-") for word in self.line.split()[1:])

    @property
    def is_carrier(self) -> bool:
        return self.name in CARRIERS


def agent_of(program: Program, packs: Iterable[Pack]) -> str | None:
    """The agent that *program* is: by its name, or by the script that an interpreter runs."""
    script = ""
    if program.name in INTERPRETERS:
        script = next((word for word in program.line.split()[1:6] if not word.startswith("-")), "")
    stem = script.rpartition("/")[2].rsplit(".", 1)[0]
    for pack in packs:
        if program.name in pack.processes or stem in pack.processes:
            return pack.name
        if any(f"/{package}/" in script for package in pack.packages):
            return pack.name
    return None
