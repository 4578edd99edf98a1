"""What counts as getting on, and what does not."""

from __future__ import annotations

import pytest

from detect.test_watch import NOON_MS, World
from support.codex_rows import BANNER, COMPOSER
from wa.detect.program import Program
from wa.model.agent import PaneState

TEXT = ["› fix the build", "", "• I'll look at the log first.", ""]
CLAUDE = Program("claude", "claude")
BOX = ["", "─" * 80, "> ", "─" * 80, "  ? for shortcuts"]


def working(seconds: str, *text: str) -> list[str]:
    return [*BANNER, *(text or TEXT), f"• Working ({seconds} • esc to interrupt)", *COMPOSER]


def claude(seconds: str, tokens: str, glyph: str = "✻", tip: str = "Use /memory") -> list[str]:
    row = f"{glyph} Pondering… (esc to interrupt · {seconds} · ↓ {tokens} tokens)"
    return ["> fix the build", "", "⏺ I'll look at the log first.", "", row, f"  ⎿  Tip: {tip}", *BOX]


def test_a_spinner_and_its_clock_are_no_progress() -> None:
    """Half an hour of it; nor are blinking marks, and a tool's own clock."""
    world = World()
    world.show(*BANNER, *TEXT, *COMPOSER)
    world.show(*working("2s"), after_ms=1_000)
    began_ms = world.watch.state.progress_ms
    for second in range(3, 60):
        mark = "•" if second % 2 else "◦"
        said = [*TEXT[:2], f"{mark} Running cargo test ({second}s)", ""] if second > 10 else TEXT
        assert world.show(*working(f"{second}s", *said), after_ms=30_000) is PaneState.WORKING
        if second == 11:
            began_ms = world.watch.state.progress_ms
    assert world.watch.state.progress_ms == began_ms
    assert world.now_ms - began_ms > 20 * 60_000


def test_a_word_of_the_answer_and_a_row_that_scrolls_away_are() -> None:
    """Whatever the spinner says."""
    world = World()
    world.show(*working("2s"))
    for n in range(120):
        world.show(*working(f"{n}s", *TEXT, *["word " * (n % 7 + 1)]), after_ms=60_000)
        assert world.now_ms - world.watch.state.progress_ms < 60_000
    world.let_pass(60_000)
    world.scroll("• one more row")
    world.show(*working("9s"), after_ms=0)
    assert world.watch.state.progress_ms == world.now_ms


def test_a_count_of_tokens_that_moves_is_and_a_tip_is_not() -> None:
    """Claude Code counts while it thinks; what stands below its row of work changes by itself."""
    world = World(CLAUDE)
    world.show(*claude("1s", "1.2k"))
    world.show(*claude("2s", "1.2k"), after_ms=1_500)
    began_ms = world.watch.state.progress_ms
    assert world.watch.state.state is PaneState.WORKING
    for n, tip in enumerate(("Press Shift+Tab", "Hit Enter to queue", "Use /memory")):
        world.show(*claude(f"{n + 3}s", "1.2k", "✶✢·"[n], tip), after_ms=60_000)
    assert world.watch.state.progress_ms == began_ms
    world.show(*claude("9s", "1.3k"), after_ms=60_000)
    assert world.watch.state.progress_ms == world.now_ms


@pytest.mark.parametrize("attempt", [2, 5])
def test_a_retry_is_none(attempt: int) -> None:
    """The row that tells of it stands where the spinner did."""
    world = World()
    world.show(*BANNER, *TEXT, f"• Reconnecting... {attempt - 1}/5 (10s • esc to interrupt)", *COMPOSER)
    world.show(*BANNER, *TEXT, f"• Reconnecting... {attempt - 1}/5 (11s • esc to interrupt)", *COMPOSER, after_ms=1_500)
    began_ms = world.watch.state.progress_ms
    world.show(*BANNER, *TEXT, f"• Reconnecting... {attempt}/5 (59s • esc to interrupt)", *COMPOSER, after_ms=60_000)
    assert world.watch.state.progress_ms == began_ms


def test_what_the_sessions_file_tells_counts_too() -> None:
    """An agent whose screen stands still may work all the same."""
    world = World()
    world.show(*working("2s"))
    world.let_pass(500_000)
    world.watch.got_on(world.now_ms)
    assert world.watch.state.progress_ms == world.now_ms > NOON_MS
    world.show(*working("3s"), after_ms=60_000)
    assert world.watch.state.progress_ms == world.now_ms - 60_000
