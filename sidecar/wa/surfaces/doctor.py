"""`wa doctor`."""

from __future__ import annotations

from wa.protocol.results import DoctorResult
from wa.surfaces.answer import Json, answer, paths
from wa.surfaces.output import Style, Terminal
from wa.surfaces.text import harmless

MARKS = {
    "ok": ("ok", Style.GOOD),
    "note": ("note", Style.MARK),
    "warning": ("warn", Style.WARN),
    "error": ("FAIL", Style.BAD),
}


def doctor(json: Json = False) -> None:
    """Look for trouble: WezTerm, sockets, protocol, latency, database; each with its next step.

    Example: wa doctor
    """
    # Imported here: only this command needs it, and each one's start counts.
    from wa.api.doctor import examine

    answer("doctor", examine(paths()), render, as_json=json)


def render(result: DoctorResult, terminal: Terminal) -> list[str]:
    lines = []
    for finding in result["findings"]:
        word, style = MARKS[finding["level"]]
        lines.append(f"{terminal.styled(f'{word:<4}', style)}  {harmless(finding['what'])}")
        if finding["next_step"]:
            lines.append(f"      {terminal.styled('next:', Style.MARK)} {harmless(finding['next_step'])}")
    return lines
