"""Secrets out of what agents said, before anything of it reaches the disk.

A field stands alone: the words beside it, by which `redact` knows a one-time code, are its name and its event. Text that
was read around a sign-in is not kept at all: its rows were joined, and where a wrapped URL ends in it nobody can say.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from wa.detect import session_ops as ops
from wa.model.agent import Detection, Dialog, FieldValue, Limit, PaneState, Signal, Transition
from wa.store.redact import redact
from wa.store.redact.scan import PLACEHOLDER

SIGN_IN_TEXT = f"{PLACEHOLDER}sign_in]"
CODE = f"{PLACEHOLDER}one_time_code]"

_SIGN_IN = ("auth.device_code", "auth.url", "auth.paste_code")
_NEAR_SIGN_IN = ("auth.", "waiting.login", "error.auth")
_CODE_FIELDS = frozenset(
    {"code", "user_code", "device_code", "one_time_code", "otp", "pin", "token", "api_key", "key", "secret", "password"}
)
_CODE = re.compile(r"(?<![A-Za-z0-9\-])(?:[A-Z0-9]{3,8}-[A-Z0-9]{3,8}(?:-[A-Z0-9]{3,8})?|\d{6,8})(?![A-Za-z0-9\-])")
_QUERY = re.compile(r"(?P<address>[^?#\s]*)[?#]\S.*", re.DOTALL)


def cleaned(operation: ops.Operation) -> ops.Operation:
    """The same operation, nothing secret in any of its texts."""
    if isinstance(operation, ops.NoteEvent):
        return operation._replace(detection=clean_detection(operation.detection))
    if isinstance(operation, ops.NoteTransition):
        return operation._replace(transition=clean_transition(operation.transition))
    if isinstance(operation, ops.NoteModels):
        return operation._replace(models=tuple(one._replace(model=redact(one.model)) for one in operation.models))
    if isinstance(operation, ops.NoteSpent):
        spent = tuple(one._replace(model=redact(one.model)) for one in operation.models)
        return operation._replace(own_id=redact(operation.own_id), models=spent)
    if isinstance(operation, ops.BeginCommand):
        # A token is kept: it is what tells two shells apart.
        return operation._replace(command=_maybe(operation.command), cwd=_maybe(operation.cwd))
    if isinstance(operation, ops.NoteShell | ops.EndCommand):
        return operation
    # Exactly str: the words of an enum are code.
    values: list[Any] = [redact(value) if type(value) is str else value for value in operation]
    return type(operation)(*values)


def clean_detection(found: Detection) -> Detection:
    fields = {redact(name): _value(found.event, name, value) for name, value in found.fields.items()}
    text = SIGN_IN_TEXT if found.event in _SIGN_IN else _text(found.event, found.place.text)
    return found._replace(fields=fields, place=found.place._replace(text=text))


def clean_transition(transition: Transition) -> Transition:
    """Without the draft: what a human types and has not sent is nobody's to keep."""
    after = transition.after
    near = "waiting.login" if after.state is PaneState.WAITING_LOGIN else ""
    return transition._replace(
        after=after._replace(
            signals=tuple(_signal(signal, near) for signal in after.signals),
            dialog=None if after.dialog is None else _dialog(after.dialog, near),
            limit=None if after.limit is None else _limit(after.limit),
            draft=None,
            version=_maybe(after.version),
            model=_maybe(after.model),
            plan=_maybe(after.plan),
            project=_maybe(after.project),
            session_id=_maybe(after.session_id),
        )
    )


def to_json(value: object) -> str:
    """`plain`, as text."""
    return json.dumps(plain(value), ensure_ascii=False, separators=(",", ":"))


def plain(value: Any) -> Any:
    """What JSON has: keys in order; a number that JSON has not becomes None."""
    if isinstance(value, Mapping):
        return {key: plain(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, str) else value


def _value(event: str, name: str, value: FieldValue) -> FieldValue:
    if isinstance(value, Mapping):
        return {redact(key): _value(event, key, one) for key, one in value.items()}
    if isinstance(value, tuple):
        return tuple(_value(event, name, one) for one in value)
    if event.startswith(_NEAR_SIGN_IN):
        if name in _CODE_FIELDS and not isinstance(value, bool) and value not in ("", 0):
            return CODE
        if isinstance(value, str) and name == "url":
            return redact(_QUERY.sub(rf"\g<address>?{PLACEHOLDER}oauth_query]", value))
    return _text(event, value) if isinstance(value, str) else value


def _text(event: str, text: str) -> str:
    return _CODE.sub(CODE, redact(text)) if event.startswith(_NEAR_SIGN_IN) else redact(text)


def _signal(signal: Signal, near: str) -> Signal:
    if any(f".{event}" in f".{signal.rule}." for event in _SIGN_IN):
        return signal._replace(text=SIGN_IN_TEXT)
    return signal._replace(text=_text(near or _event_of(signal.rule), signal.text))


def _dialog(dialog: Dialog, near: str) -> Dialog:
    event = near or dialog.event
    return dialog._replace(
        question=SIGN_IN_TEXT if dialog.event in _SIGN_IN else _text(event, dialog.question),
        options=tuple(_text(event, option) for option in dialog.options),
        hint=_text(event, dialog.hint),
    )


def _limit(limit: Limit) -> Limit:
    return limit._replace(printed=redact(limit.printed), window=_maybe(limit.window), plan=_maybe(limit.plan))


def _event_of(rule: str) -> str:
    """`auth.ok.browser` of `codex.auth.ok.browser`."""
    return rule.partition(".")[2]


def _maybe(text: str | None) -> str | None:
    return None if text is None else redact(text)
