"""A run, played: what it asks for next, what it was answered, and what it was answered before a restart.

The generator is never stored. A run that is taken up again is played from its beginning and fed the replies on record, until it asks for
what nobody has answered yet. A journal that no longer fits ends the run: nothing is typed on a guess.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from wa.act.journal import Entry, Json, UnreadableError, command_json, reply_json, reply_of
from wa.act.workflow import Context, Play, Workflow
from wa.model.command import Command, Ending, Reply

MAX_STEPS = 2_000
"""A workflow that asks for more goes round in circles."""

Clean = Callable[[Any], Any]
"""Takes secrets out of a JSON value; twice is once."""


class Asked(NamedTuple):
    number: int
    command: Command
    recorded: bool
    """It stands in the journal already: an earlier sidecar began with it, so it is taken up under the same key."""


Next = Asked | Ending


class Player:
    """One run. `begin`, then `answer` after each Asked, until an Ending."""

    def __init__(self, workflow: Workflow, context: Context, *, clean: Clean = lambda value: value) -> None:
        self._workflow = workflow
        self._context = context
        self._clean = clean
        self._play: Play | None = None
        self._number = 0
        self._over = False

    def begin(self, entries: Sequence[Entry] = (), *, version: str | None = None) -> Next:
        """Plays forward over *entries*, the journal in order. *version* is that of the workflow that wrote it."""
        if version is not None and version != self._workflow.version:
            return self._end(superseded(version, self._workflow.version))
        try:
            self._play = self._workflow.play(self._context)
        except Exception as error:
            return self._end(broke(error))
        asked = self._next(None)
        for entry in entries:
            if isinstance(asked, Ending):
                return self._end(misfit(f"it ends at step {entry.number} now"))
            if entry.number != self._number or entry.command != self.cleaned(asked):
                return self._end(misfit(f"step {entry.number} is another now"))
            if entry.reply is None:
                if entry is not entries[-1]:
                    return self._end(misfit(f"step {entry.number} has no reply"))
                return Asked(self._number, asked, recorded=True)
            try:
                reply = reply_of(entry.reply)
            except UnreadableError as error:
                return self._end(misfit(f"the reply of step {entry.number} cannot be read: {error}"))
            asked = self._next(reply)
            self._number += 1
        return self._end(asked) if isinstance(asked, Ending) else Asked(self._number, asked, recorded=False)

    def answer(self, reply: Reply) -> Next:
        """The generator gets what the journal keeps and nothing else, so that a replay gets the same."""
        kept = reply_of(self.cleaned_reply(reply))
        asked = self._next(kept)
        self._number += 1
        if isinstance(asked, Ending):
            return self._end(asked)
        if self._number >= MAX_STEPS:
            return self._end(Ending("too_many_steps", f"it asked for {MAX_STEPS} things and found no end", failed=True))
        return Asked(self._number, asked, recorded=False)

    def cleaned(self, asked: Command) -> Json:
        """As the journal keeps it."""
        said: Json = self._clean(command_json(asked))
        return said

    def cleaned_reply(self, reply: Reply) -> Json:
        said: Json = self._clean(reply_json(reply))
        return said

    def close(self) -> None:
        """The run is given up in the middle."""
        self._end(Ending(""))

    def _next(self, reply: Reply | None) -> Command | Ending:
        if self._over or self._play is None:
            raise RuntimeError("the run has ended")
        try:
            return next(self._play) if reply is None else self._play.send(reply)
        except StopIteration as stopped:
            ending = stopped.value
            return ending if isinstance(ending, Ending) else Ending("done")
        except Exception as error:
            return broke(error)

    def _end(self, ending: Ending) -> Ending:
        self._over = True
        if self._play is not None:
            try:
                self._play.close()
            except Exception as error:
                return broke(error)
        return ending


def superseded(before: str, now: str) -> Ending:
    return Ending("superseded", f"it was begun by version {before}, and this is {now}", failed=True)


def misfit(why: str) -> Ending:
    return Ending("journal_misfit", f"the journal no longer fits the workflow: {why}", failed=True)


def broke(error: Exception) -> Ending:
    return Ending("broken", f"the workflow raised {type(error).__name__}: {error}"[:400], failed=True)


def drawn(seed: int, number: int) -> float:
    """0 … 1, the same for the same run and step: what differs between panes."""
    digest = hashlib.sha256(f"{seed}:{number}".encode()).digest()
    return int.from_bytes(digest[:7]) / (1 << 56)
