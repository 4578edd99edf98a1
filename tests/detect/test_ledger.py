"""What session files say of tokens, placed in the turns that the pane showed."""

from hypothesis import given
from hypothesis import strategies as st

from wa.detect.compactions import Compactions
from wa.detect.ledger import Ledger
from wa.detect.session_ops import NoteCompaction, NoteSpent, SessionRef
from wa.detect.turns import ShownTurn, Turns
from wa.model.agent import PaneState
from wa.protocol.session_files import Compacted, Rewritten, TokenCount, Tokens, TurnEnded, TurnStarted

REF = SessionRef(1, "codex")
A = "01a1fe00-0ec0-7892-83ab-1e87b8d16840"
B = "01a1fe01-0ec0-7892-83ab-1e87b8d16840"


class World:
    """A ledger, the turns of its pane, and the rows that its operations make."""

    def __init__(self, agent="codex", known=()):
        ref = SessionRef(1, agent)
        self.turns = Turns(ref, 0, known)
        self.ledger = Ledger(ref, self.turns, Compactions(ref))
        self.rows, self.compactions, self.noted = {}, {}, 0

    def show(self, began, ended=None):
        self.turns.state(PaneState.WORKING, began)
        if ended is not None:
            self.turns.state(PaneState.IDLE, ended)
        self.settle()

    def settle(self):
        for one in self.ledger.settle():
            self.noted += 1
            if isinstance(one, NoteSpent):
                self.rows.pop((one.own_id, one.turn), None)
                if one.models:
                    self.rows[one.own_id, one.turn] = {model.model: model[1:] for model in one.models}
            else:
                assert isinstance(one, NoteCompaction)
                self.compactions[one.compaction] = one[2:]

    def tell(self, *records, own_id=A):
        for record in records:
            self.ledger.feed(own_id, record)
        self.settle()

    def sums(self):
        return [sum(figures) for figures in zip(*(m for row in self.rows.values() for m in row.values()), strict=True)]


def count(at_ms, sent=100, cached=60, output=7, *, name=None, model="m", total=True):
    tokens = Tokens(sent, cached, output, 2)
    return TokenCount(at_ms, model, name, tokens, tokens, tokens if total else None, None, None)


def own_sum(at_ms, sent, cached, output, model="m"):
    return TokenCount(at_ms, model, None, None, None, Tokens(sent, cached, output, 0), None, None)


ONE = (1, 47, 40, 60, 7, 2)


def test_requests_stand_in_the_turn_that_began_when_theirs_did():
    """Whether the pane or the file tells first."""
    w = World()
    w.ledger.follow(A, 0, tied=True)
    w.show(10_000, 12_000)
    w.tell(TurnStarted(9_900, "t1"), count(11_000, name="r1"), count(11_500, name="r2"))
    w.tell(TurnStarted(20_000, "t2"), count(20_100))
    assert w.rows == {(A, 1): {"m": (2, 94, 80, 120, 14, 4)}, (A, 0): {"m": ONE}}
    w.show(20_300)
    assert w.rows == {(A, 1): {"m": (2, 94, 80, 120, 14, 4)}, (A, 2): {"m": ONE}}


def test_a_request_that_is_written_again_is_one():
    """Its newest figures hold."""
    w = World("claude_code")
    w.ledger.follow(A, 0, tied=True)
    w.show(1_000)
    w.tell(TurnStarted(1_000, None), count(1_100, output=1, name="r"), count(1_300, output=9, name="r"))
    assert w.rows == {(A, 1): {"m": (1, 49, 40, 60, 9, 2)}}


def test_nothing_is_noted_twice():
    """The file read from its start again, by this run or the next, changes nothing."""
    told = [
        TurnStarted(1_000, None),
        count(1_100),
        Compacted(1_500, "manual", 90, 10),
        TurnEnded(1_600, None, 1, "done"),
    ]
    w = World()
    w.ledger.follow(A, 0, tied=True)
    w.show(1_000, 2_000)
    w.tell(*told)
    rows, noted = dict(w.rows), w.noted
    w.ledger.follow(A, 0, tied=True)
    w.tell(*told)
    w.settle()
    assert (w.rows, w.noted) == (rows, noted)

    again = World(known=(ShownTurn(1, 1_000, 2_000),))
    again.ledger.follow(A, 0, tied=True)
    again.tell(*told)
    assert again.rows == rows


def test_what_an_earlier_run_spent_is_not_this_ones():
    """A resumed session goes on in the same file."""
    w = World()
    w.ledger.follow(A, 50_000, tied=True)
    w.show(60_000)
    w.tell(
        TurnStarted(1_000, None), count(1_100), Compacted(1_200, None, 5, 1), TurnStarted(60_000, None), count(60_100)
    )
    assert (w.rows, w.compactions) == ({(A, 1): {"m": ONE}}, {})


def test_queued_prompts_belong_to_the_turn_that_goes_on():
    """The pane shows one turn, the file two."""
    w = World()
    w.ledger.follow(A, 0, tied=True)
    w.show(1_000)
    w.tell(TurnStarted(1_000, None), count(1_100), TurnStarted(30_000, None), count(31_000))
    w.turns.state(PaneState.IDLE, 40_000)
    w.settle()
    assert w.rows == {(A, 1): {"m": (2, 94, 80, 120, 14, 4)}}


def test_a_turn_that_wa_joined_has_what_it_spent():
    """It began in the file long before."""
    w = World()
    w.ledger.follow(A, 0, tied=True)
    w.show(60_000)
    w.tell(TurnStarted(1_000, None), count(2_000), count(61_000))
    assert set(w.rows) == {(A, 1)}


def test_a_compaction_that_is_no_turn_of_the_file_has_its_own_tokens():
    """Codex 0.87 counts it to the turn before."""
    w = World()
    w.ledger.follow(A, 0, tied=True)
    w.show(1_000, 2_000)
    w.show(9_000, 9_900)
    w.tell(TurnStarted(1_000, None), count(1_900), count(9_500))
    assert w.rows == {(A, 1): {"m": ONE}, (A, 2): {"m": ONE}}


def test_a_file_that_is_only_likely_counts_for_turns_that_began_together():
    """Once it is sure, all of it counts."""
    w = World("gemini")
    w.ledger.follow(A, 0, tied=False)
    w.show(1_000, 42_000)
    w.tell(TurnStarted(1_100, None), count(1_500), TurnStarted(40_000, None), count(41_000))
    assert w.rows == {(A, 1): {"m": (1, 49, 40, 60, 7, 2)}}
    w.tell(Compacted(42_000, "auto", 9, 1))
    assert w.compactions == {}
    w.ledger.tie(A)
    w.settle()
    assert w.rows == {(A, 1): {"m": (2, 98, 80, 120, 14, 4)}}
    assert list(w.compactions.values()) == [(42_000, "auto", 9, 1)]


def test_the_agents_own_sums_add_what_no_turn_has():
    """Side requests; less than was counted takes nothing away."""
    w = World("claude_code")
    w.ledger.follow(A, 0, tied=True)
    w.show(1_000, 2_000)
    w.tell(TurnStarted(1_000, None), count(1_100), own_sum(3_000, 130, 70, 9), own_sum(3_000, 1, 0, 0, "side"))
    assert w.rows[A, 0] == {"m": (0, 22, 20, 10, 2, 0), "side": (0, 1, 1, 0, 0, 0)}
    w.tell(own_sum(3_100, 1, 1, 1), own_sum(3_100, 0, 0, 0, "side"))
    assert (A, 0) not in w.rows


def test_sums_of_a_file_that_was_not_read_whole_say_nothing():
    """They cover what nobody counted."""
    w = World()
    w.ledger.follow(A, 0, tied=True)
    w.show(1_000, 2_000)
    w.tell(TurnStarted(1_000, None), count(1_100, total=False), own_sum(3_000, 9_999, 0, 9))
    assert w.rows == {(A, 1): {"m": ONE}}


def test_two_sessions_of_one_run_count_both():
    """After /clear the agent goes on in another file."""
    w = World()
    w.ledger.follow(A, 0, tied=True)
    w.show(1_000, 2_000)
    w.tell(TurnStarted(1_000, None), count(1_100))
    w.ledger.follow(B, 0, tied=True)
    w.show(5_000, 6_000)
    w.tell(TurnStarted(5_000, None), count(5_100), own_id=B)
    assert w.rows == {(A, 1): {"m": ONE}, (B, 2): {"m": ONE}}


def test_a_file_that_was_rewritten_is_told_anew():
    """What no longer stands in it is withdrawn."""
    w = World()
    w.ledger.follow(A, 0, tied=True)
    w.show(1_000, 2_000)
    w.show(5_000, 6_000)
    w.tell(TurnStarted(1_000, None), count(1_100), TurnStarted(5_000, None), count(5_100))
    w.tell(Rewritten(), TurnStarted(5_000, None), count(5_100))
    assert w.rows == {(A, 2): {"m": ONE}}


def test_gemini_counts_thoughts_beside_its_output():
    """The others count them within."""
    w = World("gemini")
    w.ledger.follow(A, 0, tied=True)
    w.show(1_000)
    w.tell(TurnStarted(1_000, None), count(1_100))
    assert w.rows == {(A, 1): {"m": (1, 49, 40, 60, 7, 2)}}


@given(st.lists(st.tuples(st.integers(0, 9_000), st.integers(1, 3), st.integers(0, 3_000), st.booleans()), max_size=40))
def test_every_request_counts_once_wherever_it_stands(steps):
    """Whatever turns the pane showed, and however the file was cut: the rows add up to the requests, none is negative."""
    w = World()
    w.ledger.follow(A, 0, tied=True)
    at_ms, requests = 1_000, 0
    for pause, asked, off, shows in steps:
        at_ms += pause + 1
        w.tell(TurnStarted(at_ms, None))
        if shows:
            w.turns.state(PaneState.WORKING, at_ms + off)
        for _ in range(asked):
            at_ms += 500
            requests += 1
            w.tell(count(at_ms))
        if shows:
            w.turns.state(PaneState.IDLE, max(at_ms, at_ms + off))
    w.settle()
    assert (w.sums() or [0])[0] == requests
    assert all(figure >= 0 for row in w.rows.values() for model in row.values() for figure in model)
    assert all(turn <= w.turns.count for _, turn in w.rows)
