"""Parameters of requests, checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from wa.model.errors import UsageError

T = TypeVar("T")

_MISSING: Any = object()
_WORDS: dict[type, str] = {str: "text", bool: "true or false", int: "a whole number", list: "a list", dict: "a map"}


def param(params: Mapping[str, Any], name: str, kind: type[T], default: Any = _MISSING) -> T:
    """A parameter of this type; nil counts as absent."""
    value = params.get(name)
    if value is None and default is not _MISSING:
        return default  # type: ignore[no-any-return]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise UsageError(f"`{name}` must be {_WORDS[kind]}, not {value!r:.60}")
    return value


def names_in(params: Mapping[str, Any], name: str, default: Any = _MISSING) -> list[str]:
    """A list of texts."""
    values: list[Any] = param(params, name, list, default=default)
    if not all(isinstance(value, str) for value in values):
        raise UsageError(f"`{name}` must be a list of texts")
    return values
