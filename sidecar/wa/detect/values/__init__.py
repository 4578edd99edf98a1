"""temporary"""

import re
from typing import NamedTuple


class Context(NamedTuple):
    seen_at_ms: int
    host_zone: str


class Reset(NamedTuple):
    printed: str
    kind: str
    at: object
    zone: object
    zone_from: str
    ambiguous: bool


def _text(v, c):
    return v


def _int(v, c):
    return int(v.replace(",", ""))


def _reset(v, c):
    v = v.rstrip(".")
    return Reset(
        v,
        "relative" if re.search(r"^\s*(in )?\d+\s*(d|h|m|s)", v) and not re.search("[ap]m", v, re.I) else "absolute",
        None,
        None,
        "none",
        False,
    )


CONVERTERS = {
    "text": _text,
    "int": _int,
    "count": _int,
    "percent": lambda v, c: float(v.rstrip("%").lstrip("<")),
    "duration": _text,
    "uuid": _text,
    "reset": _reset,
    "url": lambda v, c: v.replace(" ", ""),
    "version": _text,
    "path": _text,
    "seconds": _text,
    "window": _text,
    "time_of_day": _text,
}
