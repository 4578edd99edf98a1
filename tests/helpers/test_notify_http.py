"""Webhook and ntfy against a real server on loopback."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest

from helpers.receiver import Received, receiver
from wa.helpers import notify_http
from wa.helpers.notify import Destination, Message, NotifyError
from wa.helpers.notify_ntfy import NtfyNotifier
from wa.helpers.notify_webhook import WebhookNotifier

MESSAGE = Message("codex asks für ✓", "Run it?", True, "wa logs p3", "p3", "2026-11-21T08:42:29.123Z")


@pytest.fixture
def server() -> Iterator[Received]:
    with receiver() as received:
        yield received


def webhook(monkeypatch: pytest.MonkeyPatch, url: str, token: str = "") -> WebhookNotifier:
    monkeypatch.setenv("WA_TEST_URL", url)
    monkeypatch.setenv("WA_TEST_TOKEN", token or "x")
    return WebhookNotifier(Destination(url_env="WA_TEST_URL", token_env="WA_TEST_TOKEN" if token else ""))


def test_a_webhook_gets_one_json_object(server: Received, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that a program needs, and a text that chat services show."""
    asyncio.run(webhook(monkeypatch, f"{server.url}/hook", "tok").deliver(MESSAGE))

    [(path, headers, data)] = server.requests
    assert path == "/hook"
    assert headers["Authorization"] == "Bearer tok"
    assert headers["Content-Type"] == "application/json"
    assert data == {
        "title": MESSAGE.title,
        "body": "Run it?",
        "needs_you": True,
        "pane": "p3",
        "command": "wa logs p3",
        "at": MESSAGE.at,
        "text": "codex asks für ✓\nRun it?\nwa logs p3",
    }


@pytest.mark.parametrize(("needs_you", "priority"), [(True, 4), (False, 2)])
def test_ntfy_gets_topic_and_priority(
    server: Received,
    monkeypatch: pytest.MonkeyPatch,
    needs_you: bool,
    priority: int,
) -> None:
    """Published as JSON at the root, so that titles may hold any character."""
    monkeypatch.setenv("WA_TEST_URL", f"{server.url}/below/my-topic")

    asyncio.run(NtfyNotifier(Destination(url_env="WA_TEST_URL")).deliver(MESSAGE._replace(needs_you=needs_you)))

    [(path, headers, data)] = server.requests
    assert path == "/below/"
    assert (data["topic"], data["title"], data["priority"]) == ("my-topic", MESSAGE.title, priority)
    assert data["message"] == "Run it?\nwa logs p3"
    assert "Authorization" not in headers


def test_an_address_of_ntfy_without_a_topic_is_refused(server: Received, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is sent."""
    monkeypatch.setenv("WA_TEST_URL", server.url)

    with pytest.raises(NotifyError, match="topic"):
        asyncio.run(NtfyNotifier(Destination(url_env="WA_TEST_URL")).deliver(MESSAGE))
    assert server.requests == []


@pytest.mark.parametrize(
    ("status", "again"), [(500, True), (503, True), (429, True), (404, False), (401, False), (302, False)]
)
def test_what_may_work_later_is_told_apart(
    server: Received,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    again: bool,
) -> None:
    """A refusal is not tried again; nor is a redirect followed with the token."""
    server.statuses, server.location = [status], "http://127.0.0.1:1/s3cr3t"

    with pytest.raises(NotifyError) as caught:
        asyncio.run(webhook(monkeypatch, f"{server.url}/s3cr3t", "tok").deliver(MESSAGE))

    assert caught.value.again is again
    assert len(server.requests) == 1
    assert "s3cr3t" not in str(caught.value) + caught.value.next_step


def test_a_server_that_is_not_there_is_told_without_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """The path of an address is a secret as a rule."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    with pytest.raises(NotifyError) as caught:
        asyncio.run(webhook(monkeypatch, f"http://127.0.0.1:{port}/s3cr3t").deliver(MESSAGE))

    assert caught.value.again
    assert "s3cr3t" not in str(caught.value)


def test_a_server_that_never_answers_is_given_up(server: Received, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within the time for one try."""
    monkeypatch.setattr(notify_http, "WITHIN_S", 0.2)
    server.holds = threading.Event()

    with pytest.raises(NotifyError, match="did not answer") as caught:
        asyncio.run(webhook(monkeypatch, server.url).deliver(MESSAGE))

    assert caught.value.again
