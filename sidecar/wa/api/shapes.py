"""JSON Schemas of what commands answer: from `wa.protocol.results` and `results_*`, shipped as `protocol/schemas/*.json`.

The files are what other programs read; a test compares them with what this derives, so that neither drifts.
"""

from __future__ import annotations

import ast
import importlib
import json
import pkgutil
import re
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

from wa import protocol
from wa.protocol import results
from wa.protocol.results_agents import Offset

PARTS = (
    results,
    *(
        importlib.import_module(f"wa.protocol.{module.name}")
        for module in pkgutil.iter_modules(protocol.__path__)
        if module.name.startswith("results_")
    ),
)
"""The modules with result types; each has a table RESULTS."""
RESULTS: dict[str, type] = {command: shape for part in PARTS for command, shape in part.RESULTS.items()}
COMMANDS = tuple(dict.fromkeys((*results.SCHEMAS, *RESULTS)))
"""Commands that answer with data, each with a schema `wa.<command>/1`."""
DRAFT = "https://json-schema.org/draft/2020-12/schema"
INSTANT = {"type": "string", "format": "date-time", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"}
INSTANTS = frozenset(
    {
        *("at", "as_of", "since", "started_at", "ended_at", "connected_at", "last_output_at"),
        *("resets_at", "lifted_at", "until", "expires_at", "decided_at", "asked_at", "typed_at"),
    }
)
"""Fields that hold an instant."""
PANE_UID = {"type": "string", "pattern": "^p[1-9][0-9]*$"}
PLAIN: dict[Any, dict[str, Any]] = {
    bool: {"type": "boolean"},
    int: {"type": "integer", "minimum": 0},
    Offset: {"type": "integer"},
    float: {"type": "number"},
}
PYTHON_WORDS = {"None": "null", "True": "true", "False": "false"}


def schema_of(command: str) -> dict[str, Any]:
    """The schema of *command*'s `data`."""
    definitions: dict[str, Any] = {}
    body = _typed_dict(RESULTS[command], definitions, _docstrings())
    schema = {
        "$schema": DRAFT,
        "$id": results.schema_name(command),
        "title": f"data of `wa {command.replace('-', ' ')} --json`",
        **body,
    }
    return {**schema, "$defs": dict(sorted(definitions.items()))} if definitions else schema


def error_schema() -> dict[str, Any]:
    """The schema of `error` in an envelope."""
    properties = {
        "code": {"type": "string", "description": "One of docs/reference/errors.md."},
        "message": {"type": "string"},
        "next_step": {"type": "string", "description": "What to do about it."},
        "details": {"type": "object"},
    }
    return {
        "$schema": DRAFT,
        "$id": "wa.error/1",
        "title": "error of an envelope",
        "type": "object",
        "properties": properties,
        "required": list(properties),
    }


def envelope_schema() -> dict[str, Any]:
    """The schema of everything that `--json` prints."""
    meta = {
        "type": "object",
        "properties": {"schema": {"type": "string"}, "at": INSTANT, "elapsed_ms": {"type": "number", "minimum": 0}},
        "required": ["schema", "at", "elapsed_ms"],
    }
    good = {
        "type": "object",
        "properties": {"ok": {"const": True}, "data": {"type": "object"}, "meta": meta},
        "required": ["ok", "data", "meta"],
    }
    bad = {
        "type": "object",
        "properties": {"ok": {"const": False}, "error": {"$ref": "#/$defs/error"}},
        "required": ["ok", "error"],
    }
    error = {name: value for name, value in error_schema().items() if not name.startswith("$")}
    whole = {"$schema": DRAFT, "$id": "wa.envelope/1", "title": "what --json prints", "oneOf": [good, bad]}
    return {**whole, "$defs": {"error": error}}


def all_schemas() -> dict[str, dict[str, Any]]:
    """File name without `.json` → schema."""
    shipped = {command: schema_of(command) for command in COMMANDS}
    return {**shipped, "error": error_schema(), "envelope": envelope_schema()}


def load(name: str) -> dict[str, Any]:
    """A shipped schema, as programs find it in the installed package."""
    text = (schema_folder() / f"{name}.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def schema_folder() -> Path:
    return Path(results.__file__).parent / "schemas"


def render(schema: Mapping[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _typed_dict(shape: type, definitions: dict[str, Any], said: Mapping[str, str]) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for name, hint in get_type_hints(shape).items():
        properties[name] = _field(name, hint, definitions, said)
        if text := said.get(f"{shape.__name__}.{name}"):
            properties[name]["description"] = text
    body: dict[str, Any] = {"type": "object", "properties": properties, "required": list(properties)}
    if text := said.get(shape.__name__):
        body["description"] = text
    return body


def _field(name: str, hint: Any, definitions: dict[str, Any], said: Mapping[str, str]) -> dict[str, Any]:
    if hint is types.NoneType:
        return {"type": "null"}
    if get_origin(hint) in (Union, types.UnionType):
        return {"anyOf": [_field(name, part, definitions, said) for part in get_args(hint)]}
    if get_origin(hint) is Literal:
        return {"enum": list(get_args(hint))}
    if get_origin(hint) is list:
        return {"type": "array", "items": _field("", get_args(hint)[0], definitions, said)}
    if get_origin(hint) is dict:
        return {"type": "object"}
    if is_typeddict(hint):
        if hint.__name__ not in definitions:
            definitions[hint.__name__] = {}
            definitions[hint.__name__] = _typed_dict(hint, definitions, said)
        return {"$ref": f"#/$defs/{hint.__name__}"}
    if hint is str:
        return dict(INSTANT if name in INSTANTS else PANE_UID if name == "pane_uid" else {"type": "string"})
    return dict(PLAIN[hint])


def _docstrings() -> dict[str, str]:
    """Docstrings of the classes (`PaneResult`) and of their fields (`PaneResult.host`)."""
    said: dict[str, str] = {}
    sources = [Path(part.__file__ or "").read_text(encoding="utf-8") for part in PARTS]
    for node in (node for source in sources for node in ast.parse(source).body):
        if not isinstance(node, ast.ClassDef):
            continue
        if text := ast.get_docstring(node):
            said[node.name] = _plain(text)
        for field, after in zip(node.body, node.body[1:], strict=False):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(after, ast.Expr):
                said[f"{node.name}.{field.target.id}"] = _plain(str(ast.literal_eval(after.value)))
    return said


def _plain(text: str) -> str:
    """On one line, in JSON's words."""
    return re.sub(r"\b(None|True|False)\b", lambda found: PYTHON_WORDS[found[0]], " ".join(text.split()))
