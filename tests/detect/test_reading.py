"""One look at a pane's text: which rules speak, and what they say together."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from support.screens import AT_MS, SCREENS, VISIBLE, ZONE, cut, detector_for, detectors, key, rows_of
from wa.detect.page import page_of_rows, page_of_text
from wa.detect.reading import MAX_HEARD, MAX_HEARD_CHARS, Detector, Reading
from wa.model.agent import PaneState
from wa.model.screen import Row

AGENTS = ("codex", "claude_code", "gemini")
CODEX = detectors()["codex"]
COMPOSER = ["", "› Ask Codex to do anything", "", "  GPT-6-Sol default · /work", "  ← for agents · ? for shortcuts"]
LIMIT = "■ You've hit your usage limit. Upgrade to Pro (https://chatgpt.com/explore/pro) or try again at 3:05 PM."
WORKING = "• Working (2s • esc to interrupt)"
DIALOG = [
    "  Would you like to run the following command?",
    "",
    "  $ make",
    "",
    "› 1. Yes, proceed (y)",
    "  2. No, cancel (esc)",
]
FILES = [row["file"] for row in key()]
LOOSE = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], deadline=None)


def read(*rows: str, cols: int = 200, visible: int = 24, detector: Detector = CODEX, title: str = "") -> Reading:
    return detector.read(page_of_text(rows, cols, visible), title=title, at_ms=AT_MS, zone=ZONE)


def events(reading: Reading) -> list[str]:
    return [one.event for one in reading.detections]


def without_look(reading: Reading) -> Reading:
    return reading._replace(look=None)


def test_a_pane_with_nothing_of_an_agent_is_unknown_or_a_shell() -> None:
    """No word of it, no composer: nothing further is looked at."""
    assert read("hello", "world").state is PaneState.UNKNOWN
    assert read("hello", "$ ").state is PaneState.SHELL
    assert read("hello", "$").look is None
    assert read().state is PaneState.UNKNOWN


def test_a_composer_alone_is_idle_and_has_a_draft() -> None:
    """The placeholder is none."""
    reading = read("• hi", *COMPOSER)
    assert (reading.state, reading.draft, events(reading)) == (PaneState.IDLE, "", ["state.idle"])
    typed = read("• hi", "", "› fix it", "", "  ? for shortcuts · /work")
    assert (typed.state, typed.draft) == (PaneState.IDLE, "fix it")


def test_of_several_states_the_strongest_wins() -> None:
    """A dialog over a working row, a working row over a limit, a limit over an idle composer."""
    assert read(LIMIT, *COMPOSER).state is PaneState.LIMITED
    assert read(LIMIT, "", WORKING, *COMPOSER).state is PaneState.WORKING
    reading = read(LIMIT, "", *DIALOG)
    assert reading.state is PaneState.WAITING_APPROVAL
    assert reading.dialog is not None
    assert reading.dialog.options == ("Yes, proceed (y)", "No, cancel (esc)")
    assert reading.dialog.selected == 0


def test_an_answer_lifts_a_limit() -> None:
    """What the agent said before it does not."""
    assert read(LIMIT, "", "• Back to work.", *COMPOSER).state is PaneState.IDLE
    assert read("• Before.", "", LIMIT, *COMPOSER).state is PaneState.LIMITED


def test_what_scrolled_off_the_screen_is_not_of_this_moment() -> None:
    """A dialog and a working row count where they are seen; a limit stays true."""
    filler = [f"  row {at}" for at in range(30)]
    assert read(*DIALOG, *filler, visible=10).state is not PaneState.WAITING_APPROVAL
    assert "turn.working" not in events(read(WORKING, *filler, *COMPOSER, visible=10))
    assert read(LIMIT, *filler, *COMPOSER, visible=10).state is PaneState.LIMITED


def test_a_shells_prompt_below_ends_it() -> None:
    """An agent that is gone has neither dialog nor composer, whatever of it is still to be seen."""
    for rows in ([*DIALOG, "", "$ "], [LIMIT, *COMPOSER, "", "me@host:~$ "], [WORKING, "me@host:~$ ls"]):
        assert read(*rows).state in (PaneState.SHELL, PaneState.EXITED)


@pytest.mark.parametrize(
    "command", ["cat log.txt", "less log.txt", "git diff", "rg limit", "tail -50 log.txt", "sudo cat x"]
)
def test_what_a_command_prints_from_files_is_nobodys_word(command: str) -> None:
    """Where a prompt shows which command printed it."""
    reading = read(f"$ {command}", LIMIT, "", *DIALOG, "", "$ ")
    if command.startswith("sudo"):
        assert reading.state in (PaneState.SHELL, PaneState.EXITED)
        return
    assert reading.detections == ()
    assert reading.state is PaneState.SHELL


def test_a_newer_session_hides_the_one_before() -> None:
    """Its limit is over with it."""
    banner = [
        "╭────────────────────────╮",
        "│ >_ OpenAI Codex (v0.87.0) │",
        "│ model:     gpt-6        │",
        "│ directory: /work        │",
    ]
    banner.append("╰────────────────────────╯")
    rows = [*banner, "", LIMIT, "", *banner, *COMPOSER]
    assert "usage.limit" not in events(read(*rows))
    assert read(*rows).state is PaneState.IDLE
    assert read(*banner, "", LIMIT, *COMPOSER).state is PaneState.LIMITED


def test_rules_that_are_left_out_are_not_asked() -> None:
    page = page_of_text([LIMIT, *COMPOSER], 200, 24)
    reading = CODEX.read(page, at_ms=AT_MS, zone=ZONE, without=frozenset({"codex.usage.limit"}))
    assert "codex.usage.limit" not in [one.rule for one in reading.detections]
    assert "codex.usage.limit" not in reading.silent


def test_rules_that_stay_silent_are_named() -> None:
    """Their words are there, and still they say nothing: what `wa explain` prints."""
    reading = read("• I saw: Would you like to run the following command?", *COMPOSER)
    assert "codex.waiting.approval.command" in reading.silent
    assert events(reading) == ["state.idle"]


@pytest.mark.parametrize("cols", [30, 47, 60, 200])
def test_an_anchor_is_heard_wherever_its_part_stands(cols: int) -> None:
    """Behind empty rows, wrapped or whole, and again in a part that was heard before."""
    rows = [row for above in range(4) for row in (*[""] * above, *cut(LIMIT, cols))]
    flagged = [
        Row(at, text, len(text) == cols and at + 1 < len(rows) and rows[at + 1] != "") for at, text in enumerate(rows)
    ]
    reading = CODEX.read(page_of_rows(flagged, cols, 60), at_ms=AT_MS, zone=ZONE)
    assert "usage.limit" in events(reading)
    limit = next(one for one in reading.detections if one.event == "usage.limit")
    assert limit.place.last_row == len(rows) - 1


def test_what_is_remembered_of_pages_is_bounded() -> None:
    """By the number of parts and by their length."""
    detector = Detector(CODEX.pack)
    for number in range(MAX_HEARD + 20):
        read(f"{WORKING} {number}", detector=detector)
    read(WORKING + "x" * MAX_HEARD_CHARS, detector=detector)
    assert 0 < len(detector._heard) <= MAX_HEARD
    assert max(map(len, detector._heard)) <= MAX_HEARD_CHARS


def test_text_without_a_word_of_the_agent_displaces_nothing_that_is_remembered() -> None:
    """However much of it runs through a pane: it is told by one search, and forgotten."""
    detector = Detector(CODEX.pack)
    read(LIMIT, *COMPOSER, detector=detector)
    known = dict(detector._heard)
    for number in range(20):
        assert read(f"line {number}", "", "You've hit your", "", "usage limit.", detector=detector).look is None
    assert detector._heard == known


@pytest.mark.parametrize("known", [0, 1, 2, 5])
def test_a_word_is_heard_however_much_of_the_page_was_read_before(known: int) -> None:
    """In parts that are new and in parts that were there a moment ago."""
    detector = Detector(CODEX.pack)
    rows = [row for number in range(known) for row in (f"seen {number}", "")]
    read(*rows, WORKING, detector=detector)
    detector._heard.pop(WORKING)
    assert events(read(*rows, WORKING, *COMPOSER, detector=detector)) == ["turn.working"]


@LOOSE
@given(file=st.sampled_from(FILES), data=st.data())
def test_no_screen_cut_short_breaks_a_reading(file: str, data: st.DataObject) -> None:
    """Any rows of a real screen, at any width, with the eyes of any agent: every place that is named lies on the page."""
    rows = rows_of(SCREENS / file)
    start = data.draw(st.integers(0, len(rows)))
    end = data.draw(st.integers(start, len(rows)))
    cols = data.draw(st.one_of(st.none(), st.integers(1, 200)))
    for agent in AGENTS:
        reading = read(
            *rows[start:end], cols=cols or 200, visible=data.draw(st.integers(1, 60)), detector=detectors()[agent]
        )
        for one in reading.detections:
            assert one.place.first_row is not None
            assert one.place.last_row is not None
            assert 0 <= one.place.first_row <= one.place.last_row < end - start
        assert [one.place.first_row for one in reading.detections if one.event != "state.idle"] == sorted(
            one.place.first_row or 0 for one in reading.detections if one.event != "state.idle"
        )


@LOOSE
@given(file=st.sampled_from(FILES), blanks=st.integers(0, 6))
def test_blanks_at_the_ends_of_rows_and_of_the_screen_say_nothing(file: str, blanks: int) -> None:
    """A terminal pads, a copy does not."""
    rows = rows_of(SCREENS / file)
    detector = detector_for(file)
    own = read(*rows, cols=500, visible=VISIBLE, detector=detector)
    padded = [row.rstrip(" ") + " " * blanks for row in rows]
    assert without_look(read(*padded, cols=500, visible=VISIBLE, detector=detector)) == without_look(own)


@LOOSE
@given(file=st.sampled_from(FILES), others=st.lists(st.sampled_from(FILES), max_size=4))
def test_screens_that_were_read_before_change_nothing(file: str, others: list[str]) -> None:
    """Of no pane anything is remembered: a new detector reads the same."""
    used = Detector(detector_for(file).pack)
    for other in others:
        read(*rows_of(SCREENS / other), cols=120, detector=used)
    first = read(*rows_of(SCREENS / file), cols=120, visible=VISIBLE, detector=used)
    used.forget()
    again = read(*rows_of(SCREENS / file), cols=120, visible=VISIBLE, detector=used)
    assert without_look(first) == without_look(again)


@LOOSE
@given(file=st.sampled_from(FILES))
def test_each_event_is_told_once(file: str) -> None:
    """By one look; and what is drawn by the terminal's own cuts reads as what is drawn by none."""
    rows = [row.rstrip(" ") for row in rows_of(SCREENS / file)]
    detector = detector_for(file)
    flagged: list[Row] = []
    for row in rows:
        pieces = cut(row, 500)
        flagged += [Row(len(flagged) + at, piece, at < len(pieces) - 1) for at, piece in enumerate(pieces)]
    by_rows = detector.read(page_of_rows(flagged, 500, VISIBLE), at_ms=AT_MS, zone=ZONE)
    by_text = read(*rows, cols=500, visible=VISIBLE, detector=detector)
    assert without_look(by_rows) == without_look(by_text)
    told = [one.identity for one in by_rows.detections]
    assert len(told) == len(set(told))


@given(rows=st.lists(st.text(st.characters(), max_size=40), max_size=20))
@example(["\ud83d", "› \udc00", "■ You've hit your usage limit\udfff"])
@example(["\x00\x07\x1b", "›", "\u2028", "\u00a0"])
@example(["›" * 200] * 20)
def test_whatever_is_printed_is_read(rows: list[str]) -> None:
    """Halves of surrogate pairs, controls, separators."""
    rows = [row.replace("\n", " ") for row in rows]
    for agent in AGENTS:
        assert isinstance(read(*rows, detector=detectors()[agent]).state, PaneState)


def flood(anchor: str) -> list[list[str]]:
    return [
        [anchor * 10_000],
        [anchor] * 10_000,
        [anchor, ""] * 5_000,
        [f"{mark}{anchor} {number}" for number in range(3_000) for mark in ("● ", "  ⎿ \u00a0")],
        [f"■ {anchor} {'(' * 2_000}{'1,' * 1_000}{' ' * 2_000}"],
    ]


@pytest.mark.parametrize("agent", AGENTS)
def test_no_flood_of_an_agents_own_words_is_slow(agent: str) -> None:
    """Ten times what the benchmark `detection` allows, so that a busy machine fails nobody: what grows with a square takes longer."""
    detector = detectors()[agent]
    anchors = sorted({anchor for rule in detector.pack.rules for anchor in rule.anchors})
    for anchor in anchors[::6]:
        for rows in flood(anchor):
            detector.forget()
            begin = time.thread_time()
            detector.read(page_of_text(rows, None, VISIBLE), at_ms=AT_MS, zone=ZONE)
            assert time.thread_time() - begin < 0.5


@pytest.mark.parametrize("agent", AGENTS)
@pytest.mark.parametrize(
    "filler", [" ", "7", "1,2", "│", "╭─╮", "[({", "\u00a0", "額", "$ ", "› ", "https://a.b/c?d=e&"]
)
def test_no_megabyte_without_an_end_of_line_is_slow(agent: str, filler: str) -> None:
    """Whatever it consists of, as one row or cut by the terminal."""
    detector = detectors()[agent]
    text = (filler * 1_000_000)[:1_000_000]
    cut_rows = [Row(at, text[at * 80 : at * 80 + 80], True) for at in range(12_500)]
    for page in (lambda: page_of_text([text], None, VISIBLE), lambda: page_of_rows(cut_rows, 80, VISIBLE)):
        detector.forget()
        begin = time.thread_time()
        detector.read(page(), at_ms=AT_MS, zone=ZONE)
        assert time.thread_time() - begin < 0.5
