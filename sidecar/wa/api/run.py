"""`wa run -- PROGRAM …`: a program as if it ran alone, and what it reports of itself told to the sidecar.

Nothing heavy is imported: the program is what somebody waits for.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence

from wa import emit
from wa.api.hook_call import places
from wa.helpers.pty_run import NotStartedError, become, is_wanted, run_in_pty, status_of
from wa.protocol.osc7501 import Report

WAITING = 64
"""Reports that may wait to be told; the oldest go first."""
LAST_S = 1.0
"""So long the last reports may take once the program has ended."""
IDS = 256
"""Of sub-records that are compared with what they last said."""


def run(argv: Sequence[str]) -> int:
    """The exit status: the program's own, 128 and the signal that ended it, 126 or 127 where it could not be started."""
    if not is_wanted():
        return become(argv)
    teller = Teller(argv[0])
    try:
        return run_in_pty(argv, teller.take)
    except NotStartedError as error:
        print(f"wa run: {argv[0]}: {error}", file=sys.stderr)
        return status_of(error)
    finally:
        teller.close()


class Teller:
    """Tells changes in the background: passing bytes waits for no sidecar."""

    def __init__(self, argv0: str) -> None:
        self._argv0 = argv0.rpartition("/")[2][:128]
        self._waiting: deque[tuple[int, Report]] = deque(maxlen=WAITING)
        self._last: dict[str | None, Report] = {}
        self._news = threading.Event()
        self._closing = False
        self._count = 0
        self._thread: threading.Thread | None = None

    def take(self, report: Report) -> None:
        """What says the same as the one before it is no change."""
        if self._last.get(report.id) == report:
            return
        if len(self._last) >= IDS:
            self._last.clear()
        self._last[report.id] = report
        self._waiting.append((time.time_ns() // 1_000_000, report))
        self._news.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._tell, name="wa-run-tells", daemon=True)
            # The thread inherits the mask: signals are the main thread's.
            before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
            self._thread.start()
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def close(self) -> None:
        self._closing = True
        self._news.set()
        if self._thread is not None:
            self._thread.join(LAST_S)

    def _tell(self) -> None:
        socket, spool = places(dict(os.environ))
        tty, pids = emit.ancestry()
        while True:
            self._news.wait()
            self._news.clear()
            while self._waiting:
                at_ms, report = self._waiting.popleft()
                self._count += 1
                emit.deliver(emit.pack(self._frame(at_ms, report, tty, pids)), socket, spool)
            if self._closing and not self._waiting:
                return

    def _frame(self, at_ms: int, report: Report, tty: str | None, pids: list[int]) -> dict[str, object]:
        return {
            "v": 1,
            "kind": "event",
            "source": "program",
            "at_ms": at_ms,
            "key": f"{os.getpid()}-{at_ms}-{self._count}",
            "name": "state",
            "tty": tty,
            "pids": pids,
            "argv0": self._argv0,
            "state": report.state,
            "detail": report.kind,
            "title": report.title,
            "message": report.message,
            "app": report.app,
            "id": report.id,
            "progress": report.progress,
        }
