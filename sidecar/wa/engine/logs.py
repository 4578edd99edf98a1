"""The sidecar's log file: private, rotated, one line of text an entry, secrets taken out of all of it."""

from __future__ import annotations

import logging
import logging.handlers
import os
from io import TextIOWrapper
from pathlib import Path

from wa.config.settings import LogSettings
from wa.protocol.envelope import iso
from wa.store.redact import redact

STANDARD = frozenset(vars(logging.LogRecord("", 0, "", 0, "", (), None))) | {"message", "asctime", "taskName"}
"""What every record has; the rest is what `extra` brought."""
MAX_LINE_CHARS = 20_000


class LineFormatter(logging.Formatter):
    """`2026-11-21T08:42:29.123Z info wa.engine.session mux connected  mux=local codec=44`"""

    def format(self, record: logging.LogRecord) -> str:
        fields = "".join(f" {key}={_shown(value)}" for key, value in vars(record).items() if key not in STANDARD)
        line = f"{iso(int(record.created * 1000))} {record.levelname.lower()} {record.name} {record.getMessage()}"
        if fields:
            line = f"{line} {fields}"
        if record.exc_info:
            line = f"{line}\n{self.formatException(record.exc_info)}"
        return redact(line if len(line) <= MAX_LINE_CHARS else f"{line[:MAX_LINE_CHARS]}…")


def _shown(value: object) -> str:
    text = str(value)
    plain = text and text.isprintable() and " " not in text
    return text if plain else repr(text)


class PrivateRotatingHandler(logging.handlers.RotatingFileHandler):
    """Every file it opens is 0600 from its first byte. A disk that is full loses lines of the log, nothing else."""

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(
            self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
        )
        os.fchmod(descriptor, 0o600)
        return os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace")

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802, ARG002 - the name and argument of logging
        return


def log_to(path: Path, settings: LogSettings) -> logging.Handler:
    """Send what wa logs to *path* from now on, and nowhere else. `stop_logging` undoes it."""
    handler = PrivateRotatingHandler(
        path, maxBytes=settings.size_mb * 1024 * 1024, backupCount=settings.files, encoding="utf-8"
    )
    handler.setFormatter(LineFormatter())
    root = logging.getLogger("wa")
    root.setLevel(settings.level.upper())
    root.addHandler(handler)
    root.propagate = False
    asyncio_log = logging.getLogger("asyncio")
    asyncio_log.addHandler(handler)
    return handler


def stop_logging(handler: logging.Handler) -> None:
    root = logging.getLogger("wa")
    root.removeHandler(handler)
    root.propagate = True
    root.setLevel(logging.NOTSET)
    logging.getLogger("asyncio").removeHandler(handler)
    handler.close()
