"""Which literals are looked for, and which rule judges each.

Judging takes some microseconds, and hostile text holds a literal every four characters. So a stretch of text may ask
for so much work and no more (WORK, WORK_PER_CHARACTER: far above what the densest code and logs ask for); where it
asks for more, whatever follows a literal on its line is taken for a secret, until the text has thinned out.
"""

from __future__ import annotations

import re
from collections import defaultdict

from ahocorasick_rs import BytesAhoCorasick, Implementation

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
    (_TOKEN, ["_auth", '"auth"']),
    (assignments.authorization, _cased("authorization")),
    (assignments.bearer, _cased("bearer")),
    (assignments.cookie, _cased("cookie")),
    (assignments.curl_user, [" -u", "--user"]),
    (assignments.sshpass, ["sshpass -p"]),
    (assignments.told, ["IDENTIFIED BY", "password is generated for "]),
    (urls.url, ["://"]),
    (codes.announced, [*_cased("code", "otp", "passcode", "2fa"), "one-time password", "One-time password"]),
    (aws.secret_near, ["AKIA", "ASIA"]),
)


WORK = 2000
"""Units (of `Scan.work`) that a text may ask for whatever its length."""
WORK_PER_CHARACTER = 0.2
DENSE = "dense"
"""The kind of what was not judged."""
DENSE_REACH = 512
"""Characters after a literal that are taken then."""
_WORTH = re.compile(r"[A-Za-z0-9]{2}")


_PARTS: tuple[tuple[Rule, list[str]], ...] = (
    *((ShapeRule(shape), [shape.prefix]) for shape in SHAPES),
    (blocks.private_key, ["PRIVATE KEY"]),
)
"""Literals that are parts of secrets. They are always judged, which takes little."""


def _by_literal() -> dict[str, tuple[tuple[int, Rule], ...]]:
    found: dict[str, list[tuple[int, Rule]]] = defaultdict(list)
    numbers: dict[Rule, int] = {}
    for rule, literals in (*_PARTS, *_NAMES):
        for literal in dict.fromkeys(literals):
            found[literal].append((numbers.setdefault(rule, len(numbers)), rule))
    return {literal: tuple(rules) for literal, rules in found.items()}


_BY_LITERAL = _by_literal()
LITERALS = tuple(_BY_LITERAL)
_RULES = tuple(_BY_LITERAL.values())
_EXACT = len({literal for _, literals in _PARTS for literal in literals})
_AUTOMATON = BytesAhoCorasick(
    [literal.encode() for literal in (*LITERALS, PLACEHOLDER)], implementation=Implementation.DFA
)
_PLACEHOLDER = len(_RULES)
"""The number of the literal that begins what an earlier pass left; the words in it mean nothing."""


def apply(scan: Scan) -> None:
    """Run every rule that has a literal in the text, in the order of the places."""
    text = scan.text
    done: dict[int, int] = {}
    placeholder_end = dense_end = 0
    for literal, at, end in _places(text, scan.data):
        if at < placeholder_end:
            continue
        if literal == _PLACEHOLDER:
            placeholder_end = text.find("]", end, end + 40)
            continue
        if literal >= _EXACT:
            if at < dense_end:
                continue
            if scan.work > WORK + at * WORK_PER_CHARACTER:
                dense_end = _take(scan, end)
                continue
        scan.work += 1
        for number, rule in _RULES[literal]:
            if at >= done.get(number, 0):
                done[number] = rule(scan, at, end)


def _take(scan: Scan, end: int) -> int:
    """Without judging: what follows a literal on its line, if there is anything; up to where."""
    text = scan.text
    stop = text.find("\n", end, end + DENSE_REACH)
    if stop < 0:
        stop = min(len(text), end + DENSE_REACH)
    if not _WORTH.search(text, end, stop):
        # What stands astride the edge is looked at again.
        return max(end, stop - 32)
    scan.add(end, stop, DENSE)
    return stop


def _places(text: str, data: bytes) -> list[tuple[int, int, int]]:
    """Which literals stand where: number, start and end in characters."""
    found = _AUTOMATON.find_matches_as_indexes(data, overlapping=True)
    if not found or len(data) == len(text):
        return found
    places: list[tuple[int, int, int]] = []
    characters = seen = 0
    for literal, start, end in found:
        # Literals are ASCII, and come in the order of their ends.
        characters += len(data[seen:end].decode())
        seen = end
        places.append((literal, characters - (end - start), characters))
    return places
