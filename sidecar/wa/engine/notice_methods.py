"""The method of notices on the sidecar's socket."""

from __future__ import annotations

from collections.abc import Mapping

from wa.engine.notices import Notices
from wa.engine.server import Handler, Params
from wa.model.errors import UsageError


def notice_handlers(notices: Notices) -> Mapping[str, Handler]:
    async def test(params: Params) -> dict[str, dict[str, str]]:
        ways = params.get("ways", [])
        if not isinstance(ways, list) or not all(isinstance(way, str) for way in ways):
            raise UsageError("`ways` must be a list of names")
        return {"ways": dict(await notices.test(ways))}

    return {"notify_test": test}
