"""Rows, wraps and captures: a secret must not slip through where rows end, wherever they end."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.secrets_made_up import ONE_LINERS, SEVERAL_LINES, Planted
from wa.store.redact import NEUTRAL, redact, redact_rows, rows
from wa.store.redact.rows import carry_of, joined

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=30)
ROWS = st.lists(st.tuples(TEXTS, st.booleans()), min_size=1, max_size=20)
NASTY = st.text(
    st.sampled_from("sk-antpwd=:/?&@.\"' \n1Aa_|│token eyJ-----BEGIN PRIVATE KEY[redacted:]code"), max_size=120
)


def wrapped_at(text: str, width: int) -> tuple[list[str], list[bool]]:
    rows = [text[at : at + width] for at in range(0, len(text), width)]
    return rows, [True] * (len(rows) - 1) + [False]


@given(ROWS)
def test_rows_stay_as_many_and_join_to_the_redacted_line(rows):
    """Cutting a line into rows makes no difference to what is redacted of it."""
    texts, wraps = [text for text, _ in rows], [wrap for _, wrap in rows[:-1]] + [False]

    redacted, _ = redact_rows(texts, wraps)

    assert len(texts) == len(redacted)
    assert joined(redacted, wraps)[0] == redact(joined(texts, wraps)[0])


@given(NASTY)
def test_any_text_can_be_redacted_and_redacting_again_changes_nothing(text):
    """No text makes it fail, and its own placeholders are no secrets."""
    once = redact(text)

    assert once.count("\n") == text.count("\n")
    assert once == redact(once)


@pytest.mark.parametrize("width", [7, 10, 20, 33, 80])
@pytest.mark.parametrize("planted", ONE_LINERS, ids=lambda planted: f"{planted.kind}: {planted.text[:24]}")
def test_a_soft_wrap_hides_nothing(planted: Planted, width):
    """A secret over several rows is found, whatever the pane's width."""
    texts, wraps = wrapped_at(planted.text, width)

    redacted, _ = redact_rows(texts, wraps)

    assert planted.secret not in "".join(redacted)
    assert "".join(redacted) == redact(planted.text)


def leaked(secret: str, text: str, *, least: int) -> str | None:
    """A piece of *secret*, *least* characters long, that *text* holds."""
    pieces = (secret[at : at + least] for at in range(max(1, len(secret) - least + 1)))
    return next((piece for piece in pieces if piece in text), None)


LONG = [planted for planted in ONE_LINERS if len(planted.secret) >= 20]


@pytest.mark.parametrize("width", [8, 13, 20, 40])
@pytest.mark.parametrize("planted", LONG, ids=lambda planted: f"{planted.kind}: {planted.text[:24]}")
def test_while_the_rest_of_a_line_is_to_come_nothing_of_its_end_is_shown(planted: Planted, width):
    """Handed in row by row, no state on the way shows twelve characters of the secret in a row."""
    texts, wraps = wrapped_at(planted.text, width)
    for count in range(1, len(texts) + 1):
        redacted, _ = redact_rows(texts[:count], wraps[:count])

        assert leaked(planted.longest[-20:], "".join(redacted), least=12) is None, (count, redacted)


@pytest.mark.parametrize("width", [8, 13, 20, 40])
@pytest.mark.parametrize("planted", LONG, ids=lambda planted: f"{planted.kind}: {planted.text[:24]}")
def test_a_line_goes_on_after_a_restart(planted: Planted, width):
    """What was printed of the line is known redacted only, and still its rest is taken for what it is."""
    texts, wraps = wrapped_at(planted.text, width)
    for cut in range(1, len(texts)):
        stored, _ = redact_rows(texts[:cut], wraps[:cut])

        redacted, _ = redact_rows(stored + texts[cut:], wraps, stored=cut)

        if "[redacted:" in "".join(stored):
            assert leaked(planted.longest[-20:], "".join(redacted), least=12) is None, (cut, stored, redacted)


@pytest.mark.parametrize(("kind", "lines", "secrets"), SEVERAL_LINES, ids=[kind for kind, _, _ in SEVERAL_LINES])
def test_lines_handed_in_one_at_a_time_remember_what_came_before(kind, lines, secrets):
    """A block that began in an earlier capture is still one."""
    carry, result = NEUTRAL, []
    for line in lines:
        redacted, carry = redact_rows([line], [False], carry=carry)
        result += redacted

    for secret in secrets:
        assert secret not in "\n".join(result)


@pytest.mark.parametrize(("kind", "lines", "secrets"), SEVERAL_LINES, ids=[kind for kind, _, _ in SEVERAL_LINES])
def test_what_lines_mean_is_found_again_in_what_was_stored(kind, lines, secrets):
    """After a restart only redacted rows are there to tell."""
    for cut in range(1, len(lines)):
        stored, _ = redact_rows(list(lines[:cut]), [False] * cut)

        rest, _ = redact_rows(
            list(lines[cut:]), [False] * (len(lines) - cut), carry=carry_of(stored, [False] * len(stored))
        )

        for secret in secrets:
            assert secret not in "\n".join(stored + rest), (cut, stored, rest)


def test_a_row_that_turns_out_harmless_is_given_back():
    """While the line was open its end looked like a key; once it goes on it does not."""
    open_line, _ = redact_rows(["pip install sk-"], [True])
    whole, _ = redact_rows(["pip install sk-", "learn"], [True, False])

    assert open_line == ["pip install [redacted:openai_key]"]
    assert whole == ["pip install sk-", "learn"]


def test_the_end_of_a_secret_whose_beginning_is_out_of_sight_is_cut_off():
    """At the top of a screen, or after a gap, a random run at the first column is taken for one."""
    redacted, _ = redact_rows(["q7Zp4Kx9Lm2Vt6Rw1Ys8 and more"], [False], torn=True)

    assert redacted == ["[redacted:fragment] and more"]


def test_lines_of_a_key_in_the_middle_are_known_by_their_look():
    """In a viewer neither the first nor the last line of a key need be on the screen."""
    body = "Zp4Kx9Lm2Vt6Rw1Ys8Bn3Cd5Fg0HjQaWsEdRfTgYhUj7k8l9o0p1z2x3c4v5b6n7"

    redacted, _ = redact_rows(["vi id_rsa", body, body[::-1], body], [False] * 4, torn=True)

    assert redacted == ["vi id_rsa", *["[redacted:key_material]"] * 3]


def test_what_is_remembered_holds_no_secret_and_is_bounded(monkeypatch):
    """A text without a secret is told so at once the second time; one with a secret is never kept."""
    monkeypatch.setattr(rows, "MAX_KNOWN", 3)
    rows._known.clear()
    key = "sk-ant-api03-" + "a1B2c3D4" * 8

    for text in ("proceed.", key, "proceed.", "one", "two", "three", "x" * 500, "a \ud800 surrogate"):
        assert redact(text) == redact(text)
        assert key not in redact(text)
        assert len(rows._known) <= 3

    assert all(key not in text and len(text) < 500 and "\ud800" not in text for text in rows._known)


def test_lone_surrogates_become_replacement_characters():
    """UTF-8 cannot hold them; the row keeps its length."""
    redacted, _ = redact_rows(["a\ud800b", "\udfff"], [False, True])

    assert redacted == ["a\ufffdb", "\ufffd"]


def test_newlines_and_nuls_inside_a_row_stay():
    """A row is a row, whatever is in it."""
    texts = ["a\nb\x00c", "password=hunter2\nx"]

    redacted, _ = redact_rows(texts, [False, False])

    assert redacted == ["a\nb\x00c", "password=[redacted:password]\nx"]


HOSTILE = [
    "sk-", "sk-ant-", "eyJ", "eyJa.", "http://", "://a", "https://x.y/oauth?", "your code ", "token=", "password: ",
    'password="', "PRIVATE KEY", "-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\n",
    "AKIAIOSFODNN7EXAMPLE ", "Bearer ",
    "Authorization: ", "cookie: a=", "[redacted:", "https://abcdefghij.com/aaaa?b=1\n", "https://a.b/?&token=",
    "your code\n", "123456 is your ", "1//", "=", " ", "--token ", "login a password ", "A1b" * 22 + "\n", "-",
]  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_text_costs_time_in_proportion_to_its_length(piece):
    """Eight times the text takes nowhere near 64 times as long, open or not."""

    def seconds(length: int, *, is_open: bool) -> float:
        text = (piece * (length // len(piece) + 1))[:length]
        best = 1e9
        for _ in range(2):
            begun = time.process_time()
            redact_rows(text.split("\n"), [False] * text.count("\n") + [is_open])
            best = min(best, time.process_time() - begun)
        return best

    for is_open in (False, True):
        short, long = seconds(30_000, is_open=is_open), seconds(240_000, is_open=is_open)

        assert long < 0.05 or long < 24 * short, (is_open, short, long)
