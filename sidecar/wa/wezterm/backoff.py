"""How long to wait before the next attempt. Pure: the caller brings the failures counted so far and the jitter."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential, with a ceiling. The jitter keeps many connections from coming back in step."""

    first_s: float = 0.25
    factor: float = 2.0
    limit_s: float = 30.0
    stable_after_s: float = 20.0
    """A connection that stood this long was sound: the count of failures starts anew."""

    def delay_s(self, failures: int, jitter: float) -> float:
        """Seconds to wait after *failures* in a row; 0 before the first. *jitter* in [0, 1) spreads the upper half."""
        if failures <= 0:
            return 0.0
        # The exponent is capped: a sidecar that fails for a week must not overflow a float.
        full = min(self.limit_s, self.first_s * self.factor ** min(failures - 1, 64))
        return full * (0.5 + 0.5 * jitter)

    def failures_after(self, failures: int, stood_s: float) -> int:
        """The count to go on with when a connection that stood for *stood_s* has ended."""
        return 1 if stood_s >= self.stable_after_s else failures + 1
