"""Who may act, as a person at a terminal sees it: pauses, approvals, the policy and what was done."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from surfaces.conftest import House, Inside, build, wait_for

RULES = """
[wezterm]
discover = false

[[policy.rule]]
action = "send"
actor = "human"
decision = "ask"
reason = "I want to see it"
"""


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A sidecar whose person wants to be asked about every text, their own included."""
    built = build(tmp_path_factory.mktemp("a") / "h")
    try:
        (built.home / "config").mkdir(parents=True)
        (built.home / "config" / "config.toml").write_text(RULES)
        built.start_mux()
        built.ok("watch", "--detach", "--socket", f"demo={built.mux_socket}")
        wait_for("a watched pane", lambda: [pane for pane in built.ok("panes")["panes"] if pane["source"]])
        yield built
    finally:
        built.close()


def at_terminal(house: House, *words: str, answer: str = "", env: dict[str, str] | None = None) -> tuple[int, str]:
    """A command at a real terminal, and what it printed; *answer* is typed when it asks."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "wa", *words],
        env=house.env | (env or {}),
        cwd=house.root,
        stdin=follower,
        stdout=follower,
        stderr=follower,
        start_new_session=True,
    )
    os.close(follower)
    said, typed, give_up = b"", not answer, time.monotonic() + 60
    try:
        while time.monotonic() < give_up:
            if not select.select([leader], [], [], 0.1)[0]:
                continue
            try:
                part = os.read(leader, 4096)
            except OSError:
                break
            if not part:
                break
            said += part
            if not typed and b"[y/N]" in said:
                os.write(leader, f"{answer}\n".encode())
                typed = True
    finally:
        os.close(leader)
    return process.wait(10), said.decode()


def test_a_question_is_answered_by_a_person_at_a_terminal_and_the_answer_used_once(asked: House) -> None:
    """The whole way: asked, shown, refused without a terminal and to an agent, granted, done once, asked anew, denied."""
    status, error = asked.fails("send", "p1", "echo ap''proved")
    ident = error["details"]["approval"]
    assert (status, error["details"]["outcome"]) == (5, "asked")
    (waiting,) = asked.ok("approvals")["approvals"]
    assert (waiting["summary"], waiting["reason"], waiting["status"]) == (
        "send “echo ap''proved” and Return",
        "I want to see it",
        "asked",
    )
    number = str(waiting["id"])
    assert f"wa approve {number}" in error["next_step"]
    assert ident == waiting["id"]

    for words in (("approve", number), ("approve", number, "--yes"), ("deny", number, "--yes")):
        status, refused = asked.fails(*words)
        assert (status, refused["code"]) == (5, "refused.no_terminal")

    status, said = at_terminal(asked, "approve", number, answer="n")
    assert status != 0
    status, said = at_terminal(asked, "approve", number, answer="y")
    assert (status, "echo ap''proved" in said, "Granted once" in said) == (0, True, True)

    assert asked.ok("send", "p1", "echo ap''proved")["outcome"] == "submitted"
    asked.until("its output", lambda: [row for row in asked.lines("p1", "--all") if row == "approved"])
    status, error = asked.fails("send", "p1", "echo ap''proved")
    assert error["details"]["outcome"] == "asked"
    second = str(asked.ok("approvals")["approvals"][0]["id"])
    assert second != number
    status, said = at_terminal(asked, "deny", second, "--yes")
    assert (status, "Denied" in said) == (0, True)
    assert asked.ok("approvals")["approvals"] == []
    assert asked.fails("send", "p1", "echo ap''proved", "--dry-run")[1]["details"]["outcome"] == "asked"


def test_an_agent_may_pause_and_may_neither_approve_nor_resume(asked: House, tmp_path: Path) -> None:
    """A program called like an agent stands above the command; a terminal of its own does not help it."""
    agent = tmp_path / "codex"
    agent.symlink_to(sys.executable)
    script = tmp_path / "run.py"
    script.write_text(
        "import json, pty, subprocess, sys\n"
        "leader, follower = pty.openpty()\n"
        "done = subprocess.run(sys.argv[1:], stdin=follower, capture_output=True, text=True)\n"
        "print(done.stdout)\n"
    )
    asked.fails("send", "p1", "echo hm")
    number = str(asked.ok("approvals")["approvals"][-1]["id"])

    def by_agent(*words: str) -> Any:
        done = subprocess.run(
            [str(agent), str(script), sys.executable, "-m", "wa", *words, "--json"],
            env=asked.env, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        return json.loads(done.stdout)

    on, by_hand = ("workflow", "enable", "handle_compaction"), ("workflow", "run", "handle_compaction", "--pane", "p1")
    for words in (("approve", number, "--yes"), ("deny", number, "--yes"), ("resume", "--all"), on, by_hand):
        assert by_agent(*words)["error"]["code"] == "refused.person_only", words
    refused = by_agent("send", "p1", "echo by an agent")["error"]
    assert (refused["code"], refused["details"]["outcome"]) == ("refused", "refused")
    assert by_agent("pause", "p1")["ok"] is True
    assert asked.ok("resume", "p1")["ended"][0]["name"] == "p1"
    assert asked.ok("audit", "--actor", "codex")["actions"][-1]["summary"] == "send “echo by an agent” and Return"
    at_terminal(asked, "deny", number, "--yes")


def test_pauses_are_told_and_end(asked: House) -> None:
    """In `wa status` too, for people and for programs."""
    asked.ok("pause", "p1", "--for", "2h", "--reason", "I work here")
    (pause,) = asked.ok("pause", "--agent", "codex")["pauses"][:1]
    assert (pause["scope"], pause["name"], pause["reason"], pause["until"] is None) == (
        "pane",
        "p1",
        "I work here",
        False,
    )
    assert len(asked.ok("status")["acting"]["pauses"]) == 2
    assert "paused: p1, until" in asked.wa("status").stdout
    told = asked.ok("policy", "explain", "p1", "--actor", "workflow:mine")
    assert (told["decision"], told["rule"], told["paused"]) == ("deny", "never.shell", "p1")
    assert asked.ok("resume", "p1")["pauses"][0]["name"] == "codex"
    assert [one["name"] for one in asked.ok("resume", "--all")["ended"]] == ["codex"]
    for words in ((), ("p1", "--all"), ("p1", "--for", "soon"), ("--agent", "nobody"), ("p99",)):
        assert asked.fails("pause", *words)[0] in (2, 3)


def test_the_policy_tells_what_it_would_decide(asked: House) -> None:
    """By which rule, and which others fit."""
    told = asked.ok("policy", "explain", "p1", "--text", "ls")
    assert (told["decision"], told["rule"], told["reason"]) == ("ask", "rule 1", "I want to see it")
    assert [rule["name"] for rule in told["rules"] if rule["fits"]] == ["rule 1", "shipped.human"]
    assert asked.ok("policy", "explain", "p1", "--action", "choose", "--label", "Yes")["rule"] == "never.no_dialog"
    assert asked.ok("policy", "explain", "p1", "--action", "keys", "--key", "up")["decision"] == "allow"
    printed = asked.wa("policy", "explain", "p1").stdout
    assert "ask by rule 1" in printed
    assert " * rule 1: ask where action send, actor human" in printed
    assert asked.fails("policy", "explain", "p1", "--action", "dance")[0] == 2


def test_what_was_done_is_told_with_its_reasons(asked: House) -> None:
    """Over the sidecar and, after it ended, from the database."""
    asked.fails("send", "p1", "echo told")
    action = asked.ok("audit", "--pane", "p1", "--outcome", "asked")["actions"][-1]
    assert (action["actor"]["kind"], action["decision"], action["rule"]) == ("human", "ask", "rule 1")
    told = asked.ok("why", str(action["id"]))
    assert told["action"] == action
    said = " ".join(told["said"])
    assert "A person wanted this of p1" in said
    assert "It was left to a person by rule 1: I want to see it." in said
    assert "Nothing was typed." in said
    assert "echo told" in asked.wa("audit").stdout
    assert "Nothing was typed." in asked.wa("why", str(action["id"])).stdout
    assert asked.fails("why", "999999")[0] == 3
    assert asked.ok("audit", "--since", "1s", "--outcome", "pasted")["actions"] == []


def test_an_empty_queue_is_told_and_what_is_not_there_cannot_be_cancelled(asked: House) -> None:
    """By number."""
    assert asked.ok("queue", "list")["queued"] == []
    assert asked.ok("queue", "list", "--all", "--pane", "p1")["queued"] == []
    assert asked.fails("queue", "cancel", "7")[0] == 3


def test_without_a_sidecar_what_is_stored_is_told_and_nothing_is_changed(inside: Inside) -> None:
    """Reading works; what changes something says that no sidecar runs."""
    for words in (("approvals",), ("audit",), ("queue", "list")):
        done = inside(*words, "--json")
        assert (done.returncode, json.loads(done.stdout)["data"]["live"]) == (0, False), words
    assert inside("why", "1").returncode == 3
    for words in (("pause", "--all"), ("resume", "--all"), ("queue", "cancel", "1"), ("policy", "explain", "p1")):
        assert inside(*words).returncode == 4, words
    assert "No actions." in inside("audit").stdout
    assert "Nothing waits for a yes." in inside("approvals").stdout
    assert inside("approve", "1").returncode == 5
