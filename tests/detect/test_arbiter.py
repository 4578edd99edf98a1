"""Several signals, one state."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wa.detect.arbiter import HOLD_MS, UNKNOWN_HOLD_MS, Arbiter
from wa.model.agent import PaneState, Signal, SignalSource

S, P = SignalSource, PaneState


def signal(source: SignalSource, says: PaneState | None, at_ms: int = 0, expires_ms: int | None = None) -> Signal:
    return Signal(source, says, "codex", "rule", "text", at_ms, expires_ms)


def arbiter(*signals: Signal, now_ms: int = 0) -> Arbiter:
    made = Arbiter()
    for one in signals:
        made.put(one.source, one)
    made.judge(now_ms)
    return made


def test_a_dialog_on_the_screen_beats_a_hook_that_says_running() -> None:
    """Whatever else claims to work: the dialog owns the keyboard."""
    made = arbiter(signal(S.HOOK, P.WORKING), signal(S.TITLE, P.WORKING), signal(S.DIALOG, P.WAITING_APPROVAL))

    verdict = made.judge(1)

    assert (verdict.state, verdict.signals[0].source) == (P.WAITING_APPROVAL, S.DIALOG)


def test_a_title_that_works_beats_a_screen_that_looks_idle() -> None:
    """Codex takes its working row down between two tools; its title goes on spinning."""
    made = arbiter(signal(S.SCREEN, P.IDLE), signal(S.TITLE, P.WORKING, expires_ms=3_000))

    assert made.judge(1).state is P.WORKING


def test_a_title_never_hides_a_limit() -> None:
    """Nor does it hide an end, a compaction or a dialog."""
    for says in (P.LIMITED, P.EXITED, P.COMPACTING, P.WAITING_TRUST):
        source = S.DIALOG if says.startswith("waiting.") else S.SCREEN
        assert arbiter(signal(source, says), signal(S.TITLE, P.WORKING, expires_ms=9_000)).judge(1).state is says


def test_a_title_that_stands_still_is_believed_no_longer() -> None:
    """Its spinner has stopped: the screen decides, after the hold."""
    made = arbiter(signal(S.SCREEN, P.IDLE), signal(S.TITLE, P.WORKING, expires_ms=3_000))

    assert made.judge(2_999).wake_ms == 3_000
    assert made.judge(3_000).state is P.WORKING
    assert made.judge(3_000 + HOLD_MS).state is P.IDLE


def test_what_is_only_no_longer_seen_is_held() -> None:
    """A spinner that is away for less than the hold never ended the turn."""
    made = arbiter(signal(S.SCREEN, P.WORKING))
    made.put(S.SCREEN, signal(S.SCREEN, P.IDLE))

    first = made.judge(1_000)
    assert (first.state, first.wake_ms) == (P.WORKING, 1_000 + HOLD_MS)
    made.put(S.SCREEN, signal(S.SCREEN, P.WORKING))
    assert made.judge(1_000 + HOLD_MS).state is P.WORKING
    made.put(S.SCREEN, signal(S.SCREEN, P.IDLE))
    made.judge(2_000)
    assert made.judge(2_000 + HOLD_MS - 1).state is P.WORKING
    assert made.judge(2_000 + HOLD_MS).state is P.IDLE


def test_a_screen_between_two_drawings_changes_nothing() -> None:
    """It says nothing for a moment; after two seconds unknown beats a guess."""
    made = arbiter(signal(S.SCREEN, P.IDLE))
    made.put(S.SCREEN, signal(S.SCREEN, None))

    assert made.judge(10).state is P.IDLE
    assert made.judge(10 + UNKNOWN_HOLD_MS).state is P.UNKNOWN


def test_what_one_signal_settles_shows_at_once() -> None:
    """No hold for work, dialogs, limits and ends."""
    for says in (P.WORKING, P.LIMITED, P.EXITED, P.WAITING_LOGIN, P.COMPACTING):
        made = arbiter(signal(S.SCREEN, P.IDLE))
        made.put(S.SCREEN, signal(S.SCREEN, says))
        assert made.judge(5).state is says


@given(
    st.lists(
        st.tuples(st.sampled_from(list(S)), st.sampled_from([None, *P]), st.integers(0, 400), st.booleans()),
        max_size=30,
    )
)
def test_it_settles(changes: list[tuple[SignalSource, PaneState | None, int, bool]]) -> None:
    """Whatever came: with nothing new it wakes a bounded number of times, and then its state stays."""
    made, now_ms = Arbiter(), 0
    for source, says, wait_ms, expires in changes:
        now_ms += wait_ms
        made.put(source, signal(source, says, now_ms, now_ms + 500 if expires else None))
        made.judge(now_ms)
    for _ in range(len(S) * 2 + 2):
        wake_ms = made.judge(now_ms).wake_ms
        if wake_ms is None:
            break
        assert wake_ms >= now_ms
        now_ms = max(wake_ms, now_ms + 1)
    else:
        raise AssertionError("it never comes to rest")
    assert made.judge(now_ms + 10_000).state is made.judge(now_ms + 20_000).state


def test_where_the_screen_shows_no_composer_neither_title_nor_file_makes_it_idle() -> None:
    """Claude Code 2.1.328 keeps the title of an idle agent over dialogs that no rule knows."""
    for source in (S.TITLE, S.SESSION_FILE):
        made = arbiter(signal(S.SCREEN, None), signal(source, P.IDLE))
        assert made.judge(1).state is P.UNKNOWN
    waiting = signal(S.SESSION_FILE, P.WAITING_CHOICE)
    assert arbiter(signal(S.SCREEN, None), signal(S.TITLE, P.IDLE), waiting).judge(1).state is P.WAITING_CHOICE
    assert arbiter(signal(S.SCREEN, None), signal(S.TITLE, P.WORKING, expires_ms=9)).judge(1).state is P.WORKING


def test_a_file_says_more_than_a_program_and_less_than_anything_seen() -> None:
    """It is asked where screen and title are silent, and its word expires."""
    file = signal(S.SESSION_FILE, P.WORKING, expires_ms=50)
    for seen in (signal(S.SCREEN, P.IDLE), signal(S.DIALOG, P.WAITING_PLAN), signal(S.SCREEN, P.LIMITED)):
        assert arbiter(seen, file).judge(1).state is seen.says
    made = arbiter(signal(S.PROCESS, P.STARTING, expires_ms=9_000), file)
    assert made.judge(1).state is P.WORKING
    assert made.judge(51).state is P.STARTING


def seen(made: Arbiter, says: PaneState | None, at_ms: int) -> PaneState:
    """The state once a look at *at_ms* has shown that."""
    made.put(S.SCREEN, None if says is None else signal(S.SCREEN, says, at_ms))
    made.judge(at_ms)
    return made.judge(at_ms + HOLD_MS).state


def test_a_hook_beats_what_the_screen_said_already() -> None:
    """The prompt was sent, and no spinner is drawn yet; or the turn is over, and the spinner still stands."""
    made = Arbiter()
    seen(made, P.IDLE, 1_000)
    made.put(S.HOOK, signal(S.HOOK, P.WORKING, 2_000, 32_000))

    assert seen(made, P.IDLE, 2_100) is P.WORKING
    assert seen(made, P.WORKING, 3_000) is P.WORKING
    made.put(S.HOOK, signal(S.HOOK, P.IDLE, 5_000, 8_000))
    assert seen(made, P.WORKING, 5_100) is P.IDLE
    assert seen(made, P.WORKING, 8_000) is P.WORKING


def test_the_screen_beats_a_hook_with_what_it_says_since() -> None:
    """No hook tells of Esc: the composer that comes back does."""
    made = Arbiter()
    seen(made, P.WORKING, 1_500)
    made.put(S.HOOK, signal(S.HOOK, P.WORKING, 2_000, 32_000))

    assert seen(made, P.IDLE, 4_000) is P.IDLE
    assert seen(made, P.IDLE, 9_000) is P.IDLE


def test_a_dialog_that_a_hook_announces_must_be_seen() -> None:
    """Another hook may have given the permission: a screen that works shows no dialog. Where nothing can be read the hook counts."""
    made = Arbiter()
    seen(made, P.WORKING, 1_000)
    made.put(S.HOOK, signal(S.HOOK, P.WAITING_APPROVAL, 2_000, 5_000))

    assert seen(made, P.WORKING, 2_100) is P.WORKING
    blind = arbiter(signal(S.HOOK, P.WAITING_APPROVAL, 2_000, 5_000), now_ms=2_000)
    assert blind.judge(2_100).state is P.WAITING_APPROVAL


def test_a_hook_that_says_idle_does_not_hide_what_owns_the_keyboard() -> None:
    """A dialog, known or not, is no composer."""
    dialog = arbiter(signal(S.HOOK, P.IDLE, 1_000, 9_000), signal(S.DIALOG, P.WAITING_QUESTION, 500))
    unknown = arbiter(signal(S.HOOK, P.IDLE, 1_000, 9_000), signal(S.SCREEN, None, 500))

    assert dialog.judge(2_000).state is P.WAITING_QUESTION
    assert unknown.judge(2_000).state is P.UNKNOWN


def test_what_a_dialog_hid_begins_anew() -> None:
    """Work that goes on after an approval was not there when the hook came."""
    made = Arbiter()
    seen(made, P.WORKING, 1_000)
    made.put(S.HOOK, signal(S.HOOK, P.IDLE, 2_000, 5_000))
    seen(made, None, 2_100)

    assert seen(made, P.WORKING, 2_500) is P.WORKING


def test_a_hook_alone_is_not_believed_for_long() -> None:
    """A prompt that another hook has thrown away starts no work: the composer stands there all the time."""
    made = Arbiter()
    seen(made, P.IDLE, 1_000)
    made.put(S.HOOK, signal(S.HOOK, P.WORKING, 2_000, 32_000))

    assert seen(made, P.IDLE, 2_100) is P.WORKING
    assert made.judge(2_500).wake_ms == 5_000
    assert seen(made, P.IDLE, 5_000) is P.IDLE
    blind = arbiter(signal(S.HOOK, P.WORKING, 2_000, 32_000), now_ms=2_000)
    assert blind.judge(31_000).state is P.WORKING
