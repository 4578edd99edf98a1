"""Which of the agent's own ids a session has: with a confidence, and none where two fit."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from wa.detect.session_ops import IdSource, NoteSessionId, Operation, SessionRef

PRINTED = 1.0
FROM_HOOK = 1.0
FROM_COMMAND = 0.95
FROM_STATE = 0.9

_REOPENS = re.compile(
    r"(?:^|[\s;&|])(?:codex\s(?:.*\s)?(?:resume|fork)|\S+\s(?:.*\s)?(?:--resume|--session-id|-r))[\s=]"
    r"['\"]?(?P<id>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\b"
)
_FORKS = re.compile(r"(?:\s--fork-session\b|\scodex\s(?:.*\s)?fork\s|^codex\s(?:.*\s)?fork\s)")


class Candidate(NamedTuple):
    """An id that fits, as a reader of session files gives it."""

    session_id: str
    confidence: float
    source: str


class OwnId:
    def __init__(
        self, session: SessionRef, session_id: str | None = None, confidence: float = 0.0, source: str = ""
    ) -> None:
        self._session = session
        self.session_id = session_id
        self._confidence = confidence
        self._source = source

    def printed(self, session_id: object, at_ms: int) -> list[Operation]:
        """The newest print holds: an agent may begin a new session in the same process."""
        return self._take(session_id, PRINTED, IdSource.PRINTED, at_ms)

    def told(self, session_id: object, confidence: float, source: str, at_ms: int) -> list[Operation]:
        """Said by something less sure; it counts only against what is no surer."""
        if self.session_id is not None and self._confidence > confidence:
            return []
        return self._take(session_id, confidence, source, at_ms)

    def candidates(self, found: Iterable[Candidate], at_ms: int) -> list[Operation]:
        """All that fit now. Two different ones: none; what was believed of that source is withdrawn then."""
        best: dict[str, Candidate] = {}
        for one in found:
            known = best.get(one.session_id.casefold())
            if one.session_id and (known is None or one.confidence > known.confidence):
                best[one.session_id.casefold()] = one
        sources = {one.source for one in best.values()}
        if len(best) == 1:
            (only,) = best.values()
            if only.source == self._source and only.session_id.casefold() != (self.session_id or "").casefold():
                return self._take(*only, at_ms)  # The same witness knows better now.
            return self.told(*only, at_ms)
        if len(best) > 1 and self._source in sources:
            source, self._source, self.session_id, self._confidence = self._source, "", None, 0.0
            return [NoteSessionId(self._session, at_ms, None, 0.0, source)]
        return []

    def _take(self, session_id: object, confidence: float, source: str, at_ms: int) -> list[Operation]:
        if not isinstance(session_id, str) or not session_id.strip():
            return []
        new = session_id.strip()
        if (self.session_id or "").casefold() == new.casefold() and self._confidence >= confidence:
            return []
        self.session_id, self._confidence, self._source = new, confidence, source
        return [NoteSessionId(self._session, at_ms, new, confidence, source)]


def reopened(command: str) -> str | None:
    """The id in a shell command that resumes a session: `codex resume ID`, `claude --resume ID`. None for a fork."""
    found = _REOPENS.search(command[:2000])
    return None if found is None or _FORKS.search(command[:2000]) else found["id"]
