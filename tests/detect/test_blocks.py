"""Lines as the agent drew them."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wa.detect.blocks import (
    BOX,
    JOINT,
    MAX_DRAWN,
    MAX_JOINTS,
    MAX_KNOWN,
    MAX_KNOWN_CHARS,
    RULE,
    SHELL,
    TEXT,
    Block,
    Grouper,
    Marker,
    is_prompt,
    join,
    readings,
    unboxed,
)
from wa.detect.page import MAX_PART_CHARS, page_of_text

ZERO = frozenset({0})
GROUPER = Grouper(
    [
        Marker("agent", "•", ZERO),
        Marker("user", "›", ZERO, unlike=re.compile(r"\d+\. ")),
        Marker("result", "⎿", frozenset({2}), nbsp=True, replies=True),
    ],
    re.compile(r"Error:"),
)
ROWS = st.lists(
    st.sampled_from(
        [
            *(
                "",
                "• agent",
                "› user",
                "› 1. Yes",
                "  ⎿ \u00a0result",
                "  ⎿ quoted",
                "  indented",
                "plain",
                "Error: bad",
            ),
            *(
                "────────",
                "── Title ──",
                "╭──╮",
                "│ in │",
                "│  │",
                "╰──╯",
                "╭──",
                "│ cut",
                "$ ls",
                "me@host:~$ codex",
                "▄▄▄",
            ),
        ]
    ),
    max_size=40,
)


def blocks(*rows: str, cols: int = 200) -> list[Block]:
    return GROUPER.blocks(page_of_text(rows, cols, 50))


def shape(found: list[Block]) -> list[tuple[str, int, int, str]]:
    return [(block.kind, block.first, block.last, block.text) for block in found]


@given(rows=ROWS)
def test_blocks_cover_the_rows_in_order(rows: list[str]) -> None:
    """No row is in two blocks, and only empty rows are in none."""
    covered: list[int] = []
    for block in blocks(*rows):
        assert block.first <= block.last
        covered += range(block.first, block.last + 1)
    assert covered == sorted(set(covered))
    assert all(not rows[at].strip() for at in range(len(rows)) if at not in covered)


@given(above=ROWS, below=ROWS)
def test_what_stands_below_an_empty_row_is_grouped_by_itself(above: list[str], below: list[str]) -> None:
    """Whatever is above, an empty row ends it; a box that the pane cut is the exception, so there is none here."""
    uncut = [text for text in above if text != "╭──"]
    own = [text for text in below if text != "╭──"]
    start = len(uncut) + 1
    both = [block for block in blocks(*uncut, "", *own) if block.first >= start]
    alone = blocks(*own)
    assert [(kind, first - start, last - start, text) for kind, first, last, text in shape(both)] == shape(alone)


@given(rows=ROWS)
def test_a_grouper_that_saw_the_lines_before_sees_the_same(rows: list[str]) -> None:
    """What it remembers changes nothing."""
    fresh = Grouper([Marker("agent", "•", ZERO)])
    page = page_of_text(rows, 200, 50)
    assert shape(fresh.blocks(page)) == shape(fresh.blocks(page))


def whole(block: Block) -> tuple[object, ...]:
    return (*shape([block]), block.column, block.glyph, block.lines, block.owner, block.root, block.flush)


@given(rows=ROWS)
def test_parts_drawn_by_themselves_make_the_blocks_of_the_page(rows: list[str]) -> None:
    """Where each stands, who owns it, and a box that goes on across empty rows: all as one pass over all lines finds it."""
    page, slow = page_of_text(rows, 200, 50), page_of_text(rows, 200, 50)
    slow._plain = False
    assert [whole(block) for block in GROUPER.blocks(page)] == [whole(block) for block in GROUPER.blocks(slow)]


def test_a_part_is_placed_where_it_stands_now() -> None:
    """The same words further down, below another message, are another block; what they say is put together once."""
    for above in (["• one"], ["› two", "", "$ ls", ""], []):
        found = blocks(*above, "", "plain", "and more")[-1]
        assert (found.first, found.last) == (len(above) + 1, len(above) + 2)
        assert found.owner == {0: "", 1: "agent", 4: SHELL}[len(above)]
        assert found.text == "plain and more"
    broken = page_of_text(["• one", "two\nthree", "", "plain"], 200, 50)
    assert shape(GROUPER.blocks(broken))[-1][1:3] == (3, 3), "a row that holds an end of line moves no other"


def test_a_glyph_at_its_column_begins_a_block() -> None:
    """Indented, followed by a word, or in the middle of a row it is text."""
    assert [block.kind for block in blocks("• one", "  more", "• two")] == ["agent", "agent"]
    assert [block.kind for block in blocks("  • quoted")] == [TEXT]
    assert [block.kind for block in blocks("•glued")] == [TEXT]
    assert [block.kind for block in blocks("say • it")] == [TEXT]


def test_a_quoted_row_lacks_the_no_break_space() -> None:
    """An agent's own result has U+00A0 behind its glyph; prose that shows one has a plain blank."""
    assert [block.kind for block in blocks("  ⎿ \u00a0own")] == ["result"]
    assert [block.kind for block in blocks("  ⎿\u00a0own")] == ["result"]
    assert [block.kind for block in blocks("  ⎿ quoted")] == [TEXT]


def test_an_option_of_a_list_is_no_message_of_the_user() -> None:
    assert [block.kind for block in blocks("› 1. Yes", "› hello")] == [TEXT, "user"]


def test_blocks_know_what_stands_above_them() -> None:
    """Its owner is the marker before it; its root looks past markers that only answer."""
    found = blocks("text", "› ask", "", "• say", "  ⎿ \u00a0result", "", "after")
    assert [(block.kind, block.owner, block.root) for block in found] == [
        (TEXT, "", ""),
        ("user", "", ""),
        ("agent", "user", "user"),
        ("result", "agent", "agent"),
        (TEXT, "result", "agent"),
    ]


def test_a_command_line_ends_what_came_before() -> None:
    """Nothing below it is owned by an agent's message above."""
    found = blocks("• say", "$ ls", "file")
    assert [(block.kind, block.owner) for block in found] == [("agent", ""), (SHELL, "agent"), (TEXT, SHELL)]


def test_a_box_is_one_block_and_says_what_is_in_it() -> None:
    """Borders dropped, also those of a box in a box; its empty rows stay as empty lines."""
    (box,) = blocks("╭────╮", "│ a  │", "│    │", "│ b  │", "╰────╯")
    assert (box.kind, box.first, box.last, box.lines) == (BOX, 0, 4, ["", "a", "", "b", ""])
    assert box.text == "a b"
    assert unboxed("│ │ deep │ │") == "deep"


def test_a_box_wider_than_the_pane_is_one_block() -> None:
    """Its rows are cut: the right border stands alone, and rows of it are empty."""
    found = blocks("╭───────", "──╮", "│ words ", "  │", "", "╰───────", "──╯", "after", cols=8)
    assert (found[0].kind, found[0].first) == (BOX, 0)
    assert found[0].text.startswith("words")


def test_a_drawn_line_may_carry_a_title() -> None:
    """And parts what stands above and below."""
    found = blocks("above", "─── Worked for 3s ────", "below")
    assert [(block.kind, block.text) for block in found] == [(TEXT, "above"), (RULE, "Worked for 3s"), (TEXT, "below")]


def test_a_line_that_breaks_begins_a_text_of_its_own() -> None:
    """Directly below a message too."""
    assert [(block.kind, block.text) for block in blocks("• say", "Error: bad")] == [
        ("agent", "say"),
        (TEXT, "Error: bad"),
    ]


def test_a_word_that_a_full_row_may_have_cut_stays_open() -> None:
    """Both ways of reading are kept."""
    (block,) = blocks("• abcdefgh", "ijk", cols=10)
    assert block.text == f"abcdefgh{JOINT}ijk"
    assert list(readings(block.text)) == ["abcdefghijk", "abcdefgh ijk"]
    assert list(readings(block.text, flush=True)) == ["abcdefgh ijk", "abcdefghijk"]


@given(parts=st.lists(st.sampled_from("ab"), min_size=1, max_size=9), flush=st.booleans())
def test_readings_are_few_and_lose_nothing(parts: list[str], flush: bool) -> None:
    """All combinations of few joints, two of many; each has every character, and none comes twice."""
    found = list(readings(JOINT.join(parts), flush=flush))
    assert len(found) == len(set(found)) == (2 ** (len(parts) - 1) if len(parts) - 1 <= MAX_JOINTS else 2)
    assert {text.replace(" ", "") for text in found} == {"".join(parts)}


def test_a_url_is_joined_where_it_was_broken() -> None:
    """Behind one of its own marks; prose gets its blank back."""
    assert join(["go to https://a.b/c?", "d=e", "then on"]) == "go to https://a.b/c?d=e then on"
    assert join(["one", "", "two"]) == "one two"
    assert join(["see http:", "//a.b/", "c"]) == "see http: //a.b/ c"
    assert join([]) == ""


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("$ codex", True),
        ("$", True),
        ("me@host:~/src$ ls", True),
        ("[me@host src]$ ls", True),
        ("(venv) me@host:~$ ls", True),
        ("~/src % ls", True),
        ("root@c1:/# id", True),
        ("costs $5 or more", False),
        ("• $ ls", False),
        ("50% off", False),
        ("99.5 % of all", False),
        ("C# and Java", False),
        ("bash-5.1# id", True),
        ("  $ indented", False),
    ],
)
def test_a_shells_prompt_is_told_from_prose(text: str, is_one: bool) -> None:
    assert is_prompt(text) == is_one


def test_what_is_remembered_is_bounded() -> None:
    """By the number of lines and by their length: a pane that prints without end fills no memory."""
    grouper = Grouper([])
    for number in range(MAX_KNOWN + 10):
        grouper.see(f"line {number}")
    grouper.see("x" * (MAX_KNOWN_CHARS + 1))
    assert len(grouper.known) <= MAX_KNOWN
    assert max(map(len, grouper.known)) <= MAX_KNOWN_CHARS
    for number in range(MAX_DRAWN + 10):
        grouper.blocks(page_of_text([f"part {number}"], 80, 10))
    grouper.blocks(page_of_text([f"{number}" * 9 for number in range(MAX_PART_CHARS // 9)], 80, 10))
    assert 0 < len(grouper._drawn) <= MAX_DRAWN
    assert max(map(len, grouper._drawn)) <= MAX_PART_CHARS
    grouper.forget()
    assert not grouper.known
    assert not grouper._drawn


@pytest.mark.parametrize("row", ["╭──", "│" * 500, "╭" * 500, "│ " * 300, "$ " * 300, "⎿" * 300, "─" * 500])
def test_many_hostile_rows_are_grouped_in_time(row: str) -> None:
    """Boxes that never close, borders only, prompts only: a page of them costs milliseconds."""
    page = page_of_text([row] * 3_000, None, 45)
    page.lines  # noqa: B018
    begin = time.thread_time()
    GROUPER.blocks(page)
    assert time.thread_time() - begin < 0.5
