"""The titles of one mux's tabs: what stands there, what of it is the user's, and when another may be written.

A GUI that shows a mux's tabs writes each title that it is told back into the mux. Two titles that are under way at once go round
between the two for ever, thousands of times a second (WezTerm 2023-07 to 2025-02, measured; docs/topics/badges.md). So a title is
written only where the last one has come to rest everywhere, whoever wrote that.

No clock and no I/O: times are seconds of one clock and come with each call.
"""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Iterator

from wa.protocol.badges import Counts, marked, own_title, taken_apart, unnumbered

REST_S = 0.25
"""Between two titles of one tab, and between the user's and wa's."""
REMOTE_REST_S = 1.0
"""The same where the GUI is behind ssh."""
PLAIN_REST_S = 1.0
"""The same after a title that several tabs may have, "" first of all: that it is seen at the GUI proves nothing. And a GUI reads the
titles of all tabs anew when one has come (wezterm-client, `resync`)."""
ARRIVED_S = 0.2
"""After a title was seen at the GUI, what the GUI wrote back is on its way for so long."""
KEPT = 16
LOOP_CHANGES, LOOP_S = 40, 2.0
"""More changes than wa and a person can make."""
LOOP_REST_S = 10.0


class Tab:
    def __init__(
        self, title: str, now_s: float, numbers: Iterator[int] | None = None, *, is_first: bool = True
    ) -> None:
        """*numbers*: of those no two tabs of the mux get the same. *is_first*: a marker in *title* was there before wa, left by a crash."""
        self._numbers = itertools.count(1) if numbers is None else numbers
        self._next = ""
        self.known = title
        """As it stands in the mux."""
        self.own = own_title(title)
        """The user's part of it."""
        self.changed_s = now_s
        self.seen_s: float | None = None
        """When the title was at rest in each GUI; None: not that wa knows."""
        self.loop_until_s = -math.inf
        self._sent: deque[str] = deque(maxlen=KEPT)
        self._ours: deque[str] = deque([taken_apart(title).marker] if is_first else [], maxlen=KEPT)
        """Markers that wa may take away."""
        self._meanwhile: list[str] | None = None
        """What was heard while a title of wa's is under way."""
        self._changes: deque[float] = deque([now_s], maxlen=LOOP_CHANGES)

    def heard(self, title: str, now_s: float) -> None:
        """The mux says that this is the title now; in the order in which the mux says so."""
        if title == self.known:
            return
        self.known, self.changed_s, self.seen_s = title, now_s, None
        if self._changes.maxlen == len(self._changes) and now_s - self._changes[0] < LOOP_S:
            self.loop_until_s = now_s + LOOP_REST_S
        self._changes.append(now_s)
        if self._meanwhile is None:
            self._learn(title)
        else:
            self._meanwhile.append(title)

    def sending(self, title: str) -> None:
        """One at a time."""
        self._sent.append(title)
        self._ours.append(taken_apart(title).marker)
        self._meanwhile = []

    def sent(self, title: str, now_s: float, *, taken: bool) -> None:
        """The mux has answered (*taken*) or has not. What it told before its answer was heard, and nothing that it told after."""
        heard, self._meanwhile = self._meanwhile or [], None
        if title in heard:
            # A person may have written the same: the last is wa's, for the mux told of it right before its answer.
            del heard[len(heard) - 1 - heard[::-1].index(title)]
        elif taken and not heard:
            # It stood there already.
            self.known, self.changed_s, self.seen_s = title, now_s, None
        for other in heard:
            self._learn(other)

    def _learn(self, title: str) -> None:
        if not (taken_apart(title).marker and title in self._sent):
            self.own = own_title(title)

    def wanted(self, counts: Counts) -> str:
        """What stands there where that says it already; else a title that no tab has had."""
        plain = marked(counts, self.own)
        if self.is_anothers or unnumbered(self.known) == plain:
            return self.known
        if unnumbered(self._next) != plain or self._next in self._sent:
            self._next = marked(counts, self.own, next(self._numbers))
        return self._next

    @property
    def is_anothers(self) -> bool:
        """The marker that stands there is of another sidecar, that of the GUI's machine perhaps: two would write against each other."""
        marker = taken_apart(self.known).marker
        return bool(marker) and marker not in self._ours

    def may_change_s(self, rest_s: float, *, watched: bool) -> float:
        """From when on another title may be written. *watched*: a GUI shows it that must have seen this one; infinite until it has."""
        if watched and self.seen_s is None:
            return math.inf
        if watched and not taken_apart(self.known).marker:
            rest_s = max(rest_s, PLAIN_REST_S)
        seen_s = -math.inf if self.seen_s is None else self.seen_s + ARRIVED_S * (rest_s / REST_S)
        return max(self.changed_s + rest_s, seen_s, self.loop_until_s)

    def is_looping(self, now_s: float) -> bool:
        return now_s < self.loop_until_s
