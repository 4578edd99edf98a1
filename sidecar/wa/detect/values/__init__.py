"""What agents print, as typed values: times, lengths of time, counts, ids. Pure; nothing here raises on any text."""

from wa.detect.values.converters import CONVERTERS, Context, Converter, parse_time_of_day, parse_window
from wa.detect.values.durations import parse_duration_s
from wa.detect.values.identifiers import find_url, find_uuid, find_version
from wa.detect.values.numbers import parse_count, parse_int, parse_percent
from wa.detect.values.reset import GRACE, Reset, resolve_reset

__all__ = [
    "CONVERTERS",
    "GRACE",
    "Context",
    "Converter",
    "Reset",
    "find_url",
    "find_uuid",
    "find_version",
    "parse_count",
    "parse_duration_s",
    "parse_int",
    "parse_percent",
    "parse_time_of_day",
    "parse_window",
    "resolve_reset",
]
