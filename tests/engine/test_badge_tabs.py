"""Titles of tabs: the user's last one stays, and no two titles are under way at once between a mux and a GUI that shows it."""

import heapq
import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from wa.engine.badge_tabs import ARRIVED_S, LOOP_CHANGES, LOOP_REST_S, PLAIN_REST_S, REST_S, Tab
from wa.protocol.badges import SIGN, marked, own_title, unnumbered

COUNTS = ({}, {"idle": 1}, {"working": 1}, {"waiting": 2, "paused": 1})
NAMES = ("", "mine", f"{SIGN}x", "other", "another", f"{SIGN}wa1:", "last")


class Playing:
    """What is to happen at which second; of two at once the earlier said comes first."""

    def __init__(self):
        self.now_s, self._due, self._number = 0.0, [], itertools.count()

    def at(self, at_s, act):
        heapq.heappush(self._due, (at_s, next(self._number), act))

    def play(self, most):
        """Whether it came to rest within so many acts."""
        for _ in range(most):
            if not self._due:
                return True
            self.now_s, _, act = heapq.heappop(self._due)
            act()
        return False


class Sidecar:
    """Wants a title for its counts, and writes as MuxBadges does: when the tab lets it."""

    def __init__(self, playing, write, *, sees=None):
        self.playing, self.write, self.sees = playing, write, sees
        self.tab, self.counts = Tab("", 0.0), {}
        self.is_writing, self.written = False, []

    def look(self):
        wanted, now_s = self.tab.wanted(self.counts), self.playing.now_s
        if wanted == self.tab.known or self.is_writing:
            return
        if self.sees is not None and self.tab.seen_s is None and self.sees(self.tab.known):
            self.tab.seen_s = now_s
        at_s = self.tab.may_change_s(REST_S, watched=self.sees is not None)
        if at_s <= now_s:
            self.is_writing = True
            self.tab.sending(wanted)
            self.written.append(now_s)
            self.write(wanted)
        else:
            self.playing.at(min(at_s, now_s + 0.02), self.look)

    def heard(self, title):
        self.tab.heard(title, self.playing.now_s)
        self.look()

    def answered(self, title):
        self.tab.sent(title, self.playing.now_s, taken=True)
        self.is_writing = False
        self.look()


DELAYS = st.floats(0.0005, 0.3)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 3), st.sampled_from(NAMES)), min_size=1, max_size=6, unique_by=lambda one: one[1]),
    st.lists(st.tuples(st.floats(0, 3), st.sampled_from(COUNTS)), max_size=12),
    st.lists(DELAYS, min_size=4, max_size=4),
)
def test_the_users_last_title_stays_however_writes_cross(renames, states, delays):
    """The mux tells everybody in the order in which it took titles; what is said in the meantime is late by anything."""
    playing = Playing()
    title, to_mux, from_mux = [""], itertools.cycle(delays[:2]), itertools.cycle(delays[2:])
    wire_s = [0.0]

    def later():
        # One line: nothing overtakes.
        wire_s[0] = max(wire_s[0], playing.now_s + next(from_mux))
        return wire_s[0]

    def put(new, answer=False):
        if title[0] != new:
            title[0] = new
            playing.at(later(), lambda: sidecar.heard(new))
        if answer:
            playing.at(later(), lambda: sidecar.answered(new))

    sidecar = Sidecar(playing, lambda new: playing.at(playing.now_s + next(to_mux), lambda: put(new, answer=True)))

    def change(counts):
        sidecar.counts = counts
        sidecar.look()

    for at_s, counts in states:
        playing.at(at_s, lambda counts=counts: change(counts))
    for at_s, name in renames:
        playing.at(at_s, lambda name=name: put(name))
    assert playing.play(2_000)
    # Of two at one time the later said is the later.
    last = max(enumerate(renames), key=lambda one: (one[1][0], one[0]))[1][1]
    wanted = max(enumerate(states), key=lambda one: (one[1][0], one[0]))[1][1] if states else {}
    assert unnumbered(title[0]) == marked(wanted, last)
    gaps = [after - before for before, after in itertools.pairwise(sidecar.written)]
    assert all(gap >= REST_S - 1e-9 for gap in gaps)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 3), st.sampled_from(COUNTS)), min_size=1, max_size=20),
    st.floats(0, 3),
    st.floats(0, 5),
    st.floats(0.0005, ARRIVED_S / 2),
)
def test_titles_come_to_rest_between_a_mux_and_a_gui_that_hangs(states, hangs_s, for_s, wire_s):
    """A GUI writes each title back that it is told: it may hang for as long as it likes, and states change as they like."""
    playing = Playing()
    mux, gui = [""], [""]

    def put(new, answer=False):
        if mux[0] != new:
            mux[0] = new
            sidecar.heard(new)
            at_s = playing.now_s + wire_s
            playing.at(max(at_s, hangs_s + for_s) if at_s >= hangs_s else at_s, lambda: show(new))
        if answer:
            sidecar.answered(new)

    def show(new):
        if gui[0] != new:
            gui[0] = new
            playing.at(playing.now_s + wire_s, lambda: put(new))

    sidecar = Sidecar(playing, lambda new: put(new, answer=True), sees=lambda title: gui[0] == title)

    def change(counts):
        sidecar.counts = counts
        sidecar.look()

    for at_s, counts in states:
        playing.at(at_s, lambda counts=counts: change(counts))
    assert playing.play(5_000), "titles go round"
    last = max(enumerate(states), key=lambda one: (one[1][0], one[0]))[1][1]
    assert mux[0] == gui[0]
    assert unnumbered(mux[0]) == marked(last, "")


def test_what_wa_wrote_before_is_not_taken_for_the_users():
    """A title of wa's that a GUI writes back late, or that an older list names, changes nothing of the user's."""
    tab = Tab("first", 0.0)
    tab.sending(marked({"idle": 1}, "first"))
    tab.heard(marked({"idle": 1}, "first"), 0.1)
    tab.sent(marked({"idle": 1}, "first"), 0.1, taken=True)
    tab.heard("second", 1.0)
    tab.heard(marked({"idle": 1}, "first"), 1.1)
    assert tab.own == "second"
    tab.heard(marked({"idle": 1}, "third"), 2.0)  # somebody has edited what they saw
    assert tab.own == "third"
    assert own_title(tab.known) == "third"


def test_a_title_that_stood_there_already_is_known_though_the_mux_tells_nothing():
    """An equal title makes no push."""
    tab = Tab(marked({"idle": 1}, "mine"), 0.0)
    tab.sending("mine")
    tab.sent("mine", 0.2, taken=True)
    assert (tab.known, tab.own) == ("mine", "mine")
    tab.sending("x")
    tab.sent("x", 0.4, taken=False)
    assert tab.known == "mine"


def test_a_tab_whose_titles_go_round_is_left_alone():
    """Until it has been quiet for a while; others write there, and wa would only add to it."""
    tab = Tab("", 0.0)
    for number in range(LOOP_CHANGES + 2):
        tab.heard("ab"[number % 2], number / 1000)
    assert tab.is_looping(1.0)
    assert tab.may_change_s(REST_S, watched=False) > LOOP_REST_S
    assert not tab.is_looping(LOOP_REST_S + 1)


def test_no_two_tabs_get_the_same_marker():
    """That a GUI shows a title then proves that it has this one, and not another tab's."""
    numbers = itertools.count(1)
    tabs = [Tab("", 0.0, numbers) for _ in range(3)]
    titles = [tab.wanted({"idle": 1}) for tab in tabs]

    assert len(set(titles)) == 3
    assert {unnumbered(title) for title in titles} == {marked({"idle": 1}, "")}
    assert [tab.wanted({"idle": 1}) for tab in tabs] == titles  # as long as it has not been written


def test_after_a_title_that_many_tabs_have_a_gui_is_given_longer():
    """ "" is seen at a GUI whichever tab has it; and a tab that has just come may be listed with it once more."""
    tab = Tab("", 0.0)
    tab.seen_s = 0.0

    assert tab.may_change_s(REST_S, watched=True) >= PLAIN_REST_S
    assert tab.may_change_s(REST_S, watched=False) == REST_S


def test_a_marker_of_another_sidecar_is_left_alone():
    """Two that write against each other never come to rest; what stood there from the beginning is of a run that crashed."""
    tab = Tab("mine", 0.0)
    tab.heard(marked({"idle": 1}, "mine", 77), 1.0)
    assert tab.wanted({}) == tab.wanted({"working": 1}) == tab.known

    left, newcomer = (
        Tab(marked({"idle": 1}, "mine", 77), 0.0),
        Tab(marked({"idle": 1}, "mine", 77), 0.0, is_first=False),
    )
    assert left.wanted({}) == "mine"
    assert newcomer.wanted({}) == newcomer.known
