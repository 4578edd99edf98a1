"""URLs: passwords before the host, queries of sign-in addresses, secret parameters of others.

Also where a program has cut the URL into lines of its own, as the agents do at the pane's width.
"""

from __future__ import annotations

import re

from ahocorasick_rs import AhoCorasick, Implementation

from wa.store.redact.scan import DECORATION, PLACEHOLDER, Scan
from wa.store.redact.shapes import has_digit, has_letter

URL_LIMIT = 8192
LINES = 60
"""Rows that one URL may take: 2,000 characters in a pane of 40 columns."""
CARRIED = 4096
PADDING = 400
"""Blanks that may stand between an address and the frame at the end of its line."""

_SPACE = r"\s\"'`<>|\\^{}│┃║▌▐▏▕"
_GOES_ON_IN_LINE = frozenset("\"'`<>{}^")
_URL = re.compile(rf"[^{_SPACE}]{{0,{URL_LIMIT}}}+")
_PIECE = re.compile(rf"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]{{1,{URL_LIMIT}}}+")
_USERINFO = re.compile(r"(?P<user>[^/?#@:\s]{0,256}+)(?::(?P<password>[^/?#\s]{1,512}))?@")
_OPEN_USERINFO = re.compile(r"[^/?#@:\s]{1,256}+:(?P<password>[^/?#\s@]{1,512}+)")

_SIGN_IN = re.compile(r"(?i)[/.](?:oauth2?|authori[sz]e|openid[\w-]*|saml2?)(?=[/?#.:]|$)")
_MAY_SIGN_IN = re.compile(
    r"(?i)[/.](?:sso|device|activate|log-?in|sign-?in|callback|auth|connect|verify|magic[\w-]*|reset[\w-]*|invite)(?=[/?#.:]|$)"
)
_SIGN_IN_KEY = re.compile(
    r"(?i)(?:^|[?&;#])(?:client_id|code_challenge(?:_method)?|code_verifier|redirect_uri|response_type|access_token|id_token"
    r"|refresh_token|user_code|device_code|client_secret|saml(?:request|response)|client_assertion|id_token_hint"
    r"|(?:login|consent)_challenge|login_hint|login_token)="
)
_WEAK_KEY = re.compile(r"(?i)(?:^|[?&;#])(?:code|state|nonce|ticket|session_?state|token|session|key|t|otp)=")
_LONG_WEAK_KEY = re.compile(r"(?i)(?:^|[?&;#])(?:code|state|nonce|ticket|session_?state)=[A-Za-z0-9_\-.%~+/]{16,}")
_SECRET_PARAMETER = re.compile(
    r"(?i)(?:^|[?&;#])(?P<name>[\w.\-]{0,40}(?:token|secret|passw(?:or)?d|passphrase|pwd|api[_-]?key|access[_-]?key|signature|credential"
    r"|jwt|auth|[_-]sig))=(?P<value>[^&;#]{1,4096}+)"
)
_SHORT_PARAMETER = re.compile(r"(?i)(?:^|[?&;#])(?P<name>sig|key|session|sid|session_?id)=(?P<value>[^&;#]{16,4096}+)")

_INTERESTING = AhoCorasick(
    [
        *(
            "token",
            "secret",
            "passw",
            "passphrase",
            "pwd",
            "key",
            "sig",
            "cred",
            "jwt",
            "auth",
            "code",
            "state",
            "nonce",
        ),
        *(
            "ticket",
            "session",
            "sid=",
            "saml",
            "client_",
            "redirect_uri",
            "response_type",
            "challenge",
            "login",
            "openid",
        ),
        *(
            "sso",
            "device",
            "activate",
            "sign",
            "callback",
            "connect",
            "verify",
            "magic",
            "reset",
            "invite",
            "otp=",
            "?t=",
            "&t=",
        ),
        *("[redacted:", "#t=", "assertion"),
    ],
    implementation=Implementation.DFA,
)
"""An address without any of these has none of the above. One pass instead of six."""


def url(scan: Scan, at: int, end: int) -> int:
    """At `://`."""
    text = scan.text
    start = at
    while start > 0 and at - start < 16 and (text[start - 1].isalnum() or text[start - 1] in "+.-"):
        start -= 1
    if start == at:
        return end
    found = _address(text, end)
    stop = end if found is None else found.end()
    scan.work += 3 + (stop - end >> 5)
    if found and (brackets := found[0].find("](")) >= 0:
        # Markdown: `[https://one](https://two)`.
        stop = end + brackets
    if text[stop : stop + 1] in _GOES_ON_IN_LINE and not any(mark in text[end:stop] for mark in "?#@"):
        return stop
    pieces = [(start, stop)]
    line_end = scan.line_end(stop)
    runs_on = stop - start >= 16 and (
        stop == line_end or not text[stop : min(line_end, stop + PADDING)].strip(DECORATION)
    )
    if runs_on:
        pieces += _continuation(scan, line_end, stop - scan.line_start(start))
    if len(pieces) == 1 and line_end < len(text) and not any(mark in text[end:stop] for mark in "?#@"):
        return stop
    scan.work += 8 + 2 * len(pieces)
    _judge(scan, pieces, "", begun_at=start)
    return stop


def _address(text: str, end: int) -> re.Match[str] | None:
    """What follows `://` at *end*; up to the next URL, if one stands in its path (`file:///home/https://…`)."""
    other = text.find("://", end, end + URL_LIMIT)
    if other < 0:
        return _URL.match(text, end)
    while other > end and text[other - 1].isalpha():
        other -= 1
    found = _URL.match(text, end, other)
    is_part = found is not None and found.end() == other and ("?" in found[0] or "#" in found[0])
    return _URL.match(text, end) if is_part else found


def resume(scan: Scan, before: str) -> None:
    """The text may begin with the rest of a URL of which *before* has been seen."""
    if pieces := _continuation(scan, -1, 0):
        _judge(scan, pieces, before, begun_at=-1)
    if scan.open_start == 0:
        scan.url = before


def tail_of(text: str) -> str:
    """The URL that runs to the end of the line *text*; "" if none does."""
    line = text.rstrip(DECORATION)
    at = line.rfind("://")
    if at < 0 or " " in line[at:] or len(line) - at < 16:
        return ""
    return line[max(0, at - 16) :].rpartition(" ")[2][-CARRIED:]


def _continuation(scan: Scan, line_end: int, width: int) -> list[tuple[int, int]]:
    """Lines after *line_end* that are but the rest of a URL whose first line had *width* columns; 0: not known."""
    text, pieces = scan.text, list[tuple[int, int]]()
    while line_end < len(text) and len(pieces) < LINES:
        start = line_end + 1
        line_end = scan.line_end(start)
        left, right = scan.content(start, line_end)
        piece = text[left:right]
        if not piece or not _PIECE.fullmatch(piece) or "://" in piece or not _goes_on(piece, width):
            break
        pieces.append((left, right))
        if right - start + 2 < width:
            # The program had room left on this line: the address ends here.
            break
    return pieces


def _goes_on(piece: str, width: int) -> bool:
    """Rather the rest of an address than a word on a line of its own."""
    if piece.startswith(PLACEHOLDER):
        return True
    return (not width or len(piece) <= width + 8) and (
        len(piece) >= 16 or has_digit(piece) or any(char in "%&=_?/+-" for char in piece)
    )


def _judge(scan: Scan, pieces: list[tuple[int, int]], before: str, *, begun_at: int) -> None:
    """Judge the address that *before* and *pieces* make up; mark what is secret of the pieces."""
    text = scan.text
    address = before + "".join(text[start:end] for start, end in pieces)
    for start, end, kind in _secrets(address, is_open=bool(pieces) and scan.touches_open_end(pieces[-1][1])):
        at = len(before)
        for left, right in pieces:
            first, last = max(start, at), min(end, at + right - left)
            if first < last:
                scan.add(left + first - at, left + last - at, kind)
            at += right - left
    if begun_at < scan.open_start:
        _remember(scan, pieces, before)


def _remember(scan: Scan, pieces: list[tuple[int, int]], before: str) -> None:
    """Keep the address if it runs to the end of the text, or to a line that will be scanned again."""
    kept = [(start, end) for start, end in pieces if start < scan.open_start]
    last_end = kept[-1][1] if kept else 0
    ends_at = min(len(scan.text), max(scan.open_start - 1, 0))
    if ends_at - last_end <= PADDING and not scan.text[last_end:ends_at].strip(DECORATION):
        address = before + "".join(scan.text[start:end] for start, end in kept)
        scan.url = address if len(address) <= CARRIED else address[: CARRIED // 2] + address[-CARRIED // 2 :]


def _secrets(address: str, *, is_open: bool) -> list[tuple[int, int, str]]:
    """Where secrets stand in *address*."""
    found: list[tuple[int, int, str]] = []
    authority = address.find("://") + 3
    if user := _USERINFO.match(address, authority):
        if user["user"] == PLACEHOLDER[:-1]:
            pass
        elif user["password"]:
            found.append((*user.span("password"), "url_password"))
        elif len(user["user"]) >= 20 and has_digit(user["user"]) and has_letter(user["user"]):
            found.append((*user.span("user"), "url_password"))
    elif is_open and (user := _OPEN_USERINFO.fullmatch(address, authority)):
        found.append((*user.span("password"), "url_password"))
    query = min((at for at in (address.find("?", authority), address.find("#", authority)) if at >= 0), default=-1)
    if query < 0 or query + 1 >= len(address):
        return found
    if not is_open and not _INTERESTING.find_matches_as_indexes(address.lower()):
        return found
    if is_open or is_sign_in(address[:query], address[query:]):
        end = len(address) if is_open else len(address.rstrip(".,;:!)'"))
        found.append((query + 1, end, "oauth_query"))
        return found
    for pattern in (_SECRET_PARAMETER, _SHORT_PARAMETER):
        for parameter in pattern.finditer(address, query):
            value = parameter["value"]
            plain = value.startswith(("$", "{", "<", "%7B", PLACEHOLDER)) or value.lower() in (
                "true",
                "false",
                "none",
                "null",
            )
            if not plain and (len(value) >= 8 or has_digit(value)):
                found.append((*parameter.span("value"), "token"))
    return found


def is_sign_in(base: str, query: str) -> bool:
    """The address belongs to a sign-in: its query is a secret as a whole. *query* begins with its `?` or `#`."""
    if PLACEHOLDER + "oauth_query" in query or _SIGN_IN_KEY.search(query) or _LONG_WEAK_KEY.search(query):
        return True
    if _SIGN_IN.search(base):
        return "=" in query or len(query) > 8
    return bool(_MAY_SIGN_IN.search(base) and _WEAK_KEY.search(query))
