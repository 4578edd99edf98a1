"""Which literals are looked for, and which rule judges each."""

from __future__ import annotations

from collections import defaultdict

from ahocorasick_rs import AhoCorasick, Implementation

from wa.store.redact import assignments, aws, blocks, codes, urls
from wa.store.redact.assignments import NameRule
from wa.store.redact.scan import PLACEHOLDER, Rule, Scan
from wa.store.redact.shapes import SHAPES, ShapeRule

_SECRET = NameRule("secret")
_TOKEN = NameRule("token")
_API_KEY = NameRule("api_key")
_PASSWORD = NameRule("password", any_value=True)


def _cased(*words: str) -> list[str]:
    """As written, with a capital, and in capitals: `token`, `Token`, `TOKEN`."""
    return [form for word in words for form in (word, word[0].upper() + word[1:], word.upper())]


_NAMES: tuple[tuple[Rule, list[str]], ...] = (
    (
        _PASSWORD,
        [*_cased("password", "passwd", "passphrase", "pwd", "passwort"), "passWord", "PassWord", "_pass", "_PASS"],
    ),
    (_SECRET, [*_cased("secret", "credential"), "_CREDS"]),
    (_TOKEN, _cased("token")),
    (_API_KEY, [*_cased("apikey", "api_key", "api-key", "accesskey", "access_key", "access-key", "access key")]),
    (
        _API_KEY,
        ["apiKey", "ApiKey", "APIKey", "Api-Key", "API-Key", "accessKey", "AccessKey", "Access-Key", "Access Key"],
    ),
    (
        _API_KEY,
        [
            "_KEY",
            "_key",
            "AccountKey",
            "accountKey",
            "privateKey",
            "PrivateKey",
            "secretKey",
            "signingKey",
            "encryptionKey",
        ],
    ),
    (_TOKEN, ["_auth"]),
    (assignments.authorization, _cased("authorization")),
    (assignments.bearer, _cased("bearer")),
    (assignments.cookie, _cased("cookie")),
    (assignments.curl_user, [" -u", "--user"]),
    (assignments.sshpass, ["sshpass -p"]),
    (blocks.private_key, ["PRIVATE KEY"]),
    (urls.url, ["://"]),
    (codes.announced, [*_cased("code", "otp", "passcode", "2fa"), "one-time pass", "One-time pass"]),
    (aws.secret_near, ["AKIA", "ASIA"]),
)


def _tables() -> tuple[AhoCorasick, list[tuple[tuple[int, Rule], ...]]]:
    by_literal: dict[str, list[tuple[int, Rule]]] = defaultdict(list)
    number = 0
    for shape in SHAPES:
        by_literal[shape.prefix].append((number := number + 1, ShapeRule(shape)))
    for rule, literals in _NAMES:
        number += 1
        for literal in dict.fromkeys(literals):
            by_literal[literal].append((number, rule))
    literals = [*by_literal, PLACEHOLDER]
    return AhoCorasick(literals, implementation=Implementation.DFA), [tuple(rules) for rules in by_literal.values()]


_AUTOMATON, _RULES = _tables()
_PLACEHOLDER = len(_RULES)
"""The number of the literal that begins what an earlier pass left; the words in it mean nothing."""


def apply(scan: Scan) -> None:
    """Run every rule that has a literal in the text, in the order of the places."""
    text = scan.text
    done: dict[int, int] = {}
    placeholder_end = 0
    for literal, at, end in _AUTOMATON.find_matches_as_indexes(text, overlapping=True):
        if at < placeholder_end:
            continue
        if literal == _PLACEHOLDER:
            placeholder_end = text.find("]", end, end + 40)
            continue
        for number, rule in _RULES[literal]:
            if at >= done.get(number, 0):
                done[number] = rule(scan, at, end)
