"""Is each rule of a pack sound? It needs a real capture that it fires on, and a near miss that it stays silent on."""

from __future__ import annotations

from wa.detect.pack import Pack


def lint_pack(pack: Pack) -> list[str]:
    """Problems, a line each."""
    problems = []
    for rule in pack.rules:
        if not rule.match:
            problems.append(f"{rule.id}: it matches nothing: `match` is missing")
        if not rule.seen:
            problems.append(f"{rule.id}: `seen` is missing: say in which versions, and when")
    return problems
