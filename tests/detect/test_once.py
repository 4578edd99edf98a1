"""What counts as the same event."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from detect.told import said
from wa.detect.once import Once
from wa.model.agent import Detection

FULL = ("Allow once", "Allow for this session", "No, suggest changes (esc)")


def news(*looks: list[Detection]) -> list[Detection]:
    """What is new in looks one second apart."""
    once = Once(lambda found: found)
    told = []
    for number, look in enumerate(looks):
        once.look()
        told += [new for found in look if (new := once.new(found, number * 1000, None, 0)) is not None]
    return told


def approval(*options: str, **fields: object) -> list[Detection]:
    return [said("waiting.approval", agent="gemini", options=options, selected=options[0], **fields)]


def test_a_dialog_that_is_painted_again_is_one_event() -> None:
    """gemini-cli draws its box anew now and then; a look may meet it with one option only."""
    asked = {"question": "Allow execution of: 'rm, make'?", "command": "rm -rf build && make all"}
    assert news(approval(*FULL, **asked), approval(FULL[0], **asked), approval(*FULL, **asked)) == approval(
        *FULL, **asked
    )


def test_another_question_is_another_event() -> None:
    """Also where the options are the same."""
    looks = approval(*FULL, question="Allow execution of: 'rm'?"), approval(*FULL, question="Apply this change?")
    assert len(news(*looks)) == 2


def test_a_dialog_without_words_of_its_own_is_known_by_its_options() -> None:
    """Nothing else tells one from another."""
    assert len(news(approval("Stay", "Go"), approval("Keep", "Drop"))) == 2


def test_a_limit_in_the_same_words_is_another_one_in_a_later_turn() -> None:
    """Further down than the first; the first, painted again where it stood, is not."""
    once = Once(lambda found: found)
    told = []
    for row, begun in ((10, 1), (10, 1), (10, 2), (30, 2), (30, 2), (10, 2)):
        once.look()
        told.append(once.new(said("usage.limit", reset="6:38 AM"), 0, row, begun) is not None)
    assert told == [True, False, False, True, False, False]


def done(*durations: str) -> list[Detection]:
    return [said("turn.done", agent="claude_code", duration=duration) for duration in durations]


def read(once: Once, look: list[Detection], rows: list[int], begun: int, *, relaid: bool = False) -> list[bool]:
    once.look(look, rows, relaid=relaid)
    return [once.new(one, 0, row, begun) is not None for one, row in zip(look, rows, strict=True)]


def test_ends_of_turns_that_a_resize_moves_are_old() -> None:
    """Claude Code prints its whole history again, further down, also below what stands there already."""
    once = Once(lambda found: found)
    assert read(once, done("1s"), [19], 1) == [True]
    assert read(once, done("1s", "0s"), [19, 30], 2) == [False, True]
    assert not any(read(once, done("1s", "0s"), [24, 35], 3, relaid=True))
    assert not any(read(once, done("1s", "0s", "1s", "0s"), [24, 35, 60, 71], 3, relaid=True))
    assert read(once, done("1s", "0s", "1s"), [60, 71, 80], 3) == [False, False, True]


def test_an_end_below_those_that_a_resize_moved_is_new() -> None:
    """The turn went on meanwhile; and rows that a wider pane made smaller hide no later end."""
    once = Once(lambda found: found)
    read(once, done("1s", "0s"), [19, 30], 2)
    assert read(once, done("1s", "0s", "7s"), [24, 35, 50], 3, relaid=True) == [False, False, True]
    assert not any(read(once, done("1s", "0s", "7s"), [12, 18, 25], 3, relaid=True))
    assert read(once, done("1s", "0s", "7s", "1s"), [12, 18, 25, 30], 4) == [False, False, False, True]


def test_ends_that_all_moved_are_old() -> None:
    """Where the rows above were counted anew, without another size."""
    once = Once(lambda found: found)
    assert read(once, done("5s", "0s"), [34, 56], 2) == [True, True]
    assert read(once, done("5s", "0s"), [42, 64], 3) == [False, False]
    assert read(once, done("0s", "5s"), [64, 80], 3) == [False, True]


def test_an_end_in_the_same_words_is_new_once_the_rows_stand_still() -> None:
    """Soon after a pane was given another size."""
    once = Once(lambda found: found)
    assert read(once, done("1s"), [19], 1) == [True]
    assert read(once, done("1s"), [24], 2, relaid=True) == [False]
    assert read(once, done("1s", "1s"), [24, 40], 2, relaid=True) == [False, True]


def test_rows_that_came_to_rest_after_a_resize_tell_nothing_again() -> None:
    """The first look after a resize may come before the agent has drawn anew, or while it does; the next one comes when it likes."""
    once = Once(lambda found: found)
    compacted = [said("compaction.done", agent="gemini", before=80)]
    assert read(once, compacted, [43], 0) == [True]
    assert read(once, compacted, [39], 1, relaid=True) == [False]
    assert read(once, compacted, [43], 2) == [False]
    assert read(once, compacted, [43], 3, relaid=True) == [False]
    assert read(once, compacted, [46], 4) == [False]
    assert read(once, compacted * 2, [46, 60], 5) == [False, True]


def test_a_limit_whose_box_has_closed_hides_nothing_that_was_recorded_before_it() -> None:
    """Gemini CLI: a compaction, the prompt after it, the box of a limit, and then another size of the pane."""
    once = Once(lambda found: found)
    compacted = said("compaction.done", agent="gemini", before=80)
    limit = said("usage.limit", agent="gemini", reset="5:28 PM CST")
    assert read(once, [compacted], [19], 1) == [True]
    assert read(once, [compacted, limit], [19, 30], 2) == [False, True]
    assert read(once, [compacted], [24], 2, relaid=True) == [False]
    assert read(once, [compacted, *done("1s")], [24, 40], 3) == [False, True]
    assert read(once, [compacted, *done("1s")], [31, 47], 3, relaid=True) == [False, False]


@given(
    st.lists(st.sampled_from(["0s", "1s", "<1s", "2s"]), min_size=1, max_size=12),
    st.integers(0, 12),
    st.integers(-40, 40),
)
def test_a_resize_tells_no_end_again(durations: list[str], gone: int, moved: int) -> None:
    """However many have left the page, and wherever the others stand now."""
    once = Once(lambda found: found)
    rows = [10 * place for place in range(len(durations))]
    for begun in range(1, len(durations) + 1):
        assert read(once, done(*durations[:begun]), rows[:begun], begun)[-1]
    left = durations[gone:]
    assert not any(read(once, done(*left), [row + moved for row in rows[gone:]], len(durations) + 1, relaid=True))
