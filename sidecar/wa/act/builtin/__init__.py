"""The workflows that come with wa: docs/topics/workflows-built-in.md."""

from __future__ import annotations

from wa.act.builtin.auth import HANDLE_AUTH_REQUIRED
from wa.act.builtin.compaction import HANDLE_COMPACTION
from wa.act.builtin.limits import HANDLE_USAGE_LIMITS
from wa.act.builtin.restart import RESTART_AGENT
from wa.act.builtin.session_end import HANDLE_SESSION_END
from wa.act.builtin.stuck import STUCK
from wa.act.workflow import Workflow

BUILTINS: tuple[Workflow, ...] = (
    HANDLE_COMPACTION,
    HANDLE_USAGE_LIMITS,
    HANDLE_SESSION_END,
    RESTART_AGENT,
    HANDLE_AUTH_REQUIRED,
    STUCK,
)
