"""What a text may ask of the rules is bounded, and what is not judged is not let through."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wa.store.redact import redact, rules
from wa.store.redact.scan import Scan

PIECES = [
    *("2fa=", "otp ", "OTP: ", "your code ", "your code\n", "pwd: ", "api_key: ", "token=", "://a", "http://a.b/?c#"),
    *("authorization=", "Bearer ", "cookie: a=", " -u", "--user a:", "sshpass -p", "AKIAIOSFODNN7EXAMPLE ", "ASIA"),
    *("sk-", "eyJ", "PRIVATE KEY", "-----BEGIN PRIVATE KEY-----\n", "otp 123456 ", "password=hunter2hunter2 "),
]
SIZE = 200_000


def flood(piece: str, size: int = SIZE) -> str:
    return (piece * (size // len(piece) + 1))[:size]


def work_of(text: str) -> int:
    scan = Scan(text, text.encode(), is_open=False)
    rules.apply(scan)
    return scan.work


@given(st.lists(st.sampled_from([*PIECES, "\n", " ", "x", "=", "aB3" * 14]), min_size=1, max_size=5))
@settings(max_examples=60, deadline=None)
def test_no_text_asks_for_more_than_its_share(pieces):
    """A unit of work a character at most, whatever it is made of; unbounded, the worst asks for four."""
    assert work_of(flood("".join(pieces))) <= rules.WORK + SIZE


@pytest.mark.parametrize("piece", PIECES)
def test_a_secret_in_the_middle_of_dense_text_stays_hidden(piece):
    """And one right after it; what is not judged is taken away."""
    key = "sk-ant-api03-q7Zp4Kx9Lm2Vt6Rw1Ys8Bn3Cd5Fg0Hj"
    body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7"
    secrets = [
        *("\npassword=Tr0ub4dor-9\n", f"\n{key}\n", "\nhttps://dev:Tr0ub4dor-9@example.com/a\n"),
        *("\nAuthorization: Bearer Tr0ub4dor-9-and-more\n", "\nYour verification code is 493817.\n"),
        f"\n-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n",
    ]

    for secret in secrets:
        shown = redact(flood(piece, 60_000) + secret + flood(piece, 60_000) + secret + "the end")

        for hidden in ("Tr0ub4dor", key[10:], "493817", body):
            assert hidden not in shown, (secret, shown[shown.find(hidden) - 80 :][:160])


@pytest.mark.parametrize(
    "line",
    [
        *("token", "password:", "your code", "Enter the code", "secret secret secret", "http://example.com/a/path"),
        *("TokenInfo(type=1 (NAME), string='token', start=(1, 0), end=(1, 5))", "import secrets  # token, password"),
        *('{"token": "the", "logprob": -0.31, "bytes": [116, 104]}', "max_tokens=4096 total_tokens=120 token_count=7"),
        *("def password(self, password: str) -> Password:", "exit code 1, status code 404, error code 7"),
    ],
)
def test_dense_text_that_is_ordinary_stays(line):
    """Programs do print the same harmless line ten thousand times."""
    text = "\n".join([line] * 10_000)

    assert redact(text) == text


def test_rules_take_over_again_where_the_text_thins_out():
    """What was too dense is gone; lines afterwards are judged like any others."""
    calm = "\n".join(["an ordinary line, as most are, and one more word"] * 2000)
    shown = redact(flood("otp=a1 ") + "\n" + calm + "\nthe token count is 12, password: str\npassword=hunter2")

    assert f"[redacted:{rules.DENSE}]" in shown
    assert shown.endswith("\nthe token count is 12, password: str\npassword=[redacted:password]")
