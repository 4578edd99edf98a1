"""Secrets that are known by the name they are given: `password=…`, `"access_token": "…"`, `Authorization: Bearer …`.

What follows the name decides. Code that only handles secrets (`token = get_token()`, `password: str`,
`max_tokens=4096`) stays readable.
"""

from __future__ import annotations

import re

from wa.store.redact.scan import DECORATION, PLACEHOLDER, Scan
from wa.store.redact.shapes import has_digit, has_letter, is_random

VALUE_LIMIT = 4096

_AFTER_NAME = re.compile(
    r"(?P<rest>[A-Za-z0-9_\-]{0,48}+)(?P<close>\\?[\"'`]?\]?(?:\s?\[[^\]\n]{0,24}\])?)"
    r"(?P<sep>\s{0,8}(?:=>|:=|[:=](?!=))\s{0,8}|\s{1,8}[|│]\s{1,8}|\s{1,2}is:?\s{1,2})(?P<open>\\?[\"'`])?"
)
_FLAG = re.compile(r"(?P<rest>[a-z\-]{0,16}+)[ \t]{1,4}(?P<open>[\"'])?(?=[^\s\-])")
_NETRC = re.compile(r"\blogin\s{1,4}\S{1,64}\s{1,4}$")
_BARE_VALUE = re.compile(rf"[^\s\"'`,;&<>|│(){{}}\[\]]{{1,{VALUE_LIMIT}}}+")
_QUOTED_VALUE = {quote: re.compile(rf"(?:[^{quote}\\\n]|\\[^\n]){{1,{VALUE_LIMIT}}}+") for quote in ('"', "'", "`")}
_ESCAPED_VALUE = re.compile(rf"[^\"'`\\\s]{{1,{VALUE_LIMIT}}}+")

_DESCRIBES = re.compile(
    r"(?i)(?:s|iz\w*|ed|less|[_-]?(?:types?|urls?|uris?|endpoints?|files?|paths?|names?|ids?|len|lengths?|limits?|counts?|budgets?"
    r"|expir\w*|ttl|age|states?|polic\w+|fields?|prompts?|env|refs?|stores?|managers?|providers?|hints?|reset\w*|labels?|placeholder|inputs?"
    r"|required|min|max|regex|patterns?|usage|used|price|cost|index|idx|pos|start|end|kind|class|err\w*|source|cache|lists?|map|dict"
    r"|versions?|format|headers?|params?|arn|rotation|strength|protected|enabled|disabled|set|changed|last_used))"
)
"""What a name goes on with when it names something about a secret rather than the secret."""
_HARMLESS = re.compile(
    r"(?i)none|null|nil|undefined|true|false|str|string|text|bytes|int|integer|number|bool|boolean|any|object|optional|required"
    r"|invalid|incorrect|missing|wrong|expired|unset|set|yes|no|hidden|empty|changed|accepted|rejected|authentication|protected"
    r"|\w*(?:Str|String|Password|Secret|Token|Field|Type|Schema|Bytes)|default|passw(?:or)?d|secret|token|self|this|env|value|redacted|masked|unknown|void|char|needed|not|and|or|the|a|an|in|is|of"
)
_PLACEHOLDERS = ("$", "<", "{", "%", "*", "…", "...", "xxx", "XXX", "your", "YOUR", PLACEHOLDER)
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")


class NameRule:
    """Judges what is assigned to a name that ends in, or holds, the literal of the automaton."""

    def __init__(self, kind: str, *, any_value: bool = False) -> None:
        self._kind = kind
        self._any_value = any_value
        """A short word may be a secret too: passwords."""

    def __call__(self, scan: Scan, at: int, end: int) -> int:
        text = scan.text
        if text[end : end + 1] in _ENDS:
            return end
        if found := _AFTER_NAME.match(text, end):
            if _DESCRIBES.fullmatch(found["rest"]):
                return end
        elif self._is_flag(text, at):
            found = _FLAG.match(text, end)
        if found is None:
            return end
        scan.work += 2
        start, stop = self._value(scan, found)
        scan.work += (start < stop) + ((stop - start) >> 7)
        if start < stop and self._is_secret(scan, at, end, found, start, stop):
            scan.add(start, stop, self._kind)
            return stop
        return end

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
        value = text[start:stop]
        sep = found.groupdict().get("sep") or " "
        tight = sep in ("=", ":")
        if (
            value == text[at:end]
            or value.startswith(_PLACEHOLDERS)
            or (not found["open"] and _HARMLESS.fullmatch(value.rstrip(".,:")))
        ):
            return False
        if scan.touches_open_end(stop):
            return True
        if not found["open"]:
            value = value.rstrip(".")
            if text[stop : stop + 1] in ("(", "[", "{") or (not tight and not self._stands_alone(scan, value, stop)):
                return False
            if _IDENTIFIER.fullmatch(value) and ("." in value or not (tight or has_digit(value))):
                # `password = name` is code; `password: word` at the end of a line is a setting.
                is_setting = self._any_value and "." not in value and sep.strip() == ":"
                return (is_setting and self._ends_line(scan, stop)) or is_random(value)
        elif " " in value.strip() and not (self._any_value and self._is_phrase(value, tight=tight)):
            return False
        if self._any_value:
            return len(value) >= 2 and not value.startswith(("/", "~/", "./"))
        if tight and text[at:end].isupper() and self._kind != "api_key" and len(value) >= 6:
            return True
        return (len(value) >= 6 and has_digit(value) and has_letter(value)) or (
            len(value) >= 16 and not value.isdigit()
        )

    def _is_phrase(self, value: str, *, tight: bool) -> bool:
        """Several words in quotes are a password rather than a message about one."""
        return has_digit(value) or (
            (tight or value.count(" ") == 1) and not any(map(_HARMLESS.fullmatch, value.split()))
        )

    def _stands_alone(self, scan: Scan, value: str, stop: int) -> bool:
        """Nothing that makes it prose follows; a value that cannot be a word may stand in prose."""
        rest = scan.text[stop : min(stop + 2, scan.line_end(stop))].strip(DECORATION)
        return not rest or rest[0] in ",;}\"'`)&#" or (has_digit(value) and has_letter(value))

    def _ends_line(self, scan: Scan, stop: int) -> bool:
        """Nothing follows, as in a file of settings or after a label."""
        return not scan.text[stop : min(scan.line_end(stop), stop + 80)].strip(DECORATION + ",;")


_ENDS = frozenset(",.;)/>\n")
"""After a name they say that nothing is assigned to it."""
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
_CURL_USER = re.compile(r"\s{0,4}=?[\"']?(?P<user>[^\s:\"'@/]{1,128}):(?P<value>[^\s\"']{3,256})")


def curl_user(scan: Scan, at: int, end: int) -> int:
    """`curl -u name:password`."""
    found = _CURL_USER.match(scan.text, end)
    scan.work += found is not None
    if found is None or "curl" not in scan.text[max(scan.line_start(at), at - 512) : at]:
        return end
    if not found["value"].startswith(_PLACEHOLDERS):
        scan.add(found.start("value"), found.end("value"), "password")
    return found.end()


def sshpass(scan: Scan, _at: int, end: int) -> int:
    """`sshpass -p password`."""
    found = _SSHPASS.match(scan.text, end)
    if found and not found["value"].startswith(_PLACEHOLDERS):
        scan.add(*found.span("value"), "password")
    return end
