from hypothesis import given
from hypothesis import strategies as st

from wa.wezterm.backoff import Backoff


@given(failures=st.integers(0, 10**6), jitter=st.floats(0, 1, exclude_max=True))
def test_stays_between_half_and_all_of_the_ceiling(failures: int, jitter: float) -> None:
    """However often it failed and whatever the jitter, the wait is never negative and never beyond the limit."""
    policy = Backoff(first_s=0.25, limit_s=30.0)

    delay = policy.delay_s(failures, jitter)

    assert 0.0 <= delay <= 30.0
    if failures > 20:
        assert delay >= 15.0


@given(jitter=st.floats(0, 1, exclude_max=True))
def test_the_first_attempt_does_not_wait(jitter: float) -> None:
    """Without a failure there is nothing to wait for."""
    assert Backoff().delay_s(0, jitter) == 0.0


def test_doubles_with_each_failure() -> None:
    """Without jitter the waits go 1, 2, 4, 8 seconds and stop at the limit."""
    policy = Backoff(first_s=2.0, limit_s=16.0)

    assert [policy.delay_s(failures, 0.0) for failures in range(1, 7)] == [1.0, 2.0, 4.0, 8.0, 8.0, 8.0]


def test_a_connection_that_stood_starts_the_count_anew() -> None:
    """A drop after an hour is a first failure; one after a second is one more of a row."""
    policy = Backoff(stable_after_s=20.0)

    assert policy.failures_after(5, stood_s=3600.0) == 1
    assert policy.failures_after(5, stood_s=1.0) == 6
