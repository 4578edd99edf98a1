"""What a value looks like, whatever it is assigned to: a name in a program, a placeholder, a variable, a word."""

from __future__ import annotations

import re

LONGEST_NAME = 80

_NAME = re.compile(r"[_@]{0,2}+[A-Za-z]++(?:[_\-.:/]{1,2}+[A-Za-z0-9]++)*+_{0,2}+")
_KEBAB = re.compile(r"[a-z0-9]++(?:-[a-z0-9]++)++")
_HUMP = re.compile(r"[A-Z]++(?![a-z])|[A-Z]?[a-z]++|[0-9]++")
_VOWEL = re.compile("[aeiouyAEIOUY]")
_HARMLESS = frozenset(
    {
        *("none", "null", "nil", "undefined", "true", "false", "str", "string", "text", "bytes", "int", "integer"),
        *("number", "bool", "boolean", "any", "object", "optional", "required", "invalid", "incorrect", "missing"),
        *("wrong", "expired", "unset", "set", "yes", "no", "hidden", "empty", "changed", "accepted", "rejected"),
        *("authentication", "protected", "default", "password", "passwd", "secret", "token", "self", "this", "env"),
        *("value", "redacted", "masked", "unknown", "void", "char", "needed", "not", "and", "or", "the", "a", "an"),
        *("in", "is", "of", "field", "type", "schema", "def", "class", "return", "import", "from", "async", "await"),
    }
)
"""What stands after a name in code, in messages and in prose."""
_LAST_WORDS = ("str", "string", "password", "passwd", "secret", "token", "field", "type", "schema", "bytes", "key")
_MADE_UP = frozenset(
    {
        *("your", "example", "placeholder", "changeme", "change", "replace", "dummy", "fake", "sample", "insert"),
        *("mock", "todo", "test", "testing", "tests", "foo", "bar", "xxx", "xxxx", "here"),
        *("needed", "required", "missing", "unused", "invalid", "none"),
    }
)
"""Words of which one says that a value stands for another."""
_VARIABLE = frozenset(
    {
        *("pw", "pwd", "pass", "passwd", "passphrase", "phrase", "passcode", "cred", "creds", "credential", "auth"),
        *("value", "val", "v", "x", "s", "p", "t", "arg", "args", "argv", "opt", "opts", "options", "param", "params"),
        *("data", "result", "res", "ret", "response", "resp", "reply", "answer", "input", "line", "buf", "buffer"),
        *(
            "key",
            "raw",
            "plain",
            "plaintext",
            "encoded",
            "decoded",
            "decrypted",
            "encrypted",
            "hash",
            "hashed",
            "digest",
        ),
        *("config", "cfg", "settings", "conf", "item", "field", "name", "user", "username", "entry", "content", "body"),
        *("await", "new", "typeof", "lambda", "yield", "function", "async", "cast", "other", "old", "current", "super"),
    }
)
"""What programs call what they hold a password in, and words of their languages."""
_SAYS = frozenset(
    {
        *(
            "correct",
            "weak",
            "strong",
            "short",
            "long",
            "old",
            "new",
            "good",
            "bad",
            "safe",
            "secure",
            "insecure",
            "ok",
        ),
        *("okay", "valid", "secret", "private", "public", "plain", "visible", "optional", "mandatory", "necessary"),
        *("unchanged", "different", "same", "similar", "simple", "complex", "case-sensitive", "here", "there", "this"),
        *(
            "that",
            "it",
            "mine",
            "yours",
            "known",
            "unknown",
            "gone",
            "sent",
            "kept",
            "shown",
            "asked",
            "right",
            "common",
        ),
        *("now", "available", "unavailable", "important", "your", "my", "his", "her", "our", "their", "one", "ready"),
        *("plaintext", "encrypted", "enough", "free", "written", "broken", "stolen", "lost", "found", "reset"),
    }
)
"""What is said of a password rather than the password."""


def is_harmless(value: str) -> bool:
    """A bare word that is no secret: `None`, `required`, `SecretStr`, `new_password`."""
    if len(value) > LONGEST_NAME:
        return False
    lower = value.lower()
    if lower in _HARMLESS:
        return True
    if value.startswith(("Secret", "Token")) and value[6 if value[0] == "S" else 5 :][:1].isupper() and len(value) < 20:
        return value.isalnum()
    if not lower.endswith(_LAST_WORDS):
        return False
    last = next(word for word in _LAST_WORDS if lower.endswith(word))
    at = len(value) - len(last)
    if last == "key" and not value[:1].isupper() and "." not in value:
        return False
    is_joined = value[at - 1] == "_" or (
        value[at].isupper() and value[at - 1].isalnum() and not value[at - 1].isupper()
    )
    return is_joined and value.replace("_", "").replace(".", "").isalnum()


def is_name(value: str) -> bool:
    """Several words, joined as programs join them: `userSessionToken`, `POSITIONAL_OR_KEYWORD`, `python.xml.sax`."""
    if len(value) > LONGEST_NAME or _NAME.fullmatch(value) is None:
        return False
    letters = digits = words = wordy = numbers = 0
    for hump in _HUMP.findall(value):
        if hump[0].isdigit():
            numbers += 1
            digits += len(hump)
            continue
        words += 1
        letters += len(hump)
        if len(hump) > 2 and _VOWEL.search(hump):
            wordy += len(hump)
    return (
        words >= 2
        and 5 * letters >= 13 * words
        and 10 * wordy >= 6 * letters
        and numbers <= 2
        and 2 * digits <= letters
        and letters <= 16 * words
    )


def is_kebab(value: str) -> bool:
    """Joined by dashes, all lower case: as keys are, and as people join the words of a password."""
    return _KEBAB.fullmatch(value) is not None


def is_placeholder(value: str) -> bool:
    """It says of itself that something else is to stand there, or that it was made up."""
    if not value.strip("*•.:xX-_#?"):
        return True
    if len(value) > LONGEST_NAME:
        return False
    humps = [hump.lower() for hump in _HUMP.findall(value)]
    numbers = [hump for hump in humps if hump[0].isdigit()]
    few = len(numbers) <= 1 and all(len(number) <= 4 for number in numbers)
    words = [hump for hump in humps if not hump[0].isdigit()]
    sound = all(len(word) <= 4 or _VOWEL.search(word) for word in words)
    return few and sound and not _MADE_UP.isdisjoint(words) and sum(map(len, words)) >= 2 * len(words)


def is_variable(word: str) -> bool:
    """What code assigns rather than what people choose, as far as one word tells."""
    inner = word.strip("_")
    return (
        word != inner
        or inner.lower() in _VARIABLE
        or "_" in inner
        or (inner != inner.lower() and inner != inner.upper() and not inner[1:].islower())
    )


def is_said(word: str) -> bool:
    """The end of a sentence about a password."""
    lower = word.lower()
    return lower in _SAYS or (len(lower) > 5 and lower.endswith(("ed", "ing", "able", "ible", "ly")))
