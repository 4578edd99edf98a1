"""What bash, zsh and fish say alike: docs/protocol/pane-vars.md in real terminals."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from pathlib import Path
from urllib.parse import unquote

import pytest

import wa
from shell.terminal import SCRIPTS, SHELLS, environment, need, shell_in, start_of, terminal

pytestmark = pytest.mark.parametrize("shell", SHELLS)


def test_a_shell_names_itself_before_its_first_prompt_and_before_each_command(shell: str, tmp_path: Path) -> None:
    """WA_PANE with this shell's own pid and terminal, the same each time: who came meanwhile is told too."""
    with shell_in(shell, tmp_path) as term:
        term.run("true")
        term.run("true")

        said, *again = term.vars("WA_PANE")
        assert again == [said, said]
        names = [osc.partition("=")[2].partition("=")[0] for osc in term.oscs if osc.startswith("1337;SetUserVar=WA_")]
        assert names == ["WA_PANE", *["WA_PANE", "WA_CMD", "WA_DONE"] * 2]
        token = said.pop("t")
        assert re.fullmatch("[0-9a-f]{16,32}", token)
        assert {
            "v": "1",
            "shell": shell,
            "pid": str(term.process.pid),
            "tty": term.tty,
            "host": socket.gethostname(),
            "wa": wa.__version__,
        } == said
        assert term.said.index(b"WA_PANE") < term.said.index(b"ready> ")


def test_the_token_is_each_shells_own_and_no_child_sees_it(shell: str, tmp_path: Path) -> None:
    """A second shell has another one, and nothing of it is in the environment of a program."""
    with shell_in(shell, tmp_path) as term:
        term.run("env | grep -c -i __wa")
        first = term.vars("WA_PANE")[0]["t"]
        assert "\n0\n" in term.shown.replace("\r", "")
    with shell_in(shell, tmp_path) as term:
        assert term.vars("WA_PANE")[0]["t"] != first


def test_each_command_is_told_with_its_status(shell: str, tmp_path: Path) -> None:
    """The line as typed before it runs, its status and time afterwards, counted from 1, under the shell's token."""
    with shell_in(shell, tmp_path) as term:
        done = [term.run(line) for line in ("echo 'a;b' | cat", "false", "false", "sh -c 'exit 42'")]

        token = term.vars("WA_PANE")[0]["t"]
        assert term.commands == ["echo 'a;b' | cat", "false", "false", "sh -c 'exit 42'"]
        assert [told["e"] for told in done] == ["0", "1", "1", "42"]
        assert [str(n) for n in range(1, 5)] == [told["n"] for told in done]
        assert {token} == {told["t"] for told in (*term.vars("WA_CMD"), *done)}


def test_the_duration_is_told_in_milliseconds(shell: str, tmp_path: Path) -> None:
    """What sleeps for 300 ms takes 300 and not much more."""
    with shell_in(shell, tmp_path) as term:
        assert 300 <= int(term.run("sleep 0.3")["d"]) < 3000


def test_marks_stand_round_prompt_line_and_output(shell: str, tmp_path: Path) -> None:
    """A, the prompt, B, the line, C, the output, D with the status: OSC 133."""
    with shell_in(shell, tmp_path) as term:
        term.run("sh -c 'echo out; exit 3'")

        marks = [mark for mark in term.marks if mark != "P;k=i"]
        squeezed = [mark for mark, before in zip(marks, [None, *marks], strict=False) if mark != before]
        assert squeezed == ["A", "B", "C", "D;3", "A", "B"]
        output = term.said[term.said.index(b"\x1b]133;C") : term.said.index(b"\x1b]133;D")]
        assert b"out\r\n" in output


def test_an_empty_line_and_a_line_given_up_are_no_commands(shell: str, tmp_path: Path) -> None:
    """Return on an empty line and Ctrl-C at the prompt: a prompt, and neither WA_DONE nor D."""
    with shell_in(shell, tmp_path) as term:
        prompts = term.marks.count("A")
        term.type("\r")
        term.wait(lambda: term.marks.count("A") > prompts, "a prompt after an empty line")
        term.type("never run")
        term.wait(lambda: term.said.count(b"never") and term.said.rpartition(b"never")[2].count(b"run"))
        term.insist("\x03", lambda: term.marks.count("A") > prompts + 1)
        term.run("true")

        assert term.commands == ["true"]
        assert [told["n"] for told in term.vars("WA_DONE")] == ["1"]
        assert [mark for mark in term.marks if mark.startswith("D")] == ["D;0"]


def test_a_command_that_is_interrupted_is_done(shell: str, tmp_path: Path) -> None:
    """Ctrl-C in a running command ends it with 130."""
    with shell_in(shell, tmp_path) as term:
        term.type("sleep 100\r")
        term.wait(lambda: term.commands == ["sleep 100"])
        term.wait(lambda: foreground(term.master) != term.process.pid, "the command in the foreground")
        term.insist("\x03", lambda: term.vars("WA_DONE"))  # one that comes before the program is there is lost

        assert term.vars("WA_DONE")[0]["e"] == "130"


def foreground(master: int) -> int:
    return os.tcgetpgrp(master)


def test_a_line_that_begins_with_a_blank_is_not_told(shell: str, tmp_path: Path) -> None:
    """That a command ran is told, with its status; what it was is not."""
    with shell_in(shell, tmp_path) as term:
        done = term.run(" echo hidden | (exit 5)" if shell != "fish" else " sh -c 'echo hidden; exit 5'")

        assert term.commands == [None]
        assert done["e"] == "5"


def test_a_line_of_several_rows_is_told_whole(shell: str, tmp_path: Path) -> None:
    """Newlines stay in the text."""
    with shell_in(shell, tmp_path) as term:
        term.run("echo 'first\nsecond'")

        assert term.commands == ["echo 'first\nsecond'"]


def test_text_beyond_ascii_is_told_as_it_is(shell: str, tmp_path: Path) -> None:
    """Letters of two, three and four bytes."""
    with shell_in(shell, tmp_path) as term:
        term.run("echo 'äé漢😀;=%'")

        assert term.commands == ["echo 'äé漢😀;=%'"]


def test_a_long_line_is_cut_between_characters(shell: str, tmp_path: Path) -> None:
    """At most 1,024 bytes, whole characters, and `cut=1` says so."""
    with shell_in(shell, tmp_path) as term:
        letters = "漢é" * 250
        term.run(f"true '{letters}'")

        (told,) = term.vars("WA_CMD")
        assert told["cut"] == "1"
        assert f"true '{letters}'".startswith(told["c"])
        assert 1020 < len(told["c"].encode()) <= 1024


def test_a_line_of_exactly_the_limit_is_not_cut(shell: str, tmp_path: Path) -> None:
    """1,024 bytes are told whole, and nothing says that they were cut."""
    with shell_in(shell, tmp_path) as term:
        line = "true " + "x" * 1019
        term.run(line)

        (told,) = term.vars("WA_CMD")
        assert (line, None) == (told["c"], told.get("cut"))


def test_sequences_in_a_line_are_text(shell: str, tmp_path: Path) -> None:
    """A line that prints a forged variable is told as the text it is, and so much is printed by it alone."""
    with shell_in(shell, tmp_path) as term:
        term.run(r"printf '\033]1337;SetUserVar=WA_DONE=%s\007' dD0wO249MTtlPTA7ZD0w")

        assert term.commands == [r"printf '\033]1337;SetUserVar=WA_DONE=%s\007' dD0wO249MTtlPTA7ZD0w"]
        assert len(term.values("WA_DONE")) == 2


def test_the_folder_is_told_before_each_prompt(shell: str, tmp_path: Path) -> None:
    """OSC 7 with this host, percent-encoded byte by byte, again after every command: an ssh session may have told its own."""
    strange = tmp_path / "a b;c%é~\x07"
    strange.mkdir()
    with shell_in(shell, tmp_path) as term:
        term.run("cd a*")
        term.run("true")

        urls = [osc[2:] for osc in term.oscs if osc.startswith("7;")]
        assert urls[-1] == urls[-2]
        head = f"file://{socket.gethostname()}"
        assert str(strange) == unquote(urls[-1].removeprefix(head))
        assert re.fullmatch(r"[A-Za-z0-9/._~%-]*", urls[-1].removeprefix(head))


def test_opting_out_by_words(shell: str, tmp_path: Path) -> None:
    """WA_SHELL_SKIP silences what it names, and only that."""
    for words, silent in (
        ("marks", "133;"),
        ("cwd", "7;"),
        ("vars", "1337;"),
        ("cwd,vars", "1337;"),
        ("x vars", "1337;"),
    ):
        with terminal(start_of(shell, tmp_path), environment(tmp_path, WA_SHELL_SKIP=words), tmp_path) as term:
            term.wait(lambda term=term: "ready> " in term.shown)
            term.type("echo d''one\r")
            term.wait(lambda term=term: "done" in term.shown and term.shown.count("ready> ") > 1)

            heard = term.oscs
            assert not [osc for osc in heard if osc.startswith(silent)], words
            assert [osc for osc in heard if osc.startswith("133;" if silent != "133;" else "7;")], words


@pytest.mark.parametrize(
    "env",
    [
        {"WA_SHELL_SKIP": "all"},
        {"TERM": "dumb"},
        {"TERM": "linux"},
        {"TERM": ""},
        {"STY": "1.pts"},
        {"INSIDE_EMACS": "29.1,comint"},
    ],
    ids=lambda env: "=".join(*env.items()),
)
def test_nothing_at_all_is_said_there(shell: str, tmp_path: Path, env: dict[str, str]) -> None:
    """Opted out, in a terminal that would show the sequences, in GNU screen: not one of them."""
    with terminal(start_of(shell, tmp_path), environment(tmp_path, **env), tmp_path) as term:
        term.wait(lambda: "ready> " in term.shown)
        term.type("echo d''one; cd /\r")
        term.wait(lambda: "done" in term.shown and term.shown.count("ready> ") > 1)

        assert not [osc for osc in term.oscs if osc.startswith(("7;", "133;", "1337;"))]


@pytest.mark.parametrize(
    "env", [{"TMUX": "/tmp/tmux,1,0"}, {"TERM": "tmux-256color"}, {"TERM": "screen-256color"}], ids=str
)
def test_in_tmux_only_what_tmux_knows_is_said(shell: str, tmp_path: Path, env: dict[str, str]) -> None:
    """Marks and folders, no variables: tmux keeps the former itself and passes none of the latter on."""
    with terminal(start_of(shell, tmp_path), environment(tmp_path, **env), tmp_path) as term:
        term.wait(lambda: term.prompts)
        term.type("true\r")
        term.wait(lambda: term.marks.count("D;0") == 1 and term.prompts > 1)

        assert not [osc for osc in term.oscs if osc.startswith("1337;")]
        assert [osc for osc in term.oscs if osc.startswith("7;")]


def test_a_script_that_reads_it_hears_nothing(shell: str, tmp_path: Path) -> None:
    """Not interactive: nothing printed, no failure."""
    script = SCRIPTS / f"wa.{shell}"
    done = subprocess.run(
        [need(shell), "-c", f"source {script}; echo rest"], env=environment(tmp_path), capture_output=True, check=True
    )

    assert (done.stdout, done.stderr) == (b"rest\n", b"")


def test_output_that_is_no_terminal_stays_clean(shell: str, tmp_path: Path) -> None:
    """An interactive shell whose output goes into a file writes its programs' output there, and nothing of ours."""
    out = tmp_path / "out"
    with out.open("wb") as file:
        argv = start_of(shell, tmp_path)
        with terminal(argv, environment(tmp_path), tmp_path, stdout=file.fileno()) as term:
            term.type("echo one\rcd /\rexit\r")
            term.ends()

    assert b"one\n" in out.read_bytes()
    assert not re.search(rb"\](7|133|1337);", out.read_bytes())


def test_redirected_commands_write_nothing_of_ours(shell: str, tmp_path: Path) -> None:
    """A block whose output goes into a file leaves exactly its own output there."""
    block = "begin; echo a; echo b; end > out" if shell == "fish" else "{ echo a; echo b; } > out"
    with shell_in(shell, tmp_path) as term:
        term.run(block)
        term.run("for i in 1 2; do echo $i; done > two" if shell != "fish" else "for i in 1 2; echo $i; end > two")

        assert (tmp_path / "out").read_bytes() == b"a\nb\n"
        assert (tmp_path / "two").read_bytes() == b"1\n2\n"
        assert [block] == term.commands[:1]


def test_reading_it_twice_changes_nothing(shell: str, tmp_path: Path) -> None:
    """A second time says nothing twice."""
    again = f"source {SCRIPTS / f'wa.{shell}'}"
    with shell_in(shell, tmp_path, after=again) as term:
        term.run(again)
        term.run("true")

        assert len({told["t"] for told in term.vars("WA_PANE")}) == 1
        assert len(term.vars("WA_PANE")) == 3
        assert [again, "true"] == term.commands
        assert len(term.vars("WA_DONE")) == 2


def test_a_shell_within_the_shell_is_one_of_its_own(shell: str, tmp_path: Path) -> None:
    """It says its own WA_PANE, its commands carry its token, and afterwards the outer one goes on counting."""
    with shell_in(shell, tmp_path) as term:
        outer = lambda: term.vars("WA_PANE")[0]["t"]  # noqa: E731
        inner = f"{shell} --rcfile ~/.bashrc -i" if shell == "bash" else f"{shell} -i"
        term.type(inner + "\r")
        term.wait(lambda: len(term.vars("WA_PANE")) == 3 and term.prompts >= 2)
        term.run("true")
        term.type("exit\r")
        term.wait(lambda: term.vars("WA_DONE")[-1]["t"] == outer() and term.prompts >= 4)

        within = term.vars("WA_PANE")[2]["t"]
        assert [(outer(), "1"), (within, "1"), (within, "2")] == [
            (told["t"], told["n"]) for told in term.vars("WA_CMD")
        ]
        done = [(told["t"], told["n"]) for told in term.vars("WA_DONE")]
        assert [(within, "1"), (outer(), "1")] == [
            told for told in done if told != (within, "2")
        ]  # fish tells its exit


def test_no_process_is_started_for_prompts_and_commands(shell: str, tmp_path: Path) -> None:
    """Between two readings of the shell's own count of children, prompts and builtins ran and nothing else."""
    strace = need("strace")
    trace = tmp_path / "trace"
    with shell_in(shell, tmp_path) as term:
        term.run("true")
        tracer = subprocess.Popen(
            [
                strace,
                "-f",
                "-qq",
                "-e",
                "trace=fork,vfork,clone,clone3,execve",
                "-o",
                trace,
                "-p",
                str(term.process.pid),
            ],
            stderr=subprocess.PIPE,
        )
        try:
            status = Path(f"/proc/{term.process.pid}/status")
            term.wait(lambda: f"TracerPid:\t{tracer.pid}" in status.read_text() or tracer.poll() is not None)
            if tracer.poll() is not None:
                pytest.skip("this machine lets nobody trace a process")
            for line in ("true", "cd /", "false", "true"):
                term.run(line)
        finally:
            tracer.terminate()
            tracer.communicate()
    started = [line for line in trace.read_text().splitlines() if "CLONE_THREAD" not in line and "SIG" not in line]

    assert started == []
