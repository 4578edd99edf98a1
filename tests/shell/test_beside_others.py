"""Beside what people have: bash-preexec, WezTerm's own script, oh-my-zsh, plugins of zsh, starship.

Looked for where packages put them, below the home folder, and in the folder that WA_SHELL_EXTRAS names.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from shell.terminal import SCRIPTS, SHELLS, environment, shell_in, start_of, terminal

PLACES = [
    Path(place)
    for place in (os.environ.get("WA_SHELL_EXTRAS"), "/usr/share", "/usr/local/share", "/etc/profile.d")
    if place
]
PLACES += [Path.home(), Path.home() / ".local" / "share"]


def extra(*names: str) -> Path:
    for place in PLACES:
        for name in names:
            if (place / name).exists():
                return place / name
    pytest.skip(f"none of {', '.join(names)} is installed")


@pytest.mark.parametrize("order", ["before", "after", "both sides"])
def test_bash_preexec(tmp_path: Path, order: str) -> None:
    """Its functions and ours both hear each command once, whichever is read first."""
    path = extra("bash-preexec/bash-preexec.sh", "bash-preexec.sh", ".bash-preexec.sh")
    theirs = f'source {path}; preexec_functions+=(heard); heard() {{ log+=("$1"); }}'
    after = (
        theirs
        if order == "after"
        else "precmd_functions+=(other); other() { seen=$?; }"
        if order == "both sides"
        else ""
    )
    with shell_in("bash", tmp_path, before="" if order == "after" else theirs, after=after) as term:
        assert [term.run(line)["e"] for line in ("false", "false", " true", "(exit 3)")][:2] == ["1", "1"]
        term.run("printf 'heard %s\\n' \"${log[@]}\"")

        assert term.commands[:3] == ["false", "false", None]
        assert term.shown.count("heard false") == 2
        assert [told["n"] for told in term.vars("WA_DONE")] == [str(n + 1) for n in range(len(term.commands))]


@pytest.mark.parametrize("shell", ["bash", "zsh"])
@pytest.mark.parametrize("order", ["before", "after"])
def test_wezterms_own_script(tmp_path: Path, shell: str, order: str) -> None:
    """It marks the prompt and we do not: no mark comes twice; commands and statuses are told by us."""
    theirs = f"source {extra('wezterm.sh')}"
    before, after = (theirs, "") if order == "before" else ("", theirs)
    argv = start_of(shell, tmp_path, before=before, after=after)
    with terminal(argv, environment(tmp_path, WEZTERM_HOSTNAME="h"), tmp_path) as term:
        term.wait(lambda: term.prompts)
        assert [term.run(line)["e"] for line in ("true", "sh -c 'exit 3'", "true")] == ["0", "3", "0"]

        assert term.commands == ["true", "sh -c 'exit 3'", "true"]
        marks = [mark.split(";")[0] for mark in term.marks if mark[0] != "P"]
        assert [
            mark for mark, before in zip(marks, [None, *marks], strict=False) if mark == before and mark in "ACD"
        ] == []


@pytest.mark.parametrize("order", ["before", "after"])
def test_plugins_of_zsh(tmp_path: Path, order: str) -> None:
    """Suggestions and colours while typing."""
    plugins = ("zsh-autosuggestions/zsh-autosuggestions.zsh", "zsh-syntax-highlighting/zsh-syntax-highlighting.zsh")
    theirs = "; ".join(f"source {extra(name)}" for name in plugins)
    before, after = (theirs, "") if order == "before" else ("", theirs)
    with shell_in("zsh", tmp_path, before=before, after=after) as term:
        assert [term.run(line)["e"] for line in ("true", "false")] == ["0", "1"]

        assert term.commands == ["true", "false"]


@pytest.mark.parametrize("theme", ["robbyrussell", "agnoster"])
def test_oh_my_zsh(tmp_path: Path, theme: str) -> None:
    """With its plugins, its theme and its own words to the terminal."""
    folder = extra("ohmyzsh", "oh-my-zsh", ".oh-my-zsh")
    settings = (
        f"ZSH={folder} ZSH_THEME={theme} ZSH_DISABLE_COMPFIX=true; plugins=(git); zstyle ':omz:update' mode disabled"
    )
    theirs = f"ZSH_CACHE_DIR=$HOME/cache; {settings}; source $ZSH/oh-my-zsh.sh"
    with shell_in("zsh", tmp_path, before=theirs) as term:
        assert [term.run(line)["e"] for line in ("true", "false", "cd /")] == ["0", "1", "0"]

        assert term.commands == ["true", "false", "cd /"]
        marks = [mark for mark in term.marks if mark != "P;k=i"]
        assert [mark for mark, before in zip(marks, [None, *marks], strict=False) if mark != before][-5:] == [
            "B",
            "C",
            "D;0",
            "A",
            "B",
        ]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("order", ["before", "after"])
def test_starship(tmp_path: Path, shell: str, order: str) -> None:
    """Its prompt is drawn with our marks round it, and it sees the status of the command."""
    program = shutil.which("starship") or extra("starship")
    start = f"{program} init fish | source" if shell == "fish" else f'eval "$({program} init {shell})"'
    (tmp_path / ".config").mkdir()
    (tmp_path / ".config" / "starship.toml").write_text('add_newline = false\nformat = "$character"\n')
    before, after = (start, "") if order == "before" else ("", start)
    argv = start_of(shell, tmp_path, before=before, after=after)
    with terminal(argv, environment(tmp_path, SCRIPTS=str(SCRIPTS)), tmp_path) as term:
        term.wait(lambda: term.marks.count("A"))
        term.type("\r")
        term.wait(lambda: term.prompts)
        assert [term.run(line)["e"] for line in ("true", "false")] == ["0", "1"]

        assert term.commands == ["true", "false"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_hooks_of_the_users_own(tmp_path: Path, shell: str) -> None:
    """They see the status and the line, before us and after us."""
    zsh = "precmd_functions+=(p); p() { print -r seen:$? }; preexec_functions+=(q); q() { print -r line:$1 }"
    fish = "function q --on-event fish_preexec; echo line:$argv; end; function p --on-event fish_prompt; echo seen:$status; end"
    theirs = zsh if shell == "zsh" else fish
    for before, after in ((theirs, ""), ("", theirs)):
        with shell_in(shell, tmp_path, before=before, after=after) as term:
            assert term.run("sh -c 'exit 6'")["e"] == "6"
            term.wait(lambda term=term: "seen:6" in term.shown)
            assert "line:sh -c 'exit 6'" in term.shown


def test_statuses_that_fishs_prompt_shows(tmp_path: Path) -> None:
    """The user's prompt sees `$status` and `$pipestatus` as they were; a newline at its end adds no row."""
    prompt = 'function fish_prompt; set -l s $status; set -l p $pipestatus; echo "[$s:$p] ready> "; end'
    with shell_in("fish", tmp_path, before=prompt) as term:
        term.run("sh -c 'exit 2' | sh -c 'exit 3'")
        term.run("false")

        assert "[3:2 3] ready> " in term.shown
        assert "[1:1] ready> " in term.shown
        assert b"ready> \x1b]133;B\x07" in term.said


def test_a_prompt_that_fish_is_given_later(tmp_path: Path) -> None:
    """A prompt chosen in the middle of the session is marked, too, from the next one on."""
    with shell_in("fish", tmp_path) as term:
        term.run("function fish_prompt; echo -n 'other> '; end")
        term.run("true")

        assert b"\x1b]133;P;k=i\x07other> \x1b]133;B\x07" in term.said


@pytest.mark.parametrize(
    "options",
    [
        "setopt nounset",
        "setopt ksh_arrays",
        "setopt err_exit",
        "setopt sh_word_split glob_subst",
        "alias print=false local=false typeset=false",
        "setopt xtrace",
    ],
)
def test_strict_options_of_zsh(tmp_path: Path, options: str) -> None:
    """Whatever is set before the script is read, everything is told and nothing complains."""
    with shell_in("zsh", tmp_path, before="" if "percent" in options else options, after=options) as term:
        assert [term.run(line)["e"] for line in ("true", "sh -c 'exit 4' || sh -c 'exit 0'")] == ["0", "0"]

        assert term.commands == ["true", "sh -c 'exit 4' || sh -c 'exit 0'"]
        assert "not set" not in term.shown
