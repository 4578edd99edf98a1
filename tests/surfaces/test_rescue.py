"""What a person reads of a rescue, and what the options allow together."""

from __future__ import annotations

from pathlib import Path

import pytest

from wa.api.shapes import schema_of
from wa.protocol.results_rescue import RescuedPaneResult, RescueMoveResult
from wa.surfaces.app import run_app
from wa.surfaces.output import Terminal
from wa.surfaces.rescue import render_move

PLAIN = Terminal(None, colour=False)


def pane(**fields: object) -> RescuedPaneResult:
    base = RescuedPaneResult(
        tty="pts/4",
        pane_uid="p17",
        pane_id=3,
        outcome="moved",
        place="wa-rescue:2",
        window="@2",
        held_by="reptyr 77",
        alive=True,
        leader=20,
        processes=[20, 21],
        program="claude",
        agent="claude_code",
        title="t",
        shows="seen",
        why=None,
    )
    return base | fields  # type: ignore[return-value]


def result(*panes: RescuedPaneResult, **fields: object) -> RescueMoveResult:
    base = RescueMoveResult(
        id="r1", host=None, session="wa-rescue", state="moved", steps=[], panes=list(panes), restarted=False, notes=[]
    )
    return base | fields  # type: ignore[return-value]


def test_what_was_rescued_is_told_with_the_way_there() -> None:
    """Pane, agent, outcome, place; the command that goes there, through ssh for another host."""
    here = "\n".join(render_move(result(pane()), PLAIN))
    there = "\n".join(render_move(result(pane(), host="build-7"), PLAIN))

    assert all(word in here for word in ("pts/4", "p17", "claude_code", "moved", "wa-rescue:2"))
    assert "Go on there: tmux attach -t wa-rescue" in here
    assert "Go on there: ssh -t build-7 tmux attach -t wa-rescue" in there


def test_a_pane_that_stayed_is_told_with_its_reason_and_its_holder() -> None:
    """Nobody is sent to tmux for it."""
    text = "\n".join(
        render_move(
            result(pane(outcome="stayed", held_by="wezterm-mux-ser 9", place=None, why="reptyr: no"), state="none"),
            PLAIN,
        )
    )

    assert "stayed" in text
    assert "wezterm-mux-ser 9" in text
    assert "reptyr: no" in text
    assert "Go on there" not in text


def test_names_of_programs_cannot_act_on_the_terminal() -> None:
    """Escape sequences in a command line, a title or a reason are shown, not obeyed."""
    hostile = "\x1b]0;owned\x07\x1b[2J\r\nrm"
    lines = render_move(result(pane(program=hostile, why=hostile), notes=[hostile], steps=[hostile]), PLAIN)

    assert not any(char in line for line in lines for char in "\x1b\x07\r\n")


@pytest.mark.parametrize(
    "words",
    [
        ["pts/3"],
        ["--report", "--move"],
        ["--lose", "pts/3"],
        ["--report", "--dry-run"],
        ["--move", "all", "--session", "a;reboot"],
        ["--move", "all", "--host", "-oProxyCommand=x"],
    ],
)
def test_options_that_do_not_go_together_are_refused_with_the_next_step(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 2, before anything is looked at."""
    monkeypatch.setenv("WA_HOME", str(tmp_path))

    assert run_app(["rescue", *words]) == 2

    assert "next: " in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


def test_the_schemas_are_of_the_types() -> None:
    """Three answers, each with a schema."""
    for command in ("rescue", "rescue-move", "rescue-report"):
        assert schema_of(command)["$id"]
