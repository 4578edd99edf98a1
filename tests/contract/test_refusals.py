"""What goes wrong, said in the words and with the statuses that callers match on."""

from __future__ import annotations

import pytest

from contract.live import LiveMux, Player
from contract.wire import Wire
from wa.protocol import mux as p

SIZE = p.TerminalSize(24, 80, 640, 384, 0)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("get-text", "--pane-id", "999999"), 'reason: "Error: no such pane 999999"'),
        (("send-text", "--pane-id", "999999", "x"), 'reason: "Error: no such pane 999999"'),
        (("kill-pane", "--pane-id", "999999"), 'reason: "Error: no such pane 999999"'),
        (("activate-pane", "--pane-id", "999999"), 'reason: "Error: pane 999999 not found"'),
        (("split-pane", "--pane-id", "999999"), 'reason: "Error: pane_id 999999 invalid"'),
        (("set-tab-title", "--tab-id", "999999", "x"), 'reason: "Error: no such tab 999999"'),
        (("set-tab-title", "--pane-id", "999999", "x"), "unable to resolve current tab"),
        (("set-window-title", "--pane-id", "999999", "x"), "unable to resolve current window"),
        (("spawn", "--window-id", "999999"), 'reason: "Error: window_id 999999 not found on this server"'),
        (("spawn", "--new-window", "--domain-name", "nowhere"), 'domain name \\"nowhere\\" is invalid'),
        (("get-text",), "--pane-id was not specified and $WEZTERM_PANE"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_failure_has_status_1_and_says_why(mux: LiveMux, words: tuple[str, ...], said: str) -> None:
    """The message goes to stderr in one known form; stdout stays empty."""
    done = mux.run(*words)

    assert (done.returncode, done.stdout) == (1, b"")
    assert f"ERROR  wezterm > {said}" in done.stderr.decode() or said in done.stderr.decode()
    assert done.stderr.endswith(b"; terminating\n")


@pytest.mark.parametrize(
    "words",
    [
        ("no-such-command",),
        ("get-text", "--no-such-option"),
        ("get-text", "--pane-id", "minus one"),
        ("list", "--format", "xml"),
        ("split-pane", "--left", "--right"),
        ("split-pane", "--cells", "3", "--percent", "3"),
        ("spawn", "--window-id", "0", "--new-window"),
        ("set-tab-title",),
        (),
    ],
    ids=" ".join,
)
def test_wrong_words_have_status_2(mux: LiveMux, words: tuple[str, ...]) -> None:
    """What is wrong with the command line itself is told apart from what failed."""
    done = mux.run(*words)

    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"error: ")


def test_a_missing_socket_is_named(mux: LiveMux) -> None:
    """Nobody there: status 1 and the path, and no server is started."""
    done = mux.run("list", WEZTERM_UNIX_SOCKET="/nowhere/sock")

    assert done.returncode == 1
    assert 'failed to connect to Socket("/nowhere/sock"): connecting to /nowhere/sock' in done.stderr.decode()


def test_the_environment_names_the_pane(mux: LiveMux, player: Player) -> None:
    """$WEZTERM_PANE stands in for --pane-id; one that is no number fails."""
    player.print(b"in the environment")
    player.settle()

    assert mux.ok("get-text", WEZTERM_PANE=str(player.pane_id)).startswith("in the environment\n")
    assert b"invalid digit found in string" in mux.run("get-text", WEZTERM_PANE="pane one").stderr


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (p.GetLines(999_999, (range(1),)), "Error: no such pane 999999"),
        (p.GetPaneRenderableDimensions(999_999), "Error: no such pane 999999"),
        (p.SendPaste(999_999, "x"), "Error: no such pane 999999"),
        (p.WriteToPane(999_999, b"x"), "Error: no such pane 999999"),
        (p.SendKeyDown(999_999, p.KeyEvent("x"), 1), "Error: no such pane 999999"),
        (p.KillPane(999_999), "Error: no such pane 999999"),
        (p.Resize(999_999, 999_999, SIZE), "Error: no such pane 999999"),
        (p.SetFocusedPane(999_999), "Error: pane 999999 not found"),
        (p.TabTitleChanged(999_999, "x"), "Error: no such tab 999999"),
        (p.WindowTitleChanged(999_999, "x"), "Error: no such window 999999"),
        (p.SetWindowWorkspace(999_999, "x"), "Error: window 999999 is invalid"),
        (p.MovePaneToNewTab(999_999, None, None), "Error: pane 999999 not found"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, tuple) else "",
)
def test_a_request_for_what_is_not_there_is_refused(wire: Wire, request_: p.Pdu, reason: str) -> None:
    """The reply is an ErrorResponse with the request's serial; the connection goes on."""
    assert wire.refusal(request_) == reason
    assert wire.ask(p.Ping(), p.Pong) == p.Pong()


def test_a_response_is_no_request(wire: Wire) -> None:
    """What only a server says is refused."""
    assert wire.refusal(p.UnitResponse()).startswith("Error: expected a request, got UnitResponse")


def test_an_unknown_request_is_refused_by_its_number(wire: Wire) -> None:
    """A PDU that the server does not know is answered, not fatal."""
    wire.socket.sendall(p.encode_frame(77, 200, b"whatever"))

    assert wire.answer(77) == p.ErrorResponse("Error: invalid PDU Invalid { ident: 200 }")
    assert wire.ask(p.Ping(), p.Pong) == p.Pong()


def test_nonsense_ends_only_the_connection_it_came_on(mux: LiveMux) -> None:
    """A known PDU that does not decode costs its sender the connection, and nobody else."""
    with mux.wire() as bystander, mux.wire() as offender:
        offender.socket.sendall(p.encode_frame(78, 22, b"\xff" * 12))

        def is_cut_off() -> bool:
            try:
                offender.pump(0.1)
            except (EOFError, ConnectionResetError):
                return True
            return False

        offender.wait(is_cut_off, "end of the connection")
        assert bystander.ask(p.Ping(), p.Pong) == p.Pong()


def test_a_frame_may_come_in_pieces(wire: Wire) -> None:
    """Requests are taken whole whatever the sizes of the pieces."""
    ident, payload = p.encode(p.GetCodecVersion(), 44)
    for byte in p.encode_frame(4711, ident, payload):
        wire.socket.sendall(bytes((byte,)))

    assert isinstance(wire.answer(4711), p.GetCodecVersionResponse)


def test_compressed_requests_are_understood(wire: Wire, player: Player) -> None:
    """A client may compress what it sends."""
    ident, payload = p.encode(p.SendPaste(player.pane_id, "a" * 5000), 44)
    wire.socket.sendall(p.encode_frame(4712, ident, payload, compress=True))

    assert wire.answer(4712) == p.UnitResponse()
    player.hears(b"a" * 5000)
