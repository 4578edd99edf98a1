"""Aliases and functions in start-up files: read, never run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wa.provision.rc_files import Called, called_hosts
from wa.provision.shell_text import commands


def calls(home: Path, env: dict[str, str] | None = None) -> list[Called]:
    return called_hosts(home, {"USER": "me", **(env or {})}).calls


@pytest.mark.parametrize(
    ("line", "alias", "host", "user", "port"),
    [
        ("alias trj='ssh ubuntu@10.0.0.3 -p 2222'", "trj", "10.0.0.3", "ubuntu", 2222),
        ('alias trj="ssh -p2222 ubuntu@10.0.0.3"', "trj", "10.0.0.3", "ubuntu", 2222),
        ("alias -g trj='ssh -l ubuntu 10.0.0.3'", "trj", "10.0.0.3", "ubuntu", None),
        ("alias a=ls trj='ssh -tt -o Port=22 trj tmux attach -t x'", "trj", "trj", None, 22),
        ("alias trj='TERM=xterm command /usr/bin/ssh -vAC trj'", "trj", "trj", None, None),
        ('alias trj="ssh $USER@trj"', "trj", "trj", "me", None),
        ('trj() { ssh -t ubuntu@trj "$@"; }', "trj", "trj", "ubuntu", None),
        ("function trj {\n  local x=1\n  { echo hi; }\n  exec ssh trj\n}", "trj", "trj", None, None),
        ("trj ()\n{\n  if true; then ssh ssh://me@trj:2022; fi\n}", "trj", "trj", "me", 2022),
        ("[ -f x ] && alias trj='ssh trj'", "trj", "trj", None, None),
        ("alias trj='ssh \\\n trj'", "trj", "trj", None, None),
    ],
)
def test_ssh_in_an_alias_or_a_function_is_found(
    tmp_path: Path, line: str, alias: str, host: str, user: str | None, port: int | None
) -> None:
    """With user and port, wherever they stand."""
    (tmp_path / ".zshrc").write_text(f"# x\n{line}\nalias ll='ls -l'\n")

    (call,) = calls(tmp_path)

    assert (call.alias, call.host, call.user, call.port) == (alias, host, user, port)


@pytest.mark.parametrize(
    "line",
    [
        "alias x='ssh $HOST'",
        "alias x='ssh $(curl evil)'",
        'go() { ssh "$1"; }',
        "# alias x='ssh host'",
        "alias x='sshfs host:/ /mnt'",
        "alias x='echo ssh host'",
        "ssh-add ~/.ssh/key",
        "cat <<EOF\nalias x='ssh host'\nEOF",
        "cat <<-'E O'\n",
        "alias x=ssh",
        "alias x='ssh -p 22'",
    ],
)
def test_what_names_no_host_is_none(tmp_path: Path, line: str) -> None:
    """A host that only a shell would know, another program, a comment, a text."""
    (tmp_path / ".bashrc").write_text(line)

    assert calls(tmp_path) == []


def test_fish_says_it_otherwise(tmp_path: Path) -> None:
    """Aliases of two words, abbreviations, functions that end with `end`, and files that fish loads by itself."""
    fish = tmp_path / ".config/fish"
    (fish / "functions").mkdir(parents=True)
    (fish / "conf.d").mkdir()
    (fish / "config.fish").write_text(
        "alias one 'ssh a.example'\nalias two='ssh b.example'\nabbr -a three ssh c.example\nif true\n  x\nend\n"
        "source $__fish_config_dir/more.fish\n"
    )
    (fish / "more.fish").write_text("alias six 'ssh f.example'\n")
    (fish / "conf.d/x.fish").write_text("abbr --add four 'ssh d.example'\n")
    (fish / "functions/five.fish").write_text(
        "function five --description 'go'\n  if true\n    x\n  end\n  ssh -p 22 e.example $argv\nend\nssh outside\n"
    )

    assert {call.alias: call.host for call in calls(tmp_path)} == {
        "one": "a.example",
        "two": "b.example",
        "three": "c.example",
        "four": "d.example",
        "five": "e.example",
        "six": "f.example",
    }


def test_sourced_files_are_followed_and_loops_are_told(tmp_path: Path) -> None:
    """By `~`, `$HOME`, quotes and relative paths; what is not there is nothing."""
    (tmp_path / ".zshrc").write_text(
        'source ~/.one\n. "${HOME}/two"\n[ -f ~/no ] && . ~/no\nsource $ZSH/oh-my-zsh.sh\n'
    )
    (tmp_path / ".one").write_text("source ~/.zshrc\nalias one='ssh one'\n")
    (tmp_path / "two").write_text("alias two='ssh two'\n")

    found = called_hosts(tmp_path, {})

    assert [(call.alias, call.file.name) for call in found.calls] == [("one", ".one"), ("two", "two")]
    assert found.notes == ["~/.zshrc reads itself, by way of other files: not followed."]


@pytest.mark.parametrize(
    ("name", "loop"),
    [
        (".zshrc", "for f in ~/.zsh/*.zsh(N); do\n  source $f\ndone\n"),
        (".bashrc", 'for f in "$HOME"/.zsh/*.zsh /none/*; do [ -r "$f" ] && . "${f}"; done\n'),
        (".config/fish/config.fish", "for f in ~/.zsh/*.zsh\n  source $f\nend\n"),
    ],
)
def test_files_that_a_loop_sources_are_followed(tmp_path: Path, name: str, loop: str) -> None:
    """As many people keep their start-up files."""
    (tmp_path / ".zsh").mkdir()
    (tmp_path / ".zsh/b.zsh").write_text("alias b='ssh b'\n")
    (tmp_path / ".zsh/a.zsh").write_text("alias a='ssh a'\n")
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(loop)

    assert [call.alias for call in calls(tmp_path)] == ["a", "b"]


def test_hostile_files_are_read_and_nothing_else(tmp_path: Path) -> None:
    """Nothing of them runs, no pipe is waited for, and a chain of files has an end."""
    os.mkfifo(tmp_path / ".bash_aliases")
    (tmp_path / ".bashrc").write_text(f"touch {tmp_path}/ran\n$(touch {tmp_path}/ran)\nsource ~/c0\n")
    for number in range(400):
        (tmp_path / f"c{number}").write_text(f"source ~/c{number + 1}\n")

    found = called_hosts(tmp_path, {})

    assert not (tmp_path / "ran").exists()
    assert any(".bash_aliases is no file" in note for note in found.notes)
    assert any("not all were looked through" in note for note in found.notes)


@settings(max_examples=300)
@given(st.text(alphabet="ash=x'\"\\$()`{};&|#<EOF \t\n", max_size=60))
def test_no_text_is_too_odd_to_be_taken_apart(text: str) -> None:
    """It ends, and every line number lies within the text."""
    lines = [one.line for one in commands(text)]

    assert all(1 <= line <= text.count("\n") + 1 for line in lines)


FLAGS = st.lists(
    st.sampled_from(["-v", "-A", "-tt", "-C", "-o ServerAliveInterval=5", "-L 8080:localhost:80"]), max_size=2
)
NAME = st.from_regex(r"[a-z][a-z0-9-]{0,6}[a-z0-9]", fullmatch=True)


@settings(max_examples=150, deadline=None)
@given(
    alias=NAME,
    host=NAME,
    user=NAME,
    port=st.integers(1, 65535),
    before=FLAGS,
    after=FLAGS,
    how=st.sampled_from(["user@", "-l {user}", "-l{user}", "-o User={user}", "ssh://"]),
    where=st.sampled_from(["-p {port}", "-p{port}", "-o Port={port}", "-oPort={port}"]),
    form=st.sampled_from(
        [
            "alias {alias}='{line}'\n",
            'alias {alias}="{line}"\n',
            '{alias}() {{ {line} "$@"; }}\n',
            "function {alias} {{\n\t{line}\n}}\n",
        ]
    ),
    is_port_first=st.booleans(),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_every_way_to_write_it_means_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    alias: str,
    host: str,
    user: str,
    port: int,
    before: list[str],
    after: list[str],
    how: str,
    where: str,
    form: str,
    is_port_first: bool,
    end: str,
) -> None:
    """User and port as options, in the name, before the host or behind it."""
    target = {"user@": f"{user}@{host}", "ssh://": f"ssh://{user}@{host}"}.get(how, host)
    options = [] if how in ("user@", "ssh://") else [how.format(user=user)]
    place = [where.format(port=port)]
    words = [
        "ssh",
        *before,
        *options,
        *(place if is_port_first else []),
        target,
        *([] if is_port_first else place),
        *after,
    ]
    home = tmp_path_factory.mktemp("home")
    text = f"# mine\n{form.format(alias=alias, line=' '.join(words))}export X=1\n"
    (home / ".bashrc").write_bytes(text.replace("\n", end).encode())

    (call,) = calls(home)

    assert (call.alias, call.host, call.user, call.port) == (alias, host, user, port)
