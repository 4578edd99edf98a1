"""What only bash does: traps, PROMPT_COMMAND, the history, and prompts that others make."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from shell.terminal import SCRIPTS, Terminal, environment, need, shell_in, start_of, terminal


def need_lists() -> None:
    """Before 5.1 PROMPT_COMMAND is one string: whoever sets it anew has thrown ours away, and PIPESTATUS has one holder."""
    version = subprocess.run([need("bash"), "-c", "echo ${BASH_VERSINFO[@]:0:2}"], capture_output=True, text=True)
    if tuple(map(int, version.stdout.split())) < (5, 1):
        pytest.skip(f"bash {version.stdout.strip()} has no list of prompt commands")


def shows(term: Terminal, line: str) -> str:
    """What *line* printed, as its rows."""
    before = len(term.said)
    term.run(line)
    said = term.said[before:]
    output = said[said.index(b"\x1b]133;C\x07") + 8 : said.rindex(b"\x1b]133;D")]
    term_said, term.said = term.said, output
    text = term.shown.replace("\r", "").strip("\n")
    term.said = term_said
    return text


def test_status_and_last_argument_are_the_users(tmp_path: Path) -> None:
    """`$?`, `$_` and PIPESTATUS are what they are without the script."""
    with shell_in("bash", tmp_path) as term:
        term.run("(exit 7)")
        assert shows(term, "echo $?") == "7"
        term.run("true one two")
        assert shows(term, "echo $_") == "two"
        term.run("(exit 1) | (exit 2) | true")
        assert shows(term, "echo ${PIPESTATUS[@]}") == "1 2 0"


@pytest.mark.parametrize(
    "theirs",
    [
        "PROMPT_COMMAND='seen=$?:${PIPESTATUS[*]}'",
        "PROMPT_COMMAND='seen=$?:${PIPESTATUS[*]};'",
        "PROMPT_COMMAND='seen=$?:${PIPESTATUS[*]}; '",
        "PROMPT_COMMAND=('seen=$?:${PIPESTATUS[*]}' 'true')",
        "export PROMPT_COMMAND='seen=$?:${PIPESTATUS[*]} # a remark'",
        "PROMPT_COMMAND=$'seen=$?:${PIPESTATUS[*]}\\n'",
    ],
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_their_prompt_command_runs_as_it_did(tmp_path: Path, theirs: str, when: str) -> None:
    """A string, a list, with a semicolon or a remark at its end, set before us or after: it runs, and sees the statuses."""
    need_lists()
    before, after = (theirs, "") if when == "before" else ("", theirs.replace("=(", "+=("))
    with shell_in("bash", tmp_path, before=before, after=after) as term:
        done = term.run("true | (exit 4)")

        assert done["e"] == "4"
        assert shows(term, "echo $seen") == "4:0 4"
        assert "syntax error" not in term.shown


def test_a_tool_that_puts_our_hook_into_its_own(tmp_path: Path) -> None:
    """It keeps the PROMPT_COMMAND it found, runs that itself and makes PS1 afterwards, as starship does: all is told once."""
    need_lists()
    tool = """
        tool() { s=$?; eval "$kept"; PS1="\\[\\e[1m\\]made:$s\\[\\e[0m\\] "; }
        kept=$PROMPT_COMMAND; PROMPT_COMMAND=tool
        began=
        PS0='${began:$((began=5,0)):0}'"${PS0-}"
    """
    with shell_in("bash", tmp_path, after=tool) as term:
        assert [term.run(line)["e"] for line in ("false", "true")] == ["1", "0"]

        assert term.commands == ["false", "true"]
        assert shows(term, "echo $began") == "5"
        last = term.said.rpartition(b"made:")[2]
        assert b"\x1b]133;B\x07" in last
        assert [mark for mark in term.marks if mark.startswith("D")] == ["D;1", "D;0", "D;0"]


def test_their_debug_trap_goes_on(tmp_path: Path) -> None:
    """Set before us or in the middle of the session, it sees each command with its `$_` and `$?`, and ours tells on."""
    trap = """trap 'seen+=("$BASH_COMMAND $? $_")' DEBUG"""
    with shell_in("bash", tmp_path, before=trap) as term:
        term.run("true x")
        assert "true x" in shows(term, "printf '%s\\n' \"${seen[@]%%$'\\e'*}\"")
        term.run("seen=(); trap 'late+=(\"$BASH_COMMAND $? $_\")' DEBUG")
        term.run("(exit 3)")
        term.run("true a b")
        assert "true a b 3 " in shows(term, "printf '%s\\n' \"${late[@]%%$'\\e'*}\"") + " "
        term.run("trap - DEBUG")
        term.run("true last")

        assert term.commands[-1] == "true last"
        assert [told["n"] for told in term.vars("WA_CMD")] == [told["n"] for told in term.vars("WA_DONE")]
        assert term.vars("WA_CMD")[-1]["n"] == str(len(term.vars("WA_CMD")))


def test_a_debug_trap_that_forbids_commands_is_obeyed(tmp_path: Path) -> None:
    """With extdebug a trap that fails keeps a command from running; ours alone never does, whatever came before."""
    with shell_in("bash", tmp_path) as term:
        term.run("shopt -s extdebug")
        term.run("false")
        assert shows(term, "echo runs") == "runs"
        term.run("trap '[[ $BASH_COMMAND != *forbidden* ]]' DEBUG")
        assert shows(term, "echo forbidden") == ""
        assert shows(term, "echo allowed") == "allowed"


def test_their_ps0_stays(tmp_path: Path) -> None:
    """What they print before a command is printed, once."""
    with shell_in("bash", tmp_path, before="PS0='[before]'") as term:
        term.run("true")

        assert term.shown.count("[before]") == 1
        assert term.commands == ["true"]


@pytest.mark.parametrize(
    "options", ["set -u", "set -eu", "set -o posix", "shopt -s nocasematch extglob nullglob failglob", "set -T"]
)
def test_strict_shells(tmp_path: Path, options: str) -> None:
    """Options that make scripts fail do not end the shell, and everything is told."""
    with shell_in("bash", tmp_path, before=options) as term:
        term.run("! true")
        term.run("if false; then :; fi")
        term.run("echo *[x]y* || :" if "failglob" not in options else "echo fine")

        assert [told["e"] for told in term.vars("WA_DONE")] == ["1", "0", "0"]
        assert len(term.commands) == 3
        assert "__wa" not in term.shown
        assert term.process.poll() is None


def test_what_an_administrator_made_read_only(tmp_path: Path) -> None:
    """A read-only PROMPT_COMMAND silences us, a read-only HISTCONTROL costs the text of repeated lines; nothing complains."""
    with shell_in("bash", tmp_path, before="readonly HISTCONTROL=ignoreboth") as term:
        for line in ("echo one", "echo one", " echo hidden"):
            term.run(line)
        assert term.commands == ["echo one", None, None]
        assert "readonly" not in term.shown
    before = "PROMPT_COMMAND='seen=1'; readonly PROMPT_COMMAND"
    with terminal(start_of("bash", tmp_path, before=before), environment(tmp_path), tmp_path) as term:
        term.wait(lambda: "ready> " in term.shown)
        term.type("echo seen=$seen\r")
        term.wait(lambda: "seen=1" in term.shown and term.shown.count("ready> ") > 1)
        assert ("readonly" in term.shown, term.oscs) == (False, [])


def test_their_separators_do_not_matter(tmp_path: Path) -> None:
    """With IFS set to digits and letters everything is told as before."""
    with shell_in("bash", tmp_path, before="IFS='0123456789;=abc '") as term:
        term.run("echo a1b2")

        assert term.commands == ["echo a1b2"]
        assert term.vars("WA_DONE")[0]["n"] == "1"


def test_vi_mode_with_its_sign_in_the_prompt(tmp_path: Path) -> None:
    """The sign stands before the prompt in the same row: a mark that began a new row there would break it."""
    (tmp_path / ".inputrc").write_text(
        'set show-mode-in-prompt on\nset editing-mode vi\nset vi-ins-mode-string "(ins)"\n'
    )
    with shell_in("bash", tmp_path) as term:
        term.run("true")

        assert "(ins)ready> true" in term.shown
        assert b"(ins)\x1b]133;A" not in term.said


def test_a_prompt_of_several_rows(tmp_path: Path) -> None:
    """Marks stand round all of it, and once."""
    with shell_in("bash", tmp_path, before="true", after="PS1='one\\ntwo> '") as term:
        term.run("true")

        assert b"\x1b]133;P;k=i\x07one\r\ntwo> \x1b]133;B\x07" in term.said.replace(b"\r\r", b"\r")
        assert term.said.count(b"\x1b]133;P;k=i\x07one") == 2


@pytest.mark.parametrize("control", ["", "ignorespace", "ignoredups", "ignoreboth"])
def test_repeated_and_hidden_lines_are_told_apart(tmp_path: Path, control: str) -> None:
    """Whatever HISTCONTROL says: a repeated line is told again, one that begins with a blank is not, and the history
    holds what it would hold without us."""
    lines = ["echo one", "echo one", " echo hidden", "echo two", "echo one", " echo one"]
    with shell_in("bash", tmp_path, before=f"HISTCONTROL={control}") as term:
        for line in lines:
            term.run(line)
        kept = shows(term, "history")

    assert term.commands[:6] == ["echo one", "echo one", None, "echo two", "echo one", None]
    expected: list[str] = []
    for line in lines:
        if line.startswith(" ") and ("space" in control or "both" in control):
            continue
        if expected and expected[-1] == line and ("ignoredups" in control or "both" in control):
            continue
        expected.append(line)
    assert [row.split(None, 1)[1] for row in kept.splitlines()[:-1]] == [line.strip() for line in expected]


def test_lines_that_erase_their_earlier_selves(tmp_path: Path) -> None:
    """With erasedups the history does not grow, and each line is told; hidden ones are not."""
    with shell_in("bash", tmp_path, before="HISTCONTROL=erasedups:ignorespace") as term:
        for line in ("echo one", "echo two", "echo one", " echo one", " echo two", "echo two"):
            term.run(line)

        assert term.commands == ["echo one", "echo two", "echo one", None, None, "echo two"]


def test_lines_that_histignore_names_are_not_told(tmp_path: Path) -> None:
    """What is to be in no history is in ours neither; the one before it is not told in its place."""
    with shell_in("bash", tmp_path, before="HISTIGNORE='*secret*'") as term:
        term.run("echo one")
        term.run("echo secret")

        assert term.commands == ["echo one", None]


def test_shells_that_share_their_history(tmp_path: Path) -> None:
    """Where each prompt reads the file anew, another shell's newest line is not taken for ours."""
    share = "PROMPT_COMMAND='history -a; history -c; history -r'; HISTFILE=~/shared; HISTCONTROL=ignoreboth"
    with shell_in("bash", tmp_path, before=share) as term:
        term.run("echo one")
        (tmp_path / "shared").write_text((tmp_path / "shared").read_text() + "echo of another shell\n")
        term.run(" echo hidden")
        term.run(" echo hidden")
        term.run("echo one")
        term.run("echo one")

        assert term.commands == ["echo one", None, None, "echo one", "echo one"]


def test_bytes_that_are_no_text_become_question_marks(tmp_path: Path) -> None:
    """The terminal would drop the whole value; the rest of the line is told as it is."""
    eight_bits = "bind 'set input-meta on'; bind 'set convert-meta off'"
    with shell_in("bash", tmp_path, before=eight_bits, env={"LANG": "C"}) as term:
        term.run(b"true '\xc3\xa9\xff\xe4\xb8'")

        assert term.commands == ["true 'é???'"]


def test_a_command_of_a_hundred_kilobytes(tmp_path: Path) -> None:
    """It is told cut, at once."""
    with shell_in("bash", tmp_path) as term:
        term.type("\x1b[200~" + "true " + "z" * 100_000 + "\x1b[201~")
        term.type("\r")
        term.wait(lambda: term.vars("WA_DONE"))

        (told,) = term.vars("WA_CMD")
        assert (told["cut"], told["c"]) == ("1", "true " + "z" * 1019)


def test_a_folder_for_its_file_that_vanishes(tmp_path: Path) -> None:
    """After a logout the private folder is gone while the shell lives on in a multiplexer: all is told still, nothing complains."""
    with shell_in("bash", tmp_path) as term:
        term.run("rm -rf $XDG_RUNTIME_DIR")
        term.run("echo still")
        term.run("(exit 9)")

        assert term.commands[1:] == ["echo still", "(exit 9)"]
        assert "No such file" not in term.shown
        assert term.vars("WA_DONE")[-1]["e"] == "9"


def test_the_history_file_of_the_terminal_is_private_and_empty(tmp_path: Path) -> None:
    """Between commands nothing of a line is left in it, and nobody else may read it."""
    with shell_in("bash", tmp_path) as term:
        term.run("echo private")

        (file,) = (tmp_path / "run").iterdir()
        assert (file.stat().st_size, file.stat().st_mode & 0o777) == (0, 0o600)


def test_prompts_that_are_not_expanded(tmp_path: Path) -> None:
    """Without promptvars PS0 would show our expansion as text: prompts and folders are told, commands are not."""
    with shell_in("bash", tmp_path, before="shopt -u promptvars") as term:
        term.type("echo d''one\r")
        term.wait(lambda: "done" in term.shown and term.prompts == 2)

        assert "__wa" not in term.shown
        assert term.commands == []


def test_programs_started_in_the_background(tmp_path: Path) -> None:
    """The line is told when it begins; it is done at once."""
    with shell_in("bash", tmp_path) as term:
        assert int(term.run("sleep 5 &")["d"]) < 3000
        assert term.commands == ["sleep 5 &"]


def test_the_script_is_clean_to_shellcheck() -> None:
    """Not one remark."""
    done = subprocess.run([need("shellcheck"), SCRIPTS / "wa.bash"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
