"""Pastes, raw writes and keys, as the program in the pane hears them."""

from __future__ import annotations

import pytest

from contract.live import LiveMux, Player
from contract.wire import Wire
from wa.protocol import mux as p


def test_a_paste_ends_its_lines_as_return_does(wire: Wire, player: Player) -> None:
    """Without bracketed paste a line feed becomes a carriage return, so that a shell runs the line."""
    wire.ask(p.SendPaste(player.pane_id, "one\ntwo\r\nthree\rfour"), p.UnitResponse)

    player.hears(b"one\rtwo\rthree\rfour")


def test_a_bracketed_paste_is_verbatim_inside_its_brackets(wire: Wire, player: Player) -> None:
    """With bracketed paste nothing is converted, and brackets in the text cannot end it early."""
    player.print(b"\x1b[?2004h")
    player.settle()

    wire.ask(p.SendPaste(player.pane_id, "one\ntwo \x1b[201~evil\x1b[200~ end"), p.UnitResponse)

    player.hears(b"\x1b[200~one\ntwo evil end\x1b[201~")


def test_brackets_end_when_the_program_ends_them(wire: Wire, player: Player) -> None:
    """Each paste asks the terminal anew whether brackets are wanted."""
    player.print(b"\x1b[?2004h\x1b[?2004l")
    player.settle()

    wire.ask(p.SendPaste(player.pane_id, "x\n"), p.UnitResponse)

    player.hears(b"x\r")


def test_a_raw_write_is_verbatim(wire: Wire, player: Player) -> None:
    """WriteToPane changes nothing: line feeds, escapes and broken UTF-8 arrive as sent, in order."""
    player.print(b"\x1b[?2004h")
    player.settle()
    for data in (b"a\nb\r", b"\x1b[A", b"\xff\xfe", bytes(range(32))):
        wire.ask(p.WriteToPane(player.pane_id, data), p.UnitResponse)

    player.hears(b"a\nb\r\x1b[A\xff\xfe" + bytes(range(32)))


def test_a_large_paste_arrives_whole(wire: Wire, player: Player) -> None:
    """A paste far larger than the terminal's buffers arrives in one piece, in order."""
    text = "".join(f"line {n} of a long paste\n" for n in range(8_000))

    wire.ask(p.SendPaste(player.pane_id, text), p.UnitResponse)

    player.hears(text.replace("\n", "\r").encode())


def test_send_text_pastes_its_argument_or_stdin(mux: LiveMux, player: Player) -> None:
    """The CLI pastes its argument, else stdin to its end; --no-paste writes verbatim."""
    pane = str(player.pane_id)
    mux.ok("send-text", "--pane-id", pane, "arg\nument")
    player.hears(b"arg\rument")
    mux.ok("send-text", "--pane-id", pane, stdin="st\ndin é".encode())
    player.hears("st\rdin é".encode())
    mux.ok("send-text", "--pane-id", pane, "--no-paste", "raw\n")
    player.hears(b"raw\n")
    mux.ok("send-text", "--pane-id", pane, "--no-paste", stdin=b"raw\nstdin\n")
    player.hears(b"raw\nstdin\n")


def test_send_text_refuses_what_is_not_utf8(mux: LiveMux, player: Player) -> None:
    """Bytes that are no text are refused before anything is sent."""
    done = mux.run("send-text", "--pane-id", str(player.pane_id), stdin=b"\xff\xfe")

    assert done.returncode == 1
    assert b"stream did not contain valid UTF-8" in done.stderr


KEYS = [
    ("a", 0, b"a"),
    ("A", p.SHIFT, b"A"),
    ("é", 0, "é".encode()),
    ("c", p.CTRL, b"\x03"),
    ("C", p.CTRL | p.SHIFT, b"\x03"),
    (" ", p.CTRL, b"\x00"),
    ("[", p.CTRL, b"\x1b"),
    ("x", p.ALT, b"\x1bx"),
    ("Enter", 0, b"\r"),
    ("Enter", p.SHIFT, b"\r"),
    ("Enter", p.ALT, b"\x1b\r"),
    ("Tab", 0, b"\t"),
    ("Tab", p.SHIFT, b"\x1b[Z"),
    ("Escape", 0, b"\x1b"),
    ("Backspace", 0, b"\x7f"),
    ("Backspace", p.CTRL, b"\x08"),
    ("UpArrow", 0, b"\x1b[A"),
    ("UpArrow", p.CTRL, b"\x1b[1;5A"),
    ("Home", 0, b"\x1b[H"),
    ("PageDown", 0, b"\x1b[6~"),
    ("Delete", 0, b"\x1b[3~"),
    ("F1", 0, b"\x1bOP"),
    ("F12", 0, b"\x1b[24~"),
]


@pytest.mark.parametrize(
    ("key", "modifiers", "expected"), KEYS, ids=[f"{key}-{modifiers}" for key, modifiers, _ in KEYS]
)
def test_a_key_sends_what_it_sends_in_a_terminal(
    wire: Wire, player: Player, key: str, modifiers: int, expected: bytes
) -> None:
    """SendKeyDown goes through the terminal's own encoding."""
    wire.ask(p.SendKeyDown(player.pane_id, p.KeyEvent(key, modifiers), 1), p.UnitResponse)

    player.hears(expected)


def test_cursor_keys_follow_the_programs_mode(wire: Wire, player: Player) -> None:
    """A program that asked for application cursor keys gets them."""
    player.print(b"\x1b[?1h")
    player.settle()

    wire.ask(p.SendKeyDown(player.pane_id, p.KeyEvent("UpArrow"), 1), p.UnitResponse)

    player.hears(b"\x1bOA")


def test_a_key_is_answered_with_a_push_that_names_it(wire: Wire, player: Player) -> None:
    """A push with the key's input_serial comes even if nothing has changed: predicted echo is put right by it."""
    player.print(b"ready")
    wire.wait_for_text(player.pane_id, "ready")

    wire.ask(p.SendKeyDown(player.pane_id, p.KeyEvent("x"), 777), p.UnitResponse)

    wire.wait(lambda: any(push.input_serial == 777 for push in wire.changes(player.pane_id)), "push with the serial")


QUERIES = [
    (b"\x1b[c", rb"\x1b\[\?6[0-9;]+c"),
    (b"\x1b[>c", rb"\x1b\[>[0-9;]+c"),
    (b"\x1b[5n", rb"\x1b\[0n"),
    (b"\x1b[>0q", rb"\x1bP>\|WezTerm [^\x1b]+\x1b\\"),
    (b"\x1b]10;?\x1b\\", rb"\x1b\]10;rgb:b2b2/b2b2/b2b2\x1b\\"),
    (b"\x1b]11;?\x1b\\", rb"\x1b\]11;rgb:0000/0000/0000\x1b\\"),
    (b"\x1b]4;1;?\x1b\\", rb"\x1b\]4;1;rgb:cccc/5555/5555\x1b\\"),
    (b"\x1b[?2026$p", rb"\x1b\[\?2026;2\$y"),
    (b"\x1b[?2004h\x1b[?2004$p", rb"\x1b\[\?2004;1\$y"),
    (b"\x1b[18t", rb"\x1b\[8;24;80t"),
    (b"\x1b[14t", rb"\x1b\[4;384;640t"),
    (b"\x1bP+q544e\x1b\\", rb"\x1bP1\+r544E=57657A5465726D\x1b\\"),
]


@pytest.mark.parametrize(("query", "answer"), QUERIES, ids=[repr(query) for query, _ in QUERIES])
def test_a_terminals_questions_are_answered(player: Player, query: bytes, answer: bytes) -> None:
    """What agent CLIs ask at start is answered; the cursor report that follows shows that nothing else was said."""
    import re

    player.print(query + b"\x1b[6n")
    player.listen(lambda: player.heard.endswith(b"R"))

    assert re.fullmatch(answer + rb"\x1b\[1;1R", player.heard)
