"""What came of a rescue: the journal of setup/rescue.sh and how things stand now, read into nouns. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from wa.provision.rescue_facts import Process, lines_of, read_process, sentence_of


@dataclass(slots=True)
class Wanted:
    """One pane of a rescue."""

    tty: int
    leader: int
    start: int
    alive: bool
    held_by: str | None
    """`reptyr 4711`; None: nobody holds its terminal any more."""
    outcome: str | None = None
    """In the script's word; None: its turn had not come when the rescue was cut off."""
    began: bool = False
    place: str | None = None
    window: str | None = None
    shows: str | None = None
    why: str | None = None
    processes: list[Process] = field(default_factory=list)
    pane_id: int | None = None

    @property
    def standing(self) -> str:
        """How it stands now, whatever was written down."""
        by_reptyr = (self.held_by or "").startswith("reptyr")
        if self.outcome == "moved" and not self.alive:
            return "moved"  # it has ended since
        if self.outcome == "stuck":
            return "moved" if by_reptyr else "stuck"
        if self.outcome in ("stayed", "gone"):
            return "moved" if by_reptyr and self.alive else self.outcome
        if by_reptyr:
            return "moved" if self.alive else "lost"
        if self.alive and self.held_by is not None:
            return "stayed"
        return "unknown" if self.alive else "lost"


@dataclass(slots=True)
class Report:
    id: str | None = None
    session: str | None = None
    running: bool = False
    restarted: str | None = None
    wanted: list[Wanted] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def pane(self, tty: int) -> Wanted | None:
        return next((one for one in self.wanted if one.tty == tty), None)


def read_report(text: str) -> Report:
    """Of `move`, `restart` and `report`. Raises ScriptFailure."""
    report = Report()
    for word, *fields in lines_of(text):
        try:
            _take(report, word, fields)
        except (ValueError, LookupError):
            continue
    return report


def _take(report: Report, word: str, fields: list[str]) -> None:
    if said := sentence_of(word, fields):
        if said not in report.notes:
            report.notes.append(said)
    elif word == "rescue":
        report.id, report.session, report.running = fields[0], fields[1] or None, fields[2] == "running"
    elif word == "restarted":
        report.restarted = fields[0]
    elif word == "wanted":
        held = None if fields[4] == "nobody" else fields[4]
        report.wanted.append(Wanted(int(fields[0]), int(fields[1]), int(fields[2]), fields[3] == "yes", held))
    elif word in ("began", "ended", "process", "pane") and (one := report.pane(int(fields[0]))) is not None:
        _of_pane(one, word, fields)


def _of_pane(one: Wanted, word: str, fields: list[str]) -> None:
    def told(at: int) -> str | None:
        return fields[at] if len(fields) > at and fields[at] not in ("", "-") else None

    if word == "process":
        one.processes.append(read_process(fields))
    elif word == "pane":
        one.pane_id = int(fields[1]) if fields[1].isdigit() else None
    elif word == "began":
        one.began, one.place = True, told(4)
    else:
        one.began, one.outcome = True, fields[2]
        one.place, one.window, one.shows, one.why = told(5), told(6), told(7), told(8)
