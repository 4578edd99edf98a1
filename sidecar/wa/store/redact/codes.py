"""One-time codes: short, and secret only because of the words beside them."""

from __future__ import annotations

import re

from wa.store.redact.scan import Scan
from wa.store.redact.shapes import has_digit, has_letter

LINES = 7
"""Blank ones included. Codex 0.169 prints its code two lines below the words, AWS SSO four or fewer (seen 2026-11)."""
REACH = 160
"""Characters after the words in which the code may stand on their line."""
NEAR = 24
"""Characters between the words and a code that is only a number."""

_WEAK = frozenset({"your", "this", "the", "following", "use", "with", "in", "one", "access"})
_ANNOUNCES = _WEAK | {
    *("time", "device", "user", "verification", "verify", "security", "auth", "authentication", "authenticator", "otp"),
    *(
        "authorization",
        "authorisation",
        "login",
        "log",
        "signin",
        "sign",
        "confirmation",
        "confirm",
        "recovery",
        "backup",
    ),
    *("2fa", "mfa", "factor", "sms", "email", "enter", "paste", "copy", "pairing", "pin", "activation", "passcode"),
}
"""What stands before `code` where a code is meant that lets somebody in."""
_NEVER = frozenset(
    {
        *(
            "error",
            "exit",
            "status",
            "return",
            "http",
            "zip",
            "postal",
            "source",
            "area",
            "country",
            "byte",
            "char",
            "op",
        ),
        *(
            "key",
            "event",
            "result",
            "response",
            "reason",
            "signal",
            "failure",
            "errno",
            "qr",
            "bar",
            "machine",
            "native",
        ),
    }
)
_INVITES = re.compile(r"(?i)\b(?:enter|type|paste|copy|use|following)\b")
"""`this code` is mostly source code; after one of these it is to be typed somewhere."""
_DASHED = r"(?!(?:PEP|RFC|ISO|CVE|UTF|SHA|ECMA|IEEE|BCP|FIPS)-\d)[A-Z0-9]{3,5}-[A-Z0-9]{3,5}(?:-[A-Z0-9]{3,5})?"
_SAME_LINE = re.compile(rf"(?<![A-Za-z0-9\-])(?:(?P<dashed>{_DASHED})|[A-Z0-9]{{8,9}})(?![A-Za-z0-9\-])")
_NUMBER = re.compile(r"(?<![A-Za-z0-9\-])(?:\d{6,8}|\d{3}[ -]\d{3})(?![A-Za-z0-9\-])")
_BESIDE = re.compile(
    r"[\"'\s]{0,3}(?:[:=>]|is\b|\bis:)?[\s\"'`*>]{0,6}(?P<number>\d{6,8}|\d{3}[ -]\d{3})(?![A-Za-z0-9])"
)
_COUNTS = re.compile(r"\s[a-z]")
"""`this code is 100200 lines long`"""
_LABELLED = re.compile(rf"[\"']?\s{{0,3}}[:=]\s{{0,6}}(?P<number>{_DASHED})(?![A-Za-z0-9\-])")
_LABEL = re.compile(r"[^:>\n]{0,60}[:>=]\s{0,4}[\"'`]?(?=[A-Za-z0-9_\-#./~+=%]{8})")
_TYPED = re.compile(r"[A-Za-z0-9_\-#./~+=%]{8,2048}")
_OPEN_CODE = re.compile(r"(?<![A-Za-z0-9])[A-Z0-9][A-Z0-9\-]{0,16}$")
_IS_YOUR = re.compile(
    rf"(?P<code>{_DASHED}|\d{{6,8}})(?: is| as| [-–]|:)? (?:your|the) [\w\- ]{{0,40}}$", re.IGNORECASE
)
_ALONE = re.compile(
    rf"[*`'\"(\[ ]{{0,3}}(?P<code>{_DASHED}|\d{{6,8}}|\d{{3}}[ -]\d{{3}}|[A-Z0-9]{{8,9}})[*`'\") \].]{{0,3}}"
)


def announced(scan: Scan, at: int, end: int) -> int:
    """At `code`, `OTP`, `passcode` …: is one announced here, and where is it?"""
    text = scan.text
    after = text[end : end + 2]
    if after[:1].isalpha() and after.lower() not in ("s ", "s:"):
        return end
    before = text[max(0, at - 24) : at]
    if before[-1:].isalnum():
        return end
    word = _last_word(before)
    if word in _NEVER or (word and word not in _ANNOUNCES and text[at:end].lower() == "code"):
        return end
    scan.work += 8
    line = scan.line_start(at)
    stop = min(scan.line_end(end), end + REACH)
    if not word and text[at:end].lower() == "code":
        if (beside := _BESIDE.match(text, end, stop) or _LABELLED.match(text, end, stop)) and _is_label(
            text, line, at, end
        ):
            scan.add(*beside.span("number"), "one_time_code")
        return end
    strong = word not in _WEAK
    _on_the_line(scan, line, at, end, stop, strong=strong)
    if strong or _INVITES.search(before) or text[end:stop].rstrip().endswith(":"):
        look(scan, scan.line_end(end) + 1, LINES, begun_at=at)
    return end


def _on_the_line(scan: Scan, line: int, at: int, end: int, stop: int, *, strong: bool) -> None:
    """Codes beside the words at *at* … *end*, in the line that begins at *line*, up to *stop*."""
    text = scan.text
    before = text[max(line, at - 80) : at].lower()
    if "your " in before or "the " in before:
        scan.work += 16
        if earlier := _IS_YOUR.search(text, max(line, at - 80), at):
            scan.add(*earlier.span("code"), "one_time_code")
    if (beside := _BESIDE.match(text, end, stop)) and (strong or not _COUNTS.match(text, beside.end())):
        scan.add(*beside.span("number"), "one_time_code")
    for found in _NUMBER.finditer(text, end, min(stop, end + NEAR + 9)):
        if _near(text, end, found.start()) and (strong or not _COUNTS.match(text, found.end())):
            scan.add(*found.span(), "one_time_code")
    if (begin := max(end, scan.codes_to)) < stop:
        for found in _SAME_LINE.finditer(text, begin, stop):
            if found["dashed"] or (has_digit(found[0]) and has_letter(found[0])):
                scan.add(*found.span(), "one_time_code")
        # One that the reach cut in two begins before it.
        scan.codes_to = max(begin, stop - 17)
    if strong and (label := _LABEL.match(text, end, stop)) and label.end() >= scan.plain_to:
        typed = _TYPED.match(text, label.end())
        if typed is None or not has_digit(typed[0]):
            scan.plain_to = label.end() if typed is None else typed.end()
        elif has_letter(typed[0]):
            scan.add(*typed.span(), "one_time_code")
        scan.work += 0 if typed is None else len(typed[0]) >> 8
    if scan.touches_open_end(stop) and (torn := _OPEN_CODE.search(text, max(end, stop - 20))):
        scan.add(*torn.span(), "one_time_code")


def look(scan: Scan, start: int, lines: int, *, begun_at: int) -> None:
    """Codes that stand alone on one of the *lines* lines from *start* on."""
    text = scan.text
    for left in range(lines, 0, -1):
        if begun_at < scan.open_start <= start or (start > len(text) and not scan.is_open):
            scan.code_lines = max(scan.code_lines, left)
        if start > len(text):
            return
        scan.work += 1
        end = scan.line_end(start)
        left_edge, right_edge = scan.content(start, end)
        short = 0 < right_edge - left_edge <= 32
        found = _ALONE.fullmatch(text, left_edge, right_edge) if short else None
        if found and _is_code(found["code"]):
            scan.add(*found.span("code"), "one_time_code")
        elif short and scan.touches_open_end(right_edge) and (torn := _OPEN_CODE.fullmatch(text, left_edge)):
            scan.add(*torn.span(), "one_time_code")
        start = end + 1


def _last_word(before: str) -> str:
    """The word at the end of *before*, blanks and dashes aside; "" where something else stands there."""
    left = before.rpartition("\n")[2].rstrip(" \t_-")
    start = len(left)
    while start and left[start - 1].isalnum():
        start -= 1
    return left[start:].lower()


def _is_code(code: str) -> bool:
    return "-" in code or " " in code or has_digit(code)


def _near(text: str, end: int, start: int) -> bool:
    """A number is the code only where nothing else is told in between."""
    return start - end <= NEAR and len(text[end:start].split()) <= 3


def _is_label(text: str, line: int, at: int, end: int) -> bool:
    """`code` begins the line, or is a name in quotes whose value is one too (a bare number there is an error's)."""
    if not text[line:at].strip(" \t*#>-│|\"'"):
        return text[at - 1 : at] != '"' or text[end : end + 4].rstrip().endswith('"')
    return False
