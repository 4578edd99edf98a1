"""Who is connected, the version, and the proxy."""

from __future__ import annotations

import json
import subprocess

import pytest

from contract.live import LiveMux, Player, real_binaries
from contract.wire import Wire
from wa.protocol import mux as p

ME = p.ClientId("somewhere", "somebody", 4242, 1, 2, None)


def test_a_real_multiplexer_takes_part() -> None:
    """Said once: whether this whole suite ran on a real server too."""
    if real_binaries() is None:
        pytest.skip(
            "wezterm-mux-server and wezterm are not both on PATH: the contract suite used the embedded mux alone"
        )


def test_the_codec_is_one_that_wa_supports(wire: Wire) -> None:
    """The first question of every client."""
    answer = wire.ask(p.GetCodecVersion(), p.GetCodecVersionResponse)

    assert answer.codec_vers in p.SUPPORTED_CODECS
    assert answer.version_string


def test_only_who_says_its_name_is_listed(mux: LiveMux, wire: Wire, player: Player) -> None:
    """A listening client is invisible; one that registers is listed with what it has focused."""
    assert json.loads(mux.ok("list-clients", "--format", "json")) == []

    wire.ask(p.SetClientId(ME), p.UnitResponse)
    wire.ask(p.SetFocusedPane(player.pane_id), p.UnitResponse)

    (client,) = json.loads(mux.ok("list-clients", "--format", "json"))
    assert {
        "username": "somebody",
        "hostname": "somewhere",
        "pid": 4242,
        "focused_pane_id": player.pane_id,
    }.items() <= (client.items())
    assert set(client["connection_elapsed"]) == {"secs", "nanos"}
    assert mux.ok("list-clients").split()[:4] == ["USER", "HOST", "PID", "CONNECTED"]


def test_the_focused_pane_stands_in_for_one_that_is_not_named(mux: LiveMux, wire: Wire, player: Player) -> None:
    """Without --pane-id and $WEZTERM_PANE, the pane counts that the client with the latest input has focused."""
    player.print(b"focused")
    player.settle()
    wire.ask(p.SetClientId(ME), p.UnitResponse)
    wire.ask(p.SetFocusedPane(player.pane_id), p.UnitResponse)

    assert mux.ok("get-text").startswith("focused\n")


def test_a_client_that_leaves_is_forgotten(mux: LiveMux) -> None:
    """With the connection goes the entry."""
    with mux.wire() as guest:
        guest.ask(p.SetClientId(ME), p.UnitResponse)

    with mux.wire() as other:
        other.wait(lambda: json.loads(mux.ok("list-clients", "--format", "json")) == [] or other.quiet(0.05), "leaving")


def test_the_proxy_is_the_socket_on_stdin_and_stdout(mux: LiveMux) -> None:
    """`cli proxy` passes frames through in both directions, and ends when its input does."""
    argv = [*mux.cli, "cli", "--no-auto-start", "proxy"]
    proxy = subprocess.Popen(argv, env=mux.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with proxy:
        assert proxy.stdin is not None
        assert proxy.stdout is not None
        reader = p.FrameReader()
        frames: list[p.Frame] = []
        for serial, request in ((9001, p.GetCodecVersion()), (9002, p.ListPanes())):
            ident, payload = p.encode(request, 44)
            proxy.stdin.write(p.encode_frame(serial, ident, payload))
        proxy.stdin.flush()
        while not {9001, 9002} <= {frame.serial for frame in frames}:
            data = proxy.stdout.read1(65536)  # type: ignore[attr-defined]
            assert data, "the proxy has ended"
            frames += reader.feed(data)
        proxy.stdin.close()
        assert proxy.wait(10) == 0

    replies = {frame.serial: p.decode(frame.ident, frame.payload(), 44) for frame in frames if frame.serial > 9000}
    assert isinstance(replies[9001], p.GetCodecVersionResponse)
    assert isinstance(replies[9002], p.ListPanesResponse)


def test_a_client_behind_a_proxy_is_listed_as_such(mux: LiveMux) -> None:
    """Who comes through a proxy is shown with the proxy's pid."""
    with mux.wire() as proxied:
        proxied.ask(p.SetClientId(ME._replace(pid=1111), is_proxy=True), p.UnitResponse)
        proxied.ask(p.SetClientId(ME), p.UnitResponse)

        (client,) = json.loads(mux.ok("list-clients", "--format", "json"))
        assert client["hostname"] == "somewhere (via proxy pid 1111)"
