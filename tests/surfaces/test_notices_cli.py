"""`wa notices` and `wa notify test`, with a sidecar, a webhook that is a real server, and a notify-send that is none."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from helpers.receiver import Received, receiver
from store.world import everything_in
from wa.api.shapes import load

SCREEN = Path(__file__).parents[1] / "data/agents/claude-code-2.1.12/approve-shell.prompt-120.txt"
SECRET = "s3cr3t-path"
TOKEN = "tk_s3cr3t"


@pytest.fixture
def server():
    with receiver() as received:
        yield received


@pytest.fixture
def told(house, server: Received):
    """A sidecar that tells by a webhook and a desktop that is not there; its address and token in private files."""
    config = house.home / "config"
    config.mkdir(parents=True)
    for name, text in (("url", f"{server.url}/{SECRET}"), ("token", TOKEN)):
        path = config / name
        path.touch(mode=0o600)
        path.write_text(text)
    (config / "config.toml").write_text(
        f"""
        wezterm.discover = false
        [notify]
        channels = ["webhook", "desktop"]
        waits_s = 1
        webhook = {{ url_file = "{config}/url", token_file = "{config}/token" }}
        """
    )
    programs = house.root / "programs"
    programs.mkdir()
    sender = programs / "notify-send"
    sender.write_text(f"#!{sys.executable}\nimport sys\nprint('no bus here', file=sys.stderr)\nsys.exit(1)\n")
    sender.chmod(0o755)
    house.env["PATH"] = f"{programs}:{house.env['PATH']}"
    house.start_mux()
    house.ok("watch", "--detach", "--socket", f"demo={house.mux_socket}")
    return house


def test_a_test_says_what_arrived_and_what_did_not(told, server: Received) -> None:
    """The webhook has it; the desktop's reason is told, and the exit status is not 0."""
    status, error = told.fails("notify", "test")

    assert (status, error["code"]) == (1, "notify.failed")
    assert error["details"]["ways"]["webhook"] == "delivered"
    assert "no bus here" in error["details"]["ways"]["desktop"]
    assert [(path, headers["Authorization"]) for path, headers, _ in server.requests] == [
        (f"/{SECRET}", f"Bearer {TOKEN}")
    ]
    assert told.wa("notify", "test", "--way", "webhook").returncode == 0
    assert told.fails("notify", "test", "--way", "ntfy")[0] == 2


def test_a_question_that_stands_is_told_and_listed(told, server: Received) -> None:
    """By a program called `claude` that shows what Claude Code shows; neither address nor token is kept anywhere."""
    program = told.root / "programs" / "claude"
    shutil.copy2(shutil.which("sh") or "/bin/sh", program)
    name = told.spawn(str(program), "-c", f"cat {SCREEN}; read -r _")
    uid = told.pane(name)["pane_uid"]

    told.until("the webhook", lambda: [data for _, _, data in server.requests if data["pane"] == uid])
    listed = told.until(
        "its delivery", lambda: [one for one in told.ok("notices")["notices"] if one["delivered"].get("desktop")]
    )

    data = next(data for _, _, data in server.requests if data["pane"] == uid)
    assert data["needs_you"] is True
    assert "asks for approval" in data["title"]
    assert "activate-pane" in data["command"]
    assert [one["pane_uid"] for one in listed] == [uid]
    assert listed[0]["delivered"] == {"webhook": "delivered", "desktop": "failed: notify-send: no bus here"}
    Draft202012Validator(load("notices")).validate(told.ok("notices"))
    assert len(told.ok("notices", "--pane", uid)["notices"]) == 1
    assert "asks for approval" in told.wa("notices").stdout
    told.ok("stop")
    assert len(told.ok("notices")["notices"]) == 1
    kept = everything_in(told.home / "data") + everything_in(told.home / "state")
    assert SECRET.encode() not in kept
    assert TOKEN.encode() not in kept
    assert len([one for one in server.requests if one[2]["pane"] == uid]) == 1


def test_without_a_sidecar_nobody_can_be_told(house) -> None:
    """Exit status 4; the list is read all the same."""
    assert house.fails("notify", "test")[0] == 4
    assert house.ok("notices")["notices"] == []
