"""wa's lines in other people's files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wa.provision.blocks import block_in, comment_of, line_end_of, put_block, take_block
from wa.provision.text_trouble import TextTrouble

TEXTS = st.text(alphabet=st.sampled_from("ab #-\t\r\n\u2028\x0c\x85é\udcff\ufeff"), max_size=60)
BODIES = st.text(alphabet=st.sampled_from("xy #\n"), max_size=20)


@given(TEXTS, BODIES, st.sampled_from(["#", "--"]))
def test_what_was_put_is_taken_to_the_character(text: str, body: str, comment: str) -> None:
    """Whatever the line ends are, and whether the last line has one."""
    with_block = put_block(text, "shell", body, comment=comment)

    assert take_block(with_block, "shell", comment=comment) == text
    assert block_in(with_block, "shell", comment=comment) == body.removesuffix("\n")
    assert comment_of(with_block, "shell") == comment


@given(TEXTS, BODIES, BODIES)
def test_a_block_is_replaced_where_it_stands(text: str, first: str, second: str) -> None:
    """The second time gives what the first would have given; the same body changes nothing."""
    once = put_block(text, "shell", first)

    assert put_block(once, "shell", first) == once
    assert put_block(once, "shell", second) == put_block(text, "shell", second)
    assert take_block(put_block(once, "shell", second), "shell") == text


@given(TEXTS, st.integers(0, 60), BODIES)
def test_a_block_may_stand_in_the_middle(text: str, at: int, body: str) -> None:
    """At the beginning of any line."""
    at = min(at, len(text))
    if at and text[at - 1] not in "\r\n":
        return

    assert take_block(put_block(text, "lua", body, comment="--", at=at), "lua", comment="--") == text


@given(TEXTS, st.permutations(["one", "two", "three"]))
def test_blocks_go_in_any_order(text: str, order: list[str]) -> None:
    """One does not hold another, nor a line break that another needs."""
    full = text
    for name in ("one", "two", "three"):
        full = put_block(full, name, f"body {name}")
    for name in order:
        full = take_block(full, name)

    assert full.rstrip("\r\n") == text.rstrip("\r\n")
    if order == ["three", "two", "one"]:
        assert full == text


def test_a_line_appended_later_is_no_comment() -> None:
    """`echo … >> ~/.bashrc` after wa, on a file that had no last line break, must work and must survive the undo."""
    text = put_block("alias a=b", "shell", "source x") + "export NEW=1\n"

    assert text.splitlines()[-1] == "export NEW=1"
    assert take_block(text, "shell") == "alias a=b\nexport NEW=1\n"


def test_line_ends_are_those_of_the_file() -> None:
    """Of most of its lines."""
    assert put_block("a\r\nb\r\n", "x", "1\n2") == "a\r\nb\r\n# wa x: begin\r\n1\r\n2\r\n# wa x: end\r\n"
    assert line_end_of("a\r\nb\nc\n") == "\n"
    assert line_end_of("a\rb\r") == "\r"


@pytest.mark.parametrize(
    "text",
    [
        "# wa x: begin\na\n",
        "a\n# wa x: end\n",
        "# wa x: end\n# wa x: begin\n",
        "# wa x: begin\n# wa x: end\n# wa x: begin\n# wa x: end\n",
    ],
)
def test_half_a_block_is_not_guessed_at(text: str) -> None:
    """Somebody deleted one of its lines, or pasted it twice: told, with the line."""
    with pytest.raises(TextTrouble) as trouble:
        put_block(text, "x", "new")
    assert trouble.value.line is not None
    with pytest.raises(TextTrouble):
        take_block(text, "x")


def test_names_that_begin_alike_are_two() -> None:
    """`shell` is not `shell-zsh`."""
    text = put_block(put_block("", "shell-zsh", "z"), "shell", "s")

    assert take_block(text, "shell") == put_block("", "shell-zsh", "z")


def test_a_body_cannot_end_its_block() -> None:
    """Nor can a name be anything but a word."""
    with pytest.raises(ValueError, match="its own end"):
        put_block("", "x", "a\n# wa x: end")
    with pytest.raises(ValueError, match="no name"):
        put_block("", "x: end\n", "a")
