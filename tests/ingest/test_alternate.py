"""Programs on the alternate screen."""

from __future__ import annotations

import itertools
import re

import pytest
from apps import ChatOnAlternate
from hypothesis import example, given, settings
from hypothesis import strategies as st
from stage import Stage
from terminal import Terminal

from wa.model.log import Gap, GapReason

NOISE = re.compile(r"Working|for help|model-x|^> |^-+$|\?|T R A N S|pgup|q to quit|^~$|/command")


FEW_SHARED = 10
"""Rows that two frames have in common, some of them blank and braces: too few to tell a scroll from a jump, at times."""


def answer(start: int, count: int) -> list[str]:
    """Prose, a list, a table and a code block with rows that repeat, each numbered row once."""
    lines: list[str] = []
    for i in range(start, start + count):
        match i % 8:
            case 0:
                lines += ["", f"## item {i}: a heading", ""]
            case 3 | 4:
                lines += [f"- item {i}: a point of some length that tells what was done and why"]
            case 5:
                lines += ["```", f"fn item_{i}() {{", "    {", "    }", "}", "```"]
            case 6:
                lines += ["|---|---|", f"| item {i} | yes |", "|---|---|"]
            case _:
                lines += [f"item {i}: prose"]
    return lines


def items(texts: list[str]) -> list[int]:
    return [int(found) for text in texts for found in re.findall(r"item[ _](\d+)\b", text)]


class Scene:
    def __init__(self, cols: int = 80, rows: int = 24, *, history: int = 60, mouse: bool = True) -> None:
        self.stage = Stage(Terminal(cols, rows, 2_000))
        self.stage.terminal.write("".join(f"$ shell row {i}\n" for i in range(history)))
        self.stage.settle()
        self.frame_ms = 40
        self.app = ChatOnAlternate(self.stage.terminal, self.show, mouse=mouse)

    def show(self) -> None:
        self.stage.pass_time(self.frame_ms)
        self.stage.push()
        self.stage.answer()

    def end(self) -> list[str]:
        self.app.stop()
        self.stage.settle()
        texts = [text.rstrip() for text in self.stage.log.texts]
        return [text for text in texts if not text.startswith("$ shell row")]


def check(scene: Scene, texts: list[str], count: int) -> None:
    told = items(texts)
    if scene.stage.log.gaps and scene.app.least_shared < FEW_SHARED:
        assert told == sorted(set(told))
    else:
        assert told == list(range(count))
        assert not scene.stage.log.gaps
    noise = [text for text in texts if NOISE.search(text)]
    assert not noise, noise
    assert len(texts) <= 1.3 * len(scene.app.wrapped()) + 2
    shell = [text for text in scene.stage.log.all_texts() if text.startswith("$ shell row")]
    assert len(shell) == len(set(shell)) == 60


@pytest.mark.parametrize(("jump", "rows"), [(1, 24), (2, 24), (5, 24), (1, 40), (5, 40), (12, 40)])
def test_rows_that_scroll_away_between_frames_are_stored(jump: int, rows: int) -> None:
    """An answer of some hundred rows, several rows a frame, is in the log whole, in order, and nothing else is."""
    scene = Scene(rows=rows)
    scene.app.start()
    scene.app.title = "do it"
    scene.app.busy = True
    scene.app.say(answer(0, 100), jump=jump)
    scene.app.busy = False
    scene.app.draw()

    check(scene, scene.end(), 100)


def told_runs(scene: Scene, reason: GapReason) -> list[list[str]]:
    """What the log holds of the chat, cut where it tells of a gap."""
    runs: list[list[str]] = [[]]
    for item in scene.stage.log.items:
        if isinstance(item, Gap):
            assert item.reason is reason
            runs.append([])
        else:
            runs[-1] += [row.text.rstrip() for row in item.rows if not row.text.startswith("$ shell row")]
    return runs


def check_nothing_is_nowhere(scene: Scene, said: int) -> None:
    """Each numbered row that was said is in the log or on the screen, unless a gap stands where it should be."""
    log, numbers = scene.stage.log, list[int]()
    lost = False
    for item in log.items:
        if isinstance(item, Gap):
            lost = True
        else:
            numbers += items([row.text for row in item.rows])
    screen = scene.stage.terminal.viewport()
    there = set(numbers) | set(items([row.text for row in screen]))
    assert lost or there == set(range(said)), sorted(set(range(said)) - there)


def check_against(scene: Scene, truth: list[str], reason: GapReason = GapReason.UNSEEN) -> None:
    """Each run of the log is a passage of the truth, in order, none twice; between them, and nowhere else, rows are
    missing.
    """
    truth = [text.rstrip() for text in truth]
    while truth and not truth[-1]:
        truth.pop()
    first = next((i for i, text in enumerate(truth) if text), 0)
    runs = told_runs(scene, reason)
    at = first
    for number, run in enumerate(runs):
        while number == len(runs) - 1 and run and not run[-1]:
            run.pop()
        places = range(at, at + 1) if number == 0 else range(at, len(truth) - len(run) + 1)
        if number == len(runs) - 1:
            places = range(max(places.start, len(truth) - len(run)), places.stop)
        place = next((i for i in places if truth[i : i + len(run)] == run), None)
        assert place is not None, (number, at, runs, truth)
        at = place + len(run)


COMMON = ["", "", "}", "    }", "    return x", "else:", "|---|---|", "may well wrap", "PASS"]
LINES = st.lists(st.one_of(st.none(), st.none(), st.sampled_from(COMMON)), min_size=1, max_size=120)
"""None stands for a row that is like no other."""
NUMBERED = ["item {} of the list", "def fn_{}(x):", "    if x > {}:", "{}", "step {}: some words that differ little"]


@settings(max_examples=300, deadline=None)
@given(
    LINES,
    st.sampled_from(NUMBERED),
    st.lists(st.integers(1, 40), min_size=1, max_size=8),
    st.integers(0, 9),
    st.booleans(),
    st.booleans(),
    st.integers(14, 40),
)
def test_rows_that_nobody_saw_are_a_gap_and_never_a_wrong_join(
    lines: list[str | None], form: str, paces: list[int], typed: int, sticky: bool, busy: bool, rows: int
) -> None:
    """At any pace of frames, whatever the rows: the log tells passages of the truth, in order, none twice, with a gap
    wherever it leaves something out.
    """
    scene = Scene(80, rows)
    app = scene.app
    app.sticky, app.title, app.busy = sticky, "do it", busy
    said = ["# do it", "hello", *[form.format(i) if line is None else line for i, line in enumerate(lines)]]
    app.start()
    app.say(said[:2])
    at = 2
    for pace in itertools.cycle(paces):
        if at >= len(said):
            break
        app.say(said[at : at + pace], jump=pace, typed=typed)
        at += pace
    scene.end()

    check_against(scene, said)


@pytest.mark.parametrize("mouse", [True, False])
@pytest.mark.parametrize("history", [0, 60])
def test_at_every_moment_a_row_is_on_the_screen_or_in_the_log(history: int, mouse: bool) -> None:
    """Rows that have left the screen are in the log at once, on the pane's very first screen too."""
    scene = Scene(history=history, mouse=mouse)
    scene.app.start()
    for at in range(60):
        scene.app.say(answer(at, 1))
        check_nothing_is_nowhere(scene, at + 1)
    assert not scene.stage.log.gaps


EVENTS = st.one_of(
    st.tuples(st.just("say"), st.integers(1, 30)),
    st.tuples(st.just("type"), st.integers(1, 6)),
    st.tuples(st.just("composer"), st.integers(1, 6)),
    st.tuples(st.just("dialog"), st.integers(3, 8)),
    st.tuples(st.just("wait"), st.integers(10, 3000)),
    st.tuples(st.just("back"), st.integers(1, 60)),
    st.tuples(st.just("spin"), st.integers(1, 5)),
    st.tuples(st.just("approval"), st.integers(3, 12)),
    st.tuples(st.just("popup"), st.integers(1, 8)),
    st.tuples(st.just("transcript"), st.integers(0, 80)),
    st.tuples(st.just("height"), st.integers(20, 50)),
)


def play(scene: Scene, events: list[tuple[str, int]], jump: int) -> int:
    app, stage = scene.app, scene.stage
    count = 0
    for name, value in events:
        match name:
            case "say" | "type":
                app.title = f"prompt before {count}"
                app.busy = True
                app.say(answer(count, value), jump=jump, typed=11 if name == "type" else 0)
                count += value
                app.busy = False
                app.draw()
            case "composer":
                app.composer = ["> typed text"] * value
                app.draw()
            case "dialog":
                app.dialog = [f"| Allow this? {i} ?" for i in range(value)]
                app.draw()
                stage.pass_time(1500)
                app.dialog = []
                app.draw()
            case "wait":
                stage.pass_time(value)
                app.clock += value // 1000
                app.draw()
            case "back":
                app.back = min(value, max(0, len(app.wrapped()) - app.height))
                app.draw()
                stage.pass_time(2000)
                app.back = 0
                app.draw()
            case "approval":
                app.approval = [f"| Would you like to run it? {i}" for i in range(value)]
                app.draw()
                stage.pass_time(value * 300)
                app.approval = []
                app.draw()
            case "popup":
                typed, app.composer = app.composer, ["> /c"]
                app.popup = [f"  /command-{i}   what it does" for i in range(value)]
                app.draw()
                stage.pass_time(value * 300)
                app.popup, app.composer = [], typed
                app.draw()
            case "transcript":
                for back in (0, value // 2, value, 0):
                    app.transcript = min(back, max(0, len(app.wrapped()) - stage.terminal.screen.rows))
                    app.draw()
                    stage.pass_time(value * 20)
                app.transcript = None
                app.draw()
            case "height":
                stage.resized(stage.terminal.screen.cols, value)
                scene.show()
                app.draw()
            case "spin":
                app.busy = True
                for _ in range(value):
                    app.draw()
                app.busy = False
                app.draw()
    return count


@settings(max_examples=150, deadline=None)
@given(st.lists(EVENTS, min_size=1, max_size=12), st.integers(1, 3), st.integers(24, 45), st.integers(50, 110))
@example([("composer", 6), ("popup", 8)], 1, 25, 68)
@example([("composer", 6), ("popup", 5)], 3, 39, 90)
@example([("height", 20), ("dialog", 8)], 1, 24, 110)
@example([("type", 6), ("composer", 2), ("height", 20), ("dialog", 3)], 3, 25, 86)
@example([("composer", 6), ("dialog", 6), ("popup", 8)], 1, 24, 50)
@example([("say", 30), ("say", 30), ("height", 41), ("back", 51)], 2, 44, 55)
@example([("height", 20), ("say", 20), ("composer", 6), ("type", 1)], 2, 24, 50)
@example([("height", 24), ("height", 50)], 2, 45, 50)
@example(
    [("height", 20), ("say", 28), ("composer", 6), ("type", 6), ("dialog", 8), ("transcript", 44)],
    3,
    33,
    50,
)
@example([("height", 20), ("type", 4), ("type", 6), ("composer", 5), ("say", 19), ("transcript", 27)], 3, 24, 50)
def test_whatever_a_chat_does_each_row_of_it_is_stored_once(
    events: list[tuple[str, int]], jump: int, rows: int, cols: int
) -> None:
    """Composers that grow, dialogs that open and close, scrolling back and waiting cost no rows and lose none."""
    scene = Scene(cols, rows)
    scene.app.start()
    count = play(scene, [("say", 3), *events], jump)

    check(scene, scene.end(), count)


class Pages:
    """A pager without a composer: each page shows other rows and stands long enough to be read."""

    def __init__(self, rows: int = 24) -> None:
        self.stage = Stage(Terminal(80, rows, 2_000))
        self.stage.terminal.write("".join(f"$ shell row {i}\n" for i in range(60)))
        self.stage.settle()
        self.stage.terminal.switch(alternate=True)
        self.stage.terminal.mouse = True

    def show(self, page: int) -> None:
        terminal = self.stage.terminal
        terminal.erase_screen()
        terminal.move(0)
        rows = terminal.screen.rows
        terminal.write("\n".join(f"page {page} {chr(97 + (page + row) % 26) * (row + 5)}"[:79] for row in range(rows)))
        self.stage.push()
        self.stage.answer()
        self.stage.pass_time(2_000)

    def told(self) -> list[int | None]:
        """Which pages the log holds; None for a gap."""
        told: list[int | None] = []
        for item in self.stage.log.items:
            if isinstance(item, Gap):
                told.append(None)
                continue
            for row in item.rows:
                found = re.match(r"page (\d+)", row.text)
                if found and told[-1:] != [int(found[1])]:
                    told.append(int(found[1]))
        return told


@pytest.mark.parametrize(("rows", "count"), [(24, 50), (24, 80), (45, 60)])
def test_pages_that_are_not_kept_are_a_gap(rows: int, count: int) -> None:
    """However many pages: each is in the log, in order, or a gap stands where it should be."""
    pages = Pages(rows)
    for page in range(count):
        pages.show(page)
    pages.stage.terminal.mouse = False
    pages.stage.terminal.switch(alternate=False)
    pages.stage.settle()

    told = pages.told()
    kept = [page for page in told if page is not None]
    assert kept == sorted(set(kept))
    missing = set(range(count)) - set(kept)
    holes = {0 if at == 0 else (told[at - 1] or 0) + 1 for at, page in enumerate(told) if page is None}
    assert missing
    assert all(page - 1 in missing or page in holes for page in missing), (told, missing)
