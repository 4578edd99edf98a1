"""Each kind of secret by itself, and the text that must stay as it is."""

import pytest

from store.secrets_made_up import ONE_LINERS, ORDINARY, SEVERAL_LINES, Planted
from wa.store.redact import redact


@pytest.mark.parametrize("planted", ONE_LINERS, ids=lambda planted: f"{planted.kind}: {planted.text[:24]}")
def test_a_secret_is_replaced_by_its_kind(planted: Planted):
    """The placeholder names whose secret it was, and nothing of it is left."""
    redacted = redact(planted.text)

    assert planted.secret not in redacted
    assert f"[redacted:{planted.kind}]" in redacted


@pytest.mark.parametrize("planted", ONE_LINERS, ids=lambda planted: f"{planted.kind}: {planted.text[:24]}")
def test_what_surrounds_a_secret_stays(planted: Planted):
    """Words before and after are kept, so that the line can still be found and understood."""
    redacted = redact(f"first words\nbefore  {planted.text}\nlast words")

    lines = redacted.split("\n")
    assert lines[0] == "first words"
    assert lines[1].startswith("before  ")
    assert lines[2] == "last words"


@pytest.mark.parametrize(("kind", "lines", "secrets"), SEVERAL_LINES, ids=[kind for kind, _, _ in SEVERAL_LINES])
def test_a_secret_over_several_lines_is_taken_out_of_each(kind, lines, secrets):
    """Lines stay as many, and none holds a part of it."""
    redacted = redact("\n".join(lines))

    assert redacted.count("\n") == len(lines) - 1
    for secret in secrets:
        assert secret not in redacted


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_stays_as_it_is(text):
    """Hashes, counts, identifiers and code that only handles secrets are no secrets."""
    assert text == redact(text)


def test_ordinary_text_stays_when_all_of_it_stands_together():
    """No line makes its neighbours suspicious."""
    assert "\n".join(ORDINARY) == redact("\n".join(ORDINARY))


@pytest.mark.parametrize("planted", ONE_LINERS, ids=lambda planted: f"{planted.kind}: {planted.text[:24]}")
def test_redacting_again_changes_nothing(planted: Planted):
    """What an earlier pass left is not taken for a secret."""
    once = redact(planted.text)

    assert once == redact(once)


def test_a_url_keeps_scheme_host_and_path():
    """Of a sign-in address only the query is secret."""
    assert redact("open https://auth.openai.com/oauth/authorize?response_type=code&state=x#y now") == (
        "open https://auth.openai.com/oauth/authorize?[redacted:oauth_query] now"
    )


def test_a_parameter_of_an_ordinary_url_goes_alone():
    """The rest of the query is useful, and stays."""
    assert redact("https://example.com/a?page=2&api_key=q7Zp4Kx9Lm2V&sort=up") == (
        "https://example.com/a?page=2&api_key=[redacted:token]&sort=up"
    )


def test_a_word_after_a_signin_url_is_not_its_end():
    """The program had room left on the line: the address ended there."""
    text = "https://claude.ai/oauth/authorize?code=true&client_id=9d1c250a&state=abc\nDone-1 of 2\nsecond"

    assert "\nDone-1 of 2\nsecond" in redact(text)


def test_a_key_whose_first_line_is_out_of_sight_is_found_by_its_last():
    """The lines above END that look like a key's body go."""
    body = ["Zp4Kx9Lm2Vt6Rw1Ys8Bn3Cd5Fg0HjQaWsEdRfTgYhUj7k8l9o0p1z2x3c4v5b6n7m8Q9", "W0E1R2T3Y4U5I6O7Pq8"]

    redacted = redact("\n".join(["$ cat key", *body, "-----END RSA PRIVATE KEY-----", "$ ls"]))

    assert redacted.split("\n") == [
        "$ cat key",
        "[redacted:private_key]",
        "[redacted:private_key]",
        "-----END RSA PRIVATE KEY-----",
        "$ ls",
    ]


def test_a_block_ends_where_prose_begins():
    """A first line without a body, as in a manual, hides nothing that follows."""
    text = "-----BEGIN PRIVATE KEY-----\nThis is how such a file begins.\nMore prose."

    assert text == redact(text)
