"""Sums of tokens per model, for a turn and for a session."""

from __future__ import annotations

from collections import OrderedDict

from wa.protocol.session_files.records import TokenCount, Tokens

ZERO = Tokens(0, 0, 0, 0)
MAX_MODELS = 64
MAX_REQUESTS = 256
"""A request is written again at most while it is among this many newest ones: its blocks as they come, a tool's result."""


class Usage:
    """Adds requests up; a request that is written again replaces what was said of it."""

    def __init__(self, *, from_start: bool) -> None:
        self._from_start = from_start
        self._total: dict[str | None, Tokens] = {}
        self._turn: dict[str | None, Tokens] | None = None
        self._requests: OrderedDict[str, tuple[str | None, Tokens, int]] = OrderedDict()
        self._turns = 0

    def turn_began(self) -> None:
        self._turn = {}
        self._turns += 1

    def counted(
        self, at_ms: int | None, model: str | None, request_id: str | None, tokens: Tokens
    ) -> TokenCount | None:
        """None where this very count was given before."""
        known = None if request_id is None else self._requests.get(request_id)
        if known is not None and known[1] == tokens:
            return None
        of_turn = self._turns
        if known is not None:
            model, before, of_turn = known
            self._add(model, tokens.minus(before), of_turn)
        else:
            model = self._add(model, tokens, of_turn)
        if request_id is not None:
            self._requests[request_id] = (model, tokens, of_turn)
            if len(self._requests) > MAX_REQUESTS:
                self._requests.popitem(last=False)
        return self._count(at_ms, model, request_id, tokens, None, None)

    def summed(
        self, at_ms: int | None, model: str | None, tokens: Tokens | None, session: Tokens, context_window: int | None
    ) -> TokenCount:
        """A request of an agent that names no requests and keeps the sum itself; *tokens* None where it is not sure to be new."""
        if tokens is not None:
            model = self._add(model, tokens, self._turns)
        return self._count(at_ms, model, None, tokens, session, context_window)

    def _add(self, model: str | None, change: Tokens, of_turn: int) -> str | None:
        if model not in self._total and len(self._total) >= MAX_MODELS:
            model = None
        self._total[model] = self._total.get(model, ZERO).plus(change)
        if self._turn is not None and of_turn == self._turns:
            self._turn[model] = self._turn.get(model, ZERO).plus(change)
        return model

    def _count(
        self,
        at_ms: int | None,
        model: str | None,
        request_id: str | None,
        request: Tokens | None,
        session: Tokens | None,
        context_window: int | None,
    ) -> TokenCount:
        turn = None if self._turn is None else self._turn.get(model, ZERO)
        total = self._total.get(model, ZERO) if self._from_start else None
        return TokenCount(at_ms, model, request_id, request, turn, total, session, context_window)
