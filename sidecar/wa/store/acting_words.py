"""An action in words: what of it goes to the disk, and without what."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from wa.model.action import Action, WhileBusy
from wa.store.agent_redact import plain
from wa.store.redact import redact


def what_of(action: Action) -> dict[str, Any]:
    """The fields that say something, secrets taken out."""
    said: dict[str, Any] = {"kind": action.kind.value}
    if action.text:
        said["text"] = redact(action.text)
    for name in ("submit", "forced"):
        if getattr(action, name):
            said[name] = True
    if action.keys:
        said["keys"] = list(action.keys)
    if action.labels:
        said["labels"] = [redact(label) for label in action.labels]
    if action.question:
        said["question"] = redact(action.question)
    if action.effects:
        said["effects"] = sorted(action.effects)
    if action.while_busy is not WhileBusy.REFUSE:
        said["while_busy"] = action.while_busy.value
    return said


def fingerprint_of(action: Action) -> str:
    """For the disk: "" where a secret stands in the action. A short secret could be guessed from its hash."""
    return action.fingerprint if is_plain(action) else ""


def is_plain(action: Action) -> bool:
    """Whether nothing secret is known to stand in it: only then may it wait on the disk."""
    return all(redact(text) == text for text in (action.text, *action.labels, action.question))


def key_of(key: str) -> str:
    """As it stands in the database: a key that holds a secret is known by its hash."""
    return key if redact(key) == key else hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def clean(value: Any) -> Any:
    """Secrets out of every text of a JSON value, its keys included."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {redact(str(key)): clean(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [clean(one) for one in value]
    return value


def to_json(value: Any) -> str:
    """*value*, cleaned, in characters that SQLite takes."""
    return json.dumps(plain(clean(value)), ensure_ascii=True, separators=(",", ":"), default=str)
