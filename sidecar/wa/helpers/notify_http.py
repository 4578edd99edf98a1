"""One POST of JSON, and what its failure means. Nothing of the address or the token gets into words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wa.helpers.notify import WITHIN_S, NotifyError

TOO_MANY = 429


async def post(url: str, data: Mapping[str, Any], *, token: str, what: str) -> None:
    """Redirects are not followed: the token is for this address. Raises NotifyError."""
    import aiohttp  # only who sends notices needs it, and it is slow to import

    headers = {"Authorization": f"Bearer {token}"} if token else {}
    timeout = aiohttp.ClientTimeout(total=WITHIN_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(url, json=data, headers=headers, allow_redirects=False) as response,
        ):
            status = response.status
    except TimeoutError:
        raise NotifyError(f"{what} did not answer within {WITHIN_S:g} s", again=True) from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        # The words of such errors may hold the address.
        raise NotifyError(f"{what} cannot be reached ({type(error).__name__})", again=True) from None
    if status == TOO_MANY or status >= 500:
        raise NotifyError(f"{what} answered with status {status}", again=True)
    if not 200 <= status < 300:
        raise NotifyError(
            f"{what} answered with status {status}", next_step=f"Check the address and the token of {what}."
        )
