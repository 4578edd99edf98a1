"""An option's label is told from what only describes it, at any width."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wa.agents.loader import Agents
from wa.detect.dialog import options_of
from wa.detect.page import page_of_text

MORE = Path(__file__).parents[1] / "data/agents-more"
LABELS = ("SQLite", "Postgres with a connection pool in front of it", "Keep flat files")
MORE_LABELS = {
    "claude-code-2.1.12": ("Type something.",),
    "claude-code-2.1.328": ("Type something.", "Chat about this"),
    "codex-0.169.0": ("None of the above",),
}
AGENT = {"claude-code": "claude_code", "codex": "codex", "gemini-cli": "gemini"}


@pytest.fixture(scope="module")
def detectors():
    return Agents(None).detectors


@pytest.mark.parametrize(
    "path", sorted(MORE.glob("*/ask-long-*.txt")), ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_labels_of_real_dialogs_are_the_labels_alone(detectors, path):
    """Codex draws descriptions beside them, the others below; some labels take two rows."""
    build = path.parent.name
    detector = detectors[AGENT[build.rpartition("-")[0]]]
    rows = path.read_text().rstrip("\n").split("\n")
    found = detector.read_text(rows, cols=int(path.stem.rpartition("-")[2]), visible=45, at_ms=0, zone="UTC")
    (asked,) = [one for one in found.detections if one.event == "waiting.question"]
    below_the_fold = build == "codex-0.169.0" and path.stem.endswith("-48")
    assert asked.fields["options"] == LABELS + (() if below_the_fold else MORE_LABELS.get(build, ()))
    assert asked.fields["selected"] == "SQLite"


def labels(*rows, cols=80):
    found = options_of(page_of_text(list(rows), cols, 45).lines, 0, cols)
    return None if found is None else found.labels


def test_labels_that_wrap_without_descriptions_are_whole():
    """Claude Code's approvals, in a narrow pane."""
    rows = (
        "❯ 1. Yes",
        "  2. Yes, and don't ask again for make",
        "     commands in /home/dev/agents/demo",
        "  3. No, and tell Claude what to do",
        "     differently",
    )
    wanted = (
        "Yes",
        "Yes, and don't ask again for make commands in /home/dev/agents/demo",
        "No, and tell Claude what to do differently",
    )
    assert labels(*rows, cols=40) == wanted


@pytest.mark.parametrize("build", ["claude-code-2.1.12", "claude-code-2.1.328"])
def test_the_tick_beside_what_is_in_force_is_no_part_of_a_label(detectors, build):
    """Before it or behind it, in a list with numbers or without."""
    rows = (MORE / build / "onboarding-theme-120.txt").read_text().rstrip("\n").split("\n")
    found = detectors["claude_code"].read_text(rows, cols=120, visible=45, at_ms=0, zone="UTC")
    (asked,) = [one for one in found.detections if one.event == "waiting.login"]
    auto = ("Auto (match terminal)",) if build.endswith("328") else ()
    assert asked.fields["options"][: len(auto) + 2] == (*auto, "Dark mode", "Light mode")
    assert asked.fields["selected"] == (*auto, "Dark mode")[0]


def test_a_gap_within_one_label_makes_no_column():
    """Two blanks by chance; nothing stands there in any other row."""
    assert labels("› 1. Run it  now, and here", "  2. A label that is longer than the gap", "  3. No") == (
        "Run it now, and here",
        "A label that is longer than the gap",
        "No",
    )


def test_a_rule_below_the_last_option_is_no_part_of_it():
    """Gemini CLI 0.61 draws one inside its box."""
    box = ("│ ● 1. Allow once" + " " * 22 + "│", "│   2. No (esc)" + " " * 24 + "│", "│ " + "─" * 36 + " │")
    assert labels(*box, cols=40) == ("Allow once", "No (esc)")


def test_wide_letters_stand_in_the_same_column():
    """A column is one of cells, not of letters."""
    assert labels("› 1. 数据库        描述 一", "  2. Postgres      描述 二") == ("数据库", "Postgres")


@given(
    st.lists(
        st.text(st.sampled_from("ab "), min_size=1, max_size=24).map(str.strip).filter(bool), min_size=2, max_size=6
    ),
    st.lists(st.text(st.sampled_from("xyz "), min_size=30, max_size=90), min_size=6, max_size=6),
    st.integers(48, 140),
)
def test_descriptions_beside_labels_are_never_in_them(names, said, cols):
    """Whatever they say and however they wrap, as Codex draws them."""
    names = [" ".join(name.split()) for name in names]
    column = 7 + max(map(len, names)) + 2
    rows = []
    for number, (name, words) in enumerate(zip(names, said, strict=False), 1):
        text = " ".join(words.split()) or "x"
        pieces = [text[at : at + cols - column - 1].strip() for at in range(0, len(text), cols - column - 1)]
        rows.append(f"{'›' if number == 1 else ' '} {number}. {name}".ljust(column - 2) + "  " + (pieces[0] or "x"))
        rows += [" " * column + piece for piece in pieces[1:] if piece]
    found = labels(*(f"  {row}" for row in rows), cols=cols + 4)
    assert found == tuple(names)
