"""What session files say of one session's tokens, by its turns: each row is told whole, so that telling it again changes nothing."""

from __future__ import annotations

from collections.abc import Mapping

from wa.detect.compactions import Compactions
from wa.detect.file_tally import FileTally, FileTurn, Spent
from wa.detect.session_ops import ModelSpent, NoteSpent, Operation, SessionRef
from wa.detect.turns import Turns
from wa.protocol.session_files import Record, Rewritten

EARLIER_MS, LATER_MS = 1_500, 5_000
"""A pane shows a turn's beginning so much earlier, and so much later, than the file tells it."""
OPEN_TURNS = 8
"""So many newest turns of a file may still find another turn of the pane."""
NO_TURN = 0
"""Of no turn that the pane has shown."""


class _File:
    def __init__(self, tally: FileTally, *, tied: bool) -> None:
        self.tally = tally
        self.tied = tied
        """Only a file that is surely this session's counts beyond the turns that began as the pane's did."""
        self.placed: list[int] = []
        """Of the file's turns from the first on, which are not looked at again."""
        self.settled: dict[int, dict[str, Spent]] = {}
        """By turn, of those."""
        self.changed = False


class Ledger:
    def __init__(self, ref: SessionRef, turns: Turns, compactions: Compactions) -> None:
        self.ref = ref
        self._turns = turns
        self._compactions = compactions
        self._files: dict[str, _File] = {}
        self._told: dict[tuple[str, int], tuple[ModelSpent, ...]] = {}
        self._turns_known = (0, False)

    def follow(self, own_id: str, since_ms: int, *, tied: bool) -> None:
        """The file of session *own_id* will be told, from its first record on."""
        file = _File(FileTally(self.ref.agent, since_ms), tied=tied)
        file.changed = True
        self._files[own_id] = file

    def tie(self, own_id: str) -> None:
        """It is sure now that the file is this session's."""
        file = self._files.get(own_id)
        if file is not None and not file.tied:
            file.tied = file.changed = True
            file.placed, file.settled = [], {}

    def feed(self, own_id: str, record: Record) -> bool:
        """Whether there is something to settle."""
        file = self._files[own_id]
        told = file.tally.feed(record)
        if isinstance(record, Rewritten):
            file.placed, file.settled = [], {}
        file.changed = file.changed or told
        return told

    def settle(self) -> list[Operation]:
        """What is to be noted now; nothing where nothing changed, neither in a file nor in the pane's turns."""
        turns = (self._turns.count, self._turns.is_open)
        again, self._turns_known = turns != self._turns_known, turns
        noted: list[Operation] = []
        for own_id, file in self._files.items():
            if file.changed or again:
                file.changed = False
                noted += self._rows(own_id, file)
                noted += self._compacted(file)
        return noted

    def _compacted(self, file: _File) -> list[Operation]:
        """One of a file that is not surely this session's counts where the screen told of it as well."""
        waiting, file.tally.compactions = file.tally.compactions, []
        noted: list[Operation] = []
        for said in waiting:
            told = self._compactions.filed(said, alone=file.tied)
            if told is None:
                file.tally.compactions.append(said)
            else:
                noted += told
        return noted

    def _rows(self, own_id: str, file: _File) -> list[Operation]:
        rows, last_ms = self._placed(file)
        if file.tied:
            for model, spent in file.tally.rest().items():
                _add(rows.setdefault(NO_TURN, {}), {model: spent})
        else:
            rows.pop(NO_TURN, None)
        noted: list[Operation] = []
        known = {turn for known_id, turn in self._told if known_id == own_id}
        for turn in sorted(known | set(rows)):
            models = tuple(file.tally.told(model, spent) for model, spent in sorted(rows.get(turn, {}).items()))
            if self._told.get((own_id, turn), ()) != models:
                self._told[own_id, turn] = models
                at_ms = file.tally.last_ms if turn == NO_TURN else last_ms.get(turn, file.tally.last_ms)
                noted.append(NoteSpent(self.ref, at_ms, own_id, turn, models))
        return noted

    def _placed(self, file: _File) -> tuple[dict[int, dict[str, Spent]], dict[int, int]]:
        """The rows by turn, and the last instant of each; the file's older turns get their place for good."""
        turns = file.tally.turns
        begun = set(file.placed)
        rows = {turn: dict(models) for turn, models in file.settled.items()}
        last_ms: dict[int, int] = {}
        done = len(file.placed)
        last_ms.update((number, turn.last_ms) for number, turn in zip(file.placed, turns[:done], strict=True))
        settle = max(done, len(turns) - OPEN_TURNS)
        for place in range(done, len(turns)):
            turn = turns[place]
            number = self._number(turn, begun, tied=file.tied)
            begun.add(number)
            last_ms[number] = max(turn.last_ms, last_ms.get(number, 0))
            for request in turn.requests.values():
                spent = {request.model: Spent(1, request.tokens)}
                within = self._later(number, request.at_ms) if file.tied else number
                _add(rows.setdefault(within, {}), spent)
                if place < settle:
                    _add(file.settled.setdefault(within, {}), spent)
            if place < settle:
                file.placed.append(number)
        return rows, last_ms

    def _later(self, number: int, at_ms: int) -> int:
        """The turn of the pane in which a request was answered, where the file begins none for it: codex 0.87's compactions."""
        if number == NO_TURN:
            return number
        own = next(shown for shown in self._turns.shown if shown.number == number)
        if own.ended_ms is None or at_ms <= own.ended_ms:
            return number
        later = [one for one in self._turns.shown if one.number > number and one.started_ms - EARLIER_MS <= at_ms]
        return later[-1].number if later else number

    def _number(self, turn: FileTurn, taken: set[int], *, tied: bool) -> int:
        """Which turn of the pane it is: one that began when it did; else the one within which it began, or that began within it."""
        near = [
            (abs(shown.started_ms - turn.started_ms), shown.number)
            for shown in self._turns.shown
            if -EARLIER_MS <= shown.started_ms - turn.started_ms <= LATER_MS and shown.number not in taken
        ]
        if near:
            return min(near)[1]
        for shown in reversed(self._turns.shown) if tied else ():
            if shown.started_ms <= turn.started_ms and (shown.ended_ms is None or turn.started_ms < shown.ended_ms):
                return shown.number
            if turn.started_ms < shown.started_ms <= turn.last_ms and shown.number not in taken:
                return shown.number
        return NO_TURN


def _add(sums: dict[str, Spent], more: Mapping[str, Spent]) -> None:
    for model, spent in more.items():
        sums[model] = sums[model].plus(spent) if model in sums else spent
