"""Commands, replies and contexts as JSON and back: what a journal is made of."""

from __future__ import annotations

import types
from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import Any, NamedTuple, Union, cast, get_args, get_origin, get_type_hints

from wa.act.workflow import Context
from wa.model import command
from wa.model.command import Command, Reply

Json = dict[str, Any]

_COMMANDS: Mapping[str, type] = {
    kind.__name__: kind
    for kind in (
        *(command.Act, command.Look, command.Until, command.Park, command.Notify, command.Execute),
        command.Open,
    )
}
_REPLIES: Mapping[str, type] = {
    kind.__name__: kind
    for kind in (
        *(command.Did, command.Saw, command.Happened, command.Woke, command.Told, command.Executed),
        command.Opened,
    )
}


_PLAIN: Mapping[Any, tuple[type, ...]] = {str: (str,), int: (int,), bool: (bool,), float: (int, float)}


class Entry(NamedTuple):
    """One row of the journal."""

    number: int
    """From 0."""
    at_ms: int
    command: Json
    reply: Json | None = None
    replied_ms: int | None = None


class UnreadableError(ValueError):
    """What stands in the journal is of another make."""


def command_json(asked: Command) -> Json:
    return {"kind": type(asked).__name__, **_plain(asked)}


def command_of(said: Mapping[str, Any]) -> Command:
    """Raises UnreadableError."""
    return cast("Command", _named(_COMMANDS, said))


def reply_json(reply: Reply) -> Json:
    return {"kind": type(reply).__name__, **_plain(reply)}


def reply_of(said: Mapping[str, Any]) -> Reply:
    """Raises UnreadableError."""
    return cast("Reply", _named(_REPLIES, said))


def context_json(context: Context) -> Json:
    return cast("Json", _plain(context))


def context_of(said: Mapping[str, Any]) -> Context:
    """Raises UnreadableError."""
    return cast("Context", _made(Context, said))


def _plain(value: Any) -> Any:
    """What JSON has. Sets become sorted lists, so that equal values are equal texts."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple) and (fields := getattr(value, "_fields", None)) is not None:
        return {name: _plain(one) for name, one in zip(fields, value, strict=True)}
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(map(_plain, value))
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value


def _named(kinds: Mapping[str, type], said: Mapping[str, Any]) -> Any:
    kind = kinds.get(str(said.get("kind")))
    if kind is None:
        raise UnreadableError(f"nothing is called {said.get('kind')!r:.60}")
    return _made(kind, {name: value for name, value in said.items() if name != "kind"})


def _made(kind: Any, said: Any) -> Any:
    if not isinstance(said, Mapping):
        raise UnreadableError(f"{kind.__name__} is no {type(said).__name__}")
    hints = _hints(kind)
    if unknown := said.keys() - hints.keys():
        raise UnreadableError(f"{kind.__name__} has no {', '.join(sorted(unknown))}")
    try:
        return kind(**{name: _typed(hints[name], value) for name, value in said.items()})
    except (TypeError, ValueError) as error:
        raise UnreadableError(f"{kind.__name__}: {error}") from error


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    return get_type_hints(kind)


def _typed(hint: Any, value: Any) -> Any:
    """*value* as *hint* says; JSON has neither tuples nor sets nor enums."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        if value is None:
            return None
        (hint,) = (part for part in get_args(hint) if part is not types.NoneType)
        return _typed(hint, value)
    if origin in (tuple, frozenset):
        if not isinstance(value, list):
            raise UnreadableError(f"a list belongs where {value!r:.40} stands")
        inner = get_args(hint)[0]
        return origin(_typed(inner, one) for one in value)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    if isinstance(hint, type) and hasattr(hint, "_fields"):
        return _made(hint, value)
    plain = _PLAIN.get(hint)
    if plain is not None and (not isinstance(value, plain) or (hint is not bool and isinstance(value, bool))):
        raise UnreadableError(f"{hint.__name__} is not {value!r:.40}")
    return value
