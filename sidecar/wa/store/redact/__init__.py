"""Secrets out of text, before anything of it reaches the disk.

A secret becomes `[redacted:KIND]`. docs/topics/secrets.md says what is recognised and what is not.
"""

from wa.store.redact.rows import redact, redact_rows
from wa.store.redact.scan import NEUTRAL, Carry

__all__ = ["NEUTRAL", "Carry", "redact", "redact_rows"]
