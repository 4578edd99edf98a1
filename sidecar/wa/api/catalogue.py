"""What can be set and what can go wrong, collected from the code; the reference pages are made from it."""

from __future__ import annotations

import importlib
import json
import pkgutil
from typing import Any, NamedTuple

import wa
from wa.config.settings import settings_table
from wa.model.errors import WaError


class KnownSetting(NamedTuple):
    key: str
    kind: str
    default: str
    """As it would stand in the file."""
    help: str


class KnownError(NamedTuple):
    code: str
    exit_status: int
    meaning: str
    next_step: str


def settings() -> list[KnownSetting]:
    return [KnownSetting(one.key, one.kind, _toml(one.default), one.help) for one in settings_table()]


def error_codes() -> list[KnownError]:
    """Every code that any room can raise, in alphabetical order; a class without a code of its own is its parent's."""
    for module in pkgutil.walk_packages(wa.__path__, "wa."):
        if "__main__" not in module.name and "demo_programs." not in module.name:
            importlib.import_module(module.name)
    found: dict[str, KnownError] = {}
    classes: list[type[WaError]] = [WaError, *_below(WaError)]
    for error in classes:
        said = " ".join((error.__doc__ or "").split("\n\n")[0].split())
        if "code" in vars(error) and error.code not in found and error.__module__.startswith("wa."):
            found[error.code] = KnownError(error.code, error.exit_status, said or _words(error), error.next_step)
    return [found[code] for code in sorted(found)]


def _below(root: type[WaError]) -> list[type[WaError]]:
    return [error for child in root.__subclasses__() for error in (child, *_below(child))]


def _words(error: type[WaError]) -> str:
    """`StoreFullError` → `Store full`."""
    name = error.__name__.removesuffix("Error")
    spaced = "".join(f" {char.lower()}" if char.isupper() and at else char for at, char in enumerate(name))
    return f"{spaced}."


def _toml(value: Any) -> str:
    return json.dumps(list(value) if isinstance(value, tuple) else value)
