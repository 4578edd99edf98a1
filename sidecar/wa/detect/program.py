"""Which agent, if any, a program in the foreground is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from wa.detect.pack import Pack

INTERPRETERS = frozenset({"node", "nodejs", "bun", "deno", "python", "python3", "sh", "bash", "env", "npx"})
SHELLS = frozenset(
    {"ash", "bash", "csh", "dash", "elvish", "fish", "ksh", "ksh93", "mksh", "nu", "pwsh", "sh", "tcsh", "xonsh", "zsh"}
)
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
        return self.name in SHELLS and names_nothing_to_run(self.line.split()[1:])

    @property
    def is_carrier(self) -> bool:
        return self.name in CARRIERS


def asks_for_commands(words: Sequence[str]) -> bool:
    """Whether these are the arguments of a shell that a person types into, its own name first."""
    return words[0].rpartition("/")[2].lstrip("-") in SHELLS and names_nothing_to_run(words[1:])


def names_nothing_to_run(options: Sequence[str]) -> bool:
    return all(word.startswith("--") or (word.startswith("-") and "c" not in word) for word in options)


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
