"""A sidecar that was killed goes on with a full-screen program where the log ends."""

from __future__ import annotations

import pytest
from test_alternate import Scene, answer, check_against

from wa.model.log import GapReason


def asked_twice(items: int, at: int, away: int, *, sticky: bool) -> tuple[Scene, list[str]]:
    """The same answer is given twice; in the second one, after *at* rows, the sidecar is killed, and is back *away* rows
    later.
    """
    scene = Scene()
    app = scene.app
    app.sticky, app.title = sticky, "do it"
    same = answer(0, items)
    app.start()
    app.say(["> q", "", *same, "", "> q", ""], jump=1)
    app.say(same[:at])
    scene.stage.restart()
    app.show = lambda: None
    app.say(same[at : at + away])
    app.show = scene.show
    scene.stage.begin()
    scene.show()
    app.say(same[at + away :])
    scene.end()
    return scene, ["> q", "", *same, "", "> q", "", *same]


@pytest.mark.parametrize("sticky", [False, True])
@pytest.mark.parametrize(("items", "at"), [(8, 0), (20, 6), (40, 6), (40, 30)])
@pytest.mark.parametrize("away", [0, 3, 12, 30])
def test_the_same_answer_again_is_not_what_was_stored(items: int, at: int, away: int, sticky: bool) -> None:
    """However far the second of two equal answers got meanwhile: what left the screen unseen is a gap, counted where a
    part of the screen is still there, and every other row is in the log, in order.
    """
    scene, truth = asked_twice(items, at, away, sticky=sticky)

    check_against(scene, truth, GapReason.DISCONNECTED)
    gaps = scene.stage.log.gaps
    assert len(gaps) == (away > 0)
    if gaps and gaps[0].missing is not None:
        told = [text for text in scene.stage.log.texts if not text.startswith("$ shell row")]
        assert len(told) + gaps[0].missing == len(truth)


@pytest.mark.parametrize("taller", [2, 8])
def test_a_taller_screen_may_show_what_is_stored(taller: int) -> None:
    """What comes back at the top is in the log once, and nothing is missing."""
    scene = Scene()
    app = scene.app
    app.start()
    app.say(answer(0, 40), jump=2)
    scene.stage.restart()
    app.show = lambda: None
    scene.stage.terminal.resize(80, 24 + taller)
    app.draw()
    app.show = scene.show
    scene.stage.begin()
    app.say(answer(40, 20))
    scene.end()

    assert not scene.stage.log.gaps
    check_against(scene, [*answer(0, 60)])


def test_more_rows_than_a_checkpoint_holds_are_a_gap() -> None:
    """Pages over pages, none of them stored while the first may come back: the new tracker tells that they are gone."""
    scene = Scene(rows=45)
    terminal = scene.stage.terminal
    scene.app.start()
    for page in range(12):
        terminal.erase_screen()
        terminal.move(0)
        terminal.write("\n".join(f"{page} {row} {chr(97 + page) * (row + 5)}"[:79] for row in range(45)))
        scene.show()
        scene.stage.pass_time(2_000)
    stored = scene.stage.log.next_row
    scene.stage.restart()
    scene.stage.begin()

    assert stored == 60 - 44
    assert [(gap.missing, gap.reason) for gap in scene.stage.log.gaps] == [(None, GapReason.DISCONNECTED)]
