import pytest
from hypothesis import given
from hypothesis import strategies as st

from wa.act.keys import NAMES, key_bytes
from wa.act.labels import find, folded

EDIT = ("Yes", "Yes, allow all edits during this session (shift+tab)", "No")
LIMIT = ("Switch to gpt-6-luna", "Keep current model", "Keep current model (never show again)")


@pytest.mark.parametrize(
    ("label", "options", "at"),
    [
        ("yes", EDIT, 0),
        ("Yes, allow all edits during this session", EDIT, 1),
        ("Keep current model", LIMIT, 1),
        ("Keep current model (never show again)", LIMIT, 2),
        ("Switch to…", LIMIT, 0),
        ("Stop", ("Keep trying", "Stop ────────"), 1),
        (
            "No, and tell Codex what to do differently",
            ("Yes, proceed (y)", "No, and tell Codex what to do differently (esc)"),
            1,
        ),
        ("don't trust", ("Trust folder (demo)", "Don\u2019t trust"), 1),
    ],
)
def test_an_option_is_found_by_what_a_person_reads(label, options, at):
    """Case, shortcuts, kinds of apostrophes and frames do not matter."""
    assert find((label,), options) == at


@pytest.mark.parametrize(
    ("label", "options"),
    [
        ("Allow all edits", EDIT),
        ("Keep…", LIMIT),
        ("Y", EDIT),
        ("", EDIT),
        ("…", EDIT),
        ("Yes, allow", EDIT),
        ("No", ("No", "no (n)")),
    ],
)
def test_on_doubt_there_is_no_such_option(label, options):
    """Part of a label is none, and what could be two is neither."""
    assert find((label,), options) is None


def test_the_first_of_several_labels_that_is_there_counts():
    """In the order of the labels, not of the options."""
    assert find(("Stop", "Keep current model", "Switch to gpt-6-luna"), LIMIT) == 1


@given(st.text(max_size=60))
def test_folding_ends_where_it_began(label):
    """Folded twice is folded once."""
    assert folded(folded(label)) == folded(label)


def test_every_key_has_bytes_and_nothing_else_has():
    """By its name in any case, with + or -; one printable character is itself."""
    assert all(key_bytes(name) for name in NAMES)
    assert (key_bytes("Ctrl-C"), key_bytes("ESC"), key_bytes("y"), key_bytes("Y")) == (b"\x03", b"\x1b", b"y", b"Y")
    assert (key_bytes("-"), key_bytes("+"), key_bytes("ctrl+1"), key_bytes("\x03"), key_bytes("")) == (
        b"-",
        b"+",
        None,
        None,
        None,
    )
