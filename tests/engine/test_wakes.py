import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wa.engine.wakes import SLICE, Wakes


class FakeLoop:
    """Time that moves when told; one timer at a time is all that Wakes may hold."""

    def __init__(self):
        self.now = 0.0
        self.timers = []

    def time(self):
        return self.now

    def call_at(self, when, callback):
        handle = FakeTimer(when, callback)
        self.timers = [timer for timer in self.timers if not timer.gone] + [handle]
        return handle

    def live(self):
        return [timer for timer in self.timers if not timer.gone]

    def advance(self, to):
        while due := sorted((t for t in self.live() if t.when() <= to), key=FakeTimer.when):
            self.now = max(self.now, due[0].when())
            due[0].gone = True
            due[0].callback()
        self.now = to


class FakeTimer:
    def __init__(self, when, callback):
        self._when, self.callback, self.gone = when, callback, False

    def when(self):
        return self._when

    def cancel(self):
        self.gone = True

    def cancelled(self):
        return self.gone


def with_loop(monkeypatch):
    loop = FakeLoop()
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: loop)
    return loop


STEPS = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 50)) | st.integers(0, 20) | st.sampled_from("ABC"), max_size=40
)


@settings(deadline=None)
@given(STEPS)
def test_each_rings_once_at_its_latest_time(steps):
    """Against the plain model: a dictionary of due times, looked at after every step."""
    with pytest.MonkeyPatch.context() as patch:
        loop = with_loop(patch)
        rung, expected, model = [], [], {}
        wakes = Wakes(lambda key: rung.append((key, loop.now)))
        for step in [*steps, 100]:
            if isinstance(step, int):
                until = loop.now + step
                for key, when in sorted(model.items(), key=lambda pair: pair[1]):
                    if when <= until:
                        expected.append((key, max(when, 0.0)))
                        del model[key]
                loop.advance(until)
            elif isinstance(step, str):
                wakes.drop(step.lower())
                model.pop(step.lower(), None)
            else:
                when = loop.now + step[1]
                wakes.at(step[0], when)
                model[step[0]] = when
            assert len(loop.live()) <= 1
        assert sorted(rung) == sorted(expected)
        assert len(wakes) == 0


def test_a_thousand_at_once_do_not_hold_the_loop(monkeypatch):
    """Those due together ring in slices, and all of them ring."""
    loop = with_loop(monkeypatch)
    rung = []
    wakes = Wakes(rung.append)
    for key in range(1000):
        wakes.at(key, 1.0)
    loop.now = 1.0

    first = loop.live()[0]
    first.gone = True
    first.callback()
    after_one_slice = len(rung)
    loop.advance(2.0)

    assert after_one_slice == SLICE
    assert sorted(rung) == list(range(1000))


def test_a_ring_that_fails_leaves_the_others(monkeypatch):
    """One pane's trouble does not stop the timer of the rest."""
    loop = with_loop(monkeypatch)
    rung = []

    def ring(key):
        if key == "bad":
            raise ValueError("trouble")
        rung.append(key)

    wakes = Wakes(ring)
    wakes.at("bad", 1.0)
    wakes.at("good", 2.0)
    with pytest.raises(ValueError, match="trouble"):
        loop.advance(1.0)
    loop.advance(3.0)

    assert rung == ["good"]


def test_nothing_rings_after_close(monkeypatch):
    """A closed session feeds nobody."""
    loop = with_loop(monkeypatch)
    rung = []
    wakes = Wakes(rung.append)
    wakes.at("a", 1.0)
    wakes.close()
    loop.advance(5.0)

    assert rung == []
    assert loop.live() == []
