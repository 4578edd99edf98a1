"""What counts as the same event."""

from __future__ import annotations

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
