"""Which agent a program is."""

from __future__ import annotations

import pytest

from wa.agents.loader import Agents
from wa.detect.program import Program, agent_of

PACKS = Agents(None).packs


@pytest.mark.parametrize(
    ("name", "line", "agent"),
    [
        ("codex", "codex --no-daemon", "codex"),
        ("claude", "claude", "claude_code"),
        ("node", "node /usr/local/bin/codex", "codex"),
        ("node", "node /opt/n/node_modules/@openai/codex/bin/codex.js --no-daemon", "codex"),
        ("node", "node --no-warnings /opt/n/node_modules/@google/gemini-cli/bundle/gemini.js", "gemini"),
        ("node", "node /usr/lib/node_modules/@anthropic-ai/claude-code/cli.js", "claude_code"),
        ("bun", "bun /home/me/.bun/bin/gemini", "gemini"),
        ("node", "node /home/me/codex/server.js", None),
        ("node", "node /home/me/claude-notes/index.js", None),
        ("vim", "vim codex.md", None),
        ("cat", "cat /tmp/codex", None),
        ("less", "less gemini", None),
        ("bash", "bash", None),
        ("node", "node", None),
    ],
)
def test_a_program_is_an_agent_by_its_name_or_its_script(name: str, line: str, agent: str | None) -> None:
    """A folder or an argument that merely has the word in it makes none."""
    assert agent_of(Program(name, line), PACKS) == agent


@pytest.mark.parametrize(
    ("line", "is_shell"),
    [("bash", True), ("-zsh", True), ("bash --login -i", True), ("bash ./cod", False), ("sh -c make", False)],
)
def test_a_shell_that_runs_a_script_is_that_script(line: str, is_shell: bool) -> None:
    """Only an interactive one is a prompt."""
    assert Program(line.split()[0].lstrip("-"), line).is_shell is is_shell
