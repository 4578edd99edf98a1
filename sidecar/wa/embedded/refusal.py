from __future__ import annotations


class Refusal(Exception):
    """A request that is answered with an ErrorResponse, worded as WezTerm words it."""
