"""Where answers go, and how errors look."""

from __future__ import annotations

import io
import json

import pytest

from wa.model.errors import NotFound, Refused
from wa.surfaces.output import Style, Terminal, complain, say, say_json


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("env", "colour"),
    [
        ({"TERM": "xterm-256color"}, True),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, True),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
        ({}, False),
    ],
)
def test_colour_needs_a_terminal_that_wants_it(env: dict[str, str], colour: bool) -> None:
    """NO_COLOR counts unless it is empty; dumb and unknown terminals get none; a pipe never does."""
    assert Terminal.of(Tty(), env).colour is colour
    assert Terminal.of(io.StringIO(), env) == Terminal(None, False)


def test_style_leaves_blanks_alone() -> None:
    """Padding is not coloured, so that a table does not end in escapes."""
    assert Terminal(80, True).styled("x", Style.BAD) == "\x1b[31mx\x1b[0m"
    assert Terminal(80, True).styled("  ", Style.BAD) == "  "
    assert Terminal(80, False).styled("x", Style.BAD) == "x"


def test_an_error_for_a_person_has_its_candidates_and_next_step(capsys: pytest.CaptureFixture[str]) -> None:
    """Message, candidates and next step go to standard error; nothing of a hostile title steers the terminal."""
    error = NotFound("no pane is called 'x'", details={"candidates": ["p1  local/0  \x1b]0;owned\x07"]})

    assert complain(error, as_json=False) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "wa: no pane is called 'x'",
        "    p1  local/0  ␛]0;owned␇",
        "next: Run `wa panes` to see what exists.",
    ]


def test_an_error_for_a_program_is_an_envelope(capsys: pytest.CaptureFixture[str]) -> None:
    """It goes to standard output, alone on its line, and the exit status is the class's."""
    assert complain(Refused("a dialog is open", details={"outcome": "dialog_open"}), as_json=True) == 5
    out, err = capsys.readouterr()
    assert json.loads(out) == {
        "ok": False,
        "error": {
            "code": "refused",
            "message": "a dialog is open",
            "next_step": "Look at the pane, then decide.",
            "details": {"outcome": "dialog_open"},
        },
    }
    assert err == ""


def test_output_survives_a_poor_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the locale cannot write becomes a question mark for people and stays UTF-8 in JSON."""
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding="ascii"))

    say("naïve ✳")
    say_json({"text": "naïve ✳ \udc80"})

    first, second = raw.getvalue().splitlines()
    assert first == b"na?ve ?"
    assert json.loads(second) == {"text": "naïve ✳ \udc80"}
