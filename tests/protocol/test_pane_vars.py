from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wa.protocol.pane_vars import MAX_COMMAND_BYTES, NAMES, Began, Ended, Handshake, PaneVarError, parse

TOKEN = "0123456789abcdef"
TOKENS = st.text("0123456789abcdef", min_size=16, max_size=32)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


def test_reads_the_examples_of_the_page():
    """The three variables as docs/protocol/pane-vars.md prints them."""
    hello = parse("WA_PANE", f"v=1;t={TOKEN};shell=bash;pid=4711;tty=/dev/pts/3;host=box;wa=0.1.0")
    assert hello == Handshake(TOKEN, "bash", 4711, "/dev/pts/3", "box", "0.1.0")
    assert parse("WA_CMD", f"t={TOKEN};n=7;c=make all") == Began(TOKEN, 7, "make all", False)
    assert parse("WA_DONE", f"t={TOKEN};n=7;e=2;d=1834") == Ended(TOKEN, 7, 2, 1834)


@given(TOKENS, st.integers(1, 2**53), TEXT, st.booleans())
def test_a_command_comes_through_as_it_stands(token, number, command, cut):
    """Semicolons, equals signs, newlines and escape sequences are the command's own."""
    said = parse("WA_CMD", f"t={token};n={number};{'cut=1;' if cut else ''}c={command}")

    assert said == Began(token, number, command or None, cut)


def test_unknown_keys_are_passed_over():
    """A later shell may tell more."""
    assert parse("WA_DONE", f"zz=1;t={TOKEN};n=1;e=0;new=x=y;d=0") == Ended(TOKEN, 1, 0, 0)


def test_a_line_that_is_not_told_has_no_command():
    """There is no `c` for a line that began with a blank."""
    assert parse("WA_CMD", f"t={TOKEN};n=3") == Began(TOKEN, 3, None, False)


@given(st.integers(MAX_COMMAND_BYTES - 3, MAX_COMMAND_BYTES + 3))
def test_a_command_is_cut_between_characters(size):
    """At most 1,024 bytes are kept, whole characters, and it says so."""
    said = parse("WA_CMD", f"t={TOKEN};n=1;c={'a' * (size - 2)}é")

    assert isinstance(said, Began)
    assert said.command is not None
    assert len(said.command.encode()) <= MAX_COMMAND_BYTES
    assert said.cut == (size > MAX_COMMAND_BYTES)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WA_PANE", ""),
        ("WA_PANE", f"v=2;t={TOKEN};shell=bash;pid=1;tty=;host=;wa="),
        ("WA_PANE", f"v=1;t={TOKEN};shell=bash;pid=x;tty=;host=;wa="),
        ("WA_PANE", f"v=1;t={TOKEN};shell=bash;pid=1;tty=/dev/\x1b[2J;host=;wa="),
        ("WA_PANE", f"v=1;t={TOKEN};shell={'b' * 257};pid=1;tty=;host=;wa="),
        ("WA_CMD", f"t={TOKEN[:15]};n=1;c=x"),
        ("WA_CMD", f"t={TOKEN * 3};n=1;c=x"),
        ("WA_CMD", f"t={TOKEN.upper()};n=1;c=x"),
        ("WA_CMD", f"t={TOKEN};n=0;c=x"),
        ("WA_CMD", f"t={TOKEN};n=-1;c=x"),
        ("WA_CMD", f"t={TOKEN};n=1;n=2;c=x"),
        ("WA_CMD", f"t={TOKEN};n=٣;c=x"),
        ("WA_CMD", f"t={TOKEN};n=1;c={'x' * 9000}"),
        ("WA_CMD", f"t={TOKEN};n=1;c=\udc80"),
        ("WA_CMD", "make all"),
        ("WA_DONE", f"t={TOKEN};n=1;e=256;d=1"),
        ("WA_DONE", f"t={TOKEN};n=1;e=0"),
        ("WA_DONE", f"t={TOKEN};n=1;e=0;d={9**20}"),
        ("WA_DONE", f"t={TOKEN};;n=1;e=0;d=1"),
    ],
)
def test_what_breaks_the_grammar_is_refused(name, value):
    """And the reason holds nothing of the value."""
    with pytest.raises(PaneVarError) as caught:
        parse(name, value)

    assert "xx" not in str(caught.value)
    assert TOKEN not in str(caught.value)


@given(st.sampled_from(sorted(NAMES)), st.text() | st.text("tnecdv=;0123456789abcdef"))
def test_no_value_raises_anything_else(name, value):
    """Whatever a program prints, it is read or refused."""
    with suppress(PaneVarError):
        parse(name, value)
