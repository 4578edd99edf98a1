"""`wa setup local` in homes of every kind: made, nothing more the second time, taken back to the byte."""

from __future__ import annotations

import json
import os
import pty
import select
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wa.provision.lua_eval import evaluate

WEZTERM = shutil.which("wezterm")
SSH = shutil.which("ssh")


class Home:
    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()
        self.env = {"HOME": str(root), "SHELL": "/bin/bash", "LANG": "C.UTF-8", "PATH": os.environ["PATH"]}

    def write(self, name: str, text: str | bytes, mode: int = 0o644) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode)
        os.utime(path, ns=(1_600_000_000_123_456_789, 1_600_000_000_987_654_321))
        return path

    @property
    def config(self) -> Path:
        return self.root / ".config" / "wezterm" / "wezterm.lua"

    def wa(self, *words: str, status: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "wa", "setup", *words],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=120,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    def local(self, *words: str, **how: Any) -> str:
        return self.wa("local", "--yes", *words, **how)

    def plan(self, *words: str) -> dict[str, Any]:
        found = json.loads(self.wa("local", "--dry-run", "--json", *words))
        return dict(found["result"] if "result" in found else found["data"])

    def snapshot(self) -> dict[str, tuple[object, ...]]:
        """Every file and link, with mode and times; the journal's own folder goes when a plan is taken back."""
        found: dict[str, tuple[object, ...]] = {}
        for path in sorted(self.root.rglob("*")):
            known = path.lstat()
            name = str(path.relative_to(self.root))
            if path.is_symlink():
                found[name] = ("link", path.readlink())
            elif path.is_dir():
                found[name] = ("folder", stat.S_IMODE(known.st_mode))
            else:
                found[name] = (path.read_bytes(), stat.S_IMODE(known.st_mode), known.st_mtime_ns)
        return found


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


USUAL = """local wezterm = require 'wezterm'
local c = wezterm.config_builder()
c.font_size = 12
return c
"""


def bare(_home: Home) -> None:
    pass


def usual(home: Home) -> None:
    home.write(".config/wezterm/wezterm.lua", USUAL)
    home.write(".bashrc", "alias a=b")


def old_place(home: Home) -> None:
    home.write(".wezterm.lua", "return { font_size = 12 }")


def required(home: Home) -> None:
    home.write(".config/wezterm/wezterm.lua", "return require 'mine'")
    home.write(".config/wezterm/mine/init.lua", "return { font_size = require('mine.size') }")
    home.write(".config/wezterm/mine/size.lua", "return 12")


def dotfiles(home: Home) -> None:
    for name, text in (("wezterm.lua", USUAL), ("bashrc", "alias a=b\n"), ("zshrc", "")):
        home.write(f"dotfiles/{name}", text, 0o600)
    home.config.parent.mkdir(parents=True)
    home.config.symlink_to("../../dotfiles/wezterm.lua")
    for shell in ("bashrc", "zshrc"):
        (home.root / f".{shell}").symlink_to(f"dotfiles/{shell}")


def windows(home: Home) -> None:
    home.write(".config/wezterm/wezterm.lua", "\ufeff" + USUAL.replace("\n", "\r\n").removesuffix("\r\n"))


def oh_my_zsh(home: Home) -> None:
    home.write(".zshenv", 'export ZDOTDIR="$HOME/.zsh"\n')
    home.write(".zsh/.zshrc", "export ZSH=$HOME/.oh-my-zsh\nplugins=(git)\nsource $ZSH/oh-my-zsh.sh\n", 0o640)
    home.env["SHELL"] = "/usr/bin/zsh"


def fish(home: Home) -> None:
    home.write(".config/fish/config.fish", "set -g fish_greeting\n")
    home.env["SHELL"] = "/usr/bin/fish"


def two_blocks(home: Home) -> None:
    home.write(
        ".config/wezterm/wezterm.lua",
        USUAL.replace("return c", "-- wa tune: begin\nc.x = nil\n-- wa tune: end\nreturn c"),
    )


HOMES = (bare, usual, old_place, required, dotfiles, windows, oh_my_zsh, fish, two_blocks)


@pytest.mark.parametrize("kind", HOMES, ids=lambda kind: kind.__name__)
def test_a_home_is_set_up_once_and_comes_back(kind: Callable[[Home], None], home: Home) -> None:
    """Every file with content, mode and time as before; the links are links."""
    kind(home)
    before = home.snapshot()
    asked = home.plan()
    assert home.snapshot() == before
    assert any(one["state"] == "to_do" for one in asked["changes"])

    home.local()
    made = home.snapshot()
    assert {name: one for name, one in made.items() if one[0] == "link"} == {
        name: one for name, one in before.items() if one[0] == "link"
    }
    assert "Nothing to change" in home.local()
    assert [one for one in home.plan()["changes"] if one["state"] != "holds"] == []
    assert home.snapshot() == made
    home.wa("undo", "--yes")

    assert home.snapshot() == before


@pytest.mark.parametrize("kind", [bare, usual, old_place, required, dotfiles, windows], ids=lambda kind: kind.__name__)
def test_the_new_configuration_says_what_the_old_one_said(kind: Callable[[Home], None], home: Home) -> None:
    """And wa's plugin is called in it, from where WezTerm looks for modules."""
    kind(home)
    home.local()
    path = home.config if home.config.exists() else home.root / ".wezterm.lua"
    text = path.read_bytes().decode()
    found = evaluate(text, path, env=home.env)

    assert found.config.get("font_size") == (12 if kind is not bare else None)
    assert "user-var-changed" in found.handlers
    assert home.root.joinpath(".config/wezterm/wa_plugin/settings.lua").is_file()


@pytest.mark.skipif(SSH is None, reason="needs ssh on PATH")
def test_domains_bring_the_layout_with_them(home: Home) -> None:
    """As ssh knows them; a second run without words keeps them; a no stays a no; another host is added."""
    home.write(".ssh/config", "Host trj\n HostName 10.0.0.3\n Port 2222\n User ubuntu\nHost css\n User me\n", 0o600)
    usual(home)
    home.local("--domains", "trj", "--no-startup")

    def layout() -> dict[str, Any]:
        found = evaluate(home.config.read_text(), home.config, env=home.env).config
        assert [one["name"] for one in found["ssh_domains"]][:1] == ["trj"]
        return found

    found = layout()
    assert found["ssh_domains"][0]["remote_address"] == "10.0.0.3:2222"
    assert found["leader"]["key"] == "a"
    assert "startup = false" in home.config.read_text()
    assert "Nothing to change" in home.local()
    home.local("--domains", "css")
    assert [one["name"] for one in layout()["ssh_domains"]] == ["trj", "css"]
    assert "startup = false" in home.config.read_text()
    said = home.local("--domains", "nobody;touch x", status=3)
    assert "nobody;touch x cannot be a domain" in said


def test_what_the_user_has_already_is_left_and_named(home: Home) -> None:
    """A leader, a gui-startup of their own, a scheme."""
    home.write(
        ".config/wezterm/wezterm.lua",
        "local wezterm = require 'wezterm'\nwezterm.on('gui-startup', function() end)\n"
        "wezterm.on('format-tab-title', function(tab) return tab.tab_title end)\nreturn { color_scheme = 'Dracula',"
        " leader = { key = 'b', mods = 'CTRL' }, ssh_domains = { { name = 'one', remote_address = 'h' } } }\n",
    )
    said = home.local("--no-shell")

    assert "gui-startup handler of your own" in said
    assert "a leader of your own, CTRL b" in said
    assert "colours of your own (Dracula)" in said
    assert "no badges are drawn" in said
    assert "layout" not in home.config.read_text()
    home.local("--no-shell", "--keys", "--startup")
    found = evaluate(home.config.read_text(), home.config, env=home.env).config
    assert found["leader"]["key"] == "b"
    assert found["keys"][0]["key"] == "w"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("local c = {}\nc.x.y = 1\nreturn c\n", "line 2"),
        ("local c = {\nreturn c\n", "line"),
        ("return 5", "not a table"),
    ],
)
def test_an_error_in_the_users_file_is_shown_and_nothing_is_written(text: str, why: str, home: Home) -> None:
    """Neither the plugin nor the shells: first that is mended."""
    home.write(".config/wezterm/wezterm.lua", text)
    home.write(".bashrc", "")
    before = home.snapshot()
    said = home.local(status=2)

    assert why in said
    assert "Nothing was written" in said
    assert home.snapshot() == before


@pytest.mark.parametrize(
    ("text", "mode", "why"),
    [
        ("local c = {}\nif true then return c end\n", 0o644, "returns no configuration"),
        (USUAL, 0o444, "is read-only"),
    ],
)
def test_where_it_cannot_be_done_safely_the_lines_are_printed(text: str, mode: int, why: str, home: Home) -> None:
    """The file stays as it is, the plugin is there, and what to paste works."""
    home.write(".config/wezterm/wezterm.lua", text, mode)
    said = home.local("--no-shell")

    assert why in said
    assert 'local wa = require("wa_plugin")' in said
    assert "wa.apply_to_config(config)" in said
    assert home.config.read_text() == text
    assert (home.config.parent / "wa_plugin" / "init.lua").is_file()


def test_an_edit_of_the_user_outlives_the_undo(home: Home) -> None:
    """Only wa's block goes."""
    usual(home)
    home.local()
    home.config.write_text(home.config.read_text().replace("font_size = 12", "font_size = 13"))
    home.wa("undo", "--yes")

    assert home.config.read_text() == USUAL.replace("12", "13")


def test_parts_can_be_left_out(home: Home) -> None:
    """Only the shells; only WezTerm."""
    home.write(".bashrc", "")
    assert {one["path"] for one in home.plan("--no-wezterm", "--no-service")["changes"]} >= {str(home.root / ".bashrc")}
    assert not home.config.parent.exists()
    only = {str(one["path"]) for one in home.plan("--no-shell", "--no-service")["changes"]}
    assert all("wezterm" in path for path in only)
    assert "--no-wezterm" in home.local("--no-wezterm", "--keys", status=2)


@pytest.mark.wezterm
@pytest.mark.skipif(WEZTERM is None, reason="needs wezterm on PATH")
def test_the_users_own_wezterm_has_the_last_word(home: Home) -> None:
    """What it says of the file as it is stops nothing; an error does, with its line, and nothing is written."""
    home.write(".config/wezterm/wezterm.lua", USUAL.replace("return c", "c.color_scheme = 'No Such'\nreturn c"))
    said = home.local("--no-shell")
    assert "No Such" in said
    home.wa("undo", "--yes")
    home.write(".config/wezterm/wezterm.lua", USUAL.replace("return c", "c.no_such_field = 5\nreturn c"))
    before = home.snapshot()
    said = home.local("--no-shell", status=2)

    assert "no_such_field" in said
    assert "line 4" in said
    assert home.snapshot() == before


@pytest.mark.wezterm
@pytest.mark.skipif(WEZTERM is None, reason="needs wezterm on PATH")
def test_a_file_that_only_wezterm_can_read_gets_what_is_asked_for_and_nothing_else(home: Home) -> None:
    """Its own file system, say; then nothing is known of what is there."""
    text = "local file = io.open('/dev/null')\nfile:close()\nreturn { ssh_domains = { { name = 'q', remote_address = 'h' } } }\n"
    home.write(".config/wezterm/wezterm.lua", text)
    said = home.local("--no-shell", "--keys")

    assert "could not read" in said
    assert "layout = { keys = {} }" in home.config.read_text()
    assert "Nothing to change" in home.local("--no-shell")
    home.wa("undo", "--yes")
    assert home.config.read_text() == text


@pytest.mark.skipif(SSH is None, reason="needs ssh on PATH")
def test_at_a_terminal_it_asks(home: Home) -> None:
    """The menu of hosts, each part, and at the end whether to make it."""
    home.write(".ssh/config", "Host trj\n HostName 10.0.0.3\n User ubuntu\n", 0o600)
    usual(home)
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(sys.executable, [sys.executable, "-P", "-m", "wa", "setup", "local"], {**home.env, "TERM": "xterm"})
    said = b""
    answers = [(b"Which ones?", b"1\n"), (b"Colours", b"n\n"), (b"window for each", b"\n"), (b"Keys", b"\n")]
    answers.append((b"Make these changes?", b"y\n"))
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        ready, _, _ = select.select([terminal], [], [], 1)
        try:
            piece = os.read(terminal, 65536) if ready else b""
        except OSError:
            break
        if ready and not piece:
            break
        said += piece
        if answers and answers[0][0] in said:
            os.write(terminal, answers.pop(0)[1])
            said = b""
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    text = home.config.read_text()

    assert (answers, status) == ([], 0), said.decode()
    assert 'name = "trj"' in text
    assert "looks = false" in text
    assert "keys = {" in text


@pytest.mark.skipif(SSH is None, reason="needs ssh on PATH")
def test_a_host_that_is_called_like_wezterms_own_domain_is_refused(home: Home) -> None:
    """Two domains of one name are an error of WezTerm's."""
    home.write(".ssh/config", "Host local\n HostName 10.0.0.3\n", 0o600)

    assert "WezTerm has a domain 'local' of its own" in home.local("--domains", "local", status=2)


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_completion_works_in_a_real_shell_afterwards(shell: str, home: Home) -> None:
    """With zsh's own compinit in ~/.zshrc; fish finds the file by itself."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not here")
    home.env["SHELL"] = f"/usr/bin/{shell}"
    home.write(
        ".zshrc" if shell == "zsh" else ".config/fish/config.fish",
        "autoload -Uz compinit; compinit -D -u\n" * (shell == "zsh"),
    )
    home.local("--no-wezterm", "--no-service")
    ask = "print -r -- $_comps[wa]" if shell == "zsh" else "complete -C 'wa setu'"
    done = subprocess.run(
        [shell, "-i", "-c", ask], env=home.env, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL
    )

    assert ("__wa_complete" if shell == "zsh" else "setup") in done.stdout, done.stderr


SYSTEMCTL = """#!/bin/sh
# A manager that remembers what it was told, in files named for it.
cd "$(dirname "$0")/state" || exit 1
echo "$*" >> calls
shift
case $1 in
    show) echo Version=252 ;;
    is-enabled) if [ -e enabled ]; then echo enabled; else echo disabled; exit 1; fi ;;
    is-active) if [ -e active ]; then echo active; else echo inactive; exit 3; fi ;;
    enable) : > enabled ;;
    start) : > active ;;
    disable) rm -f enabled ;;
    stop) rm -f active ;;
    daemon-reload) ;;
    *) exit 1 ;;
esac
"""


def test_where_a_manager_answers_wa_gets_its_own_service(home: Home, tmp_path: Path) -> None:
    """Enabled and started; the second time it holds; undo stops it, and its file goes."""
    tools = tmp_path / "tools"
    (tools / "state").mkdir(parents=True)
    (tools / "systemctl").write_text(SYSTEMCTL)
    (tools / "systemctl").chmod(0o755)
    home.env["PATH"] = f"{tools}:{home.env['PATH']}"
    before = home.snapshot()
    home.local("--no-shell")
    unit = home.root / ".config" / "systemd" / "user" / "wa.service"

    assert "wa watch" in unit.read_text()
    assert sorted(path.name for path in (tools / "state").iterdir()) == ["active", "calls", "enabled"]
    assert "Nothing to change" in home.local("--no-shell")
    home.wa("undo", "--yes")
    assert sorted(path.name for path in (tools / "state").iterdir()) == ["calls"]
    assert home.snapshot() == before


def test_without_a_manager_it_says_how_to_start_the_sidecar(home: Home, tmp_path: Path) -> None:
    """And makes no unit that nobody reads."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "systemctl").write_text("#!/bin/sh\nexit 1\n")
    (tools / "systemctl").chmod(0o755)
    home.env["PATH"] = f"{tools}:{home.env['PATH']}"
    said = home.local("--no-shell")

    assert "wa watch --detach" in said
    assert not (home.root / ".config" / "systemd").exists()
