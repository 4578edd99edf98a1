import shlex
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wa.model.errors import TerminalUnreachable
from wa.wezterm import ssh
from wa.wezterm.processes import Completed
from wa.wezterm.targets import SshTarget
from wezterm.listener import listening
from wezterm.waiting import run

BUILD = SshTarget("build-7")


def remote(line: str, home: Path, **env: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line as a remote login shell would."""
    given_env = {"HOME": str(home), "PATH": f"{home}:/usr/bin:/bin", **env}
    return subprocess.run(["/bin/sh", "-c", line], capture_output=True, env=given_env, timeout=10, input=b"stdin")


@pytest.fixture
def wezterm(tmp_path: Path) -> Path:
    """A remote `wezterm` that prints its words and its stdin, or fails where `fail` stands."""
    command = tmp_path / "wezterm"
    command.write_text(
        '#!/bin/sh\ncd "$HOME" || exit 9\n'
        "if [ -e fail ]; then touch run/wezterm/wezterm-log-$$.txt; echo bad >&2; exit 3; fi\n"
        'printf "<%s>" "$@"; cat\n'
    )
    command.chmod(0o755)
    (tmp_path / "run" / "wezterm").mkdir(parents=True)
    return tmp_path


@given(words=st.lists(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=12)))
def test_words_reach_the_remote_command_unchanged(words: list[str]) -> None:
    """Whatever is in a title or an argument, the remote shell makes exactly these words of it."""
    line = ssh.wezterm_command(SshTarget("h", wezterm=("printf", "<%s>\\0")), words)
    done = subprocess.run(["/bin/sh", "-c", line], capture_output=True, check=True, timeout=10)

    expected = "".join(f"<{word}>\0" for word in words) or "<>\0"
    assert done.stdout == expected.encode()


def test_stdin_output_and_status_pass_through(wezterm: Path) -> None:
    """The wrapper on the other side is not noticed, and a failure leaves no log file there."""
    line = ssh.wezterm_command(BUILD, ("cli", "send-text", "a b"))
    runtime = {"XDG_RUNTIME_DIR": str(wezterm / "run")}

    assert remote(line, wezterm, **runtime).stdout == b"<cli><send-text><a b>stdin"
    (wezterm / "fail").touch()
    failed = remote(line, wezterm, **runtime)
    assert (failed.returncode, failed.stderr) == (3, b"bad\n")
    assert list((wezterm / "run" / "wezterm").iterdir()) == []


def test_a_command_meant_for_another_server_does_not_run(wezterm: Path) -> None:
    """With the identity that was seen it runs; with any other it ends at once, with a status of its own."""
    path = wezterm / "run" / "wezterm" / "sock"
    runtime = {"XDG_RUNTIME_DIR": str(wezterm / "run")}
    with listening(path):
        found = path.stat()
        same = f"{found.st_ino}-{int(found.st_mtime)}"
        right = remote(ssh.wezterm_command(BUILD, ("cli",), only=same), wezterm, **runtime)
        wrong = remote(ssh.wezterm_command(BUILD, ("cli",), only="1-1"), wezterm, **runtime)

    assert (right.returncode, right.stdout) == (0, b"<cli>stdin")
    assert (wrong.returncode, wrong.stdout) == (ssh.IDENTITY_CHANGED, b"")


def test_a_path_below_the_home_is_expanded_there(wezterm: Path) -> None:
    """`~/bin/wezterm` means the other side's home."""
    (wezterm / "my bin").mkdir()
    (wezterm / "wezterm").rename(wezterm / "my bin" / "wezterm")
    line = ssh.wezterm_command(SshTarget("h", wezterm=("~/my bin/wezterm",)), ("cli",))

    assert remote(line, wezterm).stdout == b"<cli>stdin"


@pytest.mark.parametrize(
    ("status", "said", "meaning", "step"),
    [
        (255, "Host key verification failed.\r\n", "host key", "ssh build-7 true"),
        (
            255,
            "@@@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @@@\nHost key verification failed.",
            "host key",
            "ssh",
        ),
        (255, "me@build-7: Permission denied (publickey).\r\n", "without a question", "BatchMode"),
        (255, "ssh: Could not resolve hostname build-7: Name or service not known\r\n", "no such host", "config"),
        (255, "ssh: connect to host build-7 port 22: Connection refused\r\n", "cannot be reached", "network"),
        (255, "ssh: connect to host build-7 port 22: Connection timed out\r\n", "cannot be reached", "network"),
        (127, "bash: line 1: wezterm: command not found\n", "not on the PATH", "full path"),
        (127, "zsh:1: befehl nicht gefunden: wezterm\n", "not on the PATH", "full path"),
        (127, "env: 'wezterm': No such file or directory\n", "not on the PATH", "full path"),
        (
            1,
            'ERROR wezterm > failed to connect to Socket("/run/s"): connecting to /run/s; terminating',
            "no mux",
            "mux-server",
        ),
        (255, "", "status 255", "ssh build-7 true"),
        (1, "\x1b[31msomething else\x1b[0m\n", "something else", "ssh build-7 true"),
    ],
)
def test_complaints_are_told_with_what_to_do(status: int, said: str, meaning: str, step: str) -> None:
    """Each of ssh's and the remote shell's common complaints becomes an error with its own next step."""
    error = ssh.explain("build-7", status, said.encode())

    assert isinstance(error, TerminalUnreachable)
    assert meaning in error.message
    assert "build-7" in error.message
    assert step in error.next_step
    assert "\x1b" not in error.message


def test_a_shell_that_prints_is_quoted_back() -> None:
    """What stood in the stream is shown, without escape sequences, with where to look for it."""
    error = ssh.stray_output("build-7", b"\x1b[1mWelcome\x1b[0m to build-7\r\n" + b"x" * 500)

    assert "Welcome to build-7" in error.message
    assert "shell startup" in error.next_step
    assert len(error.message) < 200


def options_for(folder: Path, config: str, monkeypatch: pytest.MonkeyPatch) -> ssh.SshSession:
    async def answered(argv: list[str], **_: object) -> Completed:
        assert argv == ["ssh", "-G", "--", "build-7"]
        return Completed(0, config.encode(), b"")

    monkeypatch.setattr(ssh, "run", answered)
    return run(ssh.open_session(BUILD, folder, persist_s=60))


def test_connections_are_shared_in_a_folder_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a ControlPath of the user's, all commands share one connection, kept where only we can reach it."""
    with tempfile.TemporaryDirectory(dir="/tmp") as short:
        folder = Path(short, "100%")
        session = options_for(folder, "user me\ncontrolmaster false\n", monkeypatch)
        assert folder.stat().st_mode & 0o777 == 0o700

    argv = session.argv("true")
    assert f"ControlPath={short}/100%%/%C" in argv
    assert "ControlPersist=60" in argv
    assert argv[-3:] == ["--", "build-7", "true"]
    assert session.owns_control


def test_a_long_folder_is_replaced_by_a_short_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Unix socket's path is short: ssh must be able to bind its name with all that it appends."""
    session = options_for(tmp_path / ("long" * 30), "", monkeypatch)

    [option] = [word for word in session.argv("true") if word.startswith("ControlPath=")]
    folder = option.removeprefix("ControlPath=").removesuffix("/%C")
    assert len(folder) + 1 + 40 + 17 <= 107
    Path(folder).rmdir()


def test_the_users_own_sharing_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where ssh_config names a ControlPath, a master that asked for a second factor is used, and no other is made."""
    session = options_for(tmp_path / "c", "controlmaster auto\ncontrolpath /home/me/.ssh/c-%C\n", monkeypatch)

    assert not any(word.startswith("Control") for word in session.argv("true"))
    assert not session.owns_control
    assert not (tmp_path / "c").exists()


def test_nothing_is_ever_asked_or_forwarded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No password prompts, no agent, no X11, no ports of the user's own sessions, no terminal."""
    argv = options_for(tmp_path, "", monkeypatch).argv("true")

    assert {"-T", "-a", "-x", "BatchMode=yes", "ClearAllForwardings=yes", "RemoteCommand=none"} <= set(argv)
    assert any(word.startswith("ConnectTimeout=") for word in argv)


def test_a_control_folder_that_cannot_be_made_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file in its place, or somebody else's folder: an error that names it, not a crash."""
    with tempfile.TemporaryDirectory(dir="/tmp") as short:
        Path(short, "c").touch()
        with pytest.raises(TerminalUnreachable, match="control socket"):
            options_for(Path(short, "c"), "", monkeypatch)


def test_a_missing_ssh_has_a_next_step(tmp_path: Path) -> None:
    """A machine without ssh is told what to install."""
    with pytest.raises(TerminalUnreachable) as raised:
        run(ssh.open_session(SshTarget("h", ssh=("/nowhere/ssh",)), tmp_path))

    assert "OpenSSH" in raised.value.next_step


def test_the_line_is_one_for_every_shell() -> None:
    """Only single-quoted scripts and plain words: bash, zsh, dash, fish and csh read them alike."""
    line = ssh.wezterm_command(BUILD, ("cli", "list"), only="7-8")

    words = shlex.split(line)
    assert words[:2] == ["sh", "-c"]
    assert "'" not in words[2]
    assert words[3:] == ["wa", "7-8", "env", "WEZTERM_LOG=error", "wezterm", "cli", "list"]


@pytest.mark.parametrize(
    ("said", "zone"),
    [
        ("America/Chicago", "America/Chicago"),
        (":Europe/Berlin", "Europe/Berlin"),
        ("/usr/share/zoneinfo/Etc/UTC", "Etc/UTC"),
        ("../usr/share/zoneinfo/Europe/Paris", "Europe/Paris"),
        ("/var/db/timezone/zoneinfo/America/Argentina/Ushuaia", "America/Argentina/Ushuaia"),
        ("/usr/share/zoneinfo/posix/Asia/Tokyo", "Asia/Tokyo"),
        ("", None),
        ("<+03>-3", None),
        ("x" * 65, None),
    ],
)
def test_the_zone_of_a_host_is_read_from_what_it_says(tmp_path: Path, said: str, zone: str | None) -> None:
    """TZ, or where its clock's link leads (Debian, macOS, a link of another form); nothing where it says no name."""
    if said.startswith(("/", ".")):
        link = tmp_path / "localtime"
        link.symlink_to(said)
        told = remote(ssh._TELL_ZONE.replace("/etc/localtime", str(link)), tmp_path).stdout
    else:
        told = remote(ssh._TELL_ZONE.replace("/etc/localtime", str(tmp_path / "none")), tmp_path, TZ=said).stdout
    found = ssh._ZONE.search(told)

    assert (found and found[1].decode()) == zone


def test_the_configuration_below_home_is_used(tmp_path, monkeypatch):
    """ssh itself looks into the home of the password file, whatever HOME says; words of the caller's own stay."""
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / "control"

    assert run(ssh.open_session(SshTarget("h", ssh=("env", "ssh")), folder)).argv("x")[:2] == ["env", "ssh"]
    assert run(ssh.open_session(SshTarget("h"), folder)).argv("x")[:2] == ["ssh", "-T"]
    config = tmp_path / ".ssh" / "config"
    config.parent.mkdir()
    config.write_text("Host h\n")
    assert run(ssh.open_session(SshTarget("h"), folder)).argv("x")[:3] == ["ssh", "-F", str(config)]
