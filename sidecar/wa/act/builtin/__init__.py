"""The workflows that come with wa: docs/topics/workflows-built-in.md."""

from __future__ import annotations

from wa.act.builtin.compaction import HANDLE_COMPACTION
from wa.act.builtin.limits import HANDLE_USAGE_LIMITS
from wa.act.workflow import Workflow

BUILTINS: tuple[Workflow, ...] = (HANDLE_COMPACTION, HANDLE_USAGE_LIMITS)
