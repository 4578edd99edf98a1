"""What a client hears without asking."""

from __future__ import annotations

import pytest

from contract.live import LiveMux, Player
from contract.test_numbers import resize
from contract.test_text import lines
from contract.wire import Wire
from wa.protocol import mux as p


def test_every_connection_hears_of_every_pane(mux: LiveMux, player: Player) -> None:
    """No handshake and no subscription: a client that only connected gets the output of a pane it never named."""
    with mux.wire() as listener:
        player.print(b"hello there\r\n")

        listener.wait_for_text(player.pane_id, "hello there")
        push = listener.changes(player.pane_id)[0]
        assert list(range(24)) == sorted({row.index for row in push.bonus_lines})
        assert push.dirty_lines == ()


def test_the_palette_follows_the_first_push_only(mux: LiveMux, player: Player) -> None:
    """SetPalette comes once per pane and connection."""
    with mux.wire() as listener:
        for n in range(3):
            player.print(b"row %d\r\n" % n)
            listener.wait_for_text(player.pane_id, f"row {n}")
        listener.quiet(0.1)

        assert sum(isinstance(push, p.SetPalette) for push in listener.pushes) == 1


def test_a_push_carries_what_changed_and_the_cursors_row(wire: Wire, player: Player) -> None:
    """Rows that stayed as they were are not sent again; the row of the cursor always is, last."""
    player.print(lines(1, 10))
    player.settle()
    wire.quiet(0.1)
    wire.pushes.clear()

    player.print(b"\x1b[3;1Hchanged\x1b[8;5H")

    wire.wait_for_text(player.pane_id, "changed")
    (push,) = wire.changes(player.pane_id)
    assert {2, 7} <= {row.index for row in push.bonus_lines} <= {2, 7, 10}
    assert (push.bonus_lines[-1].index, push.bonus_lines[-1].text) == (7, "line 8")
    assert (push.cursor.x, push.cursor.y) == (4, 7)


def test_a_burst_names_the_rows_it_does_not_carry(wire: Wire, player: Player) -> None:
    """Rows that scrolled through unseen are named by index in dirty_lines, so that nobody has to guess."""
    player.print(lines(1, 5))
    player.settle()
    wire.quiet(0.1)
    wire.pushes.clear()

    player.print(lines(6, 2000))
    player.settle()
    wire.wait(
        lambda: wire.changes(player.pane_id)[-1:] and wire.changes(player.pane_id)[-1].dims.physical_top == 1977, "end"
    )

    told: set[int] = set()
    for push in wire.changes(player.pane_id):
        told |= {row.index for row in push.bonus_lines}
        for rows in push.dirty_lines:
            told |= set(rows)
    assert set(range(5, 2001)) <= told


def test_rows_that_only_scroll_are_not_sent_again(wire: Wire, player: Player) -> None:
    """After a scroll by one, the push has the new row and not the whole viewport."""
    player.print(lines(1, 60))
    player.settle()
    wire.quiet(0.1)
    wire.pushes.clear()

    player.print(b"one more\r\n")

    wire.wait_for_text(player.pane_id, "one more")
    (push,) = wire.changes(player.pane_id)
    assert {60, 61} == {row.index for row in push.bonus_lines}
    assert push.dirty_lines == ()


def test_numbers_of_changes_grow(wire: Wire, player: Player) -> None:
    """Pushes of one pane can be ordered by seqno."""
    for n in range(5):
        player.print(b"row %d\r\n" % n)
        wire.wait_for_text(player.pane_id, f"row {n}")

    seqnos = [push.seqno for push in wire.changes(player.pane_id)]
    assert sorted(set(seqnos)) == seqnos


def test_asking_for_changes_pushes_them_and_tells_whether_the_pane_lives(wire: Wire, player: Player) -> None:
    """A silent pane is told of on request: the push comes, and the answer says that it is alive."""
    assert wire.changes(player.pane_id) == []

    assert wire.ask(p.GetPaneRenderChanges(player.pane_id), p.LivenessResponse).is_alive
    wire.wait(lambda: wire.changes(player.pane_id), "a push")
    assert not wire.ask(p.GetPaneRenderChanges(9_999_999), p.LivenessResponse).is_alive


def test_synchronized_output_is_held_until_it_ends(wire: Wire, player: Player) -> None:
    """Between DECSET and DECRST 2026 nothing is pushed and nothing can be read; then all of it at once."""
    player.print(b"before\r\n")
    wire.wait_for_text(player.pane_id, "before")

    player.print(b"\x1b[?2026hhidden")
    wire.quiet(0.3)
    assert not any("hidden" in text for text in wire.viewport(player.pane_id))

    player.print(b" shown\x1b[?2026l\r\n")
    wire.wait_for_text(player.pane_id, "hidden shown")
    assert not any(row.text == "hidden" for push in wire.changes(player.pane_id) for row in push.bonus_lines)


def test_a_resize_pushes_tab_resized_and_nothing_else(wire: Wire, player: Player) -> None:
    """Rows have new numbers and nobody is told: only the tab's resize is announced."""
    player.print(lines(1, 60) + b"$ ")
    player.settle()
    wire.quiet(0.1)
    wire.pushes.clear()

    resize(wire, player, 60, 20)
    wire.quiet(0.2)

    assert [p.TabResized(player.tab_id)] == wire.pushes


def test_the_first_push_after_a_resize_tells_everything(wire: Wire, player: Player) -> None:
    """When the width has changed, all rows count as changed: the viewport is sent, history is named."""
    player.print(lines(1, 60) + b"$ ")
    player.settle()
    wire.quiet(0.1)
    resize(wire, player, 60, 20)
    wire.quiet(0.1)
    wire.pushes.clear()

    player.print(b"x")

    wire.wait_for_text(player.pane_id, "$ x")
    push = wire.changes(player.pane_id)[0]
    assert (push.dims.cols, push.dims.viewport_rows, push.dims.physical_top) == (60, 20, 41)
    assert set(range(41, 61)) == {row.index for row in push.bonus_lines}
    assert set(range(41)) == {index for rows in push.dirty_lines for index in rows}


def test_nothing_says_which_screen_is_showing(wire: Wire, player: Player) -> None:
    """To the alternate screen and back: the numbers fall to 0 and return; all rows of the alternate screen are sent."""
    player.print(lines(1, 60))
    player.settle()
    wire.quiet(0.1)
    wire.pushes.clear()

    player.print(b"\x1b[?1049h\x1b[2J\x1b[Hfull screen")
    wire.wait_for_text(player.pane_id, "full screen")
    push = wire.changes(player.pane_id)[-1]
    assert (push.dims.physical_top, push.dims.scrollback_top, push.dims.scrollback_rows) == (0, 0, 24)

    player.print(b"\x1b[?1049lback")
    wire.wait_for_text(player.pane_id, "back")
    push = wire.changes(player.pane_id)[-1]
    assert (push.dims.physical_top, push.cursor.y) == (37, 60)


def test_mouse_grabbing_is_told(wire: Wire, player: Player) -> None:
    """A program that asks for mouse reports is marked in its pushes, and no longer when it stops."""
    player.print(b"\x1b[?1000h\x1b[?1006hgrab\r\n")
    wire.wait_for_text(player.pane_id, "grab")
    assert wire.changes(player.pane_id)[-1].mouse_grabbed

    player.print(b"\x1b[?1000lfree\r\n")
    wire.wait_for_text(player.pane_id, "free")
    assert not wire.changes(player.pane_id)[-1].mouse_grabbed


@pytest.mark.parametrize(("sequence", "shape"), [(b"\x1b[2 q", 2), (b"\x1b[5 q", 5), (b"\x1b[0 q", 0)])
def test_the_cursor_has_a_shape_and_can_hide(wire: Wire, player: Player, sequence: bytes, shape: int) -> None:
    """DECSCUSR and DECTCEM are told with the cursor."""
    player.print(sequence + b"\x1b[?25lx")
    wire.wait_for_text(player.pane_id, "x")

    cursor = wire.dims(player.pane_id).cursor
    assert (shape, False) == (cursor.shape, cursor.visible)


def test_the_last_output_comes_before_the_end(mux: LiveMux, wire: Wire) -> None:
    """A program that prints and exits at once is heard, and then its pane is removed and never spoken of again.

    A real server may lose the last rows: its reader can remove the pane before its parser has shown them.
    """
    pane_id = int(mux.ok("spawn", "--new-window", "--", "sh", "-c", "sleep 0.2; seq 1 50; echo the very end"))

    wire.wait(lambda: p.PaneRemoved(pane_id) in wire.pushes, "removal")
    at = wire.pushes.index(p.PaneRemoved(pane_id))
    rows = {row.index: row.text for push in wire.changes(pane_id) for row in push.bonus_lines}
    assert rows.get(50) == "the very end" or not mux.is_embedded
    assert [push for push in wire.pushes[at + 1 :] if getattr(push, "pane_id", None) == pane_id] == []


def test_a_server_waits_with_its_pushes_for_the_rest_of_a_request(wire: Wire, player: Player) -> None:
    """With half a request before it a connection hears nothing; with the rest, one push with all that changed."""
    player.print(lines(1, 3))
    player.settle()
    wire.quiet(0.1)
    wire.pushes.clear()
    ping = p.encode_frame(4321, *p.encode(p.Ping(), 44))
    wire.socket.sendall(ping[:1])
    wire.quiet(0.1)

    with_others_it_goes_on = Wire(wire.path)
    for n in range(4, 7):
        player.print(b"line %d\r\n" % n)
        with_others_it_goes_on.wait_for_text(player.pane_id, f"line {n}")
    with_others_it_goes_on.close()
    assert wire.changes(player.pane_id) == []

    wire.socket.sendall(ping[1:])
    wire.wait_for_text(player.pane_id, "line 6")
    (push,) = wire.changes(player.pane_id)
    assert {row.text for row in push.bonus_lines} >= {"line 4", "line 5", "line 6"}
