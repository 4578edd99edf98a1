"""Secrets that are known by the name they are given: `password=…`, `"access_token": "…"`, `Authorization: Bearer …`.

What follows the name decides. Code that only handles secrets (`token = get_token()`, `password: str`,
`max_tokens=4096`) stays readable.
"""

from __future__ import annotations

import re
from string import ascii_letters, digits

from wa.store.redact.scan import DECORATION, PLACEHOLDER, Scan
from wa.store.redact.shapes import has_digit, has_letter, is_random
from wa.store.redact.values import is_harmless, is_kebab, is_name, is_placeholder, is_said, is_variable

VALUE_LIMIT = 4096

_AFTER_NAME = re.compile(
    r"(?P<rest>[A-Za-z0-9_\-]{0,48}+)(?P<close>\\?[\"'`]?\]?(?:\s?\[[^\]\n]{0,24}\])?)"
    r"(?P<sep>\s{0,8}(?:=>|:=|[:=](?!=))\s{0,8}|\s{1,8}[|│]\s{1,8}|\s{1,2}is:?\s{1,2})(?P<open>\\?[\"'`])?"
)
_FLAG = re.compile(r"(?P<rest>[a-z\-]{0,16}+)[ \t]{1,4}(?P<open>[\"'])?(?=[^\s\-])")
_QUOTED_NEXT = re.compile(r"(?P<rest>)[ \t]{1,4}(?P<open>[\"'])(?=[^\s\"'\\]{2,128}+[\"'])")
"""SQL: `ALTER ROLE bob PASSWORD 'word'`."""
_ELEMENT = re.compile(r">\s{0,4}+(?P<value>[^<>\s]{2,1024}+)\s{0,4}+</")
_NETRC = re.compile(r"\blogin\s{1,4}\S{1,64}\s{1,4}$")
_BARE_VALUE = re.compile(rf"[^\s\"'`,;&<>|│(){{}}\[\]]{{1,{VALUE_LIMIT}}}+")
_QUOTED_VALUE = {quote: re.compile(rf"(?:[^{quote}\\\n]|\\[^\n]){{1,{VALUE_LIMIT}}}+") for quote in ('"', "'", "`")}
_ESCAPED_VALUE = re.compile(rf"[^\"'`\\\s]{{1,{VALUE_LIMIT}}}+")

_DESCRIBES = re.compile(
    r"(?i)(?:s|iz\w*|ed|es\w*|ing\w*|ive|less|orit\w*|ors?(?:_\w*)?|enticat\w*|through|thru|[_-]?(?:types?|urls?|uris?|endpoints?|files?|paths?|names?|ids?|len|lengths?|limits?|counts?|budgets?"
    r"|expir\w*|ttl|age|states?|polic\w+|fields?|prompts?|env|refs?|stores?|managers?|providers?|hints?|reset\w*|labels?|placeholder|inputs?"
    r"|required|min|max|regex|patterns?|usage|used|price|cost|index|idx|pos|start|end|kind|class|err\w*|source|cache|lists?|map|dict"
    r"|versions?|format|headers?|hdrs?|params?|m(?:ana)?ge?rs?|words?_\w+|arn|rotation|strength|protected|enabled|disabled|set|changed|last_used))"
)
"""What a name goes on with when it names something about a secret rather than the secret."""
_PLACEHOLDERS = ("$", "<", "{", "%", "*", "…", "...", ":py:", "xxx", "XXX", "your", "YOUR", PLACEHOLDER)
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*+(?:\.[A-Za-z_][A-Za-z0-9_]*+)*+")
_NUMBER = re.compile(r"0x[0-9A-Fa-f]{1,16}|#[0-9A-Fa-f]{3,8}|-?\d{1,3}|\d{1,8}(?:\.\d{1,8})++")
"""Numbers, colours, versions."""
_OF_OBJECTS = ("self.", "this.", "cls.", "process.", "os.")
_COUNTED = re.compile(r"\d{1,2}(?=\.|$)")
_NUMBERED = re.compile(r"[A-Za-z]{3,16}\d{1,2}")
"""`token2`"""
_OF_NAMES = ascii_letters + digits + "_.-"
_PAIR = re.compile(r"(?:[ \t]*+[,;])?[ \t]++[A-Za-z][\w.\-]{0,32}+\s{0,2}+[:=]|[ \t]++(?:#|//|--)[ \t]")
"""Another name and its value, or a comment."""
_FOLLOWS_FLAG = re.compile(r"[ \t]{0,8}(?:[;&|)\"'`<>]|(?<=[ \t])-)")
_PAIRS = re.compile(r"[\w.\-]{1,32}+\s{0,2}+[:=]\s{0,2}+[^\s,;]{1,64}+[,;]?\s{1,4}+$")
_MARKS = DECORATION + "#;-*>$%+/!•\"'"
"""Prompts, marks of lists and of comments."""
_COMMANDS = frozenset({"", "export", "set", "setenv", "global", "local"})
_WHOSE = re.compile(
    r"(?i)\b(?:the|your|my|our|his|her|its|this|new|old|current|temporary|initial|default|generated|first|master|root|admin"
    r"|user|database|login|'s)\s+(?:\w{1,16}\s+)?$"
)
_OF_FLAGS = frozenset(
    {"option", "options", "flag", "flags", "argument", "arguments", "parameter", "parameters", "instead"}
)
"""`give the --password option`"""
_STRONG = ("api", "access", "secret", "private", "auth", "signing", "encryption", "account", "master", "service")
"""What stands before `_KEY` where a key is meant that opens something."""


class NameRule:
    """Judges what is assigned to a name that ends in, or holds, the literal of the automaton."""

    def __init__(self, kind: str, *, any_value: bool = False) -> None:
        self._kind = kind
        self._any_value = any_value
        """A short word may be a secret too: passwords."""

    def __call__(self, scan: Scan, at: int, end: int) -> int:
        text = scan.text
        if text[end : end + 1] in _ENDS:
            return self._element(scan, at, end) if text.startswith(">", end) else end
        if text[at] == "_" and text[end : end + 2].lower() in _PASSWORDS:
            return at + 1
        if found := _AFTER_NAME.match(text, end):
            if _DESCRIBES.fullmatch(found["rest"]):
                return end
        elif self._is_flag(text, at):
            found = _FLAG.match(text, end)
        elif self._any_value:
            found = _QUOTED_NEXT.match(text, end)
        if found is None:
            return end
        scan.work += 2
        start, stop = self._value(scan, found)
        scan.work += (start < stop) + ((stop - start) >> 7)
        if start < stop and self._is_secret(scan, at, end, found, start, stop):
            scan.add(start, stop, self._kind)
            return stop
        return end

    def _element(self, scan: Scan, at: int, end: int) -> int:
        """`<password>word</password>`."""
        text = scan.text
        scan.work += 1
        found = _ELEMENT.match(text, end)
        if found is None or not text[max(0, at - 48) : at].rstrip(_OF_NAMES + ":").endswith("<"):
            return end
        scan.work += 8
        value = found["value"]
        is_likely = self._any_value or len(value) >= 16 or (len(value) >= 6 and has_digit(value) and has_letter(value))
        if is_likely and not (value.startswith(_PLACEHOLDERS) or is_harmless(value) or is_placeholder(value)):
            scan.add(*found.span("value"), self._kind)
        return found.end()

    def _is_flag(self, text: str, at: int) -> bool:
        """An option of a command line, or a word of ~/.netrc: its value follows after a blank."""
        before = text[max(0, at - 96) : at]
        if "--" in before[-24:]:
            return before[-24:].rpartition(" ")[2].startswith("--")
        return self._any_value and "login" in before and _NETRC.search(before) is not None

    def _value(self, scan: Scan, found: re.Match[str]) -> tuple[int, int]:
        """Where the value stands; empty where there is none, or its quotes are not closed."""
        text, start = scan.text, found.end()
        quote = found["open"]
        pattern = _BARE_VALUE if not quote else _ESCAPED_VALUE if len(quote) == 2 else _QUOTED_VALUE[quote]
        value = pattern.match(text, start)
        if value is None:
            return start, start
        if quote and not text.startswith(quote, value.end()) and not scan.touches_open_end(value.end()):
            return start, start
        if not quote and (scheme := _SCHEME.match(text, start)):
            value = _BARE_VALUE.match(text, scheme.end()) or value
        return value.start(), value.end()

    def _is_secret(self, scan: Scan, at: int, end: int, found: re.Match[str], start: int, stop: int) -> bool:
        text = scan.text
        value, quoted = text[start:stop], bool(found["open"])
        sep = (found.groupdict().get("sep") or " ").strip(" \t")
        tight = found.groupdict().get("sep") in ("=", ":")
        if value.startswith(_PLACEHOLDERS) or (not quoted and is_harmless(value.rstrip(".,:"))):
            return False
        if scan.touches_open_end(stop):
            return True
        scan.work += 3
        first = max(0, at - 48) + len(text[max(0, at - 48) : at].rstrip(_OF_NAMES))
        name = text[first : end + len(found["rest"])]
        if value == text[at:end] or _joined(value) in (_joined(name.rpartition(".")[2]), text[at:end].lower()):
            return False
        if not quoted:
            value = value.rstrip(".:")
            if text[stop : stop + 1] in ("(", "[", "{") or value.startswith(_OF_OBJECTS) or "?." in value:
                return False
            is_identifier = _IDENTIFIER.fullmatch(value) is not None
            if self._any_value and is_identifier and "." not in value and not has_digit(value):
                return self._is_setting(scan, first, stop, value, sep, tight=tight)
            if not tight and not self._stands_alone(scan, value, stop):
                return False
            if self._any_value and is_identifier and tight and "." in value:
                return not is_variable(value.rpartition(".")[2]) and self._is_alone(scan, first, stop)
            if is_identifier and ("." in value or not (tight or has_digit(value))):
                return is_random(value) and value[0] != "_" and not is_name(_COUNTED.sub("", value))
        elif " " in value.strip() and not (self._any_value and self._is_phrase(value, tight=tight)):
            return False
        if _NUMBER.fullmatch(value) and not (tight and self._any_value):
            return False
        if self._any_value:
            return len(value) >= 2 and not value.startswith(("/", "~/", "./")) and bool(value.strip("*•.:"))
        is_set = tight and text[at:end].isupper() and self._kind != "api_key" and len(value) >= 6
        is_likely = (len(value) >= 6 and has_digit(value) and has_letter(value)) or (
            len(value) >= 16 and not value.isdigit()
        )
        scan.work += 8 * (is_set or is_likely)
        return (is_set or is_likely) and not self._is_plain(value, name, quoted=quoted, tight=tight, is_set=is_set)

    def _is_plain(self, value: str, name: str, *, quoted: bool, tight: bool, is_set: bool) -> bool:
        """A name of something in a program, or a placeholder."""
        if is_placeholder(value) or "://" in value:
            return True
        if is_set:
            return False
        if self._kind == "secret":
            return value.isupper() and "_" in value and is_name(value)
        if not quoted and (value.startswith("_") or (not tight and _NUMBERED.fullmatch(value))):
            return True
        opens = self._kind == "token" or any(word in name.lower() for word in _STRONG)
        return is_name(value) and not (opens and is_kebab(value))

    def _is_setting(self, scan: Scan, first: int, stop: int, value: str, sep: str, *, tight: bool) -> bool:
        """Is a plain *value* a password that is set or told, or does code name what holds one?

        *first* is where the name begins. `password = word` may be either; a word that says nothing of a program is
        taken for a password where it stands as in a file of settings.
        """
        text = scan.text
        line = scan.line_start(first)
        before = text[max(line, first - 160) : first]
        is_inside = any(before.count(mark) > before.count(other) for mark, other in ("()", "[]", "{}"))
        if tight:
            return not (is_inside and is_variable(value)) and len(value) >= 2
        if text[first - 1 : first] in ("$", "@", "&", ".", ">") and before:
            return False
        scan.work += 8
        after = text[stop : min(scan.line_end(stop), stop + 80)]
        ends = not after.strip(DECORATION) or _PAIR.match(after) is not None
        if sep == ":":
            return not after.strip(DECORATION) or (ends and not is_inside and not is_variable(value))
        if sep == "=":
            is_alone = before.strip(_MARKS + "0123456789") in _COMMANDS
            if text.startswith(("self.", "this."), first) or is_inside or is_variable(value):
                return False
            return ends and (is_alone or _PAIRS.search(before[-64:]) is not None)
        if sep.startswith("is"):
            told = not (rest := after.strip(DECORATION)) or rest[0] in ".,;!)\"'" or text[stop - 1] == "."
            return told and _WHOSE.search(before[-48:]) is not None and not is_said(value)
        return (
            sep == ""
            and not value.isupper()
            and value not in _OF_FLAGS
            and (ends or _FOLLOWS_FLAG.match(after) is not None)
        )

    def _is_alone(self, scan: Scan, first: int, stop: int) -> bool:
        """A line of settings: nothing but the name, which begins at *first*, and the value."""
        text = scan.text
        before = text[max(scan.line_start(first), first - 160) : first]
        after = text[stop : min(scan.line_end(stop), stop + 80)].strip(DECORATION)
        return not after and before.strip(_MARKS) in _COMMANDS

    def _is_phrase(self, value: str, *, tight: bool) -> bool:
        """Several words in quotes are a password rather than a message about one."""
        return has_digit(value) or ((tight or value.count(" ") == 1) and not any(map(is_harmless, value.split())))

    def _stands_alone(self, scan: Scan, value: str, stop: int) -> bool:
        """Nothing that makes it prose follows; a value that cannot be a word may stand in prose."""
        rest = scan.text[stop : min(stop + 2, scan.line_end(stop))].strip(DECORATION)
        return not rest or rest[0] in ",;}\"'`)&#" or (has_digit(value) and has_letter(value))


def _joined(name: str) -> str:
    """Without what tells `challenge_password` from `challengePassword`."""
    return name.replace("_", "").replace("-", "").lower()


_ENDS = frozenset(",.;)/>\n")
"""After a name they say that nothing is assigned to it."""
_PASSWORDS = frozenset({"wo", "wd", "ph"})
"""`_pass` goes on: then it is `password`, `passwd` or `passphrase`, which are literals of their own."""
_SCHEME = re.compile(r"(?i)(?:bearer|basic|token)\s+(?=\S{6})")

_HEADER = re.compile(
    r"(?i)authorization\\?[\"'`]?\]?\s{0,4}[:=]\s{0,4}\\?[\"'`]?(?:(?P<scheme>[A-Za-z][A-Za-z0-9\-]{1,24})\s{1,4})?"
    r"(?P<value>[^\s\"'`\\]{1,4096}+)"
)
_BEARER = re.compile(r"\s{1,4}(?P<value>[A-Za-z0-9._~+/=\-]{8,4096}+)")
_COOKIE = re.compile(r"(?i)cookie\\?[\"']?\s{0,4}[:=]\s{0,4}\\?[\"']?(?P<value>[\w.\-]{1,64}=[^\"'\n]{1,4096}+)")
_WHOLE_LINE = frozenset({"digest", "aws4-hmac-sha256"})
_REST_OF_HEADER = re.compile(r"[^\n]{0,4096}+")
_SCHEMES = _WHOLE_LINE | frozenset({"bearer", "basic", "token", "apikey", "negotiate", "key"})


def authorization(scan: Scan, _at: int, end: int) -> int:
    """An Authorization header, in whatever notation."""
    found = _HEADER.match(scan.text, end - len("authorization"))
    if found is None or found["value"].startswith(_PLACEHOLDERS):
        return end
    scan.work += 2 + (found.end() - end >> 7)
    value, scheme, stop = found["value"], (found["scheme"] or "").lower(), found.end()
    if not scheme:
        likely = value.lower() not in _SCHEMES and len(value) >= 12 and has_digit(value)
        if likely or (scan.touches_open_end(stop) and not any(name.startswith(value.lower()) for name in _SCHEMES)):
            scan.add(found.start("value"), stop, "authorization")
        return end
    if scheme not in _SCHEMES:
        return end
    if scheme in _WHOLE_LINE:
        rest = _REST_OF_HEADER.match(scan.text, stop)
        stop = rest.end() if rest else stop
    scan.add(found.start("value"), stop, "basic" if scheme == "basic" else "bearer")
    return stop


def bearer(scan: Scan, _at: int, end: int) -> int:
    """`Bearer` and a token, where no header's name stands before it."""
    found = _BEARER.match(scan.text, end)
    if found is None:
        return end
    value = found["value"]
    likely = len(value) >= 16 and has_digit(value) and has_letter(value)
    if scan.touches_open_end(found.end()) or likely or len(value) >= 40:
        scan.add(found.start("value"), found.end(), "bearer")
        return found.end()
    return end


def cookie(scan: Scan, _at: int, end: int) -> int:
    """A Cookie or Set-Cookie header: all of its values."""
    found = _COOKIE.match(scan.text, end - len("cookie"))
    if found is None or found["value"].partition("=")[2].startswith((*_PLACEHOLDERS, " ")):
        return end
    scan.add(found.start("value"), found.end(), "cookie")
    return found.end()


_SSHPASS = re.compile(r"\s{0,4}[\"']?(?P<value>[^\s\"']{2,256})")
_CURL_USER = re.compile(r"\s{0,4}+=?[\"']?(?P<user>[^\s:\"'@/]{1,128}+):(?P<value>[^\s\"']{3,256}+)")


def curl_user(scan: Scan, at: int, end: int) -> int:
    """`curl -u name:password`."""
    text = scan.text
    if "curl" not in text[max(0, at - 512) : at]:
        return end
    scan.work += 1
    found = _CURL_USER.match(text, end)
    if found is None or "curl" not in text[max(scan.line_start(at), at - 512) : at]:
        return end
    if not found["value"].startswith(_PLACEHOLDERS):
        scan.add(found.start("value"), found.end("value"), "password")
    return found.end()


_IDENTIFIED = re.compile(r"\s{1,4}+(?P<quote>[\"'])(?P<value>[^\"'\n]{2,256}+)(?P=quote)")
_GENERATED = re.compile(r"[^\s:]{1,128}+:\s{1,4}+(?P<value>\S{4,256}+)")


def told(scan: Scan, _at: int, end: int) -> int:
    """`IDENTIFIED BY 'password'`; what mysqld prints at its first start, any characters."""
    found = _IDENTIFIED.match(scan.text, end) or _GENERATED.match(scan.text, end)
    if found is None or found["value"].startswith(_PLACEHOLDERS):
        return end
    scan.add(*found.span("value"), "password")
    return found.end()


def sshpass(scan: Scan, _at: int, end: int) -> int:
    """`sshpass -p password`."""
    found = _SSHPASS.match(scan.text, end)
    if found and not found["value"].startswith(_PLACEHOLDERS):
        scan.add(*found.span("value"), "password")
    return end
