"""Secrets that are known by how they begin.

Prefixes as their issuers document them, looked up 2026-11-21. A row that is wrong costs a secret on disk, so lengths
are lower bounds well under the real ones; what keeps ordinary words out is the mix of characters asked for.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from wa.store.redact.scan import Scan

WORD = r"A-Za-z0-9_\-"
RUN_LIMIT = 4096
"""No token is longer; a longer run is judged by its beginning."""


class Shape(NamedTuple):
    kind: str
    prefix: str
    tail: str = WORD
    """Character class of what follows, without the brackets."""
    least: int = 16
    """Characters that must follow."""
    mixed: bool = False
    """What follows must hold a digit and a letter: the prefix alone also begins ordinary words."""
    bounded: bool = False
    """No letter or digit may stand before it, unless what follows cannot be a word (32 characters of three sorts)."""
    exact: bool = False
    """Neither more nor fewer characters than `least`."""
    unless: str = ""
    """A longer prefix that has a row of its own."""


SHAPES: tuple[Shape, ...] = (
    Shape("anthropic_key", "sk-ant-", least=10),
    Shape("openai_key", "sk-", least=20, mixed=True, bounded=True, unless="sk-ant-"),
    Shape("stripe_key", "sk_live_", least=10),
    Shape("stripe_key", "sk_test_", least=10),
    Shape("stripe_key", "rk_live_", least=10),
    Shape("stripe_key", "rk_test_", least=10),
    Shape("stripe_key", "whsec_", least=16, mixed=True),
    Shape("google_key", "AIza", least=30),
    Shape("google_secret", "GOCSPX-", least=10),
    Shape("google_token", "ya29.", tail=WORD + ".", least=10),
    Shape("google_refresh_token", "1//", least=20, mixed=True, bounded=True),
    Shape("google_code", "4/0A", least=20, mixed=True, bounded=True),
    Shape("github_token", "ghp_", tail="A-Za-z0-9", least=20),
    Shape("github_token", "gho_", tail="A-Za-z0-9", least=20),
    Shape("github_token", "ghu_", tail="A-Za-z0-9", least=20),
    Shape("github_token", "ghs_", tail="A-Za-z0-9", least=20),
    Shape("github_token", "ghr_", tail="A-Za-z0-9", least=20),
    Shape("github_token", "github_pat_", tail="A-Za-z0-9_", least=16),
    Shape("gitlab_token", "glpat-", least=16),
    Shape("aws_key", "AKIA", tail="A-Z0-9", least=16, exact=True),
    Shape("aws_key", "ASIA", tail="A-Z0-9", least=16, exact=True),
    Shape("slack_token", "xoxb-", least=8),
    Shape("slack_token", "xoxp-", least=8),
    Shape("slack_token", "xoxa-", least=8),
    Shape("slack_token", "xoxc-", least=8),
    Shape("slack_token", "xoxd-", tail=WORD + "%/+", least=8),
    Shape("slack_token", "xoxe-", least=8),
    Shape("slack_token", "xoxe.xox", tail=WORD + ".", least=8),
    Shape("slack_token", "xoxr-", least=8),
    Shape("slack_token", "xoxs-", least=8),
    Shape("slack_token", "xapp-", least=10, mixed=True),
    Shape("slack_webhook", "hooks.slack.com/services/", tail=WORD + "/", least=8),
    Shape("discord_webhook", "/api/webhooks/", tail=WORD + "/", least=24, mixed=True),
    Shape("npm_token", "npm_", tail="A-Za-z0-9", least=30),
    Shape("pypi_token", "pypi-", least=32, mixed=True),
    Shape("huggingface_token", "hf_", tail="A-Za-z0-9", least=24, bounded=True),
    Shape("groq_key", "gsk_", tail="A-Za-z0-9", least=24, bounded=True),
    Shape("xai_key", "xai-", tail="A-Za-z0-9", least=24, bounded=True),
    Shape("perplexity_key", "pplx-", tail="A-Za-z0-9", least=24),
    Shape("replicate_token", "r8_", tail="A-Za-z0-9", least=24, bounded=True),
    Shape("digitalocean_token", "dop_v1_", tail="a-f0-9", least=24),
    Shape("sendgrid_key", "SG.", tail=WORD + ".", least=40, mixed=True, bounded=True),
    Shape("vault_token", "hvs.", least=20, mixed=True, bounded=True),
    Shape("tailscale_key", "tskey-", least=10),
    Shape("linear_key", "lin_api_", tail="A-Za-z0-9", least=16),
    Shape("docker_token", "dckr_pat_", least=16),
    Shape("shopify_token", "shpat_", tail="A-Fa-f0-9", least=24),
    Shape("atlassian_token", "ATATT3", tail=WORD + "=", least=20),
    Shape("supabase_key", "sbp_", tail="a-f0-9", least=24),
    Shape("telegram_token", ":AA", least=30, mixed=True),
    Shape("age_key", "AGE-SECRET-KEY-1", tail="A-Z0-9", least=20),
    Shape("jwt", "eyJ", tail=WORD + ".", least=20, bounded=True),
)


class ShapeRule:
    """Judges one Shape at its prefix."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        limit = shape.least + 1 if shape.exact else RUN_LIMIT
        self._run = re.compile(f"[{shape.tail}]{{0,{limit}}}+")

    def __call__(self, scan: Scan, at: int, end: int) -> int:
        shape, text = self._shape, scan.text
        if shape.unless and text.startswith(shape.unless, at):
            return end
        found = self._run.match(text, end)
        stop = end if found is None else found.end()
        tail = text[end:stop]
        if scan.touches_open_end(stop):
            # The rest of the row to come decides; until then nothing of it may reach the disk.
            if not shape.bounded or starts_word(text, at):
                scan.add(at, stop, shape.kind)
            return stop
        if shape.exact:
            if len(tail) == shape.least and not text[stop : stop + 1].isalnum() and starts_word(text, at):
                scan.add(at, stop, shape.kind)
            return end
        if shape.kind == "jwt":
            return self._jwt(scan, at, stop)
        if len(tail.rstrip(".")) >= shape.least and self._is_likely(tail, at, text):
            scan.add(at, stop - (len(tail) - len(tail.rstrip("."))), shape.kind)
        return stop

    def _is_likely(self, tail: str, at: int, text: str) -> bool:
        shape = self._shape
        if shape.mixed and not (has_digit(tail) and has_letter(tail)):
            return False
        return not shape.bounded or starts_word(text, at) or (len(tail) >= 32 and is_random(tail))

    def _jwt(self, scan: Scan, at: int, stop: int) -> int:
        """Base64 of `{"`: a token if dots part it; without them a torn one, unless it says that it is data."""
        text = scan.text
        token = text[at:stop].rstrip(".")
        if text[max(0, at - 7) : at] == "base64," or len(token) < 20:
            return stop
        if not starts_word(text, at) and "." not in token:
            return stop
        if "." in token or is_random(token):
            scan.add(at, at + len(token), "jwt")
        return stop


def starts_word(text: str, at: int) -> bool:
    """No letter or digit stands before *at*, an escape of JSON aside: a backslash and `n`, then the key."""
    return not (at and text[at - 1].isalnum()) or text[max(0, at - 2) : at] in ("\\n", "\\r", "\\t")


def has_digit(text: str) -> bool:
    return _DIGIT.search(text) is not None


def has_letter(text: str) -> bool:
    return text.upper() != text.lower()


def is_random(text: str) -> bool:
    """Upper case, lower case and digits: no word, no hash, no number."""
    return has_digit(text) and text != text.lower() and text != text.upper()


_DIGIT = re.compile("[0-9]")
