"""docs/topics/workflows-built-in.md says what the code does."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from wa.act import builtin
from wa.act.builtin import BUILTINS

PAGE = (Path(__file__).parents[3] / "docs/topics/workflows-built-in.md").read_text("utf-8")
FILES = sorted(Path(builtin.__file__).parent.glob("*.py"))


def _endings(path: Path) -> set[str]:
    """First words of each `Ending("…")` and `_give_up(…, "…", …)`."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("Ending", "_give_up"):
            found |= {arg.value for arg in node.args[:2] if isinstance(arg, ast.Constant) and " " not in str(arg.value)}
    return found - {"working"}  # of compaction.py; it goes no further


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_ending_has_its_word_on_the_page(path: Path) -> None:
    """So that who reads `wa workflow history` can look it up."""
    assert {ending for ending in _endings(path) if f"`{ending}`" not in PAGE} == set()


@pytest.mark.parametrize("workflow", BUILTINS, ids=lambda workflow: workflow.name)
def test_the_table_names_each_with_what_starts_it(workflow: builtin.Workflow) -> None:
    """Name, events, and whether it is on by itself."""
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{workflow.name}` |"))
    _, _, events, on, *_ = row.split("|")
    assert bool(workflow.starts) == any(words in events for words in ("gone", "minutes"))

    assert on.strip() == ("yes" if workflow.default_enabled else "no")
    for event in workflow.events:
        assert f"`{event}`" in events or f"`{event.partition('.')[0]}.*`" in events


def test_its_settings_are_those_of_the_page() -> None:
    """Each that a person may want to set is named."""
    named = {name for workflow in BUILTINS for name in workflow.settings if f"`{name}`" in PAGE or f"`{name} =" in PAGE}
    minor = {"hint_wait_s", "shell_wait_s"}

    assert {name for workflow in BUILTINS for name in workflow.settings} - named == minor
