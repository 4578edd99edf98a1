"""The command line without anything running: help, usage, errors, pipes."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from wa.surfaces.app import COMMANDS, GROUPS, click_tree

COMMAND_NAMES = [*COMMANDS, *GROUPS]


def test_without_a_command_there_is_a_quick_start(house) -> None:
    """`wa` alone says what to do first, and succeeds."""
    done = house.wa()

    assert (done.returncode, done.stderr) == (0, "")
    assert all(word in done.stdout for word in ("wa demo", "wa watch --detach", "wa search", "wa help"))


def test_version(house) -> None:
    """`wa --version` is one line."""
    assert house.wa("--version").stdout == "wa 0.1.0\n"


@pytest.mark.parametrize("name", COMMAND_NAMES)
def test_every_command_explains_itself(inside, name: str) -> None:
    """`wa COMMAND --help`, `-h` and `wa help COMMAND` say the same, with every option and no traceback."""
    by_option, by_word = inside(name, "--help"), inside("help", name)

    assert (by_option.returncode, by_option.stderr) == (0, "")
    assert by_option.stdout == by_word.stdout == inside(name, "-h").stdout
    command = click_tree().commands[name]
    assert all(
        option in by_option.stdout for param in command.params for option in param.opts if option.startswith("--")
    )


def test_help_lists_every_command(house) -> None:
    """`wa help` names them all with a sentence each; in JSON with their usage."""
    text = house.wa("help").stdout
    listed = {one["name"]: one for one in house.ok("help")["commands"]}

    assert all(f"\n  {name} " in text for name in COMMAND_NAMES)
    assert listed.keys() == set(COMMAND_NAMES)
    assert listed["logs"]["usage"].startswith("wa logs PANE [--tail N] [--all]")
    assert all(one["summary"].endswith((".", ")")) for one in listed.values())


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["panes", "--nonsense"],
        ["logs"],
        ["logs", "p1", "--tail", "many"],
        ["logs", "p1", "--tail", "3", "--all"],
        ["logs", "p1", "--since", "soon"],
        ["search"],
        ["search", "x", "--limit", "0"],
        ["search", "x", "--until", "never"],
        ["forget"],
        ["forget", "--since", "x"],
        ["export", "--format", "xml"],
        ["export"],
        ["send", "p1"],
        ["send", "p1", ""],
        ["watch", "--log-level", "loud"],
        ["watch", "--socket", "a b=/tmp/x"],
        ["watch", "--ssh", "-oProxyCommand=x"],
        ["completion", "tcsh"],
        ["help", "nonsense"],
        ["demo", "--seconds", "0"],
        ["config", "nonsense"],
    ],
    ids=" ".join,
)
def test_wrong_usage_leaves_by_2(inside, words: list[str]) -> None:
    """For programs it is an envelope on standard output; for people two lines on standard error; never a traceback."""
    done = inside(*words, "--json")
    error = json.loads(done.stdout)["error"]
    assert (done.returncode, error["code"].split(".")[0], done.stderr) == (2, "usage", "")
    assert error["message"]
    assert error["next_step"]
    if words != ["export"]:
        plain = inside(*words)
        assert (plain.returncode, plain.stdout) == (2, "")
        assert plain.stderr.startswith("wa: ")
        assert "\nnext: " in plain.stderr
        assert "Traceback" not in plain.stderr


def test_the_switch_may_stand_first(house) -> None:
    """`wa --json panes` is `wa panes --json`."""
    assert json.loads(house.wa("--json", "panes").stdout)["data"]["panes"] == []


def test_dashes_end_the_options(house) -> None:
    """After `--` a text that looks like the switch is text, and the error is for a person."""
    done = house.wa("send", "p1", "--", "--json")

    assert (done.returncode, done.stdout) == (4, "")
    assert "no sidecar runs" in done.stderr


@pytest.mark.parametrize(
    "words", [["send", "p1", "x"], ["forget", "p1"], ["stop"], ["logs", "p1", "--follow"]], ids=" ".join
)
def test_what_needs_a_sidecar_leaves_by_4(house, words: list[str]) -> None:
    """Without one nothing is written or typed; the next step says how to start it."""
    status, error = house.fails(*words)

    assert (status, error["code"]) == (4, "sidecar.unreachable")
    assert "wa watch" in error["next_step"]


def test_reading_works_with_nothing_there(house) -> None:
    """With neither sidecar nor database the answer is empty, says so, and leaves no file behind."""
    assert house.ok("panes") == {"live": False, "as_of": None, "panes": []}
    assert house.ok("search", "x")["hits"] == []
    assert house.ok("status")["sidecar"]["running"] is False
    assert "nothing was ever stored" in house.wa("panes").stdout
    assert house.fails("logs", "p1")[0] == 3
    assert not house.home.exists()


def test_nothing_to_watch_is_said_before_anything_starts(house) -> None:
    """Where WezTerm is neither running nor installed, `wa watch` names both and the two ways on."""
    status, error = house.fails("watch")
    assert (status, error["code"]) == (4, "wezterm.unreachable")
    assert "wezterm.org" in error["next_step"]
    assert "wa demo" in error["next_step"]

    findings = house.ok("doctor")["findings"]
    assert any(one["level"] == "error" and "wa demo" in (one["next_step"] or "") for one in findings)


def test_a_broken_config_is_named_with_its_line(house) -> None:
    """Every command that reads settings says file, line and key, and leaves by 2; the doctor finds it and goes on."""
    (house.home / "config").mkdir(parents=True)
    (house.home / "config" / "config.toml").write_text("[retention]\nage_days = -1\n")

    for words in (["config", "show"], ["watch"], ["watch", "--detach"]):
        status, error = house.fails(*words)
        assert (status, error["code"]) == (2, "config")
        assert "line 2" in error["message"]
        assert "retention.age_days" in error["message"]
    assert house.ok("doctor")["worst"] == "error"
    assert house.ok("config", "path")["exists"] is True


def test_config_shows_every_setting(house) -> None:
    """What is in force, with and without a file."""
    assert house.ok("config", "show")["settings"]["retention.age_days"] == 90
    (house.home / "config").mkdir(parents=True)
    path = Path(house.wa("config", "path").stdout.strip())
    path.write_text('[retention]\nage_days = 7\n[[mux]]\nname = "build"\nssh = "build.example"\n')

    shown = house.ok("config", "show")
    assert shown["path"] == str(path)
    assert (shown["settings"]["retention.age_days"], shown["settings"]["mux"]) == (
        7,
        [{"name": "build", "ssh": "build.example"}],
    )
    assert "retention.age_days = 7" in house.wa("config", "show").stdout


def test_a_reader_that_leaves_early_is_no_error(house) -> None:
    """A closed pipe ends the command quietly."""
    for words in (["help"], ["help", "--json"], ["completion", "zsh"]):
        read_end, write_end = os.pipe()
        os.close(read_end)
        done = subprocess.run(
            [sys.executable, "-m", "wa", *words], env=house.env, stdout=write_end, stderr=subprocess.PIPE, timeout=60
        )
        os.close(write_end)
        assert (done.returncode, done.stderr) == (0, b"")


def test_an_unwritable_place_is_an_error_and_no_traceback(house) -> None:
    """A file where the home should be is told in a sentence."""
    house.home.write_text("in the way")
    status, error = house.fails("watch", "--socket", "x=/nowhere")

    assert status in (1, 2)
    assert str(house.home) in error["message"]


def in_terminal(house, words: list[str], typed: bytes) -> tuple[int, str]:
    """Exit status and everything shown of a command on its own terminal; *typed* goes in at the first `?`."""
    pid, descriptor = pty.fork()
    if pid == 0:
        os.chdir(house.root)
        os.execve(sys.executable, [sys.executable, "-m", "wa", *words], house.env)
    shown = b""
    while True:
        try:
            data = os.read(descriptor, 4096)
        except OSError:
            break
        if not data:
            break
        if b"?" not in shown and b"?" in shown + data:
            os.write(descriptor, typed)
        shown += data
    os.close(descriptor)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()


def test_forgetting_asks_a_person_first(house) -> None:
    """On a terminal `no` ends it before anything is asked of the sidecar; `yes` and --yes go on."""
    status, shown = in_terminal(house, ["forget", "p1"], b"n\r")
    assert (status, "everything of p1 for good" in shown, "no sidecar" in shown) == (1, True, False)
    status, shown = in_terminal(house, ["forget", "p1", "--since", "1h"], b"y\r")
    assert (status, "everything of p1 since 1h for good" in shown, "no sidecar" in shown) == (4, True, True)
    status, shown = in_terminal(house, ["forget", "p1", "--yes"], b"")
    assert (status, "for good" in shown) == (4, False)


def test_a_terminal_gets_colour_unless_it_is_told_not_to(house) -> None:
    """NO_COLOR takes the escapes out of errors too."""
    assert "\x1b[" in in_terminal(house, ["stop"], b"")[1]
    house.env["NO_COLOR"] = "1"
    assert "\x1b[" not in in_terminal(house, ["stop"], b"")[1]
