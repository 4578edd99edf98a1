"""Cutting output where something happens."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wa.embedded import scan
from wa.embedded.scan import Scanner, Step, StepKind

PIECES = [
    b"text", b"\r\n", b"\x1b[31m", b"\x1b[2J", b"\x1b[3J", b"\x1b[?3J", b"\x1b[0K", b"\x1bc", b"\x1b[?1049h",
    b"\x1b[?47l", b"\x1b[?25;1049h", b"\x1b]0;title\x07", b"\x1b]2;t\x1b\\", b"\x1b]8;;http://x\x07",
    b"\x1b]133;A\x07", b"\x1b]9;4;1;5\x07", b"\x1b]1337;SetUserVar=a=Yg==\x07", b"\x1b[2026$p", b"\x1b[5M",
    b"\x1bM", b"\x1b[2;5r", b"\x1b[3 q", b"\x1b", b"\x1b[", b"\x1b]2;never ends", b"\x07", b"\x1b\\",
    "é日".encode(), b"\xff", b"\x1b[!p",
]  # fmt: skip


def flat(batches: list[list[Step]]) -> list[Step]:
    """Neighbouring texts joined."""
    steps: list[Step] = []
    for batch in batches:
        for step in batch:
            if steps and step.kind is steps[-1].kind is StepKind.TEXT:
                steps[-1] = Step(StepKind.TEXT, steps[-1].data + step.data)
            else:
                steps.append(step)
    return steps


def scanned(*pieces: bytes) -> list[Step]:
    scanner = Scanner()
    return flat([batch for piece in pieces for batch in scanner.feed(piece)] + scanner.finish())


@given(st.lists(st.sampled_from(PIECES), max_size=20).map(b"".join), st.data())
def test_where_the_output_is_cut_does_not_matter(output: bytes, data: st.DataObject) -> None:
    """Whole, byte by byte or in any pieces: the steps are the same."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(output)), max_size=6)))
    pieces = [output[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(output)], strict=True)]

    assert scanned(*pieces) == scanned(output)
    assert scanned(*(bytes((byte,)) for byte in output)) == scanned(output)


@given(st.lists(st.sampled_from([piece for piece in PIECES if not piece.startswith((b"\x1b]", b"\xff"))]), max_size=20))
def test_nothing_but_messages_is_taken_out(pieces: list[bytes]) -> None:
    """All that is no OSC message reaches the screen, in order."""
    output = b"".join(pieces)

    assert b"".join(step.data for step in scanned(output)) == output


def test_messages_are_taken_out_whatever_ends_them() -> None:
    """BEL, ST, or the next sequence: what stands between is the message."""
    assert scanned(b"a\x1b]2;one\x07b\x1b]2;two\x1b\\c\x1b]2;three\x1b[md") == [
        Step(StepKind.TEXT, b"a"),
        Step(StepKind.OSC, b"2;one"),
        Step(StepKind.TEXT, b"b"),
        Step(StepKind.OSC, b"2;two"),
        Step(StepKind.TEXT, b"c"),
        Step(StepKind.OSC, b"2;three"),
        Step(StepKind.TEXT, b"\x1b[md"),
    ]


def test_links_and_prompt_marks_are_the_screens_business() -> None:
    """OSC 8 and 133 pass through."""
    output = b"\x1b]8;;http://x\x07link\x1b]8;;\x07\x1b]133;A\x07$ "

    assert scanned(output) == [Step(StepKind.TEXT, output)]


def test_an_endless_message_passes_through_at_last(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """A message that has no end does not grow for ever in memory."""
    monkeypatch.setattr(scan, "UNFINISHED_BYTES", 1000)
    scanner = Scanner()

    steps = flat(scanner.feed(b"\x1b]2;") + [batch for _ in range(20) for batch in scanner.feed(b"x" * 100)])

    assert sum(len(step.data) for step in steps) >= 1000


def test_synchronized_output_is_one_batch() -> None:
    """What comes before is shown first; nothing more until the end; then all of it at once."""
    scanner = Scanner()

    assert scanner.feed(b"before\x1b[?2026hone") == [[Step(StepKind.TEXT, b"before")]]
    assert scanner.is_holding
    assert scanner.feed(b"two\x1b]2;t\x07") == []
    (batch, rest) = scanner.feed(b"three\x1b[?2026lafter")
    assert flat([batch]) == [
        Step(StepKind.TEXT, b"onetwo"),
        Step(StepKind.OSC, b"2;t"),
        Step(StepKind.TEXT, b"three"),
    ]
    assert rest == [Step(StepKind.TEXT, b"after")]
    assert not scanner.is_holding


def test_a_soft_reset_ends_synchronized_output() -> None:
    """DECSTR lets go too."""
    scanner = Scanner()

    (batch,) = scanner.feed(b"\x1b[?2026hheld\x1b[!p")

    assert [step.data for step in batch] == [b"held", b"\x1b[!p"]


def test_synchronized_output_cannot_fill_memory(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """A program that never ends it is shown when too much is kept back."""
    monkeypatch.setattr(scan, "HELD_BYTES", 1000)
    scanner = Scanner()

    batches = [batch for _ in range(20) for batch in scanner.feed(b"\x1b[?2026h" + b"x" * 100)]

    assert sum(len(step.data) for batch in batches for step in batch) >= 1000


def test_what_is_kept_back_comes_at_the_end() -> None:
    """A program may end inside synchronized output and inside a sequence."""
    scanner = Scanner()
    scanner.feed(b"\x1b[?2026hheld\x1b[3")

    assert flat(scanner.finish()) == [Step(StepKind.TEXT, b"held\x1b[3")]
    assert not scanner.is_holding


def test_modes_that_come_with_a_screen_switch_come_along() -> None:
    """Synchronized output is taken out of a list of modes, the rest stays."""
    (batch,) = Scanner().feed(b"\x1b[?25;2026;1049l")

    assert batch == [Step(StepKind.SWITCH, b"\x1b[?25;1049l")]
