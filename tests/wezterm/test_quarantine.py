from hypothesis import given
from hypothesis import strategies as st

from wa.wezterm.quarantine import ENDURED, WITHIN_MS, Quarantine, Verdict
from wa.wezterm.wire_ids import ESSENTIAL, NOTIFY_ALERT, RENDER_CHANGES


@given(st.integers(0, 200).filter(lambda ident: ident not in ESSENTIAL))
def test_a_kind_of_no_weight_is_ignored_after_one_failure(ident: int) -> None:
    """An unknown or grown message that nothing hangs on is skipped from then on, and the notice names it."""
    quarantine = Quarantine()

    assert quarantine.failed(ident, 0) is Verdict.SKIP
    assert quarantine.holds(ident)
    assert str(ident) in (quarantine.notice or "")


def test_an_essential_kind_is_given_up_at_the_third_failure() -> None:
    """Twice the pane is read again; the third time this layout is not one wa knows."""
    quarantine = Quarantine()

    verdicts = [quarantine.failed(RENDER_CHANGES, at_ms) for at_ms in (0, 10, 20)]

    assert verdicts == [Verdict.REREAD, Verdict.REREAD, Verdict.GIVE_UP]
    assert not quarantine.holds(RENDER_CHANGES)


def test_failures_far_apart_are_endured() -> None:
    """A connection of weeks is not given up for an odd frame now and then."""
    quarantine = Quarantine()

    verdicts = {quarantine.failed(RENDER_CHANGES, n * WITHIN_MS) for n in range(ENDURED * 4)}

    assert verdicts == {Verdict.REREAD}


def test_nothing_to_say_while_all_is_well() -> None:
    """Without a failure there is no notice and nothing is held."""
    quarantine = Quarantine()

    assert quarantine.notice is None
    assert not quarantine.holds(NOTIFY_ALERT)
