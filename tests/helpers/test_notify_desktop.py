"""notify-send and osascript, as programs on PATH that write down what they were given."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import tempfile
from pathlib import Path

import pytest

from wa.helpers import notify_desktop
from wa.helpers.notify import Message, NotifyError
from wa.helpers.notify_desktop import DesktopNotifier, with_session_bus

MESSAGE = Message("-x codex asks", "Run <b>it</b> & go?", True, "wa logs p3", "p3", "2026-11-21T08:42:29.123Z")


def program(folder: Path, name: str, body: str) -> dict[str, str]:
    """The environment in which *name* is this Python program."""
    path = folder / name
    path.write_text(f"#!{sys.executable}\nimport json, os, sys, time\n{body}\n")
    path.chmod(0o755)
    return {"PATH": str(folder), "OUT": str(folder / "out")}


KEEP = "json.dump(sys.argv[1:], open(os.environ['OUT'], 'w'))"


def kept(folder: Path) -> list[str]:
    said: list[str] = json.loads((folder / "out").read_text())
    return said


@pytest.mark.parametrize(("needs_you", "urgency"), [(True, "critical"), (False, "normal")])
def test_notify_send_gets_title_and_body_as_words(tmp_path: Path, needs_you: bool, urgency: str) -> None:
    """A title that begins with a dash is no option, and markup in the body is none."""
    env = program(tmp_path, "notify-send", KEEP)

    asyncio.run(DesktopNotifier(platform="linux", env=env).deliver(MESSAGE._replace(needs_you=needs_you)))

    body = "Run &lt;b&gt;it&lt;/b&gt; &amp; go?\nwa logs p3"
    assert kept(tmp_path) == ["--app-name=wa", f"--urgency={urgency}", "--", "-x codex asks", body]


def test_on_macos_the_texts_are_arguments_of_the_script(tmp_path: Path) -> None:
    """Nothing of them is read as AppleScript."""
    env = program(tmp_path, "osascript", KEEP)
    evil = MESSAGE._replace(body='" & (do shell script "reboot") & "')

    asyncio.run(DesktopNotifier(platform="darwin", env=env).deliver(evil))

    said = kept(tmp_path)
    assert said[-3:] == ["--", "-x codex asks", f"{evil.body}\nwa logs p3"]
    assert all("reboot" not in word for word in said[:-1])


def test_without_the_program_the_reason_names_it(tmp_path: Path) -> None:
    """And how to get it."""
    with pytest.raises(NotifyError, match="notify-send is not on PATH") as caught:
        asyncio.run(DesktopNotifier(platform="linux", env={"PATH": str(tmp_path)}).deliver(MESSAGE))

    assert "libnotify-bin" in caught.value.next_step


def test_without_a_desktop_its_own_words_are_the_reason(tmp_path: Path) -> None:
    """A machine without D-Bus; what else could be used is named."""
    said = "Cannot autolaunch D-Bus without X11 $DISPLAY"
    env = program(tmp_path, "notify-send", f"print({said!r}, file=sys.stderr); sys.exit(1)")

    with pytest.raises(NotifyError) as caught:
        asyncio.run(DesktopNotifier(platform="linux", env=env).deliver(MESSAGE))

    assert said in str(caught.value)
    assert "ntfy" in caught.value.next_step
    assert not caught.value.again


def test_a_program_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """notify-send waits for a bus that does not answer; nothing of it is left."""
    monkeypatch.setattr(notify_desktop, "WITHIN_S", 0.5)
    env = program(tmp_path, "notify-send", "open(os.environ['OUT'], 'w').write(str(os.getpid())); time.sleep(60)")

    with pytest.raises(NotifyError, match="did not end"):
        asyncio.run(DesktopNotifier(platform="linux", env=env).deliver(MESSAGE))

    out = tmp_path / "out"
    assert not out.exists() or not Path(f"/proc/{out.read_text()}").exists()


def test_the_session_bus_is_found_where_a_service_lacks_its_address() -> None:
    """systemd puts it below XDG_RUNTIME_DIR."""
    with tempfile.TemporaryDirectory() as short, socket.socket(socket.AF_UNIX) as bus:
        env = {"XDG_RUNTIME_DIR": short}
        with_session_bus(env)
        assert "DBUS_SESSION_BUS_ADDRESS" not in env

        bus.bind(f"{short}/bus")
        with_session_bus(env)

        assert env["DBUS_SESSION_BUS_ADDRESS"] == f"unix:path={short}/bus"
