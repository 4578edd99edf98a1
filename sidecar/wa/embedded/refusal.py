from __future__ import annotations


class Refusal(Exception):  # noqa: N818 - an answer, not an error of ours
    """A request that is answered with an ErrorResponse, worded as WezTerm words it."""
