"""Shells get wa's script at the end of the start-up file that they really read, and completion where they look for it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from wa.provision import shell_lines
from wa.provision.blocks import take_block
from wa.provision.plan import FileChange
from wa.provision.shell_lines import ShellPlan, shell_changes, source_line, startup_file, used_shells

SCRIPTS = {"bash": "complete wa\n", "zsh": "compdef _wa wa\n", "fish": "complete -c wa\n"}


def plan(home: Path, **env: str) -> ShellPlan:
    return shell_changes({"HOME": str(home), **env}, "/opt/w a/wa", SCRIPTS, home / ".local" / "share" / "wa")


def by_path(plan: ShellPlan, home: Path) -> dict[str, FileChange]:
    return {str(Path(one.path).relative_to(home)): one for one in plan.changes}


def make(plan: ShellPlan) -> None:
    for one in plan.changes:
        assert one.after is not None
        Path(one.path).parent.mkdir(parents=True, exist_ok=True)
        Path(one.path).write_bytes(one.after)


def test_a_shell_is_used_that_is_the_login_shell_or_has_a_start_up_file(tmp_path: Path) -> None:
    """Others get nothing."""
    assert used_shells({"HOME": str(tmp_path), "SHELL": "/usr/bin/nu"}) == []
    (tmp_path / ".zshrc").touch()

    assert used_shells({"HOME": str(tmp_path), "SHELL": "/bin/bash"}) == ["bash", "zsh"]


def test_each_shell_gets_its_lines_once(tmp_path: Path) -> None:
    """At the end; what stood there stays, also without a last line break; a second time changes nothing."""
    (tmp_path / ".bashrc").write_bytes(b"alias a=b")
    (tmp_path / ".zshrc").write_bytes(b"source $ZSH/oh-my-zsh.sh\r\n")
    (tmp_path / ".config" / "fish").mkdir(parents=True)
    (tmp_path / ".config" / "fish" / "config.fish").touch()
    first = plan(tmp_path)
    changes = by_path(first, tmp_path)

    for name, shell in ((".bashrc", "bash"), (".zshrc", "zsh"), (".config/fish/config.fish", "fish")):
        change = changes[name]
        assert change.block == "shell"
        assert change.after is not None
        assert source_line(shell) in change.after.decode()
        assert take_block(change.after.decode(), "shell").encode() == change.before
    fish = changes[".config/fish/completions/wa.fish"].after
    assert fish == b"'/opt/w a/wa' completion fish | source\n"
    assert changes[".local/share/wa/completion.zsh"].after == b"compdef _wa wa\n"
    make(first)
    assert [one for one in plan(tmp_path).changes if one.is_needed] == []


def test_bash_completion_goes_where_bash_completion_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nowhere, with a word of how, where that package is missing."""
    (tmp_path / ".bashrc").touch()
    monkeypatch.setattr(shell_lines, "BASH_COMPLETIONS", ("/",))
    found = by_path(plan(tmp_path), tmp_path)[".local/share/bash-completion/completions/wa"]
    assert found.after == b"eval \"$('/opt/w a/wa' completion bash)\"\n"
    monkeypatch.setattr(shell_lines, "BASH_COMPLETIONS", ("/nowhere",))
    without = plan(tmp_path)

    assert list(by_path(without, tmp_path)) == [".bashrc"]
    assert "bash-completion is not here" in without.notes[0]


@pytest.mark.parametrize(
    ("zshenv", "env", "wanted"),
    [
        ("", {}, "{home}/.zshrc"),
        ("", {"ZDOTDIR": "/z"}, "/z/.zshrc"),
        ("export ZDOTDIR=$HOME/.zsh\n", {}, "{home}/.zsh/.zshrc"),
        ("# ZDOTDIR=/no\nZDOTDIR=~/z\n", {}, "{home}/z/.zshrc"),
        ('export ZDOTDIR="${XDG_CONFIG_HOME:-$HOME/.config}/zsh"\n', {}, "{home}/.config/zsh/.zshrc"),
        ("ZDOTDIR=$(pwd)/x\n", {}, "{home}/.zshrc"),
        ("ZDOTDIR=$UNKNOWN/x\n", {}, "{home}/.zshrc"),
    ],
)
def test_zshs_start_up_file_is_where_zdotdir_says(
    zshenv: str, env: dict[str, str], wanted: str, tmp_path: Path
) -> None:
    """In the environment, or in ~/.zshenv as people write it."""
    (tmp_path / ".zshenv").write_text(zshenv)

    found = startup_file("zsh", {"HOME": str(tmp_path), **env})
    assert str(found) == wanted.format(home=tmp_path)


def test_a_line_that_the_user_has_put_there_is_enough(tmp_path: Path) -> None:
    """`wa shell bash >> ~/.bashrc`, done by hand."""
    (tmp_path / ".bashrc").write_text(f"{source_line('bash')}\n")
    found = by_path(plan(tmp_path), tmp_path)

    assert not found[".bashrc"].is_needed


def test_a_file_that_is_kept_from_us_is_told_with_the_lines(tmp_path: Path) -> None:
    """Read-only; a link into nothing. fish has a folder beside it."""
    (tmp_path / ".bashrc").write_text("alias a=b\n")
    (tmp_path / ".bashrc").chmod(0o444)
    (tmp_path / ".config" / "fish").mkdir(parents=True)
    (tmp_path / ".config" / "fish" / "config.fish").touch(mode=0o444)
    found = plan(tmp_path)

    assert ".bashrc" not in by_path(found, tmp_path)
    assert ".config/fish/conf.d/wa.fish" in by_path(found, tmp_path)
    assert any("is read-only" in note for note in found.notes)
    assert f"  {source_line('bash')}" in found.notes


def test_a_bash_of_a_log_in_that_never_reads_bashrc_is_told(tmp_path: Path) -> None:
    """On macOS every terminal's shell is one."""
    (tmp_path / ".bashrc").touch()
    (tmp_path / ".bash_profile").write_text("export A=b\n")
    assert any(".bash_profile does not read ~/.bashrc" in note for note in plan(tmp_path).notes)
    (tmp_path / ".bash_profile").write_text("test -f ~/.bashrc && source ~/.bashrc\n")

    assert not any("does not read" in note for note in plan(tmp_path).notes)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_real_shell_reads_its_lines_without_a_word(shell: str, tmp_path: Path) -> None:
    """Interactive, with a start-up file that only wa has written, in a terminal."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not here")
    file = startup_file(shell, {"HOME": str(tmp_path)})
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    made = plan(tmp_path)
    make(made)
    env = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "TERM": "xterm", "LANG": "C.UTF-8"}
    # The script begins only in a terminal; what is looked at here is that the file is read and its words are sound.
    done = subprocess.run(
        [shell, "-i", "-c", "echo ready"], env=env, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL
    )
    said = [line for line in done.stderr.splitlines() if "job control" not in line and "ioctl" not in line]

    assert done.stdout.strip().endswith("ready")
    assert [line for line in said if line.strip()] == []
