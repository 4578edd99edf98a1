"""What agents write to their hooks, and the part of it that wa keeps. Imports nothing: an agent waits while this runs.

Seen on 2026-11-21: Claude Code 2.1.12 and 2.1.328, Codex 0.87.0 (`notify`) and 0.169.0, Gemini CLI 0.24.0 and 0.61.0.
"""

from __future__ import annotations

MAX_VALUE = 256
MAX_PATH = 4096
KEPT = (
    "session_id",
    "thread-id",
    "turn-id",
    "turn_id",
    "prompt_id",
    "cwd",
    "type",
    "source",
    "reason",
    "trigger",
    "error",
    "notification_type",
    "stop_hook_active",
    "tool_name",
    "agent_id",
    "version",
)
"""No prompt, no answer, nothing that goes into a tool or comes out of it, no summary, no message."""


def reduced(payload: object) -> dict[str, object]:
    """What wa needs of it: short texts and truth values of known names."""
    found: dict[str, object] = {}
    if isinstance(payload, dict):
        for name in KEPT:
            value = payload.get(name)
            if isinstance(value, bool) or (
                isinstance(value, str) and len(value) <= (MAX_PATH if name == "cwd" else MAX_VALUE)
            ):
                found[name] = value
    return found


def session_id(payload: dict[str, object]) -> str | None:
    """The agent's own id of its session; `thread-id` is Codex's word for it in `notify`."""
    for name in ("session_id", "thread-id"):
        value = payload.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return None
