"""What one session file says of tokens: by turn and model, and what the agent's own sums hold beyond its turns."""

from __future__ import annotations

from typing import NamedTuple

from wa.detect.session_ops import ModelSpent
from wa.protocol.session_files import (
    Compacted,
    Record,
    Rewritten,
    SessionMeta,
    TokenCount,
    Tokens,
    TurnEnded,
    TurnStarted,
)

NOTHING = Tokens(0, 0, 0, 0)
UNNAMED = "unknown"
"""A model that the file does not name."""
MAX_COMPACTIONS = 1000


class Spent(NamedTuple):
    """By one model."""

    reqs: int
    tokens: Tokens

    def plus(self, other: Spent) -> Spent:
        return Spent(self.reqs + other.reqs, self.tokens.plus(other.tokens))


class Request(NamedTuple):
    at_ms: int
    """Of its answer."""
    model: str
    tokens: Tokens


class FileTurn:
    def __init__(self, started_ms: int) -> None:
        self.started_ms = started_ms
        self.last_ms = started_ms
        """The last sign of it."""
        self.requests: dict[str, Request] = {}

    def count(self, model: str, found: TokenCount) -> None:
        """A request that is written again is one."""
        if found.request is not None:
            name = found.request_id or f"#{len(self.requests)}"
            self.requests[name] = Request(found.at_ms or self.last_ms, model, found.request)
        self.sign(found.at_ms)

    def sign(self, at_ms: int | None) -> None:
        self.last_ms = max(self.last_ms, at_ms or 0)


class FileTally:
    """Fed with every record of a file, from its first on; what precedes *since_ms* was spent by an earlier run."""

    def __init__(self, agent: str, since_ms: int) -> None:
        self.since_ms = since_ms
        self._adds_reasoning = agent == "gemini"
        self._begin()

    def _begin(self) -> None:
        self.turns: list[FileTurn] = []
        """Since *since_ms*, oldest first."""
        self.compactions: list[Compacted] = []
        """Those that nobody has taken out yet."""
        self._model: str | None = None
        self._turn: FileTurn | None = None
        self._earlier: dict[str, Tokens] = {}
        self._own: dict[str, Tokens] = {}
        """The agent's own sum of a model, where it writes one."""
        self._is_whole = True
        """The file was read from its beginning."""
        self.last_ms = self.since_ms

    def feed(self, record: Record) -> bool:
        """Whether it told anything of tokens or compactions."""
        match record:
            case SessionMeta():
                self._model = record.model or self._model
            case TurnStarted():
                self._close()
                self._turn = None if record.at_ms is None else FileTurn(record.at_ms)
                if self._turn is not None and self._turn.started_ms >= self.since_ms:
                    self.turns.append(self._turn)
            case TurnEnded() if self._turn is not None:
                self._turn.sign(record.at_ms)
            case TokenCount():
                return self._count(record)
            case Compacted() if record.at_ms is not None and record.at_ms >= self.since_ms:
                if len(self.compactions) < MAX_COMPACTIONS:
                    self.compactions.append(record)
                return True
            case Rewritten():
                self._begin()
                return True
        return False

    def rest(self) -> dict[str, Spent]:
        """What the agent's own sums hold beyond all that was counted by turns: side requests, answers written down too early."""
        if not self._is_whole:
            return {}
        counted = dict(self._earlier)
        before = [self._turn] if self._turn is not None and self._turn.started_ms < self.since_ms else []
        for turn in [*before, *self.turns]:
            for request in turn.requests.values():
                counted[request.model] = counted.get(request.model, NOTHING).plus(request.tokens)
        beyond = {}
        for model, own in self._own.items():
            more = Tokens(*(max(0, figure) for figure in own.minus(counted.get(model, NOTHING))))
            if any(more):
                beyond[model] = Spent(0, more._replace(cached=min(more.cached, more.input)))
        return beyond

    def told(self, model: str, spent: Spent) -> ModelSpent:
        """As the agents' exit texts count: what came from a cache is no input."""
        sent, cached, output, reasoning = spent.tokens
        total = sent - cached + output + (reasoning if self._adds_reasoning else 0)
        return ModelSpent(model, spent.reqs, total, sent - cached, cached, output, reasoning)

    def _count(self, found: TokenCount) -> bool:
        model = found.model or self._model or UNNAMED
        self.last_ms = max(self.last_ms, found.at_ms or 0)
        if found.request is None and found.session is None:
            if found.total is not None:
                self._own[model] = found.total
            return True
        self._is_whole = self._is_whole and found.total is not None
        if self._turn is None or found.turn is None:
            return False
        self._turn.count(model, found)
        return True

    def _close(self) -> None:
        turn = self._turn
        if turn is not None and turn.started_ms < self.since_ms:
            for request in turn.requests.values():
                self._earlier[request.model] = self._earlier.get(request.model, NOTHING).plus(request.tokens)
