"""Messages from programs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wa.embedded.osc import DEFAULT_TITLE, Clipboard, Messages
from wa.protocol.mux import CwdChanged, IconTitle, PaneTitle, Progress, Toast, UserVar


@pytest.mark.parametrize(
    ("payload", "heard"),
    [
        (b"0;t", [PaneTitle("t"), IconTitle("t")]),
        (b"1;", [IconTitle(None)]),
        (b"2;a;b", [PaneTitle("a;b")]),
        (b"2", []),
        (b"2;\xff", []),
        (b"lold style", [PaneTitle("old style")]),
        (b"Lold icon", [IconTitle("old icon")]),
        (b"7;file://h/p", [CwdChanged()]),
        (b"7;file://h/p;q", []),
        (b"9;text", [Toast(None, "text")]),
        (b"9;two;parts", []),
        (b"9;4;1;200", [Progress("percent", 100)]),
        (b"9;4;1;x", [Progress("percent", 0)]),
        (b"9;4;1", [Progress("percent", 0)]),
        (b"9;4;4;10", []),
        (b"9;4;9;1", []),
        (b"777;notify;t;b;more", [Toast("t", "b")]),
        (b"777;notify", []),
        (b"777;other;t", []),
        (b"52;c;aGk=", [Clipboard("hi", 0)]),
        (b"52;p;aGk=", [Clipboard("hi", 1)]),
        (b"52;;aGk=", [Clipboard("hi", 0)]),
        (b"52;c", [Clipboard(None, 0)]),
        (b"52;c;?", []),
        (b"52;c;not base64", []),
        (b"1337;SetUserVar=n=dg==", [UserVar("n", "v")]),
        (b"1337;SetUserVar=n=dg", []),
        (b"1337;SetUserVar=n", []),
        (b"1337;SetUserVar=n=/w==", []),
        (b"1337;File=x", []),
        (b"7501;x", []),
    ],
    ids=lambda value: repr(value) if isinstance(value, bytes) else "",
)
def test_a_message_is_understood_as_wezterm_does(payload: bytes, heard: list[object]) -> None:
    """Each well-formed message makes its alerts; what is malformed makes none."""
    assert Messages().hear(payload) == heard


@given(st.binary(max_size=40))
def test_no_message_is_an_error(payload: bytes) -> None:
    """A program may send anything."""
    messages = Messages()
    for code in (b"", b"0;", b"7;", b"9;", b"9;4;", b"52;", b"777;", b"1337;", b"1337;SetUserVar=", b"l"):
        messages.hear(code + payload)


def test_the_icons_title_stands_before_the_windows() -> None:
    """OSC 1 wins until OSC 0 or an empty OSC 1 takes it back."""
    messages = Messages()
    shown = [messages.shown_title]
    for payload in (b"2;window", b"1;icon", b"2;other", b"1;", b"1;icon", b"0;both"):
        messages.hear(payload)
        shown.append(messages.shown_title)

    assert shown == [DEFAULT_TITLE, "window", "icon", "icon", "other", "icon", "both"]


def test_a_folder_is_a_url() -> None:
    """What is no URL is forgotten; blanks are encoded."""
    messages = Messages()
    messages.hear(b"7;file://host/a b/\xc3\xa9")
    assert messages.cwd == "file://host/a%20b/%C3%A9"
    messages.hear(b"7;/not/a/url")
    assert messages.cwd is None


def test_progress_that_did_not_change_is_not_told() -> None:
    """Alone of all messages, a repeated progress is dropped."""
    messages = Messages()

    assert [len(messages.hear(b"9;4;1;5")) for _ in range(3)] == [1, 0, 0]
