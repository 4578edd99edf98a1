"""What is lost where the log does not end in the history that the terminal has."""

from __future__ import annotations

from wa.ingest.fetch import Lost
from wa.ingest.ledger import Ledger
from wa.ingest.rejoin import Rejoin
from wa.ingest.uncertain import Cause
from wa.model.log import GapReason


def report_missing(ledger: Ledger, rejoin: Rejoin, at_ms: int, *, limit: int | None) -> None:
    """Rows between the log and the history are gone."""
    if rejoin.cause is Cause.RESUMED:
        lost = rejoin.missed if rejoin.missed or rejoin.printed_again else None
        ledger.gap(lost, GapReason.DISCONNECTED, at_ms)
    elif rejoin.cause is Cause.RESIZED:
        ledger.gap(None, GapReason.RESIZED, at_ms)
    elif rejoin.missed or rejoin.unknown_loss:
        reason = GapReason.RESIZED if rejoin.rewrapped else GapReason.DISCONNECTED
        ledger.gap(rejoin.missed or None, reason, at_ms)
    report_orphans(ledger, rejoin, at_ms, limit=limit)


def report_orphans(ledger: Ledger, rejoin: Rejoin, at_ms: int, *, limit: int | None) -> None:
    # A burst longer than a limit that was not known yet looks like an erasure at first.
    full = rejoin.cause is not Cause.ERASED or (limit is not None and rejoin.history_rows >= limit)
    for piece in rejoin.orphans:
        if isinstance(piece, Lost):
            reason = GapReason.TRIMMED if full else GapReason.ERASED
            ledger.gap(piece.size, reason if piece.trimmed else GapReason.UNREADABLE, at_ms)
        else:
            ledger.store((piece,), at_ms)
